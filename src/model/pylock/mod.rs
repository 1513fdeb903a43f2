//! PEP 751 `pylock.toml`: the one form in which every lock reaches the selector.
//!
//! Reading is pure: text in, values out, no file is opened. What a value says was checked: names
//! are normalised, file names agree with the package's name and version, every archive has a
//! SHA-256 unless the user allowed otherwise, addresses use a scheme that may be fetched, and paths
//! are absolute. Nothing is guessed: what the specification does not know is refused, with the
//! file, the line, the package and the key.
//!
//! <https://packaging.python.org/en/latest/specifications/pylock-toml/>

mod check;
mod error;
mod keys;
mod location;
mod parse;
mod raw;
mod restrict;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;

use uv_distribution_filename::WheelFilename;
use uv_normalize::{ExtraName, GroupName, PackageName};
use uv_pep440::{Version, VersionSpecifiers};
use uv_pep508::MarkerTree;

use super::location::CleanUrl;
use super::selection::Archive;

pub use check::bounded_marker;
pub use error::{Problem, PylockError};
pub use location::{LockOrigin, LockPolicy};
pub use restrict::BinaryPolicy;

/// The largest lock that is read, in bytes.
pub const MAX_BYTES: usize = 50 * 1024 * 1024;

/// A lock, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pylock {
    /// The program that wrote it.
    pub created_by: String,
    /// The versions of Python that it was made for.
    pub requires_python: Option<VersionSpecifiers>,
    /// The environments that it was made for; empty: all.
    pub environments: Vec<MarkerTree>,
    /// The extras that can be asked for.
    pub extras: BTreeSet<ExtraName>,
    /// The dependency groups that can be asked for.
    pub dependency_groups: BTreeSet<GroupName>,
    /// The groups, synthetic ones included, that are taken when nothing is asked for.
    pub default_groups: BTreeSet<GroupName>,
    /// The packages, sorted by name; one name may occur several times, with different markers.
    pub packages: Vec<LockedPackage>,
}

/// One `[[packages]]` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// Its normalised name.
    pub name: PackageName,
    /// Its version; folders and commits need not tell it.
    pub version: Option<Version>,
    /// Where it applies.
    pub marker: MarkerTree,
    /// The versions of Python that it works with.
    pub requires_python: Option<VersionSpecifiers>,
    /// The index that it came from.
    pub index: Option<CleanUrl>,
    /// Where its bytes are.
    pub source: PackageSource,
}

/// Where the bytes of a package are; exactly one of the specification's kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackageSource {
    /// `sdist` and `wheels`: files of an index; at least one.
    Files {
        /// The source archive.
        sdist: Option<Archive>,
        /// The wheels, in the order of the lock.
        wheels: Vec<LockedWheel>,
    },
    /// `archive`: one file that was asked for by its address.
    Archive {
        /// The file.
        archive: Archive,
        /// Its name taken apart, when it is a wheel.
        wheel: Option<WheelFilename>,
        /// The folder inside it that holds the project.
        subdirectory: Option<String>,
    },
    /// `vcs`: a commit of a git repository.
    Git {
        /// The repository.
        url: CleanUrl,
        /// The full commit id.
        commit: String,
        /// The branch or tag that was asked for.
        requested_revision: Option<String>,
        /// The folder inside it that holds the project.
        subdirectory: Option<String>,
    },
    /// `directory`: a folder of this machine.
    Directory {
        /// Absolute.
        path: PathBuf,
        /// Whether the environment refers to it.
        editable: bool,
    },
}

/// A wheel and the tags in its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedWheel {
    /// The file name, taken apart.
    pub filename: WheelFilename,
    /// The file.
    pub archive: Archive,
}
