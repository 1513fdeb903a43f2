//! What a lock selects for one platform and one Python.

use std::path::PathBuf;

use uv_normalize::PackageName;
use uv_pep440::Version;

use super::location::{CleanUrl, Location};

/// The SHA-256 digest of an archive, as locks give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// Reads 64 hexadecimal digits of either case.
    pub fn from_hex(hex: &str) -> Option<Self> {
        dht_store::Digest::from_hex(hex.to_ascii_lowercase().as_bytes())
            .map(|digest| Self(*digest.as_bytes()))
    }
}

impl std::fmt::Display for Sha256 {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// A digest that locks may give beside SHA-256. Weaker ones, and those that no tool writes, prove
/// nothing more and are not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// Every one, with how locks name it and how many hexadecimal digits it has.
    pub const ALL: [(Self, &'static str, usize); 2] =
        [(Self::Sha384, "sha384", 96), (Self::Sha512, "sha512", 128)];

    /// Returns how locks name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha384 => Self::ALL[0].1,
            Self::Sha512 => Self::ALL[1].1,
        }
    }
}

/// One such digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FurtherDigest {
    /// Which.
    pub algorithm: Algorithm,
    /// Its digits, lower case.
    pub hex: String,
}

impl std::fmt::Display for FurtherDigest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.algorithm.name(), self.hex)
    }
}

/// An archive and what the lock says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Where it is.
    pub location: Location,
    /// The name of the file; for a wheel it carries name, version and tags.
    pub filename: String,
    /// Its digest. `None` only where the configuration allows packages without a hash.
    pub sha256: Option<Sha256>,
    /// What else the lock gives of its bytes, checked too.
    pub also: Vec<FurtherDigest>,
    /// Its size in bytes, where the lock gives it.
    pub size: Option<u64>,
}

/// How a package comes into an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A wheel that fits the platform.
    Wheel(Archive),
    /// A source archive, built once into a wheel.
    Sdist {
        /// The archive.
        archive: Archive,
        /// The folder inside it that holds the project.
        subdirectory: Option<String>,
    },
    /// A commit of a git repository, built once into a wheel.
    Git {
        /// The repository.
        url: CleanUrl,
        /// The full commit id.
        commit: String,
        /// The branch or tag that was asked for, as the lock tells it.
        requested_revision: Option<String>,
        /// The folder inside it that holds the project.
        subdirectory: Option<String>,
    },
    /// A folder of this project.
    Directory {
        /// Absolute.
        path: PathBuf,
        /// Whether the environment refers to the folder instead of holding a copy.
        editable: bool,
    },
}

/// One package of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedPackage {
    /// Its normalised name.
    pub name: PackageName,
    /// Its version; folders may not tell it.
    pub version: Option<Version>,
    /// How it comes.
    pub source: Source,
    /// Whether the lock asks for this very address, commit or folder instead of a version from an
    /// index, so that a `direct_url.json` belongs to the installed package (PEP 610).
    pub direct: bool,
}

/// Everything that a lock selects, sorted by name, each name once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// The packages.
    pub packages: Vec<SelectedPackage>,
}
