//! Derived folders inside an entry: made from it, outside of its identity.
//!
//! A supplement adds whole folders to an entry, such as the bytecode of one Python. It has a
//! manifest of its own, `supplements/<entry>/<label>`, whose nodes are paths in the entry; only
//! folders that the entry's own manifest does not name are added. The manifest is written before the
//! first folder is moved, under a name that begins with a dot, and takes its own name last: what an
//! interruption leaves is allowed, and not required. Where a folder stands already,
//! from another supplement, the new one holds the files of both and is swapped in by one rename.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::format::environment::EntryRef;
use crate::fs::{self, Dir, FsError};
use crate::id::MTIME_EPOCH;
use crate::manifest::{Manifest, NodeKind};
use crate::stage::{FOLDER_MODE, ReadyEntry, Transaction};
use crate::store::{Store, read_optional, supplements_path};

impl Store {
    /// Reads a supplement of an entry; `None` if it was never made.
    pub fn supplement(
        &self,
        entry: crate::id::EntryId,
        label: &str,
    ) -> Result<Option<Manifest>, StoreError> {
        let relative = supplement_path(entry, label);
        let store = self.holder(entry);
        let path = store.path().join(&relative);
        let bytes = read_optional(store.dir(), &relative).map_err(FsError::at("read", &path))?;
        bytes
            .map(|bytes| {
                Manifest::read_derived(&bytes)
                    .map_err(|source| StoreError::Manifest { path, source })
            })
            .transpose()
    }

    /// Tells whether an entry has a supplement, without reading it.
    pub fn has_supplement(&self, entry: crate::id::EntryId, label: &str) -> bool {
        let store = self.holder(entry);
        store.dir().stat(&supplement_path(entry, label)).is_ok()
    }

    /// Reads all supplements of an entry, by label; the label of one that may not be complete begins
    /// with a dot.
    pub fn supplements(
        &self,
        entry: crate::id::EntryId,
    ) -> Result<Vec<(String, Manifest)>, StoreError> {
        let folder = supplements_path(entry);
        let store = self.holder(entry);
        let names = match store.dir().open_dir(&folder).and_then(|dir| dir.read()) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(FsError::at("list", store.path().join(folder))(error).into()),
        };
        let mut found = Vec::new();
        for name in names.iter().filter_map(|entry| entry.name.to_str()) {
            if let Some(manifest) = self.supplement(entry, name)? {
                found.push((name.to_owned(), manifest));
            }
        }
        found.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(found)
    }

    /// Forgets a supplement: its listing goes first, then what no other listing names.
    ///
    /// The folders that held it are left writable; the caller seals them.
    pub(crate) fn forget_supplement(
        &self,
        entry: &EntryRef,
        label: &str,
    ) -> Result<(), StoreError> {
        let _lock = self.lock_name(entry.folder().as_bytes(), &|_| {})?;
        let Some(gone) = self.supplement(entry.entry, label)? else {
            return Ok(());
        };
        let listing = supplement_path(entry.entry, label);
        self.dir()
            .remove_file(&listing)
            .map_err(FsError::at("remove", self.path().join(&listing)))?;
        let mut kept = vec![self.manifest(entry.entry)?];
        kept.extend(self.supplements(entry.entry)?.into_iter().map(|(_, it)| it));
        let path = self.entry_path(entry);
        let remove = || {
            let root = Dir::open(&path)?;
            for node in gone.nodes().iter().rev() {
                let name = node.path.as_str();
                if kept.iter().any(|manifest| manifest.get(name).is_some()) {
                    continue;
                }
                match remove_node(&root, Path::new(name), &node.kind) {
                    Err(error) if crate::check::is_missing(&error) => {}
                    // Somebody else's files are not ours to remove.
                    Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                    result => result?,
                }
            }
            Ok(())
        };
        Ok(remove().map_err(FsError::at("forget derived files in", &path))?)
    }
}

fn remove_node(root: &Dir, path: &Path, kind: &NodeKind) -> io::Result<()> {
    let holder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    root.set_mode(holder, 0o755)?;
    match kind {
        NodeKind::Directory => root.remove_dir(path),
        NodeKind::File { .. } | NodeKind::Symlink { .. } => root.remove_file(path),
    }
}

impl Transaction<'_> {
    /// Adds staged folders to entries, each as the supplement with this label.
    pub fn commit_supplements(
        &self,
        label: &str,
        ready: Vec<(EntryRef, ReadyEntry)>,
    ) -> Result<(), StoreError> {
        if ready.is_empty() {
            return Ok(());
        }
        let mut files = ready.iter().flat_map(|(_, staged)| {
            let folder = PathBuf::from(&staged.folder);
            let nodes = staged.manifest.nodes().iter();
            nodes
                .filter(|node| matches!(node.kind, NodeKind::File { .. }))
                .map(move |node| folder.join(node.path.as_str()))
        });
        self.dir
            .sync_below(&mut files)
            .map_err(FsError::at("sync", self.path()))?;
        for (entry, staged) in &ready {
            let _lock = self.store.lock_name(entry.folder().as_bytes(), &|_| {})?;
            let own = self.store.manifest(entry.entry)?;
            let path = self.store.entry_path(entry);
            let announced = supplement_path(entry.entry, &format!(".{label}"));
            self.store.put(&announced, &staged.manifest.to_bytes())?;
            let done = supplement_path(entry.entry, label);
            let store = self.store.dir();
            self.add_folders(entry, staged, &own)
                .and_then(|()| store.rename(&announced, store, &done))
                .and_then(|()| store.open_dir(&supplements_path(entry.entry))?.sync())
                .map_err(FsError::at("add to", path))?;
        }
        Ok(())
    }

    fn add_folders(&self, entry: &EntryRef, staged: &ReadyEntry, own: &Manifest) -> io::Result<()> {
        let target = Dir::open(&self.store.entry_path(entry))?;
        let source = self.dir.open_dir(Path::new(&staged.folder))?;
        let mut added: Vec<&str> = Vec::new();
        for node in staged.manifest.nodes() {
            let path = node.path.as_str();
            let is_below = added
                .last()
                .is_some_and(|folder| Path::new(path).starts_with(folder));
            if node.kind != NodeKind::Directory || own.get(path).is_some() || is_below {
                continue;
            }
            added.push(path);
            self.add_folder(&source, &target, Path::new(path))?;
        }
        Ok(())
    }

    fn add_folder(&self, source: &Dir, target: &Dir, path: &Path) -> io::Result<()> {
        let parent = path.parent().unwrap_or(Path::new(""));
        let holder = if parent == Path::new("") {
            Path::new(".")
        } else {
            parent
        };
        // A folder that is moved, and both that it is moved between, must be writable.
        source.set_mode(holder, 0o755)?;
        source.set_mode(path, 0o755)?;
        target.set_mode(holder, 0o755)?;
        let moved = match source.rename_new(path, target, path) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty
                ) =>
            {
                merge_into(target, source, path)?;
                target.set_mode(path, 0o755)?;
                source.exchange(path, target, path)
            }
            result => result,
        };
        let sealed = moved.and_then(|()| {
            target.set_mtime(path, MTIME_EPOCH)?;
            target.set_mode(path, FOLDER_MODE)
        });
        target.set_mtime(holder, MTIME_EPOCH)?;
        target.set_mode(holder, FOLDER_MODE)?;
        sealed
    }
}

/// Links the files of the standing folder into the staged one, unless it has them.
fn merge_into(standing: &Dir, staged: &Dir, path: &Path) -> io::Result<()> {
    let old = standing.open_dir(path)?;
    let new = staged.open_dir(path)?;
    for entry in old.read()? {
        let name = Path::new(&entry.name);
        if entry.kind != fs::FileKind::File {
            continue;
        }
        match old.link(name, &new, name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn supplement_path(entry: crate::id::EntryId, label: &str) -> PathBuf {
    supplements_path(entry).join(label)
}
