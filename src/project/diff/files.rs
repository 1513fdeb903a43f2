//! Which files differ between two environments, by their manifests: nothing of a file is read.

use std::collections::{BTreeMap, BTreeSet};

use dht_store::{EntryId, Environment, Manifest, Node, NodeKind, Store, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::asked::ChangeKind;

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileChange {
    /// Its path, in the package's entry: `site-packages/…`, `scripts/…`, `data/…`.
    pub path: String,
    /// How it differs.
    pub kind: ChangeKind,
}

/// The files of a package that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PackageFiles {
    /// The package, or `python` for the interpreter's build.
    pub package: String,
    /// Its files, sorted by path.
    pub files: Vec<FileChange>,
}

/// Returns what differs, by package; nothing of packages that are the same.
pub(super) fn changed(
    store: &Store,
    before: &Environment,
    after: &Environment,
) -> Result<Vec<PackageFiles>, StoreError> {
    let (old, new) = (entries(before), entries(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut found = Vec::new();
    for name in names {
        let (old, new) = (old.get(name), new.get(name));
        if old == new {
            continue;
        }
        let manifest = |id: Option<&EntryId>| id.map(|id| store.manifest(*id)).transpose();
        let files = between(
            manifest(old)?.unwrap_or_default(),
            manifest(new)?.unwrap_or_default(),
        );
        found.push(PackageFiles {
            package: name.clone(),
            files,
        });
    }
    Ok(found)
}

fn entries(environment: &Environment) -> BTreeMap<String, EntryId> {
    let packages = environment.packages.iter();
    let mut entries: BTreeMap<String, EntryId> = packages
        .map(|package| (package.name.clone(), package.entry))
        .collect();
    if let dht_store::Base::Entry(entry) = &environment.base {
        entries.insert("python".to_owned(), entry.entry);
    }
    entries
}

fn between(old: Manifest, new: Manifest) -> Vec<FileChange> {
    let files = |manifest: &Manifest| -> BTreeMap<String, NodeKind> {
        let nodes = manifest.nodes().iter();
        let files = nodes.filter(|node: &&Node| node.kind != NodeKind::Directory);
        files
            .map(|node| (node.path.to_string(), node.kind.clone()))
            .collect()
    };
    let (old, new) = (files(&old), files(&new));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    paths
        .into_iter()
        .filter_map(|path| {
            let kind = match (old.get(path), new.get(path)) {
                (Some(old), Some(new)) if old == new => return None,
                (Some(_), Some(_)) => ChangeKind::Changed,
                (None, _) => ChangeKind::Added,
                (_, None) => ChangeKind::Removed,
            };
            Some(FileChange {
                path: path.clone(),
                kind,
            })
        })
        .collect()
}
