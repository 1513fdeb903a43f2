//! What a folder of the project says of itself, as far as it decides how it is installed: its name,
//! what it needs, the commands it makes and who builds it; not its version, its description, or the
//! settings of tools.

use serde_json::{Map, Value};
use toml::Value as Toml;

use super::lock::plain;
use crate::model::canonical::with_plain_line_ends;

/// The files in which a folder says what it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct FolderFiles<'a> {
    /// The text of `pyproject.toml`.
    pub pyproject: Option<&'a str>,
    /// The bytes of `setup.py`.
    pub setup_py: Option<&'a [u8]>,
    /// The bytes of `setup.cfg`.
    pub setup_cfg: Option<&'a [u8]>,
}

/// What counts of `[project]`.
const PROJECT: [&str; 8] = [
    "name",
    "requires-python",
    "dependencies",
    "optional-dependencies",
    "scripts",
    "gui-scripts",
    "entry-points",
    "dynamic",
];
/// What counts of `[tool.uv]`.
const UV: [&str; 9] = [
    "package",
    "default-groups",
    "dev-dependencies",
    "no-binary",
    "no-binary-package",
    "no-build",
    "no-build-package",
    "workspace",
    "sources",
];
/// What counts of `[tool.poetry]`.
const POETRY: [&str; 10] = [
    "name",
    "dependencies",
    "dev-dependencies",
    "group",
    "extras",
    "scripts",
    "plugins",
    "packages",
    "include",
    "package-mode",
];

/// Returns what the folder `path`, relative to the project and with `/` between its steps, says of
/// itself; null where it says nothing.
pub fn folder(path: &str, files: FolderFiles<'_>) -> Value {
    let mut said = Map::new();
    // A file that is wrong is told of when the project is read.
    let table: toml::Table = files
        .pyproject
        .and_then(|text| toml::from_str(text).ok())
        .unwrap_or_default();
    let mut keep = |name: &str, table: Option<&Toml>, keys: Option<&[&str]>| {
        let Some(Toml::Table(table)) = table else {
            return;
        };
        let kept = table.iter();
        let kept = kept.filter(|(key, _)| keys.is_none_or(|keys| keys.contains(&key.as_str())));
        let kept: Map<_, _> = kept.map(|(key, it)| (key.clone(), plain(it))).collect();
        if !kept.is_empty() {
            said.insert(name.to_owned(), Value::Object(kept));
        }
    };
    keep("project", table.get("project"), Some(&PROJECT));
    keep("build-system", table.get("build-system"), None);
    keep("dependency-groups", table.get("dependency-groups"), None);
    let tool = |name: &str| table.get("tool").and_then(|tool| tool.get(name));
    keep("tool.uv", tool("uv"), Some(&UV));
    keep("tool.poetry", tool("poetry"), Some(&POETRY));
    for (name, bytes) in [("setup.py", files.setup_py), ("setup.cfg", files.setup_cfg)] {
        if let Some(bytes) = bytes {
            let digest = blake3::hash(&with_plain_line_ends(bytes));
            said.insert(name.to_owned(), digest.to_hex().as_str().into());
        }
    }
    if said.is_empty() {
        return Value::Null;
    }
    said.insert("folder".to_owned(), path.into());
    Value::Object(said)
}
