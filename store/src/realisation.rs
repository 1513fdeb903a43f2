//! "This input gave that result": what makes a second run skip resolving, fetching and building.
//!
//! A realisation is a small file, `realisations/<kind>/<key>`, whose content is the result. It is a
//! claim, not content: a result that is gone simply has to be made again.

use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::format::environment::EntryRef;
use crate::fs::FsError;
use crate::id::{Digest, Fingerprint};
use crate::store::{Store, parse_folder, read_optional};

/// What kind of input a realisation is about: one folder each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RealisationKind(pub &'static str);

impl Store {
    /// Returns the entry that `input` gave, if the store knows it and still has it.
    pub fn realised_entry(&self, kind: RealisationKind, input: &[u8]) -> Option<EntryRef> {
        let text = self.realisation(kind, input)?;
        let entry = parse_folder(text.strip_prefix("entry ")?.strip_suffix('\n')?)?;
        self.has_entry(&entry).then_some(entry)
    }

    /// Returns the environment that `input` gave, if the store knows it.
    pub fn realised_environment(&self, kind: RealisationKind, input: &[u8]) -> Option<Fingerprint> {
        let text = self.realisation(kind, input)?;
        text.strip_prefix("environment ")?
            .strip_suffix('\n')?
            .parse()
            .ok()
    }

    /// Returns the text that `input` gave, if the store knows it.
    pub fn realised_text(&self, kind: RealisationKind, input: &[u8]) -> Option<String> {
        self.realisation(kind, input)?
            .strip_prefix("text\n")
            .map(str::to_owned)
    }

    /// Remembers that `input` gave `entry`.
    pub fn realise_entry(
        &self,
        kind: RealisationKind,
        input: &[u8],
        entry: &EntryRef,
    ) -> Result<(), StoreError> {
        self.realise(kind, input, &format!("entry {}\n", entry.folder()))
    }

    /// Remembers that `input` gave the environment `fingerprint`.
    pub fn realise_environment(
        &self,
        kind: RealisationKind,
        input: &[u8],
        fingerprint: Fingerprint,
    ) -> Result<(), StoreError> {
        self.realise(kind, input, &format!("environment {fingerprint}\n"))
    }

    /// Remembers that `input` gave `text`.
    pub fn realise_text(
        &self,
        kind: RealisationKind,
        input: &[u8],
        text: &str,
    ) -> Result<(), StoreError> {
        self.realise(kind, input, &format!("text\n{text}"))
    }

    /// Forgets what `input` gave.
    pub fn forget_realisation(
        &self,
        kind: RealisationKind,
        input: &[u8],
    ) -> Result<(), StoreError> {
        let path = path(kind, input);
        match self.dir().remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FsError {
                verb: "remove",
                path: self.path().join(path),
                source: error,
            }
            .into()),
            _ => Ok(()),
        }
    }

    fn realisation(&self, kind: RealisationKind, input: &[u8]) -> Option<String> {
        // An unreadable claim is no claim: the work is done again.
        let bytes = read_optional(self.dir(), &path(kind, input))
            .ok()
            .flatten()?;
        String::from_utf8(bytes).ok()
    }

    fn realise(&self, kind: RealisationKind, input: &[u8], text: &str) -> Result<(), StoreError> {
        self.put(&path(kind, input), text.as_bytes())
    }
}

fn path(kind: RealisationKind, input: &[u8]) -> PathBuf {
    Path::new("realisations")
        .join(kind.0)
        .join(Digest::of(input).to_string())
}
