//! What an archive will hold.

use std::collections::{BTreeMap, BTreeSet};

use super::claim::ClaimName;
use super::error::ArchiveError;
use super::head::{ClaimPart, EntryPart, EnvironmentPart, Head, SupplementPart, is_bytecode_label};
use super::{MAX_DOCUMENT, MAX_LISTING, MAX_RUN, layout};
use crate::format::environment::{Base, EntryRef};
use crate::format::realisation::Realised;
use crate::id::{Digest, Fingerprint};
use crate::store::Store;

/// What shall be in an archive.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Environments, with every entry that they name.
    pub environments: BTreeSet<Fingerprint>,
    /// Realisations, with the entry or environment that they name. Those that the store does not know
    /// are left out.
    pub claims: BTreeSet<ClaimName>,
    /// Derived files: an entry and the label. Those that the store does not have are left out.
    pub supplements: BTreeSet<(EntryRef, String)>,
    /// What whoever imports has already: it is named, and left out.
    pub had: BTreeSet<EntryRef>,
}

/// What an archive will hold, in full.
#[derive(Debug)]
pub struct Plan {
    pub(crate) head: Head,
}

impl Plan {
    /// Looks up everything that is wanted.
    ///
    /// # Errors
    ///
    /// When the store lacks an environment or an entry of one, or something is too large for an archive.
    pub fn draw(store: &Store, wanted: &Wanted) -> Result<Self, ArchiveError> {
        let mut environments = wanted.environments.clone();
        let mut entries = BTreeSet::new();
        let mut claims = Vec::new();
        for name in &wanted.claims {
            let Some(bytes) = store.claim_bytes(name) else {
                continue;
            };
            match Realised::parse(&bytes) {
                None => continue,
                Some(Realised::Entry(entry)) if !store.has_entry(&entry) => continue,
                Some(Realised::Entry(entry)) => drop(entries.insert(entry)),
                Some(Realised::Environment(fingerprint)) => drop(environments.insert(fingerprint)),
                Some(Realised::Text(_)) => {}
            }
            claims.push(ClaimPart {
                name: name.clone(),
                digest: Digest::of(&bytes),
                size: limited(bytes.len() as u64, MAX_DOCUMENT, || name.to_string())?,
            });
        }
        let mut documents = Vec::new();
        for fingerprint in environments {
            let environment = store
                .environment(fingerprint)?
                .ok_or(ArchiveError::NoEnvironment(fingerprint))?;
            if matches!(environment.base, Base::External { .. }) {
                return Err(ArchiveError::External(fingerprint));
            }
            entries.extend(environment.entries());
            let size = environment.to_bytes().len() as u64;
            documents.push(EnvironmentPart {
                fingerprint,
                size: limited(size, MAX_DOCUMENT, || fingerprint.to_string())?,
            });
        }
        let needs: Vec<EntryRef> = entries.intersection(&wanted.had).cloned().collect();
        let held = entries.difference(&wanted.had);
        let parts = held.map(|entry| entry_part(store, entry));
        let parts: Vec<EntryPart> = parts.collect::<Result<_, _>>()?;
        let supplements = supplements(store, wanted, &parts)?;
        let head = Head {
            environments: documents,
            claims,
            entries: parts,
            needs,
            supplements,
        };
        limited(head.to_bytes().len() as u64, MAX_LISTING, || {
            "so many entries".to_owned()
        })?;
        Ok(Self { head })
    }

    /// Returns what the archive will hold.
    pub const fn head(&self) -> &Head {
        &self.head
    }
}

fn limited(size: u64, limit: u64, name: impl Fn() -> String) -> Result<u64, ArchiveError> {
    if size > limit {
        return Err(ArchiveError::TooLarge(name()));
    }
    Ok(size)
}

fn entry_part(store: &Store, entry: &EntryRef) -> Result<EntryPart, ArchiveError> {
    let manifest = store.manifest(entry.entry)?;
    let listing = manifest.to_bytes().len() as u64;
    limited(listing, MAX_LISTING, || entry.folder())?;
    let size = layout::entry_size(entry, &manifest, listing).unwrap_or(u64::MAX);
    Ok(EntryPart {
        entry: entry.clone(),
        size: limited(size, MAX_RUN, || entry.folder())?,
    })
}

fn supplements(
    store: &Store,
    wanted: &Wanted,
    held: &[EntryPart],
) -> Result<Vec<SupplementPart>, ArchiveError> {
    let held: BTreeMap<&EntryRef, ()> = held.iter().map(|part| (&part.entry, ())).collect();
    let mut parts = Vec::new();
    for (entry, label) in &wanted.supplements {
        if !held.contains_key(entry) || !is_bytecode_label(label) {
            continue;
        }
        let Some(manifest) = store.supplement(entry.entry, label)? else {
            continue;
        };
        let listing = manifest.to_bytes();
        let count = limited(listing.len() as u64, MAX_LISTING, || entry.folder())?;
        let size = layout::supplement_size(entry, label, &manifest, count).unwrap_or(u64::MAX);
        parts.push(SupplementPart {
            entry: entry.clone(),
            label: label.clone(),
            digest: Digest::of(&listing),
            size: limited(size, MAX_RUN, || entry.folder())?,
        });
    }
    Ok(parts)
}
