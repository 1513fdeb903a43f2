//! "This input gave that result": what makes a second run skip resolving, fetching and building.
//!
//! A realisation is a small file, `realisations/<kind>/<key>`, whose content is the result. It is a
//! claim, not content: a result that is gone simply has to be made again.

use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::format::environment::EntryRef;
use crate::format::realisation::Realised;
use crate::id::{Digest, Fingerprint};
use crate::store::{Store, read_optional};

/// What kind of input a realisation is about: one folder each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RealisationKind(pub &'static str);

impl Store {
    /// Returns the entry that `input` gave, if the store knows it and still has it.
    pub fn realised_entry(&self, kind: RealisationKind, input: &[u8]) -> Option<EntryRef> {
        match self.realisation(kind, input)? {
            Realised::Entry(entry) => self.has_entry(&entry).then_some(entry),
            Realised::Environment(_) | Realised::Text(_) => None,
        }
    }

    /// Returns the environment that `input` gave, if the store knows it.
    pub fn realised_environment(&self, kind: RealisationKind, input: &[u8]) -> Option<Fingerprint> {
        match self.realisation(kind, input)? {
            Realised::Environment(fingerprint) => Some(fingerprint),
            Realised::Entry(_) | Realised::Text(_) => None,
        }
    }

    /// Returns the text that `input` gave, if the store knows it.
    pub fn realised_text(&self, kind: RealisationKind, input: &[u8]) -> Option<String> {
        match self.realisation(kind, input)? {
            Realised::Text(text) => Some(text),
            Realised::Entry(_) | Realised::Environment(_) => None,
        }
    }

    /// Remembers that `input` gave `entry`.
    pub fn realise_entry(
        &self,
        kind: RealisationKind,
        input: &[u8],
        entry: &EntryRef,
    ) -> Result<(), StoreError> {
        self.realise(kind, input, &Realised::Entry(entry.clone()))
    }

    /// Remembers that `input` gave the environment `fingerprint`.
    pub fn realise_environment(
        &self,
        kind: RealisationKind,
        input: &[u8],
        fingerprint: Fingerprint,
    ) -> Result<(), StoreError> {
        self.realise(kind, input, &Realised::Environment(fingerprint))
    }

    /// Remembers that `input` gave `text`.
    pub fn realise_text(
        &self,
        kind: RealisationKind,
        input: &[u8],
        text: &str,
    ) -> Result<(), StoreError> {
        self.realise(kind, input, &Realised::Text(text.to_owned()))
    }

    fn realisation(&self, kind: RealisationKind, input: &[u8]) -> Option<Realised> {
        // An unreadable claim is no claim: the work is done again.
        let path = path(kind, input);
        self.layers().find_map(|store| {
            let bytes = read_optional(store.dir(), &path).ok().flatten()?;
            Realised::parse(&bytes)
        })
    }

    fn realise(
        &self,
        kind: RealisationKind,
        input: &[u8],
        realised: &Realised,
    ) -> Result<(), StoreError> {
        self.put(&path(kind, input), &realised.to_bytes())
    }
}

fn path(kind: RealisationKind, input: &[u8]) -> PathBuf {
    Path::new("realisations")
        .join(kind.0)
        .join(Digest::of(input).to_string())
}
