//! What a project asks for, whatever the platform: `validation.venv_checksum`.
//!
//! The law: it depends on what the project's files ask for, not on the machine that reads them, on
//! how lines end, or on where the project stands; whatever decides the environment is in it. The
//! bytes are specified in `schemas/checksums.md`; a change of them is a new version there, never a
//! change of version 1.

mod compare;
mod lock;
mod project;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Digest as _;

use super::canonical;
use super::config::checksum::Checksum;

pub use compare::{Change, ChangeKind, changes};
pub use lock::{LockForm, lock};
pub use project::{FolderFiles, folder};

/// The first line of the canonical bytes.
const HEADER: &str = "dhtl-environment 1\n";

/// A part of what is asked for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// Groups and extras.
    Configuration,
    /// What the locks say.
    Packages,
    /// What the platform's package managers provide.
    PlatformPackages,
    /// Programs that are no Python packages.
    Programs,
    /// What the project's own folders say of themselves.
    Project,
    /// The Python.
    Python,
    /// Development tools.
    Tools,
}

impl Component {
    /// Every component, in the order of their names.
    pub const ALL: [Self; 7] = [
        Self::Configuration,
        Self::Packages,
        Self::PlatformPackages,
        Self::Programs,
        Self::Project,
        Self::Python,
        Self::Tools,
    ];

    /// Returns the name, as documents spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Packages => "packages",
            Self::PlatformPackages => "platform_packages",
            Self::Programs => "programs",
            Self::Project => "project",
            Self::Python => "python",
            Self::Tools => "tools",
        }
    }
}

/// The text names no component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no part of what is asked for")]
pub struct ParseComponentError(String);

impl std::str::FromStr for Component {
    type Err = ParseComponentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|it| it.name() == text);
        found.ok_or_else(|| ParseComponentError(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Configuration => "groups and extras",
            Self::Packages => "packages",
            Self::PlatformPackages => "platform packages",
            Self::Programs => "programs",
            Self::Project => "the project's own metadata",
            Self::Python => "Python",
            Self::Tools => "tools",
        })
    }
}

/// The first 64 bits of a BLAKE3 as 16 hexadecimal digits: enough to tell what differs, where a
/// whole checksum says already that something does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(String);

/// The text is no mark.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not 16 hexadecimal digits, lower case")]
pub struct ParseMarkError(String);

impl Mark {
    /// Returns the mark of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex()[..16].to_owned())
    }
}

impl std::str::FromStr for Mark {
    type Err = ParseMarkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 16 && text.bytes().all(digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseMarkError(text.chars().take(40).collect()))
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

super::parsed::as_text!(Mark);

impl JsonSchema for Mark {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Mark".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{16}$" })
    }
}

/// What a project asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    parts: BTreeMap<Component, Value>,
}

impl Asked {
    /// Takes the parts; one that is absent, or says nothing, is the same.
    pub fn new(parts: BTreeMap<Component, Value>) -> Self {
        let says = |value: &Value| match value {
            Value::Null => false,
            Value::Object(keys) => !keys.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => true,
        };
        let parts = parts.into_iter().filter(|(_, value)| says(value));
        Self {
            parts: parts.collect(),
        }
    }

    /// Reads the canonical bytes; `None` for any others.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let json = bytes.strip_prefix(HEADER.as_bytes())?;
        let value: BTreeMap<String, Value> = serde_json::from_slice(json).ok()?;
        let mut parts = BTreeMap::new();
        for (name, value) in value {
            parts.insert(name.parse().ok()?, value);
        }
        let asked = Self::new(parts);
        (asked.to_bytes() == bytes).then_some(asked)
    }

    /// Returns the canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let keys = self.parts.iter();
        let keys = keys.map(|(component, value)| (component.name().to_owned(), value.clone()));
        let json = canonical::json(&Value::Object(keys.collect()));
        format!("{HEADER}{json}\n").into_bytes()
    }

    /// Returns the checksum that dhtl writes.
    pub fn checksum(&self) -> Checksum {
        Checksum::Blake3(*blake3::hash(&self.to_bytes()).as_bytes())
    }

    /// Returns whether `expected` is the checksum of this; `None` when it is a placeholder, which
    /// says neither.
    pub fn agrees_with(&self, expected: &Checksum) -> Option<bool> {
        match expected {
            Checksum::Blake3(_) => Some(self.checksum() == *expected),
            Checksum::Sha256(digest) => {
                Some(sha2::Sha256::digest(self.to_bytes())[..] == digest[..])
            }
            Checksum::Placeholder(_) => None,
        }
    }

    /// Returns a part; null where nothing is asked for.
    pub fn part(&self, component: Component) -> &Value {
        self.parts.get(&component).unwrap_or(&Value::Null)
    }

    /// Returns the mark of every part that says something.
    pub fn marks(&self) -> BTreeMap<Component, Mark> {
        let parts = self.parts.iter();
        parts
            .map(|(component, value)| (*component, Mark::of(canonical::json(value).as_bytes())))
            .collect()
    }
}

#[cfg(test)]
mod tests;
