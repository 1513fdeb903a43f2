//! Why a wheel could not be installed.

use dht_store::{SinkError, TreePath, TreePathError};

use super::archive::ArchiveError;
use super::entry_points::EntryPointError;
use super::inflate::ContentError;
use super::metadata::MetadataError;
use super::names::PortabilityProblem;
use super::record::RecordError;

/// Why a wheel could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum WheelError {
    /// The zip archive is refused.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The content of a file is not what the archive says.
    #[error("could not unpack `{path}`")]
    Content {
        /// The file, as the archive names it.
        path: TreePath,
        /// What is wrong with it.
        source: ContentError,
    },
    /// The wheel's metadata is refused.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The wheel's `RECORD` is refused.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The wheel's scripts are refused.
    #[error(transparent)]
    EntryPoint(#[from] EntryPointError),
    /// The wheel lacks a file that every wheel has, or has too many of them.
    #[error("the wheel has {0}")]
    Structure(&'static str),
    /// A file has no place in an environment.
    #[error("could not place `{path}`: {reason}")]
    Placement {
        /// The file, as the archive names it.
        path: TreePath,
        /// Why it has no place.
        reason: &'static str,
    },
    /// A file's place in the environment has no valid name.
    #[error("could not place a file")]
    Path(#[from] TreePathError),
    /// Two files have one place.
    #[error("the wheel installs `{0}` more than once")]
    Conflict(TreePath),
    /// The files cannot stand on the platform that they are meant for.
    #[error("the wheel cannot be installed on this platform")]
    NotPortable(#[source] PortabilityProblem),
    /// Scripts for Windows need a launcher program, and none was given.
    #[error("the wheel has the script `{0}`, which needs a launcher program on Windows")]
    NoLauncher(String),
    /// The tree could not be written.
    #[error(transparent)]
    Sink(#[from] SinkError),
}
