//! What `dhtl store du` tells.

use dht_store::gc::{Keeper, Prepared};
use dht_store::{EntryRef, Usage};
use schemars::JsonSchema;
use serde::Serialize;

use super::gc::sentence;
use crate::model::amount::Bytes;
use crate::ui::table::{Align, Table};

/// What an entry takes, and who needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DuLine {
    /// The entry.
    #[serde(flatten)]
    pub entry: EntryRef,
    /// How many files it has, bytecode included.
    pub files: usize,
    /// About how many bytes of the disk are its alone, and come back when it goes.
    pub own: u64,
    /// About how many it shares with other entries.
    pub shared: u64,
    /// How many environments name it.
    pub environments: usize,
    /// What keeps it.
    pub keepers: Vec<Keeper>,
}

/// What `dhtl store du` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DuReport {
    /// What the store takes of the disk, each file counted once.
    pub usage: Usage,
    /// The sum.
    pub total: u64,
    /// About how many bytes `dhtl gc` would give back.
    pub collectable: u64,
    /// The entries, those first that take most.
    pub entries: Vec<DuLine>,
}

impl DuReport {
    /// Makes the report of what a plan found.
    pub fn new(prepared: &Prepared, usage: Usage) -> Self {
        let division = dht_store::gc::division(&prepared.facts);
        let mut entries = Vec::new();
        for (id, facts) in &prepared.facts.entries {
            let (own, shared) = division.get(id).copied().unwrap_or_default();
            let environments = prepared.facts.environments.values();
            let environments = environments.filter(|it| it.entries.contains(id)).count();
            let keepers = prepared.plan.keepers.get(id).into_iter().flatten();
            let keepers: Vec<Keeper> = keepers.cloned().collect();
            entries.extend(facts.folders.iter().map(|entry| DuLine {
                entry: entry.clone(),
                files: facts.files,
                own,
                shared,
                environments,
                keepers: keepers.clone(),
            }));
        }
        entries.sort_by(|left, right| (right.own, &left.entry).cmp(&(left.own, &right.entry)));
        Self {
            total: usage.total(),
            usage,
            collectable: prepared.plan.bytes,
            entries,
        }
    }

    /// Returns the lines for a person.
    pub fn lines(&self) -> String {
        let mut table = Table::new([
            ("OWN", Align::Right),
            ("SHARED", Align::Right),
            ("FILES", Align::Right),
            ("ENTRY", Align::Left),
            ("KEPT BY", Align::Left),
        ]);
        for line in &self.entries {
            let kept = match line.keepers.as_slice() {
                [] => "nothing".to_owned(),
                [one] => sentence(one),
                [first, rest @ ..] => format!("{} and {} more", sentence(first), rest.len()),
            };
            table.row([
                Bytes(line.own).to_string(),
                Bytes(line.shared).to_string(),
                line.files.to_string(),
                format!("{} {}", line.entry.name, line.entry.version),
                kept,
            ]);
        }
        let Usage {
            entries,
            records,
            incoming,
            quarantine,
            trash,
        } = self.usage;
        let parts = [
            ("entries", entries),
            ("records", records),
            ("on the way in", incoming),
            ("quarantine", quarantine),
            ("trash", trash),
        ];
        let parts = parts.iter().filter(|(_, bytes)| *bytes > 0);
        let parts: Vec<String> = parts
            .map(|(what, bytes)| format!("{what} {}", Bytes(*bytes)))
            .collect();
        let head = if table.is_empty() {
            String::new()
        } else {
            format!("{table}\n\n")
        };
        format!(
            "{head}total {} ({}); dhtl gc would give back about {}",
            Bytes(self.total),
            parts.join(", "),
            Bytes(self.collectable)
        )
    }
}
