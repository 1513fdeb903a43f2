//! Publishing: stage, sync, rename.
//!
//! [`Transaction::commit`] makes staged trees part of the store, in this order:
//!
//! 1. one sync of the file system: the bytes of every staged file are on the disk;
//! 2. a second name in `objects/` for each new content;
//! 3. the manifests, then the trees, each by one rename;
//! 4. a sync of the folders that received them.
//!
//! A name is therefore visible only when all its bytes are safe. Two processes may publish the same
//! entry: the first rename wins, the second finds it and drops its own copy. An entry that stands
//! there damaged is swapped for the new one and moved to quarantine.

use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::check::{self, store_mode};
use crate::error::StoreError;
use crate::format::environment::EntryRef;
use crate::fs::{self, Dir, FileKind, FileMeta, FsError};
use crate::id::MTIME_EPOCH;
use crate::manifest::{Manifest, Node, NodeKind};
use crate::stage::{FOLDER_MODE, ReadyEntry, Transaction};
use crate::store::{Store, manifest_path, object_path, supplements_path};

/// What a commit did.
#[derive(Debug, Default)]
pub struct CommitReport {
    /// Entries whose damaged tree was replaced, and where the damaged one is kept.
    pub quarantined: Vec<(EntryRef, PathBuf)>,
    /// How long the disk took to make the staged files durable.
    pub sync_time: std::time::Duration,
}

impl Transaction<'_> {
    /// Publishes complete trees. May be called several times.
    pub fn commit(&self, ready: Vec<ReadyEntry>) -> Result<CommitReport, StoreError> {
        let mut report = CommitReport::default();
        if ready.is_empty() {
            return Ok(report);
        }
        self.store.pin(ready.iter().map(|it| it.entry.entry.0))?;
        let started = std::time::Instant::now();
        self.sync(&ready)?;
        report.sync_time = started.elapsed();
        ready
            .par_iter()
            .try_for_each(|entry| self.link_objects(entry))
            .map_err(FsError::at("link objects in", self.store.path()))?;
        for entry in ready {
            if let Some(kept) = self.publish(&entry)? {
                report.quarantined.push((entry.entry, kept));
            }
        }
        for folder in ["manifests", "entries"] {
            self.store
                .dir()
                .open_dir(Path::new(folder))
                .and_then(|dir| dir.sync())
                .map_err(FsError::at("sync", self.store.path().join(folder)))?;
        }
        Ok(report)
    }

    fn sync(&self, ready: &[ReadyEntry]) -> Result<(), StoreError> {
        for entry in ready {
            let name = PathBuf::from(format!("{}.manifest", entry.folder));
            let meta = FileMeta {
                mode: 0o444,
                mtime: None,
            };
            self.dir
                .write_new(&name, &entry.manifest.to_bytes(), meta)
                .map_err(FsError::at("write", self.path().join(&name)))?;
        }
        let mut files = ready.iter().flat_map(|entry| {
            let folder = PathBuf::from(&entry.folder);
            let manifest = PathBuf::from(format!("{}.manifest", entry.folder));
            entry
                .manifest
                .nodes()
                .iter()
                .filter(|node| matches!(node.kind, NodeKind::File { .. }))
                .map(move |node| folder.join(node.path.as_str()))
                .chain(std::iter::once(manifest))
        });
        self.dir
            .sync_below(&mut files)
            .map_err(FsError::at("sync", self.path()))?;
        Ok(())
    }

    fn link_objects(&self, ready: &ReadyEntry) -> io::Result<()> {
        let tree = self.dir.open_dir(Path::new(&ready.folder))?;
        for Node { path, kind } in ready.manifest.nodes() {
            let NodeKind::File {
                executable,
                size: 1..,
                digest,
            } = kind
            else {
                continue;
            };
            let object = object_path(*digest, *executable);
            match self.link_object(&tree, Path::new(path.as_str()), &object) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) if is_link_limit(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Links one object; its shard is made when it is the first there.
    fn link_object(&self, tree: &Dir, path: &Path, object: &Path) -> io::Result<()> {
        match tree.link(path, self.store.dir(), object) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(shard) = object.parent() {
                    fs::create_dirs(self.store.dir(), shard)?;
                }
                tree.link(path, self.store.dir(), object)
            }
            result => result,
        }
    }

    fn publish(&self, ready: &ReadyEntry) -> Result<Option<PathBuf>, StoreError> {
        let store = self.store;
        let staged = PathBuf::from(&ready.folder);
        let manifest = PathBuf::from(format!("{}.manifest", ready.folder));
        let folder = Path::new("entries").join(ready.entry.folder());
        let path = store.path().join(&folder);
        let publish = || {
            self.dir
                .rename(&manifest, store.dir(), &manifest_path(ready.entry.entry))?;
            match self.dir.rename_new(&staged, store.dir(), &folder) {
                Ok(()) => seal(store, &folder).map(|()| None),
                Err(error) if exists(&error) => {
                    if check::tree_is_intact(store.dir(), &folder, &ready.manifest) {
                        return Ok(None);
                    }
                    // Derived folders go away with the damaged tree, and are derived again.
                    fs::remove_tree(store.dir(), &supplements_path(ready.entry.entry))?;
                    store.dir().set_mode(&folder, 0o755)?;
                    self.dir.exchange(&staged, store.dir(), &folder)?;
                    seal(store, &folder)?;
                    let kept = Path::new("quarantine").join(format!(
                        "{}.{}",
                        ready.entry.folder(),
                        fs::unique_suffix()
                    ));
                    self.dir.set_mode(&staged, 0o755)?;
                    self.dir.rename(&staged, store.dir(), &kept)?;
                    drop_damaged_objects(store, &ready.manifest)?;
                    self.link_published_objects(&folder, &ready.manifest)?;
                    Ok(Some(store.path().join(kept)))
                }
                Err(error) => Err(error),
            }
        };
        Ok(publish().map_err(FsError::at("publish", path))?)
    }

    fn link_published_objects(&self, folder: &Path, manifest: &Manifest) -> io::Result<()> {
        for Node { path, kind } in manifest.nodes() {
            let NodeKind::File {
                executable,
                size: 1..,
                digest,
            } = kind
            else {
                continue;
            };
            let object = object_path(*digest, *executable);
            if self.store.dir().stat(&object).is_err() {
                // Objects only save space; one that cannot be linked is no failure.
                let _ =
                    self.store
                        .dir()
                        .link(&folder.join(path.as_str()), self.store.dir(), &object);
            }
        }
        Ok(())
    }
}

/// Gives a published tree's top folder its final time and mode.
///
/// A folder that changes its parent must be writable, so this comes after the rename.
fn seal(store: &Store, folder: &Path) -> io::Result<()> {
    store.dir().set_mtime(folder, MTIME_EPOCH)?;
    store.dir().set_mode(folder, FOLDER_MODE)
}

fn exists(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty
    )
}

fn is_link_limit(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TooManyLinks
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::CrossesDevices
            | io::ErrorKind::Unsupported
    )
}

/// Removes the names in `objects/` whose file is no longer what its name says.
fn drop_damaged_objects(store: &Store, manifest: &Manifest) -> io::Result<()> {
    for Node { kind, .. } in manifest.nodes() {
        let NodeKind::File {
            executable,
            size: size @ 1..,
            digest,
        } = kind
        else {
            continue;
        };
        let object = object_path(*digest, *executable);
        if let Ok(stat) = store.dir().stat(&object)
            && !check::intact(&stat, *executable, *size, *digest)
            && stat.kind != FileKind::Directory
        {
            store.dir().remove_file(&object)?;
        }
    }
    Ok(())
}

const _: () = assert!(store_mode(false) == 0o444 && store_mode(true) == 0o555);
