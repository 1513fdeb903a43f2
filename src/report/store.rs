//! What `dhtl store path`, `ls`, `info` and `verify` tell.

use dht_store::check::EntryReport;
use dht_store::{EntryId, EntryRef};
use schemars::JsonSchema;
use serde::Serialize;

/// Where the store, or an entry of it, is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PathReport {
    /// The folder, absolute.
    pub path: String,
}

/// What `dhtl store info` tells of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StoreInfo {
    /// Its folder, absolute.
    pub path: String,
    /// Whether this dhtl may write into it.
    pub writable: bool,
    /// How many entries it holds.
    pub entries: usize,
    /// The sum of the sizes of their files.
    pub bytes: u64,
    /// The same, with equal files counted once.
    pub distinct: u64,
    /// How many environments are registered.
    pub roots: usize,
}

/// What `dhtl store info ENTRY` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EntryInfo {
    /// Its identifier.
    pub entry: EntryId,
    /// What it is called.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its folder, absolute.
    pub path: String,
    /// How many files, folders and links it has.
    pub nodes: usize,
    /// The sum of the sizes of its files.
    pub bytes: u64,
}

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
