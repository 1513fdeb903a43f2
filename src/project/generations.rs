//! The environments that stood in a project before, and how each differs from what stands now.

use std::collections::BTreeMap;
use std::path::Path;

use dht_store::{Base, Environment, Fingerprint, Store, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use super::regenerate::VENV;
use crate::env::state::State;

/// How an environment differs from what stands now: in packages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Changes {
    /// Packages that only the former one has.
    pub more: usize,
    /// Packages that only what stands has.
    pub fewer: usize,
    /// Packages that both have, not alike.
    pub other: usize,
}

/// One generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GenerationLine {
    /// Its number.
    pub generation: u32,
    /// What it is.
    pub environment: Fingerprint,
    /// Whether it is what stands now.
    pub current: bool,
    /// When another one took its place: seconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<i64>,
    /// Its Python.
    pub python: String,
    /// How many packages it has.
    pub packages: usize,
    /// How it differs from what stands now.
    pub changes: Changes,
}

/// Lists what stands in the project and what can be brought back, the latest first.
///
/// What garbage collection has taken is left out.
pub fn generations(store: &Store, project: &Path) -> Result<Vec<GenerationLine>, StoreError> {
    let folder = project.join(VENV);
    let Some(root) = store.root(&folder)? else {
        return Ok(Vec::new());
    };
    let standing = State::read(&folder).map(|state| state.fingerprint);
    let now = match standing {
        Some(fingerprint) => store.environment(fingerprint)?,
        None => None,
    };
    let mut lines = Vec::new();
    if let (Some(fingerprint), Some(environment)) = (standing, &now) {
        let number = (fingerprint == root.environment).then_some(root.generation);
        let of_former = root.former.iter().find(|it| it.environment == fingerprint);
        let number = number.or(of_former.map(|it| it.generation));
        let number = number.unwrap_or(root.generation);
        lines.push(line(number, environment, environment));
        lines[0].current = true;
    }
    let former = root.former.iter();
    for generation in former.filter(|it| Some(it.environment) != standing) {
        let Some(environment) = store.environment(generation.environment)? else {
            continue;
        };
        store.pin(environment.entries().map(|entry| entry.entry.0))?;
        if !environment.entries().all(|entry| store.has_entry(&entry)) {
            continue;
        }
        let mut line = line(
            generation.generation,
            &environment,
            now.as_ref().unwrap_or(&environment),
        );
        line.left = Some(generation.left);
        lines.push(line);
    }
    Ok(lines)
}

fn line(generation: u32, environment: &Environment, now: &Environment) -> GenerationLine {
    let (Base::Entry(dht_store::EntryRef { name, version, .. })
    | Base::External { name, version, .. }) = &environment.base;
    GenerationLine {
        generation,
        environment: environment.fingerprint(),
        current: false,
        left: None,
        python: format!("{name} {version}"),
        packages: environment.packages.len(),
        changes: changes(environment, now),
    }
}

fn changes(former: &Environment, now: &Environment) -> Changes {
    let entries = |environment: &Environment| -> BTreeMap<String, String> {
        let packages = environment.packages.iter();
        packages
            .map(|it| (it.name.clone(), it.entry.to_string()))
            .collect()
    };
    let (former, now) = (entries(former), entries(now));
    let missing = |from: &BTreeMap<String, String>, of: &BTreeMap<String, String>| {
        of.keys().filter(|name| !from.contains_key(*name)).count()
    };
    let both = former.iter().filter(|(name, _)| now.contains_key(*name));
    Changes {
        more: missing(&now, &former),
        fewer: missing(&former, &now),
        other: both.filter(|(name, entry)| now[*name] != **entry).count(),
    }
}
