//! How a project is regenerated, why it may not be, and what was done.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dht_store::fs::FsError;
use dht_store::{Environment, Fingerprint, LinkMode, RepairReport, StoreError};

use crate::env::assemble::AssembleReport;
use crate::env::base::Interpreter;
use crate::env::blueprint::BlueprintError;
use crate::env::bytecode::DeriveError;
use crate::project::resolve::{ResolveError, ResolveReport};

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
