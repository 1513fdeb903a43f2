//! What `dhtl store export` and `dhtl store import` tell.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dht_store::archive::{Head, ImportReport};
use dht_store::{Digest, EntryId, EntryRef, Fingerprint};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ui::Ui;

/// An entry in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ArchivedEntry {
    /// Its identifier.
    pub entry: EntryId,
    /// What it is called.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How many bytes its part of the unpacked archive has; none for an entry that it only builds on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// What an archive holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ArchiveReport {
    /// The name of the archive: BLAKE3 of its head.
    pub archive: String,
    /// Its environments.
    pub environments: Vec<Fingerprint>,
    /// Its entries, by name, version and identifier.
    pub entries: Vec<ArchivedEntry>,
    /// Entries that whoever imports it has to have.
    pub needs: Vec<ArchivedEntry>,
    /// How many entries come with bytecode.
    pub supplements: usize,
    /// How many claims it holds: this input gave that result.
    pub claims: usize,
    /// How many bytes it has when it is unpacked, without its head.
    pub unpacked: u64,
    /// How many bytes were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
}

fn archived(entry: &EntryRef, bytes: Option<u64>) -> ArchivedEntry {
    ArchivedEntry {
        entry: entry.entry,
        name: entry.name.clone(),
        version: entry.version.clone(),
        bytes,
    }
}

fn name(id: Digest) -> String {
    format!("blake3:{id}")
}

impl ArchiveReport {
    /// Makes the report of an archive with this head.
    pub fn new(head: &Head, written: Option<u64>) -> Self {
        let held = head.entries.iter();
        let needed = head.needs.iter();
        Self {
            archive: name(head.id()),
            environments: (head.environments.iter())
                .map(|part| part.fingerprint)
                .collect(),
            entries: held
                .map(|part| archived(&part.entry, Some(part.size)))
                .collect(),
            needs: needed.map(|entry| archived(entry, None)).collect(),
            supplements: head.supplements.len(),
            claims: head.claims.len(),
            unpacked: head.unpacked(),
            written,
        }
    }

    /// Tells a person what was exported.
    pub fn tell_export(&self, ui: &Ui, platforms: &BTreeMap<Fingerprint, String>) {
        for (fingerprint, platform) in platforms {
            ui.done(format!("Environment: {platform}, blake3:{fingerprint}"));
        }
        let mut held = format!("{} entries", self.entries.len());
        if !self.needs.is_empty() {
            held += &format!(", {} more are needed", self.needs.len());
        }
        let written = self.written.unwrap_or_default();
        ui.done(format!(
            "Archive: {held}; {} MB, {} MB unpacked",
            megabytes(written),
            megabytes(self.unpacked)
        ));
        ui.done(format!("Archive name: {}", self.archive));
    }

    /// Lists what the archive holds, for a person.
    pub fn listing(&self) -> String {
        let mut text = format!("archive {}\n", self.archive);
        for fingerprint in &self.environments {
            let _ = writeln!(text, "environment blake3:{fingerprint}");
        }
        for ArchivedEntry {
            entry,
            name,
            version,
            bytes,
        } in self.entries.iter().chain(&self.needs)
        {
            let short = &entry.to_string()[..12];
            let _ = match bytes {
                Some(bytes) => writeln!(text, "entry {short} {name} {version} {bytes}"),
                None => writeln!(text, "needs {short} {name} {version}"),
            };
        }
        text
    }
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ImportedReport {
    /// The name of the archive: BLAKE3 of its head.
    pub archive: String,
    /// The environments that the store has now.
    pub environments: Vec<Fingerprint>,
    /// How many entries were wanted.
    pub entries: usize,
    /// How many of them the store did not have.
    pub imported: usize,
    /// How many bytes were unpacked.
    pub bytes: u64,
    /// How many entries got bytecode.
    pub supplements: usize,
    /// How many claims the store did not have.
    pub claims: usize,
    /// How many claims contradict what the store knows, which stays.
    pub contradicted: usize,
    /// Entries that stood damaged in the store and were replaced, and where the damaged ones are kept.
    pub replaced: Vec<String>,
}

impl ImportedReport {
    /// Makes the report of an import.
    pub fn new(head: &Head, done: &ImportReport) -> Self {
        let kept = |(entry, path): &(EntryRef, std::path::PathBuf)| {
            format!("{} {}: {}", entry.name, entry.version, path.display())
        };
        Self {
            archive: name(head.id()),
            environments: done.environments.clone(),
            entries: done.entries,
            imported: done.imported,
            bytes: done.bytes,
            supplements: done.supplements,
            claims: done.claims,
            contradicted: done.contradicted,
            replaced: done.quarantined.iter().map(kept).collect(),
        }
    }

    /// Tells a person.
    pub fn tell(&self, ui: &Ui) {
        ui.done(format!(
            "Archive: {} entries, {} new ({} MB)",
            self.entries,
            self.imported,
            megabytes(self.bytes)
        ));
        if self.supplements > 0 {
            ui.done(format!("Bytecode: for {} entries", self.supplements));
        }
        for kept in &self.replaced {
            ui.warning(format!("replaced what was damaged, kept as {kept}"));
        }
        if self.contradicted > 0 {
            ui.warning(format!(
                "{} results that the archive claims are others in this store, and stay what they were",
                self.contradicted
            ));
        }
        for fingerprint in &self.environments {
            ui.done(format!("Environment fingerprint: blake3:{fingerprint}"));
        }
    }
}

fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}
