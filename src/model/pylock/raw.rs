//! The lock as TOML spells it, unchecked.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RawLock {
    #[serde(default)]
    pub environments: Vec<String>,
    pub requires_python: Option<String>,
    #[serde(default)]
    pub extras: Vec<String>,
    #[serde(default)]
    pub dependency_groups: Vec<String>,
    #[serde(default)]
    pub default_groups: Vec<String>,
    pub created_by: String,
    #[serde(default)]
    pub packages: Vec<Spanned<RawPackage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RawPackage {
    pub name: String,
    pub version: Option<String>,
    pub marker: Option<String>,
    pub requires_python: Option<String>,
    pub index: Option<String>,
    pub vcs: Option<RawVcs>,
    pub directory: Option<RawDirectory>,
    pub archive: Option<RawFile>,
    pub sdist: Option<RawFile>,
    pub wheels: Option<Vec<RawFile>>,
    #[expect(dead_code, reason = "read so that a wrong type is an error")]
    pub dependencies: Option<Vec<BTreeMap<String, IgnoredAny>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RawVcs {
    #[serde(rename = "type")]
    pub kind: String,
    pub url: Option<String>,
    pub path: Option<String>,
    pub requested_revision: Option<String>,
    pub commit_id: String,
    pub subdirectory: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RawDirectory {
    pub path: String,
    #[serde(default)]
    pub editable: bool,
    pub subdirectory: Option<String>,
}

/// `archive`, `sdist` and one of `wheels`: they differ in `name` and `subdirectory` only.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RawFile {
    pub name: Option<String>,
    pub url: Option<String>,
    pub path: Option<String>,
    pub size: Option<u64>,
    #[serde(default)]
    pub hashes: BTreeMap<String, String>,
    pub subdirectory: Option<String>,
    #[expect(dead_code, reason = "read so that a wrong type is an error")]
    pub upload_time: Option<toml::value::Datetime>,
}
