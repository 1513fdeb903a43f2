//! From a project to its environment: resolve, assemble, and say what was done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dht_store::fs::FsError;
use dht_store::{
    Base, Conflict, Depth, Environment, Fingerprint, LinkMode, RepairReport, StoreError,
};

use super::resolve::{self, ResolveError, ResolveReport, Resolved};
use super::spec::Spec;
use crate::env::assemble::{self, AssembleReport, CreateOptions, Standing};
use crate::env::base::Interpreter;
use crate::env::blueprint::{self, Blueprint, BlueprintError, Place};
use crate::env::bytecode::{self, DeriveError};
use crate::env::context::Context;
use crate::env::editor;
use crate::env::former::Predecessor;
use crate::env::hook;
use crate::env::shadow;
use crate::env::state::{self, State, WITNESS};
use crate::env::update::{self, UpdateOptions};
use crate::model::platform::Platform;

/// The environment's folder in a project.
pub const VENV: &str = ".venv";

/// How a regenerate is done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Changes nothing; tells what would be done.
    pub dry_run: bool,
    /// Whether an environment that another tool made may be replaced.
    pub replace_foreign: bool,
    /// Whether the lock must match the project's metadata.
    pub locked: bool,
    /// Looks at folders only where nothing else tells of a change.
    pub quick: bool,
    /// Reads every byte.
    pub deep: bool,
    /// Also removes what the user added.
    pub remove_added: bool,
    /// Keeps how an environment that stands was linked, whatever the project asks for.
    pub keep_assembly: bool,
}

/// Why a project could not be regenerated.
#[derive(Debug, thiserror::Error)]
pub enum RegenerateError {
    /// The environment could not be resolved.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What shall stand could not be told.
    #[error(transparent)]
    Blueprint(#[from] BlueprintError),
    /// Bytecode could not be made.
    #[error(transparent)]
    Bytecode(#[from] DeriveError),
    /// The disk refused.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Something stands there that `dhtl` did not make.
    #[error("`{}` {}", .0.display(), not_ours(.0))]
    Foreign(PathBuf),
    /// Packages disagree about files, and the configuration denies it.
    #[error("packages hold different files at one path: {}", .0.join("; "))]
    Conflicts(Vec<String>),
    /// Damaged files of the store could not be restored.
    #[error("these entries of the store are damaged and could not be restored: {}", .0.join(", "))]
    Damaged(Vec<String>),
}

/// Says why what stands in the place of an environment is not one of ours.
fn not_ours(folder: &Path) -> String {
    match std::fs::read_link(folder) {
        Ok(target) => format!(
            "is a symbolic link to `{}`, and an environment is a folder of its own",
            target.display()
        ),
        Err(_) => "was not made by dhtl".to_owned(),
    }
}

/// What a regenerate did.
#[derive(Debug)]
pub struct Regenerated {
    /// The document.
    pub environment: Environment,
    /// Its name.
    pub fingerprint: Fingerprint,
    /// The interpreter.
    pub interpreter: Interpreter,
    /// What was resolved and brought into the store.
    pub resolved: ResolveReport,
    /// What was done to the folder.
    pub assembled: AssembleReport,
    /// Whether the folder was made anew.
    pub created: bool,
    /// Whether the times of folders told that nothing was changed, and no file was looked at.
    pub folders_only: bool,
    /// How files were linked.
    pub link_mode: LinkMode,
    /// How many modules were compiled.
    pub compiled: usize,
    /// Where the store keeps what did not belong to an entry.
    pub kept_in: PathBuf,
    /// What was restored in the store, by entry.
    pub repaired: BTreeMap<String, RepairReport>,
    /// Modules that the standard library has too: package, module.
    pub shadows: Vec<(String, String)>,
    /// Where packages disagree: path, winner, loser.
    pub conflicts: Vec<ConflictNames>,
}

/// Two packages that hold one path.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ConflictNames {
    /// The path in the environment.
    pub path: String,
    /// Whose file stands there; nothing for a file of the environment itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner: Option<String>,
    /// Whose file does not.
    pub loser: String,
}

impl Regenerated {
    /// Tells whether the folder was changed, or would be.
    pub fn has_changed(&self) -> bool {
        self.created || self.assembled.changed > 0 || self.assembled.removed > 0
    }
}

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

    fn draw(
        &self,
        environment: &Environment,
        interpreter: &Interpreter,
    ) -> Result<Blueprint, RegenerateError> {
        let place = Place {
            project: &self.spec.root.folder,
            environment: &self.folder,
            interpreter: &interpreter.program,
            bytecode: self.bytecode,
            prompt: &self.spec.prompt(),
        };
        Ok(Blueprint::draw(
            self.context.store,
            environment.clone(),
            place,
        )?)
    }

    fn assemble(
        &self,
        blueprint: &Blueprint,
        resolved: &Resolved,
    ) -> Result<(State, AssembleReport, bool), RegenerateError> {
        let state = self.state(resolved);
        let progress = self.context.progress;
        match &self.standing {
            Standing::Ours(old) if old.link_mode == state.link_mode => {
                let report = self.update(blueprint, &state, old, &resolved.interpreter)?;
                Ok((state, report, false))
            }
            _ if self.options.dry_run => {
                let report = AssembleReport::default();
                Ok((state, report, true))
            }
            Standing::Empty => {
                let options = UpdateOptions {
                    depth: Depth::Stat,
                    former: &[],
                    remove_added: false,
                    dry_run: false,
                    rewrite_state: true,
                };
                let report = update::update(blueprint, &state, &self.folder, options)?;
                Ok((state, report, true))
            }
            Standing::Nothing | Standing::Broken | Standing::Foreign | Standing::Ours(_) => {
                let carried = self.carried(&resolved.interpreter)?;
                let options = CreateOptions {
                    carried: &carried,
                    every_byte: self.options.deep,
                    folders_only: self.options.quick,
                };
                let report = assemble::create(blueprint, &state, &self.folder, options, progress)?;
                Ok((state, report, true))
            }
        }
    }

    /// Returns what the user added to the environment that is made anew, and keeps.
    fn carried(&self, interpreter: &Interpreter) -> Result<Vec<PathBuf>, FsError> {
        let Standing::Ours(old) = &self.standing else {
            return Ok(Vec::new());
        };
        if self.options.remove_added {
            return Ok(Vec::new());
        }
        let interrupted = State::interrupted(&self.folder);
        let former: Vec<Predecessor> = [Some(old), interrupted.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(|former| self.predecessor(former, None, interpreter))
            .collect();
        assemble::added(&former, old.link_mode, &self.folder)
    }

    fn update(
        &self,
        blueprint: &Blueprint,
        state: &State,
        old: &State,
        interpreter: &Interpreter,
    ) -> Result<AssembleReport, RegenerateError> {
        let interrupted = State::interrupted(&self.folder);
        let others: Vec<&State> = [Some(old), interrupted.as_ref()]
            .into_iter()
            .flatten()
            .filter(|former| former.fingerprint != state.fingerprint)
            .collect();
        let follows = (old.bytecode == state.bytecode).then_some(&blueprint.environment);
        let former: Vec<Predecessor> = others
            .iter()
            .filter_map(|former| self.predecessor(former, follows, interpreter))
            .collect();
        let is_told = interrupted.is_none() && follows.is_some() && former.len() == others.len();
        let depth = match State::written_at(&self.folder) {
            Some(since) if self.options.quick && is_told => Depth::Quick { since },
            _ if self.options.deep => Depth::Deep,
            _ => Depth::Stat,
        };
        let options = UpdateOptions {
            depth,
            former: &former,
            remove_added: self.options.remove_added,
            dry_run: self.options.dry_run,
            rewrite_state: old != state,
        };
        Ok(update::update(blueprint, state, &self.folder, options)?)
    }

    /// Draws what stood there before; what can no longer be told is left alone. Of one that is followed
    /// by an environment of the same base, only what is no part of that one is drawn.
    ///
    /// The interpreter decides no path, so that of today serves.
    fn predecessor(
        &self,
        old: &State,
        follows: Option<&Environment>,
        interpreter: &Interpreter,
    ) -> Option<Predecessor> {
        let environment = self.context.store.environment(old.fingerprint).ok()??;
        let mut gone = environment.clone();
        if let Some(new) = follows
            && (&new.base, &new.mounts) == (&gone.base, &gone.mounts)
        {
            let kept: BTreeSet<_> = new.packages.iter().collect();
            gone.packages.retain(|package| !kept.contains(package));
            gone.tools.retain(|tool| !new.tools.contains(tool));
        }
        let place = Place {
            project: &self.spec.root.folder,
            environment: &self.folder,
            interpreter: &interpreter.program,
            bytecode: old.bytecode,
            prompt: &old.prompt,
        };
        let gone = Blueprint::draw(self.context.store, gone, place).ok()?;
        Some(Predecessor { environment, gone })
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
