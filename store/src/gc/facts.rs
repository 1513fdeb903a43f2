//! Reading what decides: roots, leases, documents and manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use rayon::prelude::*;

use super::plan::{EntryFacts, EnvironmentFacts, Facts, Place, Presence, RootFacts};
use crate::error::StoreError;
use crate::fs::{Dir, FsError};
use crate::id::{Digest, EntryId, Fingerprint};
use crate::manifest::{Manifest, NodeKind};
use crate::pins;
use crate::roots::{self, NamedRoot};
use crate::store::{Store, manifest_path, supplements_path};

/// Tells what stands at the path of a root. It only looks.
pub type Survey<'a> = &'a (dyn Fn(&Path) -> Place + Sync);

/// The smallest piece of disk that a file or folder takes: what most file systems give out.
const BLOCK: u64 = 4096;

/// Reads everything, without any lock. What changes meanwhile is looked at again before anything goes.
pub(super) fn read(store: &Store, survey: Survey<'_>) -> Result<Facts, StoreError> {
    let pins = pins::read(store.dir(), store.path(), false)?;
    let roots = store.named_roots()?;
    let roots = roots.into_par_iter().map(|root| judge(root, survey));
    let (environments, unreadable) = read_environments(store)?;
    Ok(Facts {
        roots: roots.collect(),
        pins: pins.digests.into_iter().collect(),
        environments,
        unreadable,
        entries: read_entries(store)?,
    })
}

/// Judges one root by looking at its place.
pub(super) fn judge(named: NamedRoot, survey: Survey<'_>) -> RootFacts {
    let NamedRoot { name, root, held } = named;
    // What stands where a moved environment was made is another one.
    let place = match roots::root_path(&root.path).ends_with(&name) {
        true => survey(&root.path),
        false => Place::Absent,
    };
    let mounted = root.mount.as_deref().is_none_or(is_mounted);
    let presence = Presence::of(&place, held, mounted);
    let standing = match place {
        Place::Standing(fingerprints) => fingerprints,
        Place::Unclear | Place::Absent => Vec::new(),
    };
    RootFacts {
        name,
        root,
        presence,
        standing,
    }
}

/// Tells whether a file system is mounted at this folder.
fn is_mounted(mount: &Path) -> bool {
    roots::mount_of(mount).as_deref() == Some(mount)
}

type Environments = (
    BTreeMap<Fingerprint, EnvironmentFacts>,
    BTreeSet<Fingerprint>,
);

fn read_environments(store: &Store) -> Result<Environments, StoreError> {
    let named = names(store, "environments")?;
    let mut readable = BTreeMap::new();
    let mut unreadable = BTreeSet::new();
    for digest in named {
        let fingerprint = Fingerprint(digest);
        match read_environment(store, fingerprint) {
            Ok(Some(facts)) => {
                readable.insert(fingerprint, facts);
            }
            Ok(None) => {}
            Err(_) => {
                unreadable.insert(fingerprint);
            }
        }
    }
    Ok((readable, unreadable))
}

/// Reads one document.
pub(super) fn read_environment(
    store: &Store,
    fingerprint: Fingerprint,
) -> Result<Option<EnvironmentFacts>, StoreError> {
    let Some(environment) = store.own_environment(fingerprint)? else {
        return Ok(None);
    };
    let relative = crate::entry::environment_path(fingerprint);
    let used = store.dir().stat(&relative).map_or(0, |stat| stat.mtime);
    Ok(Some(EnvironmentFacts {
        entries: environment.entries().map(|entry| entry.entry).collect(),
        environments: Vec::new(),
        used,
    }))
}

/// Lists the files of a folder whose names are digests.
fn names(store: &Store, folder: &str) -> Result<Vec<Digest>, StoreError> {
    let read = || store.dir().open_dir(Path::new(folder))?.read();
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        found => {
            let found = found.map_err(FsError::at("list", store.path().join(folder)))?;
            let names = found.iter().filter_map(|entry| entry.name.to_str());
            Ok(names.filter_map(|name| name.parse().ok()).collect())
        }
    }
}

pub(super) fn read_entries(store: &Store) -> Result<BTreeMap<EntryId, EntryFacts>, StoreError> {
    let mut entries: BTreeMap<EntryId, EntryFacts> = BTreeMap::new();
    for entry in store.entries()? {
        let facts = entries.entry(entry.entry).or_default();
        facts.folders.push(entry);
    }
    // What killed runs left: a manifest whose tree never came, listings of what is gone.
    for folder in ["manifests", "supplements"] {
        for digest in names(store, folder)? {
            entries.entry(EntryId(digest)).or_default();
        }
    }
    entries
        .par_iter_mut()
        .for_each(|(id, facts)| describe(store, *id, facts));
    Ok(entries)
}

/// Adds what the manifests say. One that cannot be read says nothing, and its entry weighs nothing.
fn describe(store: &Store, id: EntryId, facts: &mut EntryFacts) {
    let listing = store.dir().stat(&manifest_path(id));
    if let Ok(stat) = listing {
        facts.made = stat.mtime;
        facts.overhead += stat.allocated;
    }
    if let Ok(manifest) = store.own_manifest(id) {
        weigh(&manifest, facts);
    }
    let Ok(folder) = store.dir().open_dir(&supplements_path(id)) else {
        return;
    };
    facts.overhead += BLOCK;
    for entry in folder.read().unwrap_or_default() {
        let bytes = folder.read_file(Path::new(&entry.name));
        if let Ok(bytes) = bytes
            && let Ok(manifest) = Manifest::read_derived(&bytes)
        {
            facts.overhead += blocks(bytes.len() as u64);
            weigh(&manifest, facts);
        }
    }
}

fn weigh(manifest: &Manifest, facts: &mut EntryFacts) {
    facts.shares.reserve(manifest.nodes().len());
    for node in manifest.nodes() {
        match &node.kind {
            NodeKind::File { size, digest, .. } => {
                facts.files += 1;
                facts.bytes += size;
                if *size > 0 {
                    let head = digest.as_bytes().first_chunk();
                    let head = u64::from_le_bytes(*head.expect("because a digest has 32 bytes"));
                    facts.shares.push((head, blocks(*size)));
                }
            }
            NodeKind::Directory => facts.overhead += BLOCK,
            NodeKind::Symlink { .. } => {}
        }
    }
}

const fn blocks(size: u64) -> u64 {
    size.div_ceil(BLOCK) * BLOCK
}

/// Opens a folder of the store; a link in its place is refused.
pub(super) fn open(store: &Store, folder: &str) -> Result<Dir, StoreError> {
    let opened = store.dir().open_dir(Path::new(folder));
    Ok(opened.map_err(FsError::at("open", store.path().join(folder)))?)
}
