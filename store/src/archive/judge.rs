//! Whether the parts of an archive belong together, before the first of them is unpacked. Pure.

use std::collections::BTreeSet;

use super::error::ArchiveError;
use super::head::Head;
use crate::format::environment::{Base, EntryRef, Environment};
use crate::format::realisation::Realised;
use crate::id::Fingerprint;

/// What an archive's documents say, and what of it is wanted.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// Every entry that an environment or claim of the archive names.
    named: BTreeSet<EntryRef>,
    /// The entries that are wanted.
    pub wanted: BTreeSet<EntryRef>,
    /// The environments that are wanted.
    pub environments: BTreeSet<Fingerprint>,
}

/// Returns the entries and environments that are wanted: those of `asked`, or all.
///
/// # Errors
///
/// When an environment names an entry that the archive does not, or is not the one of its name.
pub(crate) fn environments(
    head: &Head,
    documents: &[(Fingerprint, Vec<u8>)],
    asked: Option<Fingerprint>,
) -> Result<Judged, ArchiveError> {
    let known: BTreeSet<&EntryRef> = head.all_entries().collect();
    let mut judged = Judged::default();
    for (fingerprint, bytes) in documents {
        let place = || format!("the environment `{fingerprint}`");
        let environment = Environment::parse(bytes)
            .map_err(|error| ArchiveError::refused(place(), error.to_string()))?;
        if matches!(environment.base, Base::External { .. }) {
            return Err(ArchiveError::refused(place(), "its Python is elsewhere"));
        }
        let is_wanted = asked.is_none_or(|asked| asked == *fingerprint);
        for entry in environment.entries() {
            if !known.contains(&entry) {
                let missing = format!("`{}` is not in the archive", entry.folder());
                return Err(ArchiveError::refused(place(), missing));
            }
            if is_wanted {
                judged.wanted.insert(entry.clone());
            }
            judged.named.insert(entry);
        }
        if is_wanted {
            judged.environments.insert(*fingerprint);
        }
    }
    Ok(judged)
}

/// Hears what a claim says, and tells whether it is wanted.
///
/// Where one environment was asked for, only claims whose result is that environment or in it are:
/// what they say cannot bring anything in that its fingerprint does not name.
///
/// # Errors
///
/// When it names what the archive does not hold, or is no claim at all.
pub(crate) fn claim(
    judged: &mut Judged,
    head: &Head,
    name: &str,
    bytes: &[u8],
    asked: Option<Fingerprint>,
) -> Result<bool, ArchiveError> {
    let refused = |reason: &str| ArchiveError::refused(format!("the claim `{name}`"), reason);
    match Realised::parse(bytes) {
        None => Err(refused("not of the format")),
        Some(Realised::Text(_)) => Ok(asked.is_none()),
        Some(Realised::Environment(fingerprint)) => {
            let mut parts = head.environments.iter();
            if !parts.any(|part| part.fingerprint == fingerprint) {
                return Err(refused(
                    "it names an environment that is not in the archive",
                ));
            }
            Ok(judged.environments.contains(&fingerprint))
        }
        Some(Realised::Entry(entry)) => {
            if !head.all_entries().any(|known| *known == entry) {
                return Err(refused("it names an entry that is not in the archive"));
            }
            let is_wanted = asked.is_none() || judged.wanted.contains(&entry);
            if is_wanted {
                judged.wanted.insert(entry.clone());
            }
            judged.named.insert(entry);
            Ok(is_wanted)
        }
    }
}

/// Refuses entries that nothing names: they would come in, and never be used nor looked at.
pub(crate) fn nothing_more(judged: &Judged, head: &Head) -> Result<(), ArchiveError> {
    match head
        .all_entries()
        .find(|entry| !judged.named.contains(*entry))
    {
        Some(entry) => Err(ArchiveError::refused(
            format!("`{}`", entry.folder()),
            "no environment and no claim of the archive names it",
        )),
        None => Ok(()),
    }
}
