//! Packages that come as sources: built once by uv, then realised like any other.
//!
//! A source archive or a commit becomes a wheel, and the wheel an entry. A folder of the project
//! becomes a template, which refers to the folder wherever the project stands. What was built is
//! remembered by its source, its Python and its platform; nothing is built twice, nor offline.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dht_store::archive::ClaimName;
use dht_store::fs::read_plain;
use dht_store::{
    Digest, EntryRef, MemorySink, Package, RealisationKind, StoreError, Transaction, TreeSink,
};

use super::base::{self, BaseError, Interpreter};
use super::build_settings::build_settings;
use super::context::Context;
use super::fetch::{FetchError, Origin, Quiet};
use super::local_archive::{place, placeless_url, relative};
use super::realise::{self, RealiseError};
use super::uv::{UvSetupError, provide_uv};
use crate::model::platform::Platform;
use crate::model::progress::Stage;
use crate::model::pyproject;
use crate::model::selection::{Archive, SelectedPackage, Source};
use crate::model::target::Target;
use crate::python::direct_url::direct_url;
use crate::python::editable::{EditableTemplate, InstalledFile, Places, TemplateError};
use crate::python::sdist::{self, SdistError};
use crate::python::wheel::{self, InstallTarget};
use crate::tools::git::Git;
use crate::tools::uv::{BuildRequest, BuildSource, EditableRequest, Uv, UvError};

/// Entries built from sources, by source, Python and platform.
pub const BUILT: RealisationKind = RealisationKind("built");
/// The form in which built packages are kept; another number makes all realisations void.
const FORM: u32 = 4;

/// Why a package could not be built.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// uv could not be had.
    #[error("`{package}` has to be built from its source")]
    UvSetup {
        /// The package.
        package: String,
        /// What is missing.
        source: UvSetupError,
    },
    /// The build failed.
    #[error("could not build `{package}` from its source")]
    Build {
        /// The package.
        package: String,
        /// What uv told.
        source: UvError,
    },
    /// It was built for this machine, and another platform was asked for.
    #[error("{}", packages.iter().map(|package| Self::foreign(package, *platform)).collect::<Vec<_>>().join("\n"))]
    Foreign {
        /// The packages.
        packages: Vec<String>,
        /// The platform.
        platform: Platform,
    },
    /// There is no network, and the package was not built before.
    #[error("`{package}` has to be built from its source, which needs the network")]
    Offline {
        /// The package.
        package: String,
    },
    /// The interpreter that builds could not be had.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// The source archive could not be had.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The source archive is refused.
    #[error(transparent)]
    Sdist(#[from] SdistError),
    /// What was built is no valid wheel.
    #[error(transparent)]
    Realise(#[from] RealiseError),
    /// What was built cannot be kept as a template.
    #[error("could not keep the installation of `{package}`")]
    Template {
        /// The package.
        package: String,
        /// What is wrong.
        source: TemplateError,
    },
    /// A file of the project could not be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SourceError {
    /// Says that a package can only be built on its platform.
    pub fn foreign(package: &str, platform: Platform) -> String {
        format!("`{package}` has no wheel for {platform}, and its source can only be built there")
    }
}

/// Realises packages that come as sources, and tells how many were built.
pub fn realise_sources(
    context: &Context<'_>,
    target: &Target,
    interpreter: &Interpreter,
    packages: &[SelectedPackage],
    again: &BTreeSet<String>,
) -> Result<(Vec<Package>, usize), SourceError> {
    let mut realised = Vec::with_capacity(packages.len());
    let mut missing = Vec::new();
    for package in packages {
        let input = input(context, target, interpreter, package)?;
        let fresh = again.contains(package.name.as_ref());
        match context.store.realised_entry(BUILT, &input) {
            Some(entry) if !fresh => realised.push(realised_package(context, package, entry)),
            _ => missing.push((package, input)),
        }
    }
    if missing.is_empty() {
        return Ok((realised, 0));
    }
    context.progress.begin(Stage::Build, missing.len() as u64);
    let builder = Builder::new(context, target, interpreter, missing[0].0)?;
    let count = missing.len();
    let mut foreign = Vec::new();
    for (package, input) in missing {
        let entry = match builder.build(package) {
            // The others are built all the same: everything that is missing is told at once.
            Err(SourceError::Foreign { packages, .. }) => {
                foreign.extend(packages);
                continue;
            }
            built => built?,
        };
        context.store.realise_entry(BUILT, &input, &entry)?;
        realised.push(realised_package(context, package, entry));
        context.progress.advance(Stage::Build, 1);
    }
    context.progress.finish(Stage::Build);
    if !foreign.is_empty() {
        return Err(SourceError::Foreign {
            packages: foreign,
            platform: target.platform,
        });
    }
    Ok((realised, count))
}

/// Names every claim that the store may have about packages that come as sources.
///
/// # Errors
///
/// When a folder's metadata cannot be read.
pub fn source_claims(
    context: &Context<'_>,
    target: &Target,
    interpreter: &Interpreter,
    packages: &[SelectedPackage],
) -> Result<Vec<ClaimName>, SourceError> {
    let named = packages.iter().map(|package| {
        let input = input(context, target, interpreter, package)?;
        Ok(ClaimName::of(BUILT, &input))
    });
    named.collect()
}

fn realised_package(context: &Context<'_>, package: &SelectedPackage, entry: EntryRef) -> Package {
    let folder = place(context, package);
    Package {
        name: package.name.to_string(),
        version: entry.version,
        entry: entry.entry,
        folder,
    }
}

/// Returns what decides the bytes of what is built.
fn input(
    context: &Context<'_>,
    target: &Target,
    interpreter: &Interpreter,
    package: &SelectedPackage,
) -> Result<Vec<u8>, SourceError> {
    let source = match &package.source {
        Source::Wheel(archive) => format!("wheel {}", digest_of(archive)),
        Source::Sdist {
            archive,
            subdirectory,
        } => {
            format!("sdist {} {subdirectory:?}", digest_of(archive))
        }
        Source::Git {
            url,
            commit,
            subdirectory,
            ..
        } => {
            format!("git {} {commit} {subdirectory:?}", url.as_url())
        }
        Source::Directory { path, editable } => {
            let kind = if *editable { "editable" } else { "folder" };
            let metadata = metadata_digest(path)?;
            format!("{kind} {} {metadata}", relative(context.project, path))
        }
    };
    let base = super::blueprint::bytecode_label(&interpreter.base);
    let direct = placeless_url(context, package).unwrap_or_default();
    let settings = build_settings(context.project).map_err(|(name, source)| SourceError::Read {
        path: context.project.join(name),
        source,
    })?;
    let settings = match settings.as_str() {
        "" => settings,
        text => format!("\n{text}"),
    };
    Ok(format!("form {FORM}\n{source}\n{direct}\n{target}\n{base}{settings}").into_bytes())
}

fn digest_of(archive: &Archive) -> String {
    let first = match archive.sha256 {
        Some(sha256) => sha256.to_string(),
        None => archive.location.whole(),
    };
    let also = archive.also.iter().map(|digest| format!(" {digest}"));
    first + &also.collect::<String>()
}

/// Returns the digest of the files that say how a folder is built.
fn metadata_digest(folder: &Path) -> Result<Digest, SourceError> {
    let mut hasher = blake3::Hasher::new();
    for name in ["pyproject.toml", "setup.py", "setup.cfg"] {
        let path = folder.join(name);
        match read_plain(&path, pyproject::MAX_BYTES) {
            Ok(bytes) => {
                hasher.update(format!("{name} {}\n", bytes.len()).as_bytes());
                hasher.update(&bytes);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(SourceError::Read { path, source }),
        }
    }
    Ok(Digest::from_bytes(*hasher.finalize().as_bytes()))
}

/// Builds packages, one after the other: a build uses all processors by itself.
struct Builder<'a> {
    context: &'a Context<'a>,
    target: &'a Target,
    uv: Uv,
    git: Option<Git>,
    interpreter: Interpreter,
    transaction: Transaction<'a>,
    is_host: bool,
}

impl<'a> Builder<'a> {
    fn new(
        context: &'a Context<'a>,
        target: &'a Target,
        interpreter: &Interpreter,
        first: &SelectedPackage,
    ) -> Result<Self, SourceError> {
        let package = first.name.to_string();
        let uv = provide_uv(context).map_err(|source| SourceError::UvSetup {
            package: package.clone(),
            source,
        })?;
        let host = Platform::host();
        let is_host = host == Some(target.platform);
        let interpreter = match host {
            Some(host) if !is_host => base::provide(context, &target.python, host)?,
            Some(_) => interpreter.clone(),
            None => {
                return Err(SourceError::Foreign {
                    packages: vec![package],
                    platform: target.platform,
                });
            }
        };
        Ok(Self {
            context,
            target,
            uv,
            git: Git::locate(&context.machine.path, context.project),
            interpreter,
            transaction: context.store.begin()?,
            is_host,
        })
    }

    fn build(&self, package: &SelectedPackage) -> Result<EntryRef, SourceError> {
        let work = self
            .transaction
            .path()
            .join(format!("build-{}", package.name));
        std::fs::create_dir(&work).map_err(|source| SourceError::Read {
            path: work.clone(),
            source,
        })?;
        let failed = |source| SourceError::Build {
            package: package.name.to_string(),
            source,
        };
        match &package.source {
            Source::Directory {
                path,
                editable: true,
            } => {
                let request = EditableRequest {
                    member: path,
                    project: self.context.project,
                    python: &self.interpreter.program,
                    work: &work,
                };
                let template = self
                    .uv
                    .build_editable(&request, self.context.cancel)
                    .map_err(failed)?;
                self.keep_template(package, &template)
            }
            Source::Directory {
                path,
                editable: false,
            } => {
                let wheel = self.wheel(package, BuildSource::Folder(path), &work)?;
                let template = self.template_of(package, &wheel, path)?;
                self.keep_template(package, &template)
            }
            Source::Git {
                url,
                commit,
                subdirectory,
                ..
            } => {
                let source = BuildSource::Git {
                    git: self.git.as_ref(),
                    url,
                    commit,
                    subdirectory: subdirectory.as_deref(),
                };
                let wheel = self.wheel(package, source, &work)?;
                self.keep_wheel(package, &wheel)
            }
            Source::Sdist {
                archive,
                subdirectory,
            } => self.build_sdist(package, archive, subdirectory.as_deref(), &work),
            Source::Wheel(archive) => {
                let file = self.context.fetcher.fetch(archive, &Quiet)?;
                let named = work.join(&archive.filename);
                std::fs::copy(&file.path, &named).map_err(|source| SourceError::Read {
                    path: file.path.clone(),
                    source,
                })?;
                self.keep_wheel(package, &named)
            }
        }
    }

    fn build_sdist(
        &self,
        package: &SelectedPackage,
        archive: &Archive,
        subdirectory: Option<&str>,
        work: &Path,
    ) -> Result<EntryRef, SourceError> {
        let file = self.context.fetcher.fetch(archive, &Quiet)?;
        let named = work.join(&archive.filename);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| SourceError::Read { path, source }
        };
        std::fs::copy(&file.path, &named).map_err(failed(&file.path))?;
        let wheel = match subdirectory {
            None => self.wheel(package, BuildSource::Archive(&named), work)?,
            Some(inner) => {
                let folder = work.join("unpacked");
                std::fs::create_dir(&folder).map_err(failed(&folder))?;
                let folder = sdist::unpack(&named, &folder)?;
                self.wheel(package, BuildSource::Folder(&folder.join(inner)), work)?
            }
        };
        let entry = self.keep_wheel(package, &wheel)?;
        if file.origin != Origin::Local {
            // A download that stays costs space only.
            let _ = std::fs::remove_file(&file.path);
        }
        Ok(entry)
    }

    fn wheel(
        &self,
        package: &SelectedPackage,
        source: BuildSource<'_>,
        work: &Path,
    ) -> Result<PathBuf, SourceError> {
        let request = BuildRequest {
            source,
            python: &self.interpreter.program,
            project: self.context.project,
            work,
        };
        let wheel = self
            .uv
            .build_wheel(&request, self.context.cancel)
            .map_err(|source| SourceError::Build {
                package: package.name.to_string(),
                source,
            })?;
        let is_pure = wheel.to_string_lossy().ends_with("-any.whl");
        if !self.is_host && !is_pure {
            return Err(SourceError::Foreign {
                packages: vec![package.name.to_string()],
                platform: self.target.platform,
            });
        }
        Ok(wheel)
    }

    fn keep_wheel(&self, package: &SelectedPackage, wheel: &Path) -> Result<EntryRef, SourceError> {
        let direct_url = placeless_url(self.context, package);
        let ready = realise::unpack_built(
            self.context,
            &self.transaction,
            self.target,
            wheel,
            direct_url,
        )?;
        let entry = ready.entry.clone();
        self.transaction.commit(vec![ready])?;
        Ok(entry)
    }

    /// Makes a template of a built wheel, so that it can name the folder that it came from.
    fn template_of(
        &self,
        package: &SelectedPackage,
        wheel: &Path,
        folder: &Path,
    ) -> Result<EditableTemplate, SourceError> {
        let failed = |source| SourceError::Template {
            package: package.name.to_string(),
            source,
        };
        let filename = realise::filename_of(wheel)?;
        let bytes = realise::map(wheel)?;
        let sink = MemorySink::default();
        let install_target = InstallTarget {
            layout: self.target.platform.layout(),
            folds_case: self.target.platform.folds_case(),
            python_lib: self.target.python.lib_name(),
            windows_launcher: None,
            direct_url: direct_url(package),
            built_here: true,
        };
        wheel::install(&bytes, &filename, &install_target, &sink, &|_| {}).map_err(|source| {
            RealiseError::Wheel {
                filename: filename.to_string(),
                source,
            }
        })?;
        let (manifest, content) = sink.finish().map_err(|source| StoreError::Tree {
            name: package.name.to_string(),
            source,
        })?;
        let installed = content
            .into_iter()
            .map(|(path, bytes)| InstalledFile {
                executable: manifest.get(path.as_str()).is_some_and(|node| {
                    matches!(
                        node.kind,
                        dht_store::NodeKind::File {
                            executable: true,
                            ..
                        }
                    )
                }),
                path: path
                    .as_str()
                    .replacen("scripts/", "bin/", 1)
                    .replacen("data/", "", 1),
                bytes,
            })
            .collect();
        let places = Places {
            member: folder,
            project: self.context.project,
        };
        EditableTemplate::from_installed(installed, &places).map_err(failed)
    }

    fn keep_template(
        &self,
        package: &SelectedPackage,
        template: &EditableTemplate,
    ) -> Result<EntryRef, SourceError> {
        let version = template
            .dist_info()
            .strip_suffix(".dist-info")
            .and_then(|stem| stem.rsplit_once('-'))
            .map_or("0", |(_, version)| version);
        let staged = self.transaction.stage(package.name.as_ref(), version)?;
        for file in &template.files {
            staged
                .file(&file.path, file.executable, &file.bytes)
                .map_err(StoreError::from)?;
        }
        let ready = staged.finish()?;
        let entry = ready.entry.clone();
        self.transaction.commit(vec![ready])?;
        Ok(entry)
    }
}
