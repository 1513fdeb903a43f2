//! From selected packages to entries of the store: known ones are looked up, the others are fetched
//! and unpacked while the fetching goes on, and published together.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dht_store::archive::ClaimName;
use dht_store::{
    EntryRef, Package, ReadyEntry, RealisationKind, StoreError, Transaction, TreeSink,
};
use rayon::prelude::*;
use uv_distribution_filename::{WheelFilename, WheelFilenameError};
use uv_normalize::PackageName;

use super::context::Context;
use super::fetch::{FetchError, FetchedFile, Origin};
use super::mapped::Mapped;
use super::watch::FetchWatch;
use crate::model::progress::Stage;
use crate::model::selection::{Archive, Sha256};
use crate::model::target::Target;
use crate::python::wheel::{self, InstallTarget, WheelError, WindowsLauncher};

/// The form in which wheels are unpacked; another number makes all realisations void.
const INSTALLED_FORM: u32 = 1;
/// Wheels, by the digest of the archive.
pub const WHEEL: RealisationKind = RealisationKind("wheel");

/// A wheel to bring into the store.
#[derive(Debug, Clone)]
pub struct WheelInput {
    /// The package that the lock names.
    pub name: PackageName,
    /// The archive.
    pub archive: Archive,
    /// `direct_url.json`, for a wheel that comes from no index.
    pub direct_url: Option<String>,
}

/// Why a package could not be brought into the store.
#[derive(Debug, thiserror::Error)]
pub enum RealiseError {
    /// The archive could not be had.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The archive is no valid wheel.
    #[error("could not unpack `{filename}`")]
    Wheel {
        /// The archive.
        filename: String,
        /// What is wrong.
        source: WheelError,
    },
    /// The archive's name is no wheel's name.
    #[error("could not read the name of the wheel `{filename}`")]
    Filename {
        /// The archive.
        filename: String,
        /// What is wrong.
        source: WheelFilenameError,
    },
    /// The archive on the disk could not be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The archive.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A wheel for Windows needs launchers, and they could not be had.
    #[error("could not get the launchers that scripts need on Windows")]
    Launcher(#[source] Box<Self>),
    /// A file of the launchers' wheel is missing.
    #[error("the launchers' wheel does not hold `{0}`")]
    NoLauncher(&'static str),
}

/// What was done to realise packages.
#[derive(Debug, Default)]
pub struct RealiseReport {
    /// How many packages the store had.
    pub known: usize,
    /// How many archives were unpacked.
    pub unpacked: usize,
    /// Entries that stood damaged in the store and were replaced; the damaged ones are kept here.
    pub quarantined: Vec<(EntryRef, PathBuf)>,
    /// How long the disk took to make new entries durable.
    pub sync_time: Duration,
    /// Files that run whenever Python starts, by package.
    pub startup_code: Vec<(String, String)>,
}

impl RealiseReport {
    /// Adds what was done for further packages.
    pub fn add(&mut self, more: Self) {
        self.known += more.known;
        self.unpacked += more.unpacked;
        self.quarantined.extend(more.quarantined);
        self.sync_time += more.sync_time;
        self.startup_code.extend(more.startup_code);
    }
}

/// Realises wheels. `again` names packages that are unpacked anew though the store has them.
pub fn realise_wheels(
    context: &Context<'_>,
    target: &Target,
    wheels: &[WheelInput],
    again: &BTreeSet<String>,
) -> Result<(Vec<Package>, RealiseReport), RealiseError> {
    let mut report = RealiseReport::default();
    let known: Vec<Option<EntryRef>> = wheels
        .par_iter()
        .map(|wheel| {
            let fresh = again.contains(wheel.name.as_ref());
            if fresh {
                None
            } else {
                realised(context, target, wheel)
            }
        })
        .collect();
    let missing: Vec<&WheelInput> = wheels
        .iter()
        .zip(&known)
        .filter_map(|(wheel, entry)| entry.is_none().then_some(wheel))
        .collect();
    report.known = wheels.len() - missing.len();
    let mut packages: Vec<Package> = wheels
        .iter()
        .zip(known)
        .filter_map(|(wheel, entry)| Some(package(wheel, entry?)))
        .collect();
    if !missing.is_empty() {
        report.unpacked = missing.len();
        packages.extend(bring_in(context, target, &missing, &mut report)?);
    }
    Ok((packages, report))
}

fn package(wheel: &WheelInput, entry: EntryRef) -> Package {
    Package {
        name: wheel.name.to_string(),
        version: entry.version,
        entry: entry.entry,
        folder: None,
    }
}

/// Returns the input that a realisation is about. With `python_lib`, for a tree that depends on it.
fn key(target: &Target, sha256: Sha256, wheel: &WheelInput, python_lib: bool) -> Vec<u8> {
    let layout = format!("{:?}", target.platform.layout()).to_lowercase();
    let lib = if python_lib {
        target.python.lib_name()
    } else {
        String::new()
    };
    let direct_url = wheel.direct_url.as_deref().unwrap_or_default();
    let also = wheel
        .archive
        .also
        .iter()
        .map(|digest| format!("\n{digest}"));
    let also: String = also.collect();
    format!("form {INSTALLED_FORM}\n{sha256}\n{layout}\n{lib}\n{direct_url}{also}").into_bytes()
}

/// Names every claim that the store may have about these wheels.
pub fn wheel_claims(target: &Target, wheels: &[WheelInput]) -> Vec<ClaimName> {
    let claims = |wheel: &WheelInput| {
        let keys = wheel
            .archive
            .sha256
            .map(|sha256| [false, true].map(|python_lib| key(target, sha256, wheel, python_lib)));
        let keys = keys.into_iter().flatten();
        keys.map(|key| ClaimName::of(WHEEL, &key))
            .collect::<Vec<_>>()
    };
    wheels.iter().flat_map(claims).collect()
}

/// Returns the entry of a wheel, if the store has it.
pub(super) fn realised(
    context: &Context<'_>,
    target: &Target,
    wheel: &WheelInput,
) -> Option<EntryRef> {
    let sha256 = wheel.archive.sha256?;
    [false, true].into_iter().find_map(|python_lib| {
        context
            .store
            .realised_entry(WHEEL, &key(target, sha256, wheel, python_lib))
    })
}

/// A wheel that was unpacked, and what to remember of it.
struct Unpacked {
    index: usize,
    ready: ReadyEntry,
    key: Vec<u8>,
    startup: Vec<String>,
    download: Option<PathBuf>,
}

fn bring_in(
    context: &Context<'_>,
    target: &Target,
    wheels: &[&WheelInput],
    report: &mut RealiseReport,
) -> Result<Vec<Package>, RealiseError> {
    let launchers = Launchers::get(context, target)?;
    let transaction = context.store.begin()?;
    let archives: Vec<Archive> = wheels.iter().map(|wheel| wheel.archive.clone()).collect();
    let known_sizes = archives.iter().filter_map(|archive| archive.size);
    context.progress.begin(Stage::Fetch, known_sizes.sum());
    context.progress.begin(Stage::Unpack, archives.len() as u64);
    let done: Mutex<Vec<Result<Unpacked, RealiseError>>> = Mutex::default();
    let push = |result| {
        done.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(result)
    };
    let failed = || {
        let done = done.lock().unwrap_or_else(PoisonError::into_inner);
        done.iter().any(Result::is_err)
    };
    let watch = FetchWatch::new(context.progress);
    rayon::in_place_scope(|scope| {
        context
            .fetcher
            .fetch_all(&archives, &watch, &mut |index, fetched| {
                let (push, transaction, launchers) = (&push, &transaction, &launchers);
                match fetched {
                    Err(error) => push(Err(error.into())),
                    Ok(file) => scope.spawn(move |_| {
                        push(unpack(
                            transaction,
                            target,
                            index,
                            wheels[index],
                            file,
                            launchers,
                        ));
                        context.progress.advance(Stage::Unpack, 1);
                    }),
                }
                if failed() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
    });
    context.progress.finish(Stage::Fetch);
    context.progress.finish(Stage::Unpack);
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let done: Vec<Unpacked> = done.into_iter().collect::<Result<_, _>>()?;
    publish(context, &transaction, wheels, done, report)
}

fn publish(
    context: &Context<'_>,
    transaction: &Transaction<'_>,
    wheels: &[&WheelInput],
    done: Vec<Unpacked>,
    report: &mut RealiseReport,
) -> Result<Vec<Package>, RealiseError> {
    let mut packages = Vec::with_capacity(done.len());
    let mut claims = Vec::with_capacity(done.len());
    let mut ready = Vec::with_capacity(done.len());
    let mut downloads = Vec::new();
    for unpacked in done {
        let wheel = wheels[unpacked.index];
        packages.push(package(wheel, unpacked.ready.entry.clone()));
        let name = wheel.name.to_string();
        report.startup_code.extend(
            unpacked
                .startup
                .into_iter()
                .map(|path| (name.clone(), path)),
        );
        claims.push((unpacked.key, unpacked.ready.entry.clone()));
        ready.push(unpacked.ready);
        downloads.extend(unpacked.download);
    }
    let commit = transaction.commit(ready)?;
    report.quarantined.extend(commit.quarantined);
    report.sync_time += commit.sync_time;
    claims
        .par_iter()
        .try_for_each(|(key, entry)| context.store.realise_entry(WHEEL, key, entry))?;
    for download in downloads {
        // A download that stays costs space only, and is used by the next run.
        let _ = std::fs::remove_file(download);
    }
    Ok(packages)
}

fn unpack(
    transaction: &Transaction<'_>,
    target: &Target,
    index: usize,
    input: &WheelInput,
    file: FetchedFile,
    launchers: &Launchers,
) -> Result<Unpacked, RealiseError> {
    let name = &input.archive.filename;
    let filename = WheelFilename::from_str(name).map_err(|source| RealiseError::Filename {
        filename: name.clone(),
        source,
    })?;
    let bytes = map(&file.path)?;
    let staged = transaction.stage(filename.name.as_ref(), &filename.version.to_string())?;
    let install_target = install_target(target, launchers, input.direct_url.clone(), false);
    let installed = wheel::install(
        &bytes,
        &filename,
        &install_target,
        &staged as &dyn TreeSink,
        &|range| bytes.release(range),
    )
    .map_err(|source| RealiseError::Wheel {
        filename: name.clone(),
        source,
    })?;
    Ok(Unpacked {
        index,
        ready: staged.finish()?,
        key: key(target, file.sha256, input, installed.uses_python_lib),
        startup: installed
            .startup_files
            .iter()
            .map(ToString::to_string)
            .collect(),
        download: (file.origin != Origin::Local).then_some(file.path),
    })
}

/// Unpacks a wheel that was built here.
pub fn unpack_built(
    context: &Context<'_>,
    transaction: &Transaction<'_>,
    target: &Target,
    path: &Path,
    direct_url: Option<String>,
) -> Result<ReadyEntry, RealiseError> {
    let filename = filename_of(path)?;
    let bytes = map(path)?;
    let launchers = Launchers::get(context, target)?;
    let staged = transaction.stage(filename.name.as_ref(), &filename.version.to_string())?;
    let install_target = install_target(target, &launchers, direct_url, true);
    wheel::install(&bytes, &filename, &install_target, &staged, &|range| {
        bytes.release(range)
    })
    .map_err(|source| RealiseError::Wheel {
        filename: filename.to_string(),
        source,
    })?;
    Ok(staged.finish()?)
}

/// Reads the name of a wheel.
pub fn filename_of(path: &Path) -> Result<WheelFilename, RealiseError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    WheelFilename::from_str(&name).map_err(|source| RealiseError::Filename {
        filename: name.into_owned(),
        source,
    })
}

fn install_target<'a>(
    target: &Target,
    launchers: &'a Launchers,
    direct_url: Option<String>,
    built_here: bool,
) -> InstallTarget<'a> {
    InstallTarget {
        layout: target.platform.layout(),
        folds_case: target.platform.folds_case(),
        python_lib: target.python.lib_name(),
        windows_launcher: launchers.borrow(),
        direct_url,
        built_here,
    }
}

/// Maps an archive into memory. It is in the store's own folder, or a file of the user's that is
/// read once.
pub fn map(path: &Path) -> Result<Mapped, RealiseError> {
    Mapped::open(path).map_err(|source| RealiseError::Read {
        path: path.to_owned(),
        source,
    })
}

/// The launchers for scripts on Windows, taken from the pinned `distlib` wheel.
#[derive(Debug, Default)]
pub struct Launchers {
    programs: Option<(Vec<u8>, Vec<u8>)>,
}

impl Launchers {
    fn get(context: &Context<'_>, target: &Target) -> Result<Self, RealiseError> {
        use crate::model::platform::{Arch, Layout};
        if target.platform.layout() != Layout::Windows {
            return Ok(Self::default());
        }
        let boxed = |error| RealiseError::Launcher(Box::new(error));
        let archive = super::launchers::pinned_wheel();
        let file = context
            .fetcher
            .fetch(&archive, &super::fetch::Quiet)
            .map_err(|error| boxed(error.into()))?;
        let bytes = map(&file.path).map_err(boxed)?;
        let (console, gui) = match target.platform.arch {
            Arch::X86_64 => ("distlib/t64.exe", "distlib/w64.exe"),
            Arch::Arm64 => ("distlib/t64-arm.exe", "distlib/w64-arm.exe"),
        };
        let program = |name| super::launchers::read(&bytes, name).map_err(boxed);
        Ok(Self {
            programs: Some((program(console)?, program(gui)?)),
        })
    }

    fn borrow(&self) -> Option<WindowsLauncher<'_>> {
        let (console, gui) = self.programs.as_ref()?;
        Some(WindowsLauncher { console, gui })
    }
}
