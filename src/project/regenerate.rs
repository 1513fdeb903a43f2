//! From a project to its environment: resolve, assemble, and say what was done.

mod assembly;
mod outcome;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dht_store::{Base, Conflict, LinkMode, RepairReport, StoreError};

use super::resolve::{self, Resolved};
use super::spec::Spec;
use crate::env::assemble::{self, AssembleReport, Standing};
use crate::env::base::Interpreter;
use crate::env::blueprint::{self, Blueprint};
use crate::env::bytecode;
use crate::env::context::Context;
use crate::env::editor;
use crate::env::hook;
use crate::env::shadow;
use crate::env::state::{self, State, WITNESS};
use crate::model::platform::Platform;

pub use outcome::{ConflictNames, Options, RegenerateError, Regenerated};

/// The environment's folder in a project.
pub const VENV: &str = ".venv";

/// Makes the environment of a project what its lock says.
pub fn regenerate(
    context: &Context<'_>,
    spec: &Spec,
    platform: Platform,
    options: Options,
) -> Result<Regenerated, RegenerateError> {
    let folder = spec.root.folder.join(VENV);
    let on_wait = |_: &Path| {};
    context.store.enter()?;
    let _venv = context
        .store
        .lock_name(folder.as_os_str().as_encoded_bytes(), &on_wait)?;
    let standing = assemble::standing(&folder);
    if standing == Standing::Foreign && !options.replace_foreign && !options.dry_run {
        return Err(RegenerateError::Foreign(folder));
    }
    let (link_mode, bytecode) = match &standing {
        Standing::Ours(state) if options.keep_assembly => (state.link_mode, state.bytecode),
        _ => (
            spec.link_mode,
            spec.bytecode || spec.link_mode == LinkMode::Symlink,
        ),
    };
    let work = Work {
        context,
        spec,
        platform,
        options,
        folder,
        standing,
        link_mode,
        bytecode,
    };
    let done = work.run()?;
    if !options.dry_run {
        hook::keep(&work.folder, spec.activation_hook)?;
        editor::keep(&work.folder)?;
    }
    Ok(done)
}

struct Work<'a> {
    context: &'a Context<'a>,
    spec: &'a Spec,
    platform: Platform,
    options: Options,
    folder: PathBuf,
    standing: Standing,
    link_mode: LinkMode,
    /// In symbolic-link mode Python would write bytecode into the store, so it has to be there.
    bytecode: bool,
}

/// How often damaged entries are restored before giving up.
const ROUNDS: usize = 3;

impl Work<'_> {
    fn run(&self) -> Result<Regenerated, RegenerateError> {
        let mut resolved =
            resolve::resolve(self.context, self.spec, self.platform, self.options.locked)?;
        self.register(&resolved)?;
        let mut repaired = self.heal_base(&resolved.interpreter)?;
        let mut compiled = self.derive(&resolved)?;
        if self.is_untouched(&resolved) {
            self.hold();
            return Ok(self.unchanged(resolved, repaired, compiled));
        }
        let (mut changed, mut removed) = (0, 0);
        for _ in 0..ROUNDS {
            let blueprint = self.draw(&resolved.environment, &resolved.interpreter)?;
            if self.spec.deny_conflicts {
                refuse_conflicts(&blueprint)?;
            }
            let (state, mut assembled, created) = self.assemble(&blueprint, &resolved)?;
            changed += assembled.changed;
            removed += assembled.removed;
            (assembled.changed, assembled.removed) = (changed, removed);
            let conflicts = conflict_names(&blueprint, &assembled.conflicts);
            if assembled.damaged.is_empty() {
                self.hold();
                return Ok(Regenerated {
                    shadows: self.shadows(&blueprint, &resolved.interpreter)?,
                    fingerprint: resolved.fingerprint,
                    environment: resolved.environment,
                    interpreter: resolved.interpreter,
                    resolved: resolved.report,
                    assembled,
                    created,
                    folders_only: false,
                    link_mode: state.link_mode,
                    compiled,
                    kept_in: self.context.store.path().join("quarantine"),
                    repaired,
                    conflicts,
                });
            }
            self.restore(&blueprint, &assembled, &mut resolved, &mut repaired)?;
            compiled += self.derive(&resolved)?;
        }
        Err(RegenerateError::Damaged(repaired.into_keys().collect()))
    }

    /// Registers what is about to stand, before the first link: it is in use already, and so is what
    /// stands until then.
    fn register(&self, resolved: &Resolved) -> Result<(), StoreError> {
        if self.options.dry_run || self.context.store.ensure_writable().is_err() {
            return Ok(());
        }
        let standing = match &self.standing {
            Standing::Ours(state) => Some(state.fingerprint),
            Standing::Nothing | Standing::Empty | Standing::Broken | Standing::Foreign => None,
        };
        let inside = Path::new(WITNESS);
        self.context
            .store
            .set_root(&self.folder, resolved.fingerprint, standing, inside)
    }

    /// Lets the store see from now on that the environment exists, wherever it is moved to.
    fn hold(&self) {
        if !self.options.dry_run {
            self.context.store.hold(&self.folder, Path::new(WITNESS));
        }
    }

    /// Tells whether a quick look finds the very environment that is wanted, with no folder of it
    /// changed since it was made.
    fn is_untouched(&self, resolved: &Resolved) -> bool {
        let Standing::Ours(old) = &self.standing else {
            return false;
        };
        self.options.quick
            && !self.options.remove_added
            && *old == self.state(resolved)
            && State::interrupted(&self.folder).is_none()
            && state::folders_untouched(&self.folder) == Some(true)
    }

    fn unchanged(
        &self,
        resolved: Resolved,
        repaired: BTreeMap<String, RepairReport>,
        compiled: usize,
    ) -> Regenerated {
        Regenerated {
            kept_in: self.context.store.path().join("quarantine"),
            fingerprint: resolved.fingerprint,
            environment: resolved.environment,
            interpreter: resolved.interpreter,
            resolved: resolved.report,
            assembled: AssembleReport::default(),
            created: false,
            folders_only: true,
            link_mode: self.link_mode,
            compiled,
            repaired,
            shadows: Vec::new(),
            conflicts: Vec::new(),
        }
    }

    fn state(&self, resolved: &Resolved) -> State {
        State::new(
            resolved.fingerprint,
            self.link_mode,
            self.bytecode,
            &self.spec.prompt(),
        )
    }

    /// Removes what Python or its user left in the interpreter's build, which stands in the store.
    fn heal_base(
        &self,
        interpreter: &Interpreter,
    ) -> Result<BTreeMap<String, RepairReport>, RegenerateError> {
        let store = self.context.store;
        let mut healed = BTreeMap::new();
        if let Base::Entry(entry) = &interpreter.base
            && !self.options.dry_run
            && !self.options.quick
            && store.has_touched_folders(entry)?
        {
            let report = store.repair_entry(entry, false)?;
            if !report.remaining.is_empty() {
                return Err(RegenerateError::Damaged(vec![format!(
                    "{} {}",
                    entry.name, entry.version
                )]));
            }
            healed.insert(format!("{} {}", entry.name, entry.version), report);
        }
        Ok(healed)
    }

    fn shadows(
        &self,
        blueprint: &Blueprint,
        interpreter: &Interpreter,
    ) -> Result<Vec<(String, String)>, RegenerateError> {
        let library = match &blueprint.environment.base {
            Base::Entry(entry) => {
                let manifest = self.context.store.manifest(entry.entry)?;
                shadow::library_modules(&manifest, &blueprint.target)
            }
            Base::External { .. } => {
                shadow::modules_on_disk(&interpreter.program, &blueprint.target)
            }
        };
        Ok(blueprint.shadows(&library))
    }

    fn derive(&self, resolved: &Resolved) -> Result<usize, RegenerateError> {
        // Nobody writes bytecode into a store that can only be read.
        let needless = !self.spec.bytecode && self.context.store.ensure_writable().is_err();
        if !self.bytecode || needless || self.options.dry_run {
            return Ok(0);
        }
        let mut entries = Vec::new();
        for (_, package) in resolved.environment.all_packages() {
            let is_template = package.folder.is_some() && {
                let manifest = self.context.store.manifest(package.entry)?;
                blueprint::is_template(package, &manifest)
            };
            if !is_template {
                entries.push(package.entry_ref());
            }
        }
        let Interpreter { base, program, .. } = &resolved.interpreter;
        let python = &resolved.target.python;
        Ok(bytecode::derive(
            self.context,
            base,
            program,
            python,
            &entries,
        )?)
    }

    fn restore(
        &self,
        blueprint: &Blueprint,
        assembled: &AssembleReport,
        resolved: &mut Resolved,
        repaired: &mut BTreeMap<String, RepairReport>,
    ) -> Result<(), RegenerateError> {
        let layers: BTreeSet<u32> = assembled
            .damaged
            .iter()
            .map(|damage| damage.layer)
            .collect();
        let mut again = BTreeSet::new();
        for layer in layers {
            let package = blueprint.package(layer);
            let entry = package.entry_ref();
            let report = self.context.store.repair_entry(&entry, self.options.deep)?;
            if !report.remaining.is_empty() {
                again.insert(package.name.clone());
            }
            repaired.insert(format!("{} {}", entry.name, entry.version), report);
        }
        if !again.is_empty() {
            resolve::restore(self.context, self.spec, resolved, &again)?;
        }
        Ok(())
    }
}

/// Refuses packages that hold different files at one path, before anything is made of them.
fn refuse_conflicts(blueprint: &Blueprint) -> Result<(), RegenerateError> {
    let conflicts = conflict_names(blueprint, &assemble::conflicts(blueprint));
    if conflicts.is_empty() {
        return Ok(());
    }
    let shown = conflicts.iter().map(|conflict| {
        let winner = conflict.winner.as_deref().unwrap_or("the environment");
        format!("`{}` of {winner} and {}", conflict.path, conflict.loser)
    });
    Err(RegenerateError::Conflicts(shown.collect()))
}

fn conflict_names(blueprint: &Blueprint, conflicts: &[Conflict]) -> Vec<ConflictNames> {
    let name = |layer: u32| blueprint.package(layer).name.clone();
    conflicts
        .iter()
        .filter(|conflict| conflict.winner.is_some() || !blueprint.is_overlaid(&conflict.path))
        .map(|conflict| ConflictNames {
            path: conflict.path.clone(),
            winner: conflict.winner.map(name),
            loser: name(conflict.loser),
        })
        .collect()
}
