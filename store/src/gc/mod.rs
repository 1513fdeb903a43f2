//! Garbage collection: what nothing reaches from a root or a running command goes.
//!
//! Facts are read ([`facts`](Facts)), a plan is made from them alone ([`plan()`]), and then carried out
//! in small steps, so that nobody waits for it:
//!
//! 1. under the store's lock, held alone: leases and roots are read again, and at most
//!    `BATCH` entries that still nobody reaches are renamed into `trash/`;
//! 2. without it: the trash is deleted, and the bytes that come back are counted.
//!
//! Killed anywhere, it leaves a valid store: an entry is there or in the trash, and the next
//! collection empties that. Nothing grows meanwhile, so a full disk can be collected. It deletes only
//! below folders of the store that it has opened itself, and follows no link.

mod budget;
mod facts;
mod objects;
mod plan;
#[cfg(test)]
mod plan_tests;
mod sweep;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

pub use budget::division;
pub use facts::Survey;
pub use plan::{
    EntryFacts, EnvironmentFacts, Facts, Keeper, Limits, Marks, Place, Plan, Presence, RootFacts,
    UnknownEnvironment, mark, plan, reached,
};

use crate::error::StoreError;
use crate::format::environment::EntryRef;
use crate::fs::FsError;
use crate::id::EntryId;
use crate::lock::OnWait;
use crate::roots;
use crate::store::Store;

/// The name whose lock is held by the one collection that runs.
const COLLECTION: &[u8] = b"gc";
/// How many former environments of a root are kept when nothing else is said.
pub const GENERATIONS: usize = 3;

/// What is collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How many former environments of each root are kept.
    pub generations: usize,
    /// What was used within this many seconds is kept.
    pub max_age: Option<u64>,
    /// The size that the store shall have at most, in bytes of the disk; what was used longest ago
    /// goes first.
    pub max_size: Option<u64>,
    /// Roots that are forgotten although it cannot be told whether they exist.
    pub forget: BTreeSet<PathBuf>,
    /// Entries that `dhtl` needs for itself.
    pub own: BTreeSet<EntryId>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            generations: GENERATIONS,
            max_age: None,
            max_size: None,
            forget: BTreeSet::new(),
            own: BTreeSet::new(),
        }
    }
}

/// Why nothing was collected, or not all.
#[derive(Debug, thiserror::Error)]
pub enum GcError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not known what a root reaches.
    #[error(transparent)]
    Unknown(#[from] UnknownEnvironment),
    /// A root that shall be forgotten is none.
    #[error("`{}` is not registered as in use", .0.display())]
    NoRoot(PathBuf),
    /// An environment that shall be forgotten stands.
    #[error("the environment at `{}` stands and is in use", .0.display())]
    InUse(PathBuf),
}

impl From<FsError> for GcError {
    fn from(error: FsError) -> Self {
        Self::Store(error.into())
    }
}

/// An entry and its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SizedEntry {
    /// The entry.
    #[serde(flatten)]
    pub entry: EntryRef,
    /// The sum of its files' sizes.
    pub bytes: u64,
}

/// What was collected, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Collected {
    /// Places whose environment is gone.
    pub roots: Vec<PathBuf>,
    /// How many environments' documents.
    pub environments: usize,
    /// The entries, the largest first.
    pub entries: Vec<SizedEntry>,
    /// How many results were forgotten that led to what is gone.
    pub realisations: usize,
    /// How many contents that no entry has any more.
    pub objects: u64,
    /// How many archives on their way in, and damaged files that were kept.
    pub leftovers: u64,
    /// How many bytes of the disk came back; for a plan, about how many would.
    pub freed: u64,
}

/// A plan with the facts that it was made from.
#[derive(Debug)]
pub struct Prepared {
    /// The facts.
    pub facts: Facts,
    /// The plan.
    pub plan: Plan,
    limits: Limits,
    forgotten: BTreeSet<PathBuf>,
}

impl Store {
    /// Reads the facts and decides what goes. Nothing is changed.
    pub fn plan_gc(&self, options: &Options, survey: Survey<'_>) -> Result<Prepared, GcError> {
        let mut facts = facts::read(self, survey)?;
        forget(&mut facts, &options.forget)?;
        let excess = match options.max_size {
            Some(most) => Some(self.usage()?.total().saturating_sub(most)),
            None => None,
        };
        let limits = Limits {
            generations: options.generations,
            max_age: options.max_age,
            excess,
            own: options.own.clone(),
            now: roots::now(),
        };
        let plan = plan(&facts, &limits)?;
        Ok(Prepared {
            facts,
            plan,
            limits,
            forgotten: options.forget.clone(),
        })
    }

    /// Carries out a plan: what somebody reaches by now stays.
    pub fn gc(
        &self,
        prepared: &Prepared,
        survey: Survey<'_>,
        on_wait: OnWait<'_>,
    ) -> Result<Collected, GcError> {
        self.ensure_writable()?;
        let _collection = self.lock_name(COLLECTION, on_wait)?;
        sweep::Sweep::new(self, prepared, survey, on_wait)?.run()
    }
}

impl Prepared {
    /// Returns what the plan would collect.
    pub fn preview(&self) -> Collected {
        let ids: Vec<EntryId> = self.plan.entries.iter().copied().collect();
        Collected {
            roots: paths(&self.plan.roots),
            environments: self.plan.environments.len(),
            entries: sized(&self.facts.entries, &ids),
            freed: self.plan.bytes,
            ..Collected::default()
        }
    }

    /// Returns the entries that are kept, the largest first, and why.
    pub fn kept(&self) -> Vec<(SizedEntry, Vec<Keeper>)> {
        let ids: Vec<EntryId> = self.plan.keepers.keys().copied().collect();
        let keepers = |entry: &SizedEntry| {
            let keepers = self.plan.keepers.get(&entry.entry.entry);
            keepers.into_iter().flatten().cloned().collect()
        };
        let entries = sized(&self.facts.entries, &ids).into_iter();
        entries
            .map(|entry| (entry.clone(), keepers(&entry)))
            .collect()
    }
}

/// Takes roots for gone although nobody can tell whether they are.
fn forget(facts: &mut Facts, paths: &BTreeSet<PathBuf>) -> Result<(), GcError> {
    for path in paths {
        let mut known = false;
        for root in facts.roots.iter_mut().filter(|it| it.root.path == *path) {
            known = true;
            if root.presence == Presence::Standing {
                return Err(GcError::InUse(path.clone()));
            }
            root.presence = Presence::Gone;
        }
        if !known {
            return Err(GcError::NoRoot(path.clone()));
        }
    }
    Ok(())
}

fn paths(roots: &[RootFacts]) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = roots.iter().map(|root| root.root.path.clone()).collect();
    paths.sort();
    paths
}

fn sized(entries: &BTreeMap<EntryId, EntryFacts>, ids: &[EntryId]) -> Vec<SizedEntry> {
    let known = ids.iter().filter_map(|id| entries.get(id));
    let mut sized: Vec<SizedEntry> = known
        .flat_map(|facts| {
            facts.folders.iter().map(|entry| SizedEntry {
                entry: entry.clone(),
                bytes: facts.bytes,
            })
        })
        .collect();
    sized.sort_by(|left, right| (right.bytes, &left.entry).cmp(&(left.bytes, &right.entry)));
    sized
}
