//! Changing an environment that stands, in place: only what differs.
//!
//! Every piece is prepared before the first is swapped, and the state is written last: until then the
//! former state stands, and the next run looks at every file.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use dht_store::checkout::Damage;
use dht_store::fs::{self, Dir, FsError};
use dht_store::{
    Checkout, Comparer, Depth, Difference, DifferenceKind, LinkMode, Tree, Union, UpdatePlan,
};

use super::assemble::{AssembleReport, ignored, sweep, write_notes};
use super::blueprint::Blueprint;
use super::former::{Former, Predecessor};
use super::state::{self, State};

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
    let real: Vec<&str> = real.iter().map(String::as_str).collect();
    let checkout = Checkout::new(&layers, &union.tree, state.link_mode, &real)
        .reading_every_byte(options.depth == Depth::Deep);
    let dir = tidied(folder, options.dry_run)?;
    let former = Former::of(options.former);
    let (plan, differences) = plan(blueprint, (&checkout, &union.tree), former, &dir, options)?;
    if !options.dry_run && !plan.is_empty() {
        if options.rewrite_state {
            state.announce(folder)?;
        }
        apply(&plan, &checkout, &union.tree, &dir, folder)?;
    }
    let folders = checkout.made_folders();
    let is_quick = matches!(options.depth, Depth::Quick { .. });
    if state.link_mode == LinkMode::Symlink && !options.dry_run && !is_quick {
        checkout.check_linked_folders();
    }
    let mut report = checkout.finish();
    let in_store = damage_in_store(&differences);
    let mut changed = (plan.folders.len() + plan.files.len()) as u64;
    if options.dry_run {
        changed += in_store.len() as u64;
    } else {
        // What is damaged in the store did not come, and is counted when it does.
        changed = changed.saturating_sub(report.damaged.len() as u64);
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
        added: kept(&plan, differences),
    })
}

/// Compares what stands in `dir` with what should, and decides what to do about each difference.
fn plan(
    blueprint: &Blueprint,
    (checkout, tree): (&Checkout<'_>, &Tree<'_>),
    mut former: Former,
    dir: &Dir,
    options: UpdateOptions<'_>,
) -> Result<(UpdatePlan, Vec<Difference>), FsError> {
    let touched = match options.depth {
        Depth::Quick { .. } => former.touched(blueprint, tree),
        Depth::Stat | Depth::Deep => BTreeSet::new(),
    };
    let ignored = ignored(blueprint);
    let found = Comparer::new(checkout, tree, options.depth, &ignored)
        .touching(&touched)
        .run(dir)?;
    let (added, mut differences): (Vec<Difference>, Vec<Difference>) =
        found.differences.into_iter().partition(is_added);
    let added = former
        .divided(added, dir)
        .map_err(FsError::at("list", Path::new("")))?;
    let ours: BTreeSet<PathBuf> = added
        .iter()
        .filter(|(_, is_ours)| options.remove_added || *is_ours)
        .map(|(difference, _)| difference.path.clone())
        .collect();
    differences.extend(added.into_iter().map(|(difference, _)| difference));
    let plan = UpdatePlan::new(
        tree,
        &differences,
        &|layer| former.is_replaced(blueprint, layer),
        &|path| ours.contains(path),
    );
    Ok((plan, differences))
}

/// Tells whether something stands in the environment itself that the tree does not have.
fn is_added(difference: &Difference) -> bool {
    difference.kind == DifferenceKind::Added && !difference.in_store
}

/// Returns what the user added, and keeps.
fn kept(plan: &UpdatePlan, differences: Vec<Difference>) -> Vec<PathBuf> {
    let added = differences.into_iter().filter(is_added);
    let paths = added.map(|difference| difference.path);
    paths.filter(|path| !plan.removals.contains(path)).collect()
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
