//! `store.json`: which format a store has.
//!
//! Unknown names in `compatible` are harmless; in `read_only_compatible` they allow reading only; in
//! `incompatible` they forbid any use, as in file systems.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The format version that this program reads and writes.
pub const VERSION: u32 = 1;

/// The content of `store.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreJson {
    /// Always `dht-store`.
    pub format: String,
    /// The version of the layout.
    pub version: u32,
    /// Features that a program may ignore.
    #[serde(default)]
    pub compatible: Vec<String>,
    /// Features without which a program may only read.
    #[serde(default)]
    pub read_only_compatible: Vec<String>,
    /// Features without which a program must not touch the store.
    #[serde(default)]
    pub incompatible: Vec<String>,
}

/// What a program may do with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    ReadWrite,
    /// Reading.
    ReadOnly,
}

/// Why a store may not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is newer than [`VERSION`].
    TooNew(u32),
    /// It is no `store.json` at all.
    Malformed(String),
    /// It has features that are not known here.
    UnknownFeatures(Vec<String>),
}

impl Default for StoreJson {
    fn default() -> Self {
        Self {
            format: "dht-store".to_owned(),
            version: VERSION,
            compatible: Vec::new(),
            read_only_compatible: Vec::new(),
            incompatible: Vec::new(),
        }
    }
}

impl StoreJson {
    /// Returns the bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes =
            serde_json::to_vec_pretty(self).expect("because the value has string keys only");
        bytes.push(b'\n');
        bytes
    }

    /// Reads the file and decides what this program may do with the store.
    pub fn check(bytes: &[u8]) -> Result<Access, Refusal> {
        #[derive(Deserialize)]
        struct Version {
            format: String,
            version: u32,
        }
        let malformed = |error: serde_json::Error| Refusal::Malformed(error.to_string());
        let head: Version = serde_json::from_slice(bytes).map_err(malformed)?;
        if head.format != "dht-store" {
            return Err(Refusal::Malformed(format!("`format` is `{}`", head.format)));
        }
        if head.version != VERSION {
            return Err(Refusal::TooNew(head.version));
        }
        let store: Self = serde_json::from_slice(bytes).map_err(malformed)?;
        if !store.incompatible.is_empty() {
            return Err(Refusal::UnknownFeatures(store.incompatible));
        }
        Ok(if store.read_only_compatible.is_empty() {
            Access::ReadWrite
        } else {
            Access::ReadOnly
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_may_be_done() {
        let with = |change: fn(&mut StoreJson)| {
            let mut store = StoreJson::default();
            change(&mut store);
            StoreJson::check(&store.to_bytes())
        };
        assert_eq!(with(|_| {}), Ok(Access::ReadWrite));
        assert_eq!(
            with(|store| store.compatible.push("x".into())),
            Ok(Access::ReadWrite)
        );
        assert_eq!(
            with(|store| store.read_only_compatible.push("x".into())),
            Ok(Access::ReadOnly)
        );
        assert_eq!(
            with(|store| store.incompatible.push("x".into())),
            Err(Refusal::UnknownFeatures(vec!["x".into()]))
        );
        assert_eq!(with(|store| store.version = 2), Err(Refusal::TooNew(2)));
        assert!(matches!(StoreJson::check(b""), Err(Refusal::Malformed(_))));
        assert!(matches!(
            StoreJson::check(b"[]"),
            Err(Refusal::Malformed(_))
        ));
    }
}
