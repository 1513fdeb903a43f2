//! What can go wrong in a store.

use std::path::PathBuf;

use crate::fs::FsError;
use crate::id::ParseDigestError;
use crate::manifest::ManifestError;
use crate::sink::SinkError;

/// Why an operation on a store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk refused.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A file could not be added to a new entry.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The store was written by a newer program.
    #[error("the store at `{}` has format version {found}; this program reads version {known}", path.display())]
    TooNew {
        /// The store.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// The store uses features that this program does not know.
    #[error("the store at `{}` uses features that this program does not know: {}", path.display(), features.join(", "))]
    UnknownFeatures {
        /// The store.
        path: PathBuf,
        /// Their names.
        features: Vec<String>,
    },
    /// A file of the store is not what its format says.
    #[error("`{}` is malformed: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A manifest is malformed, or its bytes do not match its name.
    #[error("the manifest `{}` is damaged", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ManifestError,
    },
    /// The bytes of a file do not match the hash in its name.
    #[error("the content of `{}` does not match its name", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
    },
    /// The store does not hold this entry.
    #[error("the store does not hold the entry `{name}`")]
    MissingEntry {
        /// How entries are named.
        name: String,
    },
    /// Two files of an entry's tree cannot stand together, or the tree is malformed.
    #[error("the tree of `{name}` is malformed")]
    Tree {
        /// The entry.
        name: String,
        /// What is wrong.
        source: ManifestError,
    },
    /// A label that would not make a safe file name.
    #[error("`{}` cannot be part of an entry's name", .0.escape_debug())]
    BadLabel(String),
    /// A digest is malformed.
    #[error(transparent)]
    Digest(#[from] ParseDigestError),
    /// A place that shall be remembered has a path that is no text.
    #[error("`{}` cannot be remembered as in use: its path is not Unicode", .0.display())]
    NotUnicode(PathBuf),
    /// The store may only be read.
    #[error("the store at `{}` is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// Another process held a lock for too long.
    #[error("another process has held the lock `{}` for {seconds} s", path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long this process waited.
        seconds: u64,
    },
}
