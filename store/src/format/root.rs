//! The content of a root: where an environment is in use.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Fingerprint;

/// An environment in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Root {
    /// Where it stands, absolute.
    pub path: PathBuf,
    /// What stands there.
    pub environment: Fingerprint,
}

impl Root {
    /// Returns the bytes of the file: JSON on one line. `None` where the path is not Unicode.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self).ok()?;
        bytes.push(b'\n');
        Some(bytes)
    }

    /// Reads the file; `None` for what is no root.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
