//! Contents that no entry has any more: names in `objects/` that are the only name of their file.
//!
//! A content that a manifest still names is kept even then: it restores a file that was deleted.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use rayon::prelude::*;

use super::facts;
use crate::error::StoreError;
use crate::fs::{Dir, FsError};
use crate::id::Digest;
use crate::manifest::NodeKind;
use crate::store::Store;

/// What was removed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Removed {
    pub count: u64,
    pub freed: u64,
}

type Object = (Digest, bool);

/// Removes what nothing has. A command that comes in between keeps its bytes under a name of its own.
pub(super) fn sweep(store: &Store) -> Result<Removed, StoreError> {
    let objects = facts::open(store, "objects")?;
    let path = store.path().join("objects");
    let shards = objects.read().map_err(FsError::at("list", &path))?;
    let shards: Vec<&str> = shards.iter().filter_map(|it| it.name.to_str()).collect();
    let found: Vec<Vec<Object>> = shards
        .par_iter()
        .map(|shard| lonely(&objects, shard).map_err(FsError::at("read", path.join(shard))))
        .collect::<Result<_, _>>()?;
    let candidates: HashSet<Object> = found.iter().flatten().copied().collect();
    let needed = needed(store, &candidates)?;
    let removed: Vec<Removed> = shards
        .par_iter()
        .zip(&found)
        .map(|(shard, found)| {
            let mine = found.iter().filter(|it| !needed.contains(it));
            let names: Vec<String> = mine.map(file_name).collect();
            remove(&objects, shard, &names).map_err(FsError::at("remove from", path.join(shard)))
        })
        .collect::<Result<_, _>>()?;
    Ok(removed
        .into_iter()
        .fold(Removed::default(), |sum, it| Removed {
            count: sum.count + it.count,
            freed: sum.freed + it.freed,
        }))
}

/// Lists the contents of a shard whose file has no other name.
fn lonely(objects: &Dir, shard: &str) -> io::Result<Vec<Object>> {
    let mut found = Vec::new();
    let folder = objects.open_dir(Path::new(shard))?;
    for entry in folder.read()? {
        let Some(object) = entry.name.to_str().and_then(|name| parse(shard, name)) else {
            continue;
        };
        let stat = folder.stat(Path::new(&entry.name))?;
        // Where links are not counted, every content may be one.
        if stat.links <= 1 {
            found.push(object);
        }
    }
    Ok(found)
}

fn parse(shard: &str, name: &str) -> Option<Object> {
    let (hex, executable) = match name.strip_suffix('x') {
        Some(hex) => (hex, true),
        None => (name, false),
    };
    let digest = format!("{shard}{hex}").parse().ok()?;
    Some((digest, executable))
}

fn file_name((digest, executable): &Object) -> String {
    let hex = digest.to_string();
    format!("{}{}", &hex[2..], if *executable { "x" } else { "" })
}

/// Returns those of the candidates that a manifest names.
fn needed(store: &Store, candidates: &HashSet<Object>) -> Result<HashSet<Object>, StoreError> {
    if candidates.is_empty() {
        return Ok(HashSet::new());
    }
    let entries = store.entries()?;
    let of = |entry: &crate::format::environment::EntryRef| {
        // One that cannot be read protects nothing, and nothing is restored from it either.
        let manifest = store.own_manifest(entry.entry).ok();
        let nodes = manifest.iter().flat_map(|manifest| manifest.nodes());
        let files = nodes.filter_map(|node| match node.kind {
            NodeKind::File {
                digest, executable, ..
            } => Some((digest, executable)),
            NodeKind::Directory | NodeKind::Symlink { .. } => None,
        });
        files
            .filter(|file| candidates.contains(file))
            .collect::<Vec<_>>()
    };
    Ok(entries.par_iter().flat_map_iter(of).collect())
}

fn remove(objects: &Dir, shard: &str, names: &[String]) -> io::Result<Removed> {
    let mut removed = Removed::default();
    if names.is_empty() {
        return Ok(removed);
    }
    let folder = objects.open_dir(Path::new(shard))?;
    for name in names {
        let name = Path::new(name);
        let stat = folder.stat(name)?;
        if stat.links <= 1 {
            folder.remove_file(name)?;
            removed.count += 1;
            removed.freed += stat.allocated;
        }
    }
    Ok(removed)
}
