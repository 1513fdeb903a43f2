//! The names of realisations, without their inputs: what an archive can say of them.

use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::format::realisation::Realised;
use crate::fs::FsError;
use crate::id::{Digest, Fingerprint};
use crate::realisation::RealisationKind;
use crate::store::{Store, read_optional};

/// Names a realisation: the kind of its input, and the input's digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClaimName {
    /// What kind of input it is about.
    pub kind: String,
    /// The digest of the input.
    pub key: Digest,
}

impl ClaimName {
    /// Names the claim about `input`.
    pub fn of(kind: RealisationKind, input: &[u8]) -> Self {
        Self {
            kind: kind.0.to_owned(),
            key: Digest::of(input),
        }
    }

    /// Tells whether the kind could be one of the store's: lower-case letters and dashes.
    pub(crate) fn is_kind(kind: &str) -> bool {
        (1..=40).contains(&kind.len())
            && kind
                .bytes()
                .all(|byte| byte == b'-' || byte.is_ascii_lowercase())
            && !kind.starts_with('-')
    }

    /// Returns where the claim is, relative to the store.
    pub(crate) fn path(&self) -> PathBuf {
        Path::new("realisations")
            .join(&self.kind)
            .join(self.key.to_string())
    }
}

impl std::fmt::Display for ClaimName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.key)
    }
}

impl Store {
    /// Lists the environments that the store knows, sorted.
    ///
    /// # Errors
    ///
    /// When the folder cannot be listed.
    pub fn known_environments(&self) -> Result<Vec<Fingerprint>, StoreError> {
        let folder = Path::new("environments");
        let names = self.dir().open_dir(folder).and_then(|dir| dir.read());
        let names = names.map_err(FsError::at("list", self.path().join(folder)))?;
        let named = names.iter().filter_map(|entry| entry.name.to_str());
        let mut known: Vec<_> = named.filter_map(|name| name.parse().ok()).collect();
        known.sort();
        Ok(known)
    }

    /// Returns what the store says of a claim; `None` if it knows none, or one that cannot be read.
    pub fn claim(&self, name: &ClaimName) -> Option<Realised> {
        Realised::parse(&self.claim_bytes(name)?)
    }

    pub(crate) fn claim_bytes(&self, name: &ClaimName) -> Option<Vec<u8>> {
        read_optional(self.dir(), &name.path()).ok().flatten()
    }

    /// Lists the claims of one kind, sorted.
    ///
    /// # Errors
    ///
    /// When the folder cannot be listed.
    pub fn claims(&self, kind: &str) -> Result<Vec<ClaimName>, StoreError> {
        let folder = Path::new("realisations").join(kind);
        let names = match self.dir().open_dir(&folder).and_then(|dir| dir.read()) {
            Ok(names) => names,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(FsError::at("list", self.path().join(folder))(error).into()),
        };
        let named = |name: &std::ffi::OsStr| {
            Some(ClaimName {
                kind: kind.to_owned(),
                key: name.to_str()?.parse().ok()?,
            })
        };
        let mut claims: Vec<_> = names
            .iter()
            .filter_map(|entry| named(&entry.name))
            .collect();
        claims.sort();
        Ok(claims)
    }
}
