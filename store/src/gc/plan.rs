//! What goes and what stays, decided from facts alone: a plan is a value.
//!
//! - What a root, a generation of it, a running command or `dhtl` itself reaches never goes.
//! - Of the rest, everything goes; with an age, what was used since stays; with a size, what was used
//!   latest stays as long as it fits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::budget;
use crate::format::environment::EntryRef;
use crate::id::{Digest, EntryId, Fingerprint};
use crate::roots::Root;

/// What stands at the path of a root, as far as that can be told by looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// An environment of ours: what it is, and what it was about to become.
    Standing(Vec<Fingerprint>),
    /// Something that cannot be told: it could not be read, or does not know what it is.
    Unclear,
    /// No environment of ours.
    Absent,
}

/// Whether the environment of a root still exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It stands where it was made.
    Standing,
    /// It is not there, and its witness tells that it exists elsewhere on the store's file system.
    Moved,
    /// Nothing is mounted where it was made: nobody can tell.
    Unmounted,
    /// Something is there that could not be read.
    Unclear,
    /// It is gone.
    Gone,
}

impl Presence {
    /// Judges a root by what stands at its path, by its witness, and by whether its file system is
    /// mounted.
    pub const fn of(place: &Place, held: bool, mounted: bool) -> Self {
        match (place, held, mounted) {
            (Place::Standing(_), _, _) => Self::Standing,
            (Place::Unclear, _, _) => Self::Unclear,
            (Place::Absent, true, _) => Self::Moved,
            (Place::Absent, false, false) => Self::Unmounted,
            (Place::Absent, false, true) => Self::Gone,
        }
    }
}

/// A root, and what is known of its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootFacts {
    /// The name of its file.
    pub name: String,
    /// What it says.
    pub root: Root,
    /// Whether the environment exists.
    pub presence: Presence,
    /// What the environment says of itself.
    pub standing: Vec<Fingerprint>,
}

/// What is known of an environment's document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvironmentFacts {
    /// The entries that it names.
    pub entries: Vec<EntryId>,
    /// Other environments that it names.
    pub environments: Vec<Fingerprint>,
    /// When it was last used, in seconds since the Unix epoch.
    pub used: i64,
}

/// Some content, by the beginning of its digest, and how many bytes of the disk it takes.
pub type Share = (u64, u64);

/// What is known of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFacts {
    /// Its folders: one for each name that it has. None for a manifest without a tree.
    pub folders: Vec<EntryRef>,
    /// When it came, in seconds since the Unix epoch.
    pub made: i64,
    /// How many files it has.
    pub files: usize,
    /// The sum of their sizes.
    pub bytes: u64,
    /// The content of its files.
    pub shares: Vec<Share>,
    /// What its folders and listings take of the disk.
    pub overhead: u64,
}

/// Everything that decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The roots.
    pub roots: Vec<RootFacts>,
    /// Entries and environments that running commands use.
    pub pins: BTreeSet<Digest>,
    /// The documents that can be read.
    pub environments: BTreeMap<Fingerprint, EnvironmentFacts>,
    /// The documents that cannot.
    pub unreadable: BTreeSet<Fingerprint>,
    /// The entries.
    pub entries: BTreeMap<EntryId, EntryFacts>,
}

/// How much is kept of what could go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// How many former environments of each root are kept.
    pub generations: usize,
    /// What was used within this many seconds is kept.
    pub max_age: Option<u64>,
    /// How many bytes of the disk have to be given back, where a size was asked for.
    pub excess: Option<u64>,
    /// Entries that `dhtl` needs for itself.
    pub own: BTreeSet<EntryId>,
    /// Seconds since the Unix epoch.
    pub now: i64,
}

/// Why something is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Keeper {
    /// An environment in use.
    Root {
        /// Where it was made.
        path: PathBuf,
        /// Whether it exists.
        presence: Presence,
    },
    /// A former environment.
    Generation {
        /// Where it stood.
        path: PathBuf,
        /// Its number.
        generation: u32,
    },
    /// A command that runs.
    Running,
    /// `dhtl` itself runs it.
    Own,
    /// It was used lately.
    Recent,
    /// There is room for it.
    Room,
}

/// Why no plan can be made: what a root reaches is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store lacks the document of the environment {fingerprint}, which stands at `{}`", path.display())]
pub struct UnknownEnvironment {
    /// Where it is in use.
    pub path: PathBuf,
    /// Its name.
    pub fingerprint: Fingerprint,
}

/// What goes, and why the rest stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Roots whose environment is gone.
    pub roots: Vec<RootFacts>,
    /// Documents that go.
    pub environments: BTreeSet<Fingerprint>,
    /// Entries that go.
    pub entries: BTreeSet<EntryId>,
    /// Why each other entry stays.
    pub keepers: BTreeMap<EntryId, BTreeSet<Keeper>>,
    /// About how many bytes of the disk that gives back.
    pub bytes: u64,
}

/// What is reached from something that has to stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Entries, and by whom.
    pub entries: BTreeMap<EntryId, BTreeSet<Keeper>>,
    /// Documents.
    pub environments: BTreeSet<Fingerprint>,
}

/// Lists what roots and their generations claim.
fn claims(
    facts: &Facts,
    limits: &Limits,
) -> Result<Vec<(Fingerprint, Keeper)>, UnknownEnvironment> {
    let mut claims = Vec::new();
    for RootFacts {
        root,
        presence,
        standing,
        ..
    } in &facts.roots
    {
        if *presence == Presence::Gone {
            continue;
        }
        let current = standing.iter().copied().chain([root.environment]);
        let current: BTreeSet<Fingerprint> = current.collect();
        for fingerprint in &current {
            if !facts.environments.contains_key(fingerprint) {
                return Err(UnknownEnvironment {
                    path: root.path.clone(),
                    fingerprint: *fingerprint,
                });
            }
            let keeper = Keeper::Root {
                path: root.path.clone(),
                presence: *presence,
            };
            claims.push((*fingerprint, keeper));
        }
        // Where it cannot be told what stands, each of them may.
        let is_certain = *presence == Presence::Standing;
        let count = if is_certain {
            limits.generations
        } else {
            usize::MAX
        };
        let former = root.former.iter();
        let former = former.filter(|it| !current.contains(&it.environment));
        for generation in former.take(count) {
            let keeper = Keeper::Generation {
                path: root.path.clone(),
                generation: generation.generation,
            };
            claims.push((generation.environment, keeper));
        }
    }
    Ok(claims)
}

/// Finds what roots, generations, running commands and `dhtl` itself reach, and says by whom.
pub fn mark(facts: &Facts, limits: &Limits) -> Result<Marks, UnknownEnvironment> {
    let mut marks = Marks::default();
    for (fingerprint, keeper) in claims(facts, limits)? {
        marks.environment(facts, fingerprint, &keeper);
    }
    marks.pins(facts, limits);
    Ok(marks)
}

/// The same without saying by whom: each environment is followed once.
pub fn reached(facts: &Facts, limits: &Limits) -> Result<Marks, UnknownEnvironment> {
    let mut marks = Marks::default();
    let claims = claims(facts, limits)?.into_iter();
    let claimed: BTreeSet<Fingerprint> = claims.map(|(fingerprint, _)| fingerprint).collect();
    for fingerprint in claimed {
        marks.environment(facts, fingerprint, &Keeper::Running);
    }
    marks.pins(facts, limits);
    Ok(marks)
}

impl Marks {
    fn pins(&mut self, facts: &Facts, limits: &Limits) {
        for digest in &facts.pins {
            self.environment(facts, Fingerprint(*digest), &Keeper::Running);
            self.entry(facts, EntryId(*digest), &Keeper::Running);
        }
        for entry in &limits.own {
            self.entry(facts, *entry, &Keeper::Own);
        }
    }

    /// Marks a document and all that it reaches.
    fn environment(&mut self, facts: &Facts, first: Fingerprint, keeper: &Keeper) {
        let mut open = vec![first];
        let mut seen = BTreeSet::new();
        while let Some(fingerprint) = open.pop() {
            let Some(environment) = facts.environments.get(&fingerprint) else {
                continue;
            };
            if !seen.insert(fingerprint) {
                continue;
            }
            self.environments.insert(fingerprint);
            for entry in &environment.entries {
                self.entry(facts, *entry, keeper);
            }
            open.extend(&environment.environments);
        }
    }

    fn entry(&mut self, facts: &Facts, entry: EntryId, keeper: &Keeper) {
        if facts.entries.contains_key(&entry) {
            let keepers = self.entries.entry(entry).or_default();
            keepers.insert(keeper.clone());
        }
    }
}

/// Decides what goes.
pub fn plan(facts: &Facts, limits: &Limits) -> Result<Plan, UnknownEnvironment> {
    let mut marks = mark(facts, limits)?;
    let held: BTreeSet<EntryId> = marks.entries.keys().copied().collect();
    let held_documents = marks.environments.clone();
    if limits.max_age.is_some() || limits.excess.is_some() {
        keep_recent(facts, limits, &mut marks);
    }
    if let Some(excess) = limits.excess {
        for gone in budget::choose(facts, &marks, &held, excess) {
            marks.entries.remove(&gone);
        }
    }
    let entries = facts.entries.keys().copied();
    let entries: BTreeSet<EntryId> = entries
        .filter(|entry| !marks.entries.contains_key(entry))
        .collect();
    let is_whole = |fingerprint: &Fingerprint| {
        let environment = facts.environments.get(fingerprint);
        environment.is_some_and(|it| !it.entries.iter().any(|entry| entries.contains(entry)))
    };
    let kept = |fingerprint: &Fingerprint| {
        held_documents.contains(fingerprint)
            || (marks.environments.contains(fingerprint) && is_whole(fingerprint))
    };
    let environments = facts.environments.keys().chain(&facts.unreadable).copied();
    let gone = facts.roots.iter();
    Ok(Plan {
        roots: gone
            .filter(|root| root.presence == Presence::Gone)
            .cloned()
            .collect(),
        environments: environments.filter(|it| !kept(it)).collect(),
        bytes: budget::given_back(facts, &entries),
        entries,
        keepers: marks.entries,
    })
}

/// Marks what was used lately, or all that is left when only a size was asked for.
fn keep_recent(facts: &Facts, limits: &Limits, marks: &mut Marks) {
    let (keeper, since) = match limits.max_age {
        Some(age) => {
            let age = i64::try_from(age).unwrap_or(i64::MAX);
            (Keeper::Recent, limits.now.saturating_sub(age))
        }
        None => (Keeper::Room, i64::MIN),
    };
    for (fingerprint, environment) in &facts.environments {
        if environment.used >= since {
            marks.environment(facts, *fingerprint, &keeper);
        }
    }
    for (id, entry) in &facts.entries {
        if entry.made >= since {
            marks.entry(facts, *id, &keeper);
        }
    }
}
