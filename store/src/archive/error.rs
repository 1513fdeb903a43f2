//! Why an archive cannot be written or is refused.

use std::io;

use crate::error::StoreError;
use crate::format::environment::EntryRef;
use crate::fs::FsError;
use crate::id::{Digest, Fingerprint};

/// Why an archive cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive could not be read.
    #[error("could not read the archive")]
    Read(#[source] io::Error),
    /// The archive could not be written.
    #[error("could not write the archive")]
    Write(#[source] io::Error),
    /// These are other bytes.
    #[error("this is no archive of a store: {0}")]
    Foreign(&'static str),
    /// It was written by another version.
    #[error("the archive has format version {found}; this program reads version {known}")]
    Version {
        /// Its version.
        found: String,
        /// What this program reads.
        known: u32,
    },
    /// It ends too early.
    #[error("the archive ends in the middle of {0}")]
    Truncated(String),
    /// A byte is not what has to stand there.
    #[error("the archive is damaged or forged, at {place}: {reason}")]
    Refused {
        /// The part or member.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// It is not the one that was asked for.
    #[error("the archive is `{found}`, not `{asked}`")]
    OtherArchive {
        /// What it is.
        found: Digest,
        /// What it should be.
        asked: Digest,
    },
    /// It does not hold what was asked for.
    #[error(
        "the archive does not hold the environment `{asked}`; it holds {}",
        list(found)
    )]
    OtherRoot {
        /// What should be in it.
        asked: Fingerprint,
        /// What is in it.
        found: Vec<Fingerprint>,
    },
    /// It holds a difference only, and what it builds on is not here.
    #[error("the archive builds on entries that the store does not hold: {}", names(.0))]
    Needs(Vec<EntryRef>),
    /// There is not enough space for it.
    #[error("the archive needs {needed} bytes of disk space, and {free} are free")]
    Space {
        /// How much it takes at most.
        needed: u64,
        /// How much there is.
        free: u64,
    },
    /// A file of the store is not what its manifest says.
    #[error("cannot export `{entry}`: its file `{path}` is damaged in the store")]
    Damaged {
        /// The entry's folder.
        entry: String,
        /// The file.
        path: String,
    },
    /// The store does not have what shall be exported.
    #[error("the store does not hold the environment `{0}`")]
    NoEnvironment(Fingerprint),
    /// The interpreter of an environment is not in the store.
    #[error("cannot export the environment `{0}`: its Python is outside of the store")]
    External(Fingerprint),
    /// Something is larger than archives may hold.
    #[error("cannot export `{0}`: it is larger than an archive may hold")]
    TooLarge(String),
}

impl ArchiveError {
    pub(crate) fn refused(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Refused {
            place: place.into(),
            reason: reason.into(),
        }
    }

    /// Says of an error of reading what was being read, when the bytes ended too early.
    pub(crate) fn reading(place: &str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated(place.to_owned()),
            _ => Self::Read(error),
        }
    }
}

impl From<FsError> for ArchiveError {
    fn from(error: FsError) -> Self {
        Self::Store(error.into())
    }
}

fn list(fingerprints: &[Fingerprint]) -> String {
    match fingerprints {
        [] => "none".to_owned(),
        some => {
            let names: Vec<_> = some.iter().take(5).map(ToString::to_string).collect();
            names.join(", ")
        }
    }
}

fn names(entries: &[EntryRef]) -> String {
    let shown = entries.iter().take(5);
    let mut names: Vec<_> = shown
        .map(|entry| format!("{} {}", entry.name, entry.version))
        .collect();
    if entries.len() > names.len() {
        names.push(format!("{} more", entries.len() - names.len()));
    }
    names.join(", ")
}
