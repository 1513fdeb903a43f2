//! What `dhtl store ls` and `dhtl store verify` tell.

use dht_store::check::EntryReport;
use dht_store::{EntryId, EntryRef};
use schemars::JsonSchema;
use serde::Serialize;

/// An entry of the store, and how large it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EntryLine {
    /// Its identifier.
    pub entry: EntryId,
    /// What it is called.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How many files it has.
    pub files: usize,
    /// The sum of their sizes.
    pub bytes: u64,
}

/// What `dhtl store ls` lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StoreListing {
    /// The entries, sorted by name, version and identifier.
    pub entries: Vec<EntryLine>,
}

/// An entry that is damaged, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DamagedEntry {
    /// The entry.
    pub entry: EntryRef,
    /// What is wrong with it.
    #[serde(flatten)]
    pub report: EntryReport,
}

/// What `dhtl store verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VerifyReport {
    /// How many entries were checked.
    pub entries: usize,
    /// How many bytes were read.
    pub bytes_read: u64,
    /// Entries that are damaged, after repairs where they were asked for.
    pub damaged: Vec<DamagedEntry>,
    /// How many paths were repaired.
    pub repaired: usize,
}
