//! A lock that names packages, versions and the digests of files, but not where the files are: what
//! requirements files and `poetry.lock` have in common.
//!
//! The law: nothing is added that the lock does not say. An index only tells the address of a file
//! whose digest the lock has; [`pylock_text`] writes what was found as PEP 751, the same text for
//! the same answers, and the one reader of `pylock.toml` reads and checks it.

mod combine;
mod locate;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use uv_normalize::{ExtraName, GroupName, PackageName};
use uv_pep440::{Version, VersionSpecifiers};
use uv_pep508::MarkerTree;

use super::location::CleanUrl;
use super::selection::Sha256;

pub use combine::{Disagreement, combine};
pub use locate::{LocateError, Offer, Offers, Question, package_of, questions};
pub use write::{Written, pylock_text};

/// The pins of a lock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    /// The indexes that are asked for packages that name none, in this order.
    pub indexes: Vec<CleanUrl>,
    /// The versions of Python that the lock was made for.
    pub requires_python: Option<VersionSpecifiers>,
    /// The extras that can be asked for.
    pub extras: BTreeSet<ExtraName>,
    /// The groups that can be asked for.
    pub groups: BTreeSet<GroupName>,
    /// The groups that are taken when nothing is asked for.
    pub default_groups: BTreeSet<GroupName>,
    /// The packages; one name may occur several times, with different markers.
    pub pins: Vec<Pin>,
    /// What a user should know, though the lock is used.
    pub warnings: Vec<String>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Its normalised name.
    pub name: PackageName,
    /// Its version; folders and commits need not tell it.
    pub version: Option<Version>,
    /// Where it applies; extras and groups as PEP 751 spells them.
    pub marker: MarkerTree,
    /// The versions of Python that it works with.
    pub requires_python: Option<VersionSpecifiers>,
    /// Where the lock says so, for messages: "`requirements.txt`, line 3".
    pub place: String,
    /// Where its bytes are.
    pub source: PinSource,
}

/// Where the bytes of a package are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinSource {
    /// Files of an index.
    Index {
        /// The index, where the lock says which.
        index: Option<CleanUrl>,
        /// The digests of its files; none where the user allows that.
        files: Wanted,
        /// Whether wheels may be used.
        wheels: bool,
        /// Whether a source archive may be used.
        sdist: bool,
    },
    /// One file, asked for by its address.
    Url {
        /// The address, without its fragment.
        url: CleanUrl,
        /// Its digest.
        sha256: Option<Sha256>,
        /// The folder inside it that holds the project.
        subdirectory: Option<String>,
    },
    /// One file of the project.
    File {
        /// The path, relative to the project's folder or absolute, with `/` between its steps.
        path: String,
        /// Its digest.
        sha256: Option<Sha256>,
    },
    /// A commit of a git repository.
    Git {
        /// The repository.
        url: CleanUrl,
        /// The full commit id.
        commit: String,
        /// The branch or tag that was asked for.
        requested: Option<String>,
        /// The folder inside it that holds the project.
        subdirectory: Option<String>,
    },
    /// A folder.
    Directory {
        /// The path, relative to the project's folder or absolute, with `/` between its steps.
        path: String,
        /// Whether the environment refers to it.
        editable: bool,
    },
}

/// What a lock says of a version's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Their digests.
    Digests(BTreeSet<Sha256>),
    /// Their names, each with its digest.
    Names(BTreeMap<String, Sha256>),
    /// Nothing: every file of the version, as the index has it.
    Any,
}

impl Wanted {
    /// Tells whether the lock has a file of this name and digest.
    pub fn admits(&self, filename: &str, sha256: Option<Sha256>) -> bool {
        match self {
            Self::Digests(digests) => sha256.is_some_and(|sha256| digests.contains(&sha256)),
            Self::Names(names) => sha256.is_some() && names.get(filename).copied() == sha256,
            Self::Any => true,
        }
    }

    /// Returns the digests.
    pub fn digests(&self) -> BTreeSet<Sha256> {
        match self {
            Self::Digests(digests) => digests.clone(),
            Self::Names(names) => names.values().copied().collect(),
            Self::Any => BTreeSet::new(),
        }
    }
}

/// The public index's pages.
pub fn public_index() -> CleanUrl {
    CleanUrl::new(
        "https://pypi.org/simple"
            .parse()
            .expect("because it is an address"),
    )
}
