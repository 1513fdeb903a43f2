//! What differs between two askings, in words of packages and settings.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uv_normalize::PackageName;

use super::{Asked, Component};
use crate::model::canonical;

/// How something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// It has another version or value.
    Changed,
    /// It has the same version, and other files, conditions or dependencies.
    Content,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Change {
    /// What it is part of.
    pub component: Component,
    /// Its name: of the package, tool or setting.
    pub name: String,
    /// How it differs.
    pub kind: ChangeKind,
    /// What it was, or must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Returns what differs, by component and name.
pub fn changes(before: &Asked, after: &Asked) -> Vec<Change> {
    let mut found = Vec::new();
    for component in Component::ALL {
        let (old, new) = (before.part(component), after.part(component));
        if old == new {
            continue;
        }
        let known = found.len();
        match component {
            Component::Packages => packages(old, new, &mut found),
            _ => settings(component, &flat(old), &flat(new), &mut found),
        }
        if found.len() == known {
            found.push(Change {
                component,
                name: component.name().to_owned(),
                kind: ChangeKind::Content,
                before: None,
                after: None,
            });
        }
    }
    found
}

/// The versions of each package, and what is said of each.
type Versions = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn versions(locks: &Value) -> Versions {
    let mut found = Versions::new();
    let packages = locks.as_array().into_iter().flatten();
    let packages = packages.filter_map(|lock| lock.get("packages")?.as_array());
    for package in packages.flatten() {
        let (name, version) = named(package);
        found
            .entry(name)
            .or_default()
            .entry(version)
            .or_default()
            .insert(canonical::json(package));
    }
    found
}

fn named(package: &Value) -> (String, String) {
    let text = |key: &str| package.get(key).and_then(Value::as_str);
    let Some(requirement) = text("requirement") else {
        let (name, version) = (text("name"), text("version"));
        return (
            name.unwrap_or_default().to_owned(),
            version.unwrap_or_default().to_owned(),
        );
    };
    let wanted = requirement.split(';').next().unwrap_or_default().trim();
    let end = wanted.find(['[', '=', '@', ' ', '<', '>', '~', '!']);
    let name = &wanted[..end.unwrap_or(wanted.len())];
    let Ok(name) = name.parse::<PackageName>() else {
        return (wanted.to_owned(), String::new());
    };
    let version = match wanted.split_once("==") {
        Some((_, version)) => version.trim_start_matches('=').trim(),
        None => wanted.split_once('@').map_or("", |(_, from)| from.trim()),
    };
    (name.to_string(), version.to_owned())
}

fn packages(old: &Value, new: &Value, into: &mut Vec<Change>) {
    let (old, new) = (versions(old), versions(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let shown = |it: &BTreeMap<String, BTreeSet<String>>| {
            let versions: Vec<&str> = it.keys().map(String::as_str).collect();
            versions.join(", ")
        };
        let (before, after) = (old.get(name), new.get(name));
        let kind = match (before, after) {
            (Some(before), Some(after)) if before == after => continue,
            (Some(before), Some(after)) if before.keys().eq(after.keys()) => ChangeKind::Content,
            (Some(_), Some(_)) => ChangeKind::Changed,
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
        };
        into.push(Change {
            component: Component::Packages,
            name: name.clone(),
            kind,
            before: before.map(shown),
            after: after.map(shown),
        });
    }
}

/// Returns the texts of a value by the path to each; those of a list together.
fn flat(value: &Value) -> BTreeMap<String, String> {
    fn walk(value: &Value, path: &str, into: &mut BTreeMap<String, String>) {
        let below = |key: &str| match path {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        };
        match value {
            Value::Object(keys) => {
                for (key, value) in keys {
                    walk(value, &below(key), into);
                }
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                for item in items {
                    // What tells one item of a list from another.
                    let name = ["folder", "name"]
                        .iter()
                        .find_map(|key| item.get(key)?.as_str());
                    match name {
                        // The project's own folder needs no name.
                        Some(".") => walk(item, path, into),
                        name => walk(item, &below(name.unwrap_or("-")), into),
                    }
                }
            }
            Value::Array(items) => {
                let shown: Vec<String> = items.iter().map(text).collect();
                into.insert(path.to_owned(), shown.join(", "));
            }
            _ => {
                into.insert(path.to_owned(), text(value));
            }
        }
    }
    let mut found = BTreeMap::new();
    if !value.is_null() {
        walk(value, "", &mut found);
    }
    found
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| canonical::json(value), str::to_owned)
}

fn settings(
    component: Component,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    into: &mut Vec<Change>,
) {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let (before, after) = (old.get(name), new.get(name));
        let kind = match (before, after) {
            (Some(before), Some(after)) if before == after => continue,
            (Some(_), Some(_)) => ChangeKind::Changed,
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
        };
        into.push(Change {
            component,
            name: name.clone(),
            kind,
            before: before.cloned(),
            after: after.cloned(),
        });
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            component,
            name,
            kind,
            before,
            after,
        } = self;
        let what = match component {
            Component::Packages => name.clone(),
            Component::Python => format!("Python {name}"),
            Component::Tools => format!("tool {}", name.trim_start_matches("versions.")),
            Component::Programs => format!("program {name}"),
            Component::PlatformPackages => format!("platform packages, {name}"),
            Component::Project => format!("metadata {name}"),
            Component::Configuration => format!("setting {name}"),
        };
        let known = |value: &Option<String>| value.clone().unwrap_or_default();
        let (before, after) = (known(before), known(after));
        match kind {
            ChangeKind::Added => write!(formatter, "{what}: {after} is new"),
            ChangeKind::Removed => write!(formatter, "{what}: {before} is gone"),
            ChangeKind::Changed => write!(formatter, "{what}: {before} became {after}"),
            ChangeKind::Content if after.is_empty() => write!(formatter, "{what}: other content"),
            ChangeKind::Content => write!(
                formatter,
                "{what} {after}: other files, conditions or dependencies"
            ),
        }
    }
}
