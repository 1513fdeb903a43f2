//! The document that names what an environment is assembled from.
//!
//! Its bytes are canonical JSON: the keys in the order of these types, two spaces of indentation, a
//! newline at the end. **The fingerprint of the environment is the BLAKE3 hash of these bytes.**
//! Every entry is named by its own root hash, so one changed bit in one file of one package changes
//! the fingerprint.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{EntryId, Fingerprint};

/// The value of `format` in this version.
pub const FORMAT: &str = "dht-environment/1";

/// An entry, with the labels of its folder in the store.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct EntryRef {
    /// What it is called.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its identifier.
    pub entry: EntryId,
}

impl EntryRef {
    /// Returns the name of the entry's folder in the store.
    pub fn folder(&self) -> String {
        format!("{}-{}-{}", self.entry, self.name, self.version)
    }

    /// Reads the name of an entry's folder, `<id>-<name>-<version>`: a version holds no dash.
    pub fn from_folder(folder: &str) -> Option<Self> {
        let (id, labels) = (folder.get(..64)?, folder.get(64..)?.strip_prefix('-')?);
        let (name, version) = labels.rsplit_once('-')?;
        Some(Self {
            name: name.into(),
            version: version.into(),
            entry: id.parse().ok()?,
        })
    }
}

/// The interpreter that an environment runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Base {
    /// A build in the store.
    Entry(EntryRef),
    /// A program outside of the store, known by the digest of its executable.
    External {
        /// `cpython` or `pypy`.
        name: String,
        /// Its version.
        version: String,
        /// BLAKE3 of the executable file.
        digest: Fingerprint,
    },
}

/// One package of an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its normalised name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The tree that is linked.
    pub entry: EntryId,
    /// The folder, relative to the project's root, that the package refers to, as editable ones do.
    /// Its entry is a template, rendered for the place where the project stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

impl Package {
    /// Returns the entry with its labels.
    pub fn entry_ref(&self) -> EntryRef {
        EntryRef {
            name: self.name.clone(),
            version: self.version.clone(),
            entry: self.entry,
        }
    }
}

/// A development tool of an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its normalised name, which is the name of its package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The packages of an isolated tool, sorted by name, the tool's own among them: they stand in an
    /// environment of their own below [`TOOLS`]. Empty for a tool among the environment's packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<Package>,
}

/// The folder in an environment that holds one environment for each isolated tool, by its name.
pub const TOOLS: &str = ".tools";

impl Tool {
    /// Tells whether the tool stands in an environment of its own.
    pub fn is_isolated(&self) -> bool {
        !self.packages.is_empty()
    }
}

/// What an environment is assembled from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Always `dht-environment/1`.
    pub format: String,
    /// The platform, such as `linux-x86_64`.
    pub platform: String,
    /// The interpreter.
    pub base: Base,
    /// Where each top folder of a package's tree goes: relative to the environment, `.` for its
    /// root, `{name}` for the package's name.
    pub mounts: BTreeMap<String, String>,
    /// The packages, sorted by name. Where two hold one path, the first one wins.
    pub packages: Vec<Package>,
    /// The development tools, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
}

/// Why some bytes are no environment document.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// Not JSON, or not of this shape.
    #[error("the document does not follow the schema")]
    Json(#[from] serde_json::Error),
    /// Another version.
    #[error("the document has the format `{0}`, not `{FORMAT}`")]
    Format(String),
    /// The same values, written in another way.
    #[error("the document is not in canonical form")]
    NotCanonical,
}

impl Environment {
    /// Returns the canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes =
            serde_json::to_vec_pretty(self).expect("because the value has string keys only");
        bytes.push(b'\n');
        bytes
    }

    /// Returns the fingerprint: the hash of [`Environment::to_bytes`].
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.to_bytes())
    }

    /// Reads a document, refusing every form but the canonical one.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvironmentError> {
        let environment: Self = serde_json::from_slice(bytes)?;
        if environment.format != FORMAT {
            return Err(EnvironmentError::Format(environment.format));
        }
        let by_name = |packages: &[Package]| packages.is_sorted_by(|a, b| a.name < b.name);
        let sorted = by_name(&environment.packages)
            && environment.tools.is_sorted_by(|a, b| a.name < b.name)
            && environment.tools.iter().all(|tool| by_name(&tool.packages));
        if !sorted || environment.to_bytes() != bytes {
            return Err(EnvironmentError::NotCanonical);
        }
        Ok(environment)
    }

    /// Iterates over every entry that the environment needs.
    pub fn entries(&self) -> impl Iterator<Item = EntryRef> {
        let base = match &self.base {
            Base::Entry(entry) => Some(entry.clone()),
            Base::External { .. } => None,
        };
        base.into_iter()
            .chain(self.all_packages().map(|(_, package)| package.entry_ref()))
    }

    /// Iterates over the packages of the environment, then over those of its isolated tools, each with
    /// the name of its tool.
    pub fn all_packages(&self) -> impl Iterator<Item = (Option<&str>, &Package)> {
        let of_tools = self.tools.iter().flat_map(|tool| {
            let name = Some(tool.name.as_str());
            tool.packages.iter().map(move |package| (name, package))
        });
        let own = self.packages.iter().map(|package| (None, package));
        own.chain(of_tools)
    }

    /// Returns the environment of an isolated tool, as a document of its own.
    pub fn of_tool(&self, tool: &Tool) -> Self {
        Self {
            packages: tool.packages.clone(),
            tools: Vec::new(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Environment {
        let package = |name: &str| Package {
            name: name.into(),
            version: "1".into(),
            entry: EntryId::of(name.as_bytes()),
            folder: None,
        };
        Environment {
            format: FORMAT.into(),
            platform: "linux-x86_64".into(),
            base: Base::Entry(EntryRef {
                name: "cpython".into(),
                version: "3.11.7".into(),
                entry: EntryId::of(b"python"),
            }),
            mounts: BTreeMap::from([("scripts".into(), "bin".into())]),
            packages: vec![package("a"), package("b")],
            tools: Vec::new(),
        }
    }

    #[test]
    fn tools_are_part_of_the_document() {
        let plain = sample();
        assert!(!String::from_utf8_lossy(&plain.to_bytes()).contains("tools"));
        let tool = |name: &str, packages: &[Package]| Tool {
            name: name.into(),
            version: "1".into(),
            packages: packages.to_vec(),
        };
        let mut environment = plain.clone();
        environment.tools = vec![tool("a", &[]), tool("b", &plain.packages[1..])];
        assert_ne!(environment.fingerprint(), plain.fingerprint());
        let read = Environment::parse(&environment.to_bytes()).unwrap();
        assert_eq!(read, environment);
        assert_eq!(read.entries().count(), 4);
        assert_eq!(read.of_tool(&read.tools[1]).packages, plain.packages[1..]);
        environment.tools.reverse();
        assert!(Environment::parse(&environment.to_bytes()).is_err());
    }

    #[test]
    fn survives_a_round_trip() {
        let environment = sample();
        assert_eq!(
            Environment::parse(&environment.to_bytes()).unwrap(),
            environment
        );
        assert_eq!(environment.entries().count(), 3);
    }

    #[test]
    fn refuses_other_forms() {
        let environment = sample();
        let mut spaced = environment.to_bytes();
        spaced.push(b'\n');
        assert!(Environment::parse(&spaced).is_err());
        let mut unsorted = environment.clone();
        unsorted.packages.reverse();
        assert!(Environment::parse(&unsorted.to_bytes()).is_err());
        let mut newer = environment;
        newer.format = "dht-environment/2".into();
        assert!(matches!(
            Environment::parse(&newer.to_bytes()),
            Err(EnvironmentError::Format(_))
        ));
    }
}
