//! What goes first when space is wanted, and how much that gives back. Pure.
//!
//! Content that several entries share is counted once, and given back with the last of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use rustc_hash::FxHashMap;

use super::plan::{Facts, Marks};
use crate::id::EntryId;

/// Chooses among the marked entries that nothing holds, those that were used longest ago first, until
/// `excess` bytes are given back. What is not marked goes in any case, and counts.
pub(super) fn choose(
    facts: &Facts,
    marks: &Marks,
    held: &BTreeSet<EntryId>,
    excess: u64,
) -> Vec<EntryId> {
    let mut users = Users::of(facts);
    let mut given = 0;
    for id in facts.entries.keys() {
        if !marks.entries.contains_key(id) {
            given += users.release(facts, *id);
        }
    }
    let used = last_uses(facts);
    let mut oldest: BinaryHeap<Reverse<(i64, EntryId)>> = marks
        .entries
        .keys()
        .filter(|id| !held.contains(id))
        .map(|id| Reverse((used.get(id).copied().unwrap_or(i64::MIN), *id)))
        .collect();
    let mut chosen = Vec::new();
    while given < excess {
        let Some(Reverse((_, id))) = oldest.pop() else {
            break;
        };
        given += users.release(facts, id);
        chosen.push(id);
    }
    chosen
}

/// Returns about how many bytes of the disk come back when these entries go.
pub(super) fn given_back(facts: &Facts, gone: &BTreeSet<EntryId>) -> u64 {
    if gone.is_empty() {
        return 0;
    }
    let mut users = Users::of(facts);
    gone.iter().map(|id| users.release(facts, *id)).sum()
}

/// Returns for each entry the bytes that are its alone, and those that it shares with others.
pub fn division(facts: &Facts) -> BTreeMap<EntryId, (u64, u64)> {
    let users = Users::of(facts);
    let divide = |(id, entry): (&EntryId, &super::plan::EntryFacts)| {
        let mut mine: FxHashMap<u64, (u32, u64)> = FxHashMap::default();
        for (content, bytes) in &entry.shares {
            mine.entry(*content).or_insert((0, *bytes)).0 += 1;
        }
        let (mut own, mut shared) = (entry.overhead, 0);
        for (content, (count, bytes)) in mine {
            if users.0.get(&content) == Some(&count) {
                own += bytes;
            } else {
                shared += bytes;
            }
        }
        (*id, (own, shared))
    };
    facts.entries.iter().map(divide).collect()
}

/// How many files have each content.
struct Users(FxHashMap<u64, u32>);

impl Users {
    fn of(facts: &Facts) -> Self {
        let mut users = FxHashMap::default();
        for entry in facts.entries.values() {
            for (content, _) in &entry.shares {
                *users.entry(*content).or_default() += 1;
            }
        }
        Self(users)
    }

    /// Takes an entry away, and returns the bytes that nobody has any more.
    fn release(&mut self, facts: &Facts, id: EntryId) -> u64 {
        let Some(entry) = facts.entries.get(&id) else {
            return 0;
        };
        let mut given = entry.overhead;
        for (content, bytes) in &entry.shares {
            if let Some(count) = self.0.get_mut(content) {
                *count = count.saturating_sub(1);
                given += if *count == 0 { *bytes } else { 0 };
            }
        }
        given
    }
}

/// Returns when each entry was last used: by an environment that names it, or when it came.
fn last_uses(facts: &Facts) -> BTreeMap<EntryId, i64> {
    let entries = facts.entries.iter();
    let mut used: BTreeMap<EntryId, i64> = entries.map(|(id, entry)| (*id, entry.made)).collect();
    for environment in facts.environments.values() {
        for entry in &environment.entries {
            if let Some(last) = used.get_mut(entry) {
                *last = (*last).max(environment.used);
            }
        }
    }
    used
}
