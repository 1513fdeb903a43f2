//! From a blueprint to a folder: made beside and swapped in, or changed in place.
//!
//! An interruption leaves the former environment working: a new one is complete before one rename
//! shows it, and an update prepares every piece before it swaps the first.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dht_store::checkout::Damage;
use dht_store::fs::{self, Dir, FileKind, FsError};
use dht_store::{Checkout, Comparer, Comparison, Conflict, Depth, LinkMode, Union};

use super::blueprint::Blueprint;
use super::former::{Former, Predecessor};
use super::state::{self, State};
use crate::model::progress::{Progress, Stage};

/// Names in the root of an environment that are not compared: ours, and uv's lock.
const IGNORED: [&str; 2] = [state::FOLDER, ".lock"];

/// Returns the paths of an environment that are not compared.
pub(super) fn ignored(blueprint: &Blueprint) -> Vec<&str> {
    let notes = blueprint.notes().iter().map(|note| note.path.as_str());
    IGNORED.into_iter().chain(notes).collect()
}

/// Writes what uv asks of packages that refer to a folder; where uv does not find it, it only holds
/// the package to be outdated.
///
/// Tells whether anything was written.
pub(super) fn write_notes(
    blueprint: &Blueprint,
    dir: &Dir,
    folder: &Path,
) -> Result<bool, FsError> {
    let mut changed = false;
    for note in blueprint.notes() {
        let written = note.write(dir);
        changed |= written.map_err(FsError::at("write", folder.join(&note.path)))?;
    }
    Ok(changed)
}

/// What stands where an environment shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Nothing,
    /// An empty folder, which may be where a file system is mounted: it is filled, not replaced.
    Empty,
    /// An environment that `dhtl` made.
    Ours(State),
    /// An environment that `dhtl` made, which cannot tell what it is any more.
    Broken,
    /// Something else: another tool's environment, or no environment at all.
    Foreign,
}

/// Tells what stands at `folder`.
pub fn standing(folder: &Path) -> Standing {
    if std::fs::symlink_metadata(folder).is_err() {
        return Standing::Nothing;
    }
    let is_real = std::fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir());
    match State::read(folder) {
        Some(state) if is_real => Standing::Ours(state),
        None if is_real && state::is_marked(folder) => Standing::Broken,
        None if is_real && is_empty(folder) => Standing::Empty,
        _ => Standing::Foreign,
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut listing| listing.next().is_none())
}

/// What an assembly did.
#[derive(Debug, Default)]
pub struct AssembleReport {
    /// Files linked, cloned or copied.
    pub files: u64,
    /// Paths that were changed in place.
    pub changed: u64,
    /// Paths that went away.
    pub removed: u64,
    /// Why files could not be had in the wanted way, and how many.
    pub fallbacks: Vec<(&'static str, u64)>,
    /// Where packages disagree.
    pub conflicts: Vec<Conflict>,
    /// Files of the store that are damaged, and so missing here.
    pub damaged: Vec<Damage>,
    /// What the user added to the environment, and kept.
    pub added: Vec<PathBuf>,
}

/// How an environment is made.
#[derive(Debug, Clone, Copy)]
pub struct CreateOptions<'a> {
    /// What is taken over from what stands there.
    pub carried: &'a [PathBuf],
    /// Reads the store's files before they are linked.
    pub every_byte: bool,
    /// Looks at folders alone where one symbolic link stands for many files.
    pub folders_only: bool,
}

/// Makes a new environment at `folder`, replacing what stands there in one step.
pub fn create(
    blueprint: &Blueprint,
    state: &State,
    folder: &Path,
    options: CreateOptions<'_>,
    progress: &dyn Progress,
) -> Result<AssembleReport, FsError> {
    let layers = blueprint.layers();
    let union = Union::new(&layers, blueprint.generated());
    let real = blueprint.real_folders();
    let real: Vec<&str> = real.iter().map(String::as_str).collect();
    let checkout = Checkout::new(&layers, &union.tree, state.link_mode, &real)
        .reading_every_byte(options.every_byte)
        .looking_at_folders_only(options.folders_only);
    let parent = folder.parent().unwrap_or(Path::new("/"));
    let name = folder.file_name().unwrap_or(OsStr::new(".venv"));
    let dir = Dir::open(parent).map_err(FsError::at("open", parent))?;
    sweep(&dir, name).map_err(FsError::at("clean", parent))?;
    let fresh = beside(name);
    let path = parent.join(&fresh);
    progress.begin(Stage::Link, union.tree.leaf_count() as u64);
    dir.create_dir(Path::new(&fresh), 0o755)
        .map_err(FsError::at("make", &path))?;
    let made = fill(&checkout, &dir, &fresh, &path, progress);
    progress.finish(Stage::Link);
    let done = made.and_then(|()| {
        let folders = checkout.made_folders();
        let report = checkout.finish();
        if report.damaged.is_empty() {
            carry(folder, options.carried, &path)
                .map_err(FsError::at("carry over what is in", folder))?;
            let opened = dir.open_dir(Path::new(&fresh));
            write_notes(
                blueprint,
                &opened.map_err(FsError::at("open", &path))?,
                &path,
            )?;
            state.write(&path, &folders)?;
            swap(&dir, &fresh, name).map_err(FsError::at("put in place", folder))?;
        }
        Ok(report)
    });
    // After a swap, this is what stood there before.
    let removed = fs::remove_tree(&dir, Path::new(&fresh));
    let report = done?;
    removed.map_err(FsError::at("remove", &path))?;
    Ok(AssembleReport {
        files: report.files,
        fallbacks: report.fallbacks.into_iter().collect(),
        conflicts: union.conflicts,
        damaged: report.damaged,
        ..AssembleReport::default()
    })
}

/// Returns where the packages of a blueprint hold different things.
pub fn conflicts(blueprint: &Blueprint) -> Vec<Conflict> {
    Union::new(&blueprint.layers(), blueprint.generated()).conflicts
}

/// How often a person is told how far the linking has come.
const TICK: Duration = Duration::from_millis(50);

fn fill(
    checkout: &Checkout<'_>,
    dir: &Dir,
    fresh: &OsStr,
    path: &Path,
    progress: &dyn Progress,
) -> Result<(), FsError> {
    let target = dir
        .open_dir(Path::new(fresh))
        .map_err(FsError::at("open", path))?;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut told = 0;
            while !done.load(Ordering::Relaxed) {
                std::thread::park_timeout(TICK);
                let linked = checkout.progress();
                progress.advance(Stage::Link, linked - told);
                told = linked;
            }
        });
        let filled = checkout.fill(0, &target, path);
        done.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
        filled
    })
}

fn carry(old: &Path, carried: &[PathBuf], new: &Path) -> io::Result<()> {
    if carried.is_empty() {
        return Ok(());
    }
    let (old, new) = (Dir::open(old)?, Dir::open(new)?);
    for path in carried {
        // A parent that is a link now leads into the store, where nothing is added.
        let mut above = path.ancestors().skip(1);
        let is_linked = |folder: &Path| {
            new.stat(folder)
                .is_ok_and(|stat| stat.kind != FileKind::Directory)
        };
        if above.any(is_linked) {
            continue;
        }
        if let Some(parent) = path.parent().filter(|parent| *parent != Path::new("")) {
            fs::create_dirs(&new, parent)?;
        }
        dht_store::update::adopt(&old, path, &new, path)?;
    }
    Ok(())
}

/// Returns what the user added to the environment in `folder`, which was made from the first of the
/// predecessors and may have been on its way to the others. Nothing can be told without one.
pub fn added(
    former: &[Predecessor],
    mode: LinkMode,
    folder: &Path,
) -> Result<Vec<PathBuf>, FsError> {
    let Some(first) = former.first() else {
        return Ok(Vec::new());
    };
    let mut found = compare(&first.gone, mode, folder, Depth::Stat)?.differences;
    let dir = Dir::open(folder).map_err(FsError::at("open", folder))?;
    let mut former = Former::of(former);
    found.retain(|difference| {
        difference.kind == dht_store::DifferenceKind::Added && !difference.in_store
    });
    let found = former
        .divided(found, &dir)
        .map_err(FsError::at("list", folder))?;
    let theirs = found.into_iter().filter(|(_, ours)| !ours);
    Ok(theirs.map(|(difference, _)| difference.path).collect())
}

fn beside(name: &OsStr) -> OsString {
    let mut fresh = name.to_owned();
    fresh.push(format!(".dht-{}", fs::unique_suffix()));
    fresh
}

/// Removes what a killed run left beside the environment.
pub(super) fn sweep(dir: &Dir, name: &OsStr) -> io::Result<()> {
    let mut prefix = name.to_owned();
    prefix.push(".dht-");
    for entry in dir.read()? {
        let left = entry
            .name
            .as_encoded_bytes()
            .starts_with(prefix.as_encoded_bytes());
        if left && entry.kind == FileKind::Directory {
            fs::remove_tree(dir, Path::new(&entry.name))?;
        }
    }
    Ok(())
}

fn swap(dir: &Dir, fresh: &OsStr, name: &OsStr) -> io::Result<()> {
    let (fresh, name) = (Path::new(fresh), Path::new(name));
    match dir.stat(name) {
        Ok(_) => dir.exchange(fresh, dir, name),
        Err(error) if error.kind() == io::ErrorKind::NotFound => dir.rename_new(fresh, dir, name),
        Err(error) => Err(error),
    }
}

/// Compares the environment in `folder` with its blueprint.
pub fn compare(
    blueprint: &Blueprint,
    mode: LinkMode,
    folder: &Path,
    depth: Depth,
) -> Result<Comparison, FsError> {
    let layers = blueprint.layers();
    let union = Union::new(&layers, blueprint.generated());
    let real = blueprint.real_folders();
    let real: Vec<&str> = real.iter().map(String::as_str).collect();
    let checkout = Checkout::new(&layers, &union.tree, mode, &real);
    let dir = Dir::open(folder).map_err(FsError::at("open", folder))?;
    let ignored = ignored(blueprint);
    Comparer::new(&checkout, &union.tree, depth, &ignored).run(&dir)
}
