//! The lock as TOML spells it, unchecked. Keys that Poetry adds later are passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
pub(super) struct RawLock {
    #[serde(default)]
    pub package: Vec<Spanned<RawPackage>>,
    #[serde(default)]
    pub extras: BTreeMap<String, Vec<String>>,
    pub metadata: RawMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RawMetadata {
    pub lock_version: String,
    #[serde(default)]
    pub python_versions: String,
    #[serde(default)]
    pub content_hash: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RawPackage {
    pub name: String,
    pub version: String,
    #[serde(default)]
    pub python_versions: String,
    #[serde(default)]
    pub groups: Vec<String>,
    pub markers: Option<Markers>,
    #[serde(default)]
    pub files: Vec<RawFile>,
    #[serde(default)]
    pub develop: bool,
    #[serde(default)]
    pub dependencies: BTreeMap<String, Dependency>,
    #[serde(default)]
    pub extras: BTreeMap<String, Vec<String>>,
    pub source: Option<RawSource>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Markers {
    All(String),
    ByGroup(BTreeMap<String, String>),
}

#[derive(Deserialize)]
pub(super) struct RawFile {
    pub file: String,
    pub hash: String,
}

#[derive(Deserialize)]
pub(super) struct RawSource {
    #[serde(rename = "type")]
    pub kind: String,
    pub url: String,
    pub reference: Option<String>,
    pub resolved_reference: Option<String>,
    pub subdirectory: Option<String>,
}

/// A dependency, in the lock or in `tool.poetry`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Dependency {
    Version(String),
    Table(Detail),
    Several(Vec<Detail>),
}

#[derive(Deserialize, Default, Clone)]
pub(super) struct Detail {
    pub version: Option<String>,
    pub python: Option<String>,
    pub platform: Option<String>,
    pub markers: Option<String>,
    #[serde(default)]
    pub optional: bool,
    #[serde(default)]
    pub extras: Vec<String>,
}

impl Dependency {
    pub fn details(&self) -> Vec<Detail> {
        match self {
            Self::Version(version) => vec![Detail {
                version: Some(version.clone()),
                ..Detail::default()
            }],
            Self::Table(detail) => vec![detail.clone()],
            Self::Several(details) => details.clone(),
        }
    }
}
