//! Making new entries: files are staged, hashed while they are written, and shared.
//!
//! A [`Transaction`] owns one folder below `staging/`. Each [`StagedEntry`] in it receives the files
//! of one tree, from any number of threads. Content that the store has already is linked instead of
//! written. Nothing here is visible to others: [`Transaction::commit`] publishes.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::check::{intact, store_mode};
use crate::error::StoreError;
use crate::format::environment::EntryRef;
use crate::fs::{self, Dir, FileMeta, FsError};
use crate::id::Digest;
use crate::lock::Lock;
use crate::manifest::{Manifest, ManifestBuilder, NodeKind};
use crate::sink::{SinkError, TreeSink};
use crate::store::{Store, object_path};
use crate::tree_path::TreePath;

/// Folders in entries are read-only, so that nothing is added to them by accident.
pub(crate) const FOLDER_MODE: u32 = 0o555;

/// Entries on their way into the store.
///
/// Dropped without a commit, it leaves nothing; killed, its folder is removed by the next one.
#[derive(Debug)]
pub struct Transaction<'store> {
    pub(crate) store: &'store Store,
    pub(crate) name: String,
    pub(crate) dir: Dir,
    written: Mutex<HashMap<(Digest, bool), PathBuf>>,
    counter: AtomicU64,
    _lock: Lock,
}

/// The name whose lock is held while staging folders are made or swept.
const STAGING: &[u8] = b"staging";

impl Store {
    /// Removes what dead processes have left in the staging folder, if anything is there.
    pub(crate) fn sweep_staging(&self) -> Result<(), StoreError> {
        let staging = self.path().join("staging");
        let is_empty = || {
            Ok(self
                .dir()
                .open_dir(Path::new("staging"))?
                .read()?
                .is_empty())
        };
        if is_empty().map_err(FsError::at("list", &staging))? {
            return Ok(());
        }
        let _sweeping = self.lock_name(STAGING, &|_| {})?;
        Ok(sweep(self.dir(), &staging).map_err(FsError::at("clean", &staging))?)
    }

    /// Begins a transaction, and removes what dead ones have left.
    pub fn begin(&self) -> Result<Transaction<'_>, StoreError> {
        self.ensure_writable()?;
        let staging = self.path().join("staging");
        // Whoever has this lock sees no staging folder that is about to get its own.
        let _sweeping = self.lock_name(STAGING, &|_| {})?;
        let begin = || {
            sweep(self.dir(), &staging)?;
            let name = fs::unique_suffix();
            let lock = Lock::try_acquire(&staging.join(format!("{name}.lock")))?
                .ok_or(io::ErrorKind::WouldBlock)?;
            let folder = Path::new("staging").join(&name);
            self.dir().create_dir(&folder, 0o755)?;
            let dir = self.dir().open_dir(&folder)?;
            Ok((name, dir, lock))
        };
        let (name, dir, lock) = begin().map_err(FsError::at("begin a transaction in", &staging))?;
        Ok(Transaction {
            store: self,
            name,
            dir,
            written: Mutex::default(),
            counter: AtomicU64::new(0),
            _lock: lock,
        })
    }
}

/// Removes what is staged and whose owner is gone: its lock can be taken.
fn sweep(store: &Dir, staging: &Path) -> io::Result<()> {
    let folder = store.open_dir(Path::new("staging"))?;
    for entry in folder.read()? {
        let path = Path::new(&entry.name);
        let Some((name, kind)) = entry.name.to_str().and_then(|name| name.rsplit_once('.')) else {
            continue;
        };
        if !matches!(kind, "lock" | "tmp") {
            continue;
        }
        let Ok(Some(_held)) = Lock::try_acquire(&staging.join(path)) else {
            continue;
        };
        if kind == "lock" {
            fs::remove_tree(&folder, Path::new(name))?;
        }
        match folder.remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

impl<'store> Transaction<'store> {
    /// Begins a new entry with these labels.
    pub fn stage(&self, name: &str, version: &str) -> Result<StagedEntry<'_, 'store>, StoreError> {
        for label in [name, version] {
            if !is_label(label) {
                return Err(StoreError::BadLabel(label.to_owned()));
            }
        }
        if version.contains('-') {
            return Err(StoreError::BadLabel(version.to_owned()));
        }
        let folder = self.counter.fetch_add(1, Ordering::Relaxed).to_string();
        let make = || {
            self.dir.create_dir(Path::new(&folder), 0o755)?;
            self.dir.open_dir(Path::new(&folder))
        };
        let dir = make().map_err(FsError::at("make", self.path().join(&folder)))?;
        Ok(StagedEntry {
            transaction: self,
            name: name.to_owned(),
            version: version.to_owned(),
            folder,
            dir,
            folders: Mutex::default(),
            nodes: Mutex::default(),
        })
    }

    /// Returns the staging folder.
    pub fn path(&self) -> PathBuf {
        self.store.path().join("staging").join(&self.name)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next transaction.
        if let Ok(staging) = self.store.dir().open_dir(Path::new("staging")) {
            let _ = fs::remove_tree(&staging, Path::new(&self.name));
            let _ = staging.remove_file(Path::new(&format!("{}.lock", self.name)));
        }
    }
}

pub(crate) fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 80
        && !label.starts_with(['.', '-'])
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._+!-".contains(&byte))
}

/// A tree that is being written, not yet part of the store.
#[derive(Debug)]
pub struct StagedEntry<'transaction, 'store> {
    transaction: &'transaction Transaction<'store>,
    name: String,
    version: String,
    folder: String,
    dir: Dir,
    folders: Mutex<HashSet<String>>,
    nodes: Mutex<ManifestBuilder>,
}

/// A tree that is complete in the staging folder, ready to be published.
#[derive(Debug)]
pub struct ReadyEntry {
    /// What it will be called.
    pub entry: EntryRef,
    /// Its listing.
    pub manifest: Manifest,
    pub(crate) folder: String,
}

impl StagedEntry<'_, '_> {
    /// Returns the folder in which the tree grows.
    pub fn path(&self) -> PathBuf {
        self.transaction.path().join(&self.folder)
    }

    /// Completes the tree: nothing can be added any more.
    pub fn finish(self) -> Result<ReadyEntry, StoreError> {
        let nodes = self
            .nodes
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let manifest = nodes.finish().map_err(|source| StoreError::Tree {
            name: self.name.clone(),
            source,
        })?;
        let seal = || {
            for node in manifest.nodes().iter().rev() {
                if node.kind == NodeKind::Directory {
                    let path = Path::new(node.path.as_str());
                    fs::create_dirs(&self.dir, path)?;
                    self.dir.set_mtime(path, crate::id::MTIME_EPOCH)?;
                    self.dir.set_mode(path, FOLDER_MODE)?;
                }
            }
            Ok(())
        };
        seal().map_err(FsError::at(
            "seal",
            self.transaction.path().join(&self.folder),
        ))?;
        let id = manifest.id();
        let entry = EntryRef {
            name: self.name,
            version: self.version,
            entry: id,
        };
        Ok(ReadyEntry {
            entry,
            manifest,
            folder: self.folder,
        })
    }

    fn add(&self, path: &TreePath, kind: NodeKind) {
        lock(&self.nodes).add(path.clone(), kind);
    }

    fn make_parent(&self, path: &TreePath) -> io::Result<()> {
        let Some(parent) = path.parent() else {
            return Ok(());
        };
        if lock(&self.folders).contains(parent) {
            return Ok(());
        }
        fs::create_dirs(&self.dir, Path::new(parent))?;
        lock(&self.folders).insert(parent.to_owned());
        Ok(())
    }

    /// Links content that the store or this transaction has; false where neither has it.
    fn share(&self, name: &Path, file: &Content) -> io::Result<bool> {
        if file.size == 0 {
            return Ok(false);
        }
        let store = self.transaction.store.dir();
        let object = object_path(file.digest, file.executable);
        if self.link_intact(store, &object, name, file)? {
            return Ok(true);
        }
        let written = lock(&self.transaction.written)
            .get(&(file.digest, file.executable))
            .cloned();
        match written {
            Some(path) => self.link_intact(&self.transaction.dir, &path, name, file),
            None => Ok(false),
        }
    }

    fn link_intact(&self, from: &Dir, path: &Path, to: &Path, file: &Content) -> io::Result<bool> {
        match from.stat(path) {
            Ok(stat) if intact(&stat, file.executable, file.size, file.digest) => {}
            Ok(_) | Err(_) => return Ok(false),
        }
        // A link that is refused (too many, another owner) is no failure: the content is written.
        match from.link(path, &self.dir, to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            result => Ok(result.is_ok()),
        }
    }

    fn remember(&self, name: &Path, file: &Content) {
        if file.size > 0 {
            let path = Path::new(&self.folder).join(name);
            lock(&self.transaction.written)
                .entry((file.digest, file.executable))
                .or_insert(path);
        }
    }

    fn write(&self, path: &TreePath, executable: bool, content: &[u8]) -> io::Result<Content> {
        let file = Content {
            digest: Digest::of(content),
            size: content.len() as u64,
            executable,
        };
        self.make_parent(path)?;
        let name = Path::new(path.as_str());
        if !self.share(name, &file)? {
            self.dir.write_new(name, content, file.meta())?;
            self.remember(name, &file);
        }
        Ok(file)
    }

    fn write_stream(
        &self,
        path: &TreePath,
        executable: bool,
        content: &mut dyn Read,
    ) -> io::Result<Content> {
        self.make_parent(path)?;
        let name = Path::new(path.as_str());
        let target = self.dir.create_file(name, store_mode(executable))?;
        let (digest, size) = copy_hashing(content, &target)?;
        let file = Content {
            digest,
            size,
            executable,
        };
        self.dir.finish_file(&target, file.meta())?;
        drop(target);
        let aside = PathBuf::from(format!("{}.shared", fs::unique_suffix()));
        if self.share(&aside, &file)? {
            self.dir.rename(&aside, &self.dir, name)?;
        } else {
            self.remember(name, &file);
        }
        Ok(file)
    }

    fn failed(&self, path: &TreePath) -> impl FnOnce(io::Error) -> SinkError {
        move |source| SinkError::Io {
            path: path.to_string(),
            source,
        }
    }
}

/// What is known of a file once it was hashed.
struct Content {
    digest: Digest,
    size: u64,
    executable: bool,
}

impl Content {
    const fn meta(&self) -> FileMeta {
        FileMeta {
            mode: store_mode(self.executable),
            mtime: Some(self.digest.mtime()),
        }
    }
}

impl From<&Content> for NodeKind {
    fn from(file: &Content) -> Self {
        Self::File {
            executable: file.executable,
            size: file.size,
            digest: file.digest,
        }
    }
}

impl TreeSink for StagedEntry<'_, '_> {
    fn file(&self, path: &TreePath, executable: bool, content: &[u8]) -> Result<Digest, SinkError> {
        let file = self
            .write(path, executable, content)
            .map_err(self.failed(path))?;
        self.add(path, (&file).into());
        Ok(file.digest)
    }

    fn stream(
        &self,
        path: &TreePath,
        executable: bool,
        content: &mut dyn Read,
    ) -> Result<(Digest, u64), SinkError> {
        let file = self
            .write_stream(path, executable, content)
            .map_err(self.failed(path))?;
        self.add(path, (&file).into());
        Ok((file.digest, file.size))
    }

    fn symlink(&self, path: &TreePath, target: &str) -> Result<(), SinkError> {
        let make = || {
            self.make_parent(path)?;
            self.dir
                .symlink(Path::new(target), Path::new(path.as_str()))
        };
        make().map_err(self.failed(path))?;
        self.add(
            path,
            NodeKind::Symlink {
                target: target.into(),
            },
        );
        Ok(())
    }

    fn directory(&self, path: &TreePath) -> Result<(), SinkError> {
        fs::create_dirs(&self.dir, Path::new(path.as_str())).map_err(self.failed(path))?;
        self.add(path, NodeKind::Directory);
        Ok(())
    }
}

fn copy_hashing(content: &mut dyn Read, mut target: &File) -> io::Result<(Digest, u64)> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        let count = match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..count]);
        target.write_all(&buffer[..count])?;
        size += count as u64;
    }
    Ok((Digest::from_bytes(*hasher.finalize().as_bytes()), size))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
