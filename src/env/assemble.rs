//! From a blueprint to a folder: made beside and swapped in, or changed in place.
//!
//! An interruption leaves the former environment working: a new one is complete before one rename
//! shows it, and an update prepares every piece before it swaps the first.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dht_store::checkout::Damage;
use dht_store::fs::{self, Dir, FileKind, FsError};
use dht_store::{
    Checkout, Comparer, Comparison, Conflict, Depth, Difference, LinkMode, Tree, Union, UpdatePlan,
};

use super::blueprint::Blueprint;
use super::former::{Former, Predecessor};
use super::state::{self, State};
use crate::model::progress::{Progress, Stage};

/// Names in the root of an environment that are not compared: ours, and uv's lock.
const IGNORED: [&str; 2] = [state::FOLDER, ".lock"];

/// Returns the paths of an environment that are not compared.
fn ignored(blueprint: &Blueprint) -> Vec<&str> {
    let notes = blueprint.notes().iter().map(|note| note.path.as_str());
    IGNORED.into_iter().chain(notes).collect()
}

/// Writes what uv asks of packages that refer to a folder; where uv does not find it, it only holds
/// the package to be outdated.
///
/// Tells whether anything was written.
fn write_notes(blueprint: &Blueprint, dir: &Dir, folder: &Path) -> Result<bool, FsError> {
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
        None if is_real && folder.join(state::FOLDER).is_dir() => Standing::Broken,
        _ => Standing::Foreign,
    }
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
fn sweep(dir: &Dir, name: &OsStr) -> io::Result<()> {
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

/// Opens the environment, without what a killed run left in it and beside it.
fn tidied(folder: &Path, dry_run: bool) -> Result<Dir, FsError> {
    let dir = Dir::open(folder).map_err(FsError::at("open", folder))?;
    if !dry_run {
        tidy(folder, &dir).map_err(FsError::at("clean", folder))?;
    }
    Ok(dir)
}

/// Removes what a killed run left in the environment and beside it.
fn tidy(folder: &Path, dir: &Dir) -> io::Result<()> {
    if let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) {
        sweep(&Dir::open(parent)?, name)?;
    }
    let own = match dir.open_dir(Path::new(state::FOLDER)) {
        Ok(own) => own,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in own.read()? {
        let is_left = entry.name == "incoming"
            || entry
                .name
                .to_str()
                .is_some_and(|name| name.ends_with(".tmp"));
        if is_left {
            fs::remove_tree(&own, Path::new(&entry.name))?;
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
    let checkout = Checkout::new(&layers, &union.tree, mode, &real);
    let dir = Dir::open(folder).map_err(FsError::at("open", folder))?;
    let ignored = ignored(blueprint);
    Comparer::new(&checkout, &union.tree, mode, depth, &ignored).run(&dir)
}

/// How an update is done.
#[derive(Debug, Clone, Copy)]
pub struct UpdateOptions<'a> {
    /// How closely the standing environment is looked at.
    pub depth: Depth,
    /// What stood there before, as far as it can still be told: its files go away.
    pub former: &'a [Predecessor],
    /// Also removes what the user added.
    pub remove_added: bool,
    /// Changes nothing, and reports what would be.
    pub dry_run: bool,
    /// Whether the environment's state differs from what stands there.
    pub rewrite_state: bool,
}

/// Changes the environment in `folder` into what the blueprint says.
pub fn update(
    blueprint: &Blueprint,
    state: &State,
    folder: &Path,
    options: UpdateOptions<'_>,
) -> Result<AssembleReport, FsError> {
    let layers = blueprint.layers();
    let union = Union::new(&layers, blueprint.generated());
    let real = blueprint.real_folders();
    let checkout = Checkout::new(&layers, &union.tree, state.link_mode, &real)
        .reading_every_byte(options.depth == Depth::Deep);
    let dir = tidied(folder, options.dry_run)?;
    let ignored = ignored(blueprint);
    let mut former = Former::of(options.former);
    let is_quick = matches!(options.depth, Depth::Quick { .. });
    let touched = match is_quick {
        true => former.touched(blueprint, &union.tree),
        false => BTreeSet::new(),
    };
    let found = Comparer::new(
        &checkout,
        &union.tree,
        state.link_mode,
        options.depth,
        &ignored,
    )
    .touching(&touched)
    .run(&dir)?;
    let (added, mut differences): (Vec<Difference>, Vec<Difference>) =
        found.differences.into_iter().partition(|difference| {
            difference.kind == dht_store::DifferenceKind::Added && !difference.in_store
        });
    let added = former
        .divided(added, &dir)
        .map_err(FsError::at("list", folder))?;
    let ours: BTreeSet<PathBuf> = added
        .iter()
        .filter(|(_, is_ours)| options.remove_added || *is_ours)
        .map(|(difference, _)| difference.path.clone())
        .collect();
    differences.extend(added.into_iter().map(|(difference, _)| difference));
    let plan = UpdatePlan::new(
        &union.tree,
        &differences,
        &|layer| former.is_replaced(blueprint, layer),
        &|path| ours.contains(path),
    );
    let kept: Vec<PathBuf> = differences
        .iter()
        .filter(|difference| difference.kind == dht_store::DifferenceKind::Added)
        .filter(|difference| !difference.in_store)
        .filter(|difference| !plan.removals.contains(&difference.path))
        .map(|difference| difference.path.clone())
        .collect();
    if !options.dry_run && !plan.is_empty() {
        if options.rewrite_state {
            state.announce(folder)?;
        }
        apply(&plan, &checkout, &union.tree, &dir, folder)?;
    }
    let folders = checkout.made_folders();
    if state.link_mode == LinkMode::Symlink && !options.dry_run && !is_quick {
        checkout.check_linked_folders();
    }
    let mut report = checkout.finish();
    let in_store = damage_in_store(&differences);
    let mut changed = (plan.folders.len() + plan.files.len()) as u64;
    if options.dry_run {
        changed += in_store.len() as u64;
    } else {
        report.damaged.extend(in_store);
    }
    if !options.dry_run && report.damaged.is_empty() {
        let noted = write_notes(blueprint, &dir, folder)?;
        if noted || options.rewrite_state || !plan.is_empty() {
            state.write(folder, &folders)?;
        }
        State::retract(folder)?;
    }
    Ok(AssembleReport {
        files: union.tree.leaf_count() as u64,
        changed,
        removed: plan.removals.len() as u64,
        fallbacks: report.fallbacks.into_iter().collect(),
        conflicts: union.conflicts,
        damaged: report.damaged,
        added: kept,
    })
}

/// Returns what stands damaged in the store, behind links that are right.
fn damage_in_store(differences: &[Difference]) -> Vec<Damage> {
    let in_store = differences.iter().filter(|difference| difference.in_store);
    in_store
        .filter_map(|difference| {
            Some(Damage {
                layer: difference.layer?,
                path: difference.path.to_string_lossy().into_owned(),
            })
        })
        .collect()
}

fn apply(
    plan: &UpdatePlan,
    checkout: &Checkout<'_>,
    tree: &Tree<'_>,
    dir: &Dir,
    folder: &Path,
) -> Result<(), FsError> {
    let scratch = Path::new(state::FOLDER).join("incoming");
    let prepare = || {
        fs::create_dirs(dir, Path::new(state::FOLDER))?;
        dir.create_dir(&scratch, 0o755)?;
        dir.open_dir(&scratch)
    };
    let path = folder.join(&scratch);
    let incoming = prepare().map_err(FsError::at("prepare", &path))?;
    let applied = plan.apply(checkout, tree, dir, &incoming);
    drop(incoming);
    let removed = fs::remove_tree(dir, &scratch).map_err(FsError::at("remove", &path));
    applied.and(removed)
}
