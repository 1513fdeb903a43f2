//! Assembling: a [`Tree`] becomes folders and links on the disk, in parallel.
//!
//! Every file of the store is checked by one stat before it is linked: mode, size, and the
//! modification time that follows from its content. One that differs is not linked; it is reported
//! as damaged, and the caller has the entry restored.
//!
//! Folders are opened once, and every name is resolved relative to its folder.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::check::{intact, store_mode};
use crate::fs::{Dir, FileMeta, FsError};
use crate::manifest::{Node, NodeKind};
use crate::union::{Folder, GeneratedKind, Layer, Leaf, Origin, Tree};

/// How many of the store's folders are open at once for one folder of an environment.
const OPEN_SOURCES: usize = 8;

/// How files come from the store into an environment.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum LinkMode {
    /// Hardlinks where the file system allows them, else clones, else copies.
    #[default]
    Auto,
    /// A second name for the store's file.
    Hardlink,
    /// A symbolic link to each folder that one entry owns, and to each file of shared folders.
    Symlink,
    /// A copy that shares its blocks until one of the two is changed.
    Clone,
    /// A copy.
    Copy,
}

impl LinkMode {
    /// Tells whether files are private to the environment, and so writable.
    pub const fn is_private(self) -> bool {
        matches!(self, Self::Clone | Self::Copy)
    }

    /// Returns the permission bits that a file has in an environment.
    pub const fn file_mode(self, executable: bool) -> u32 {
        match (self.is_private(), executable) {
            (false, executable) => store_mode(executable),
            (true, false) => 0o644,
            (true, true) => 0o755,
        }
    }
}

/// A file or folder of the store that is not what its manifest says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// The layer it belongs to.
    pub layer: u32,
    /// Its path in the layer.
    pub path: String,
}

/// What an assembly did.
#[derive(Debug, Default)]
pub struct CheckoutReport {
    /// Files linked, cloned or copied, and symbolic links made.
    pub files: u64,
    /// How many files could not be had in the wanted way, by reason.
    pub fallbacks: BTreeMap<&'static str, u64>,
    /// What was found damaged in the store, and is therefore missing here. Sorted.
    pub damaged: Vec<Damage>,
}

/// How a tree is put on the disk.
#[derive(Debug)]
pub struct Checkout<'a> {
    layers: &'a [Layer<'a>],
    tree: &'a Tree<'a>,
    mode: LinkMode,
    real_folders: &'a [&'a str],
    every_byte: bool,
    folders_only: bool,
    files: AtomicU64,
    fallbacks: Mutex<BTreeMap<&'static str, u64>>,
    damaged: Mutex<Vec<Damage>>,
}

impl<'a> Checkout<'a> {
    /// Prepares to assemble `tree`. The folders named in `real_folders` are never symbolic links,
    /// nor are their files, whatever the mode: programs look for things beside them.
    pub fn new(
        layers: &'a [Layer<'a>],
        tree: &'a Tree<'a>,
        mode: LinkMode,
        real_folders: &'a [&'a str],
    ) -> Self {
        Self {
            layers,
            tree,
            mode,
            real_folders,
            every_byte: false,
            folders_only: false,
            files: AtomicU64::new(0),
            fallbacks: Mutex::default(),
            damaged: Mutex::default(),
        }
    }

    /// Returns how files come from the store.
    pub const fn mode(&self) -> LinkMode {
        self.mode
    }

    /// Also reads each file of the store before it is used: an edit that kept size and time is found.
    #[must_use]
    pub fn reading_every_byte(mut self, every_byte: bool) -> Self {
        self.every_byte = every_byte;
        self
    }

    /// Looks at the times of the store's folders alone where a symbolic link stands for a whole
    /// folder, instead of at each file in it: an edited file is then not noticed.
    #[must_use]
    pub fn looking_at_folders_only(mut self, folders_only: bool) -> Self {
        self.folders_only = folders_only;
        self
    }

    /// Returns how many files were done so far; readable from another thread.
    pub fn progress(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// Fills `target`, an empty folder, with the folder `index` of the tree and all below it.
    pub fn fill(&self, index: u32, target: &Dir, path: &Path) -> Result<(), FsError> {
        let folder = &self.tree.folders[index as usize];
        self.place_leaves(folder, target, path)?;
        folder
            .folders
            .par_iter()
            .try_for_each(|child| self.place_folder(*child, target, path))
    }

    /// Makes the folder `index` in `target`: a symbolic link where the mode allows, else a folder
    /// with its content.
    pub fn place_folder(&self, index: u32, target: &Dir, path: &Path) -> Result<(), FsError> {
        self.place_folder_as(
            index,
            self.tree.folders[index as usize].name(),
            target,
            path,
        )
    }

    /// The same, under another name.
    pub fn place_folder_as(
        &self,
        index: u32,
        name: &str,
        target: &Dir,
        path: &Path,
    ) -> Result<(), FsError> {
        let folder = &self.tree.folders[index as usize];
        let name = Path::new(name);
        let path = path.join(name);
        if let Some(link) = self.folder_link(folder) {
            self.check_folders(index, !self.folders_only);
            self.files.fetch_add(1, Ordering::Relaxed);
            return target
                .symlink(&link, name)
                .map_err(FsError::at("link", path));
        }
        let make = || {
            target.create_dir(name, 0o755)?;
            target.open_dir(name)
        };
        let below = make().map_err(FsError::at("make", &path))?;
        self.fill(index, &below, &path)
    }

    /// Lists the folders that are made, not linked: their paths, the root's first and empty.
    pub fn made_folders(&self) -> Vec<&'a str> {
        let mut paths = Vec::with_capacity(self.tree.folders.len());
        let mut open = vec![0];
        while let Some(index) = open.pop() {
            let folder = &self.tree.folders[index as usize];
            if self.folder_link(folder).is_none() {
                paths.push(folder.path.as_str());
                open.extend(&folder.folders);
            }
        }
        paths
    }

    /// Returns where the symbolic link points that stands for a whole folder in this mode.
    pub fn folder_link(&self, folder: &Folder<'_>) -> Option<PathBuf> {
        let layer = folder.owner?;
        let [(_, source)] = folder.sources.as_slice() else {
            return None;
        };
        let linked = self.mode == LinkMode::Symlink && !self.is_real(&folder.path);
        linked.then(|| self.layers[layer as usize].source.join(source))
    }

    /// Returns where the symbolic link points that stands for a file in this mode.
    pub fn leaf_link(&self, folder: &Folder<'_>, leaf: &Leaf<'_>) -> Option<PathBuf> {
        match leaf.origin {
            Origin::Layer(layer, node)
                if self.mode == LinkMode::Symlink && !self.is_real(&folder.path) =>
            {
                Some(self.layers[layer as usize].source.join(node.path.as_str()))
            }
            _ => None,
        }
    }

    fn is_real(&self, path: &str) -> bool {
        self.real_folders.contains(&path)
    }

    /// Checks the folders of the store behind every link to a whole folder; where something was added
    /// or removed, that is damage.
    pub fn check_linked_folders(&self) {
        let mut linked = Vec::new();
        let mut open = vec![0];
        while let Some(index) = open.pop() {
            let folder = &self.tree.folders[index as usize];
            if self.folder_link(folder).is_some() {
                linked.push(index);
            } else {
                open.extend(&folder.folders);
            }
        }
        linked
            .par_iter()
            .for_each(|index| self.check_folders(*index, false));
    }

    /// Checks what stands behind a link by one stat each: a folder's time tells what was added to it or
    /// removed from it, and with `files` each file's.
    fn check_folders(&self, index: u32, files: bool) {
        let folder = &self.tree.folders[index as usize];
        let [(layer, source)] = folder.sources.as_slice() else {
            return;
        };
        if cfg!(not(unix)) {
            return;
        }
        match Dir::open(&self.layers[*layer as usize].source.join(source)) {
            Ok(dir) => self.check_below(index, *layer, source, (&dir, files)),
            Err(_) => self.damage(*layer, source),
        }
    }

    fn check_below(&self, index: u32, layer: u32, top: &str, (dir, files): (&Dir, bool)) {
        let folder = &self.tree.folders[index as usize];
        for (_, source) in &folder.sources {
            let below = source
                .strip_prefix(top)
                .unwrap_or("")
                .trim_start_matches('/');
            let name = if below.is_empty() { "." } else { below };
            let untouched = dir
                .stat(Path::new(name))
                .is_ok_and(|stat| stat.mtime == crate::id::MTIME_EPOCH && stat.mtime_nanos == 0);
            if !untouched {
                self.damage(layer, source);
            }
            for leaf in folder.leaves.iter().filter(|_| files) {
                if let Origin::Layer(_, node) = leaf.origin
                    && !self.is_usable(dir, &Path::new(name).join(leaf.name), node)
                {
                    self.damage(layer, node.path.as_str());
                }
            }
        }
        folder
            .folders
            .par_iter()
            .for_each(|child| self.check_below(*child, layer, top, (dir, files)));
    }

    fn place_leaves(&self, folder: &Folder<'_>, target: &Dir, path: &Path) -> Result<(), FsError> {
        if folder.leaves.is_empty() {
            return Ok(());
        }
        let mut sources: Vec<(u32, Dir, &str)> = Vec::with_capacity(folder.sources.len());
        for leaf in &folder.leaves {
            let Origin::Layer(layer, node) = leaf.origin else {
                self.place_generated(leaf, target, path)?;
                continue;
            };
            let parent = node.path.parent().unwrap_or("");
            let source = match sources
                .iter()
                .position(|(of, _, at)| *of == layer && *at == parent)
            {
                Some(found) => &sources[found].1,
                None => {
                    let from = self.layers[layer as usize].source.join(parent);
                    match Dir::open(&from) {
                        Ok(dir) => {
                            if sources.len() >= OPEN_SOURCES {
                                sources.clear();
                            }
                            sources.push((layer, dir, parent));
                            &sources[sources.len() - 1].1
                        }
                        Err(error) if crate::check::is_missing(&error) => {
                            self.damage(layer, node.path.as_str());
                            continue;
                        }
                        Err(error) => return Err(FsError::at("open", from)(error)),
                    }
                }
            };
            self.place_leaf(folder, leaf, source, target)
                .map_err(FsError::at("link", path.join(leaf.name)))?;
        }
        self.files
            .fetch_add(folder.leaves.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn place_leaf(
        &self,
        folder: &Folder<'_>,
        leaf: &Leaf<'_>,
        source: &Dir,
        target: &Dir,
    ) -> io::Result<()> {
        let Origin::Layer(layer, node) = leaf.origin else {
            return Ok(());
        };
        let name = Path::new(leaf.name);
        match &node.kind {
            NodeKind::File { .. } => {
                if !self.is_usable(source, name, node) {
                    self.damage(layer, node.path.as_str());
                    return Ok(());
                }
                if let Some(link) = self.leaf_link(folder, leaf) {
                    return target.symlink(&link, name);
                }
                self.place_file(node, source, name, target)
            }
            NodeKind::Symlink { target: to } => target.symlink(Path::new(&**to), name),
            NodeKind::Directory => Ok(()),
        }
    }

    /// Tells whether the store's file is what its manifest says.
    fn is_usable(&self, source: &Dir, name: &Path, node: &Node) -> bool {
        let NodeKind::File {
            executable,
            size,
            digest,
        } = &node.kind
        else {
            return source.stat(name).is_ok();
        };
        source
            .stat(name)
            .is_ok_and(|stat| intact(&stat, *executable, *size, *digest))
            && (!self.every_byte
                || crate::check::hash_file(source, name).is_ok_and(|(found, _)| found == *digest))
    }

    fn place_file(&self, node: &Node, source: &Dir, name: &Path, target: &Dir) -> io::Result<()> {
        let NodeKind::File {
            executable, digest, ..
        } = &node.kind
        else {
            return Ok(());
        };
        let mode = self.mode.file_mode(*executable);
        let meta = FileMeta {
            mode,
            mtime: Some(digest.mtime()),
        };
        let links = matches!(
            self.mode,
            LinkMode::Auto | LinkMode::Hardlink | LinkMode::Symlink
        );
        if links {
            match source.link(name, target, name) {
                Ok(()) => return Ok(()),
                Err(error) => match link_refusal(&error) {
                    Some(reason) => self.fall_back(reason),
                    None => return Err(error),
                },
            }
        }
        if self.mode != LinkMode::Copy {
            match source.clone_file(name, target, name, meta) {
                Ok(()) => return Ok(()),
                Err(error) if !is_clone_refusal(&error) => return Err(error),
                Err(_) if self.mode == LinkMode::Clone => {
                    self.fall_back("the file system cannot clone files");
                }
                Err(_) => {}
            }
        }
        source.copy_file(name, target, name, meta)
    }

    fn place_generated(&self, leaf: &Leaf<'_>, target: &Dir, path: &Path) -> Result<(), FsError> {
        let Origin::Generated(generated) = leaf.origin else {
            return Ok(());
        };
        write_generated(&generated.kind, target, Path::new(leaf.name))
            .map_err(FsError::at("write", path.join(leaf.name)))
    }

    /// Puts one file of the tree in place under another name, for a caller that renames it.
    pub fn place_one(
        &self,
        folder: &Folder<'_>,
        leaf: &Leaf<'_>,
        target: &Dir,
        name: &Path,
    ) -> io::Result<()> {
        match leaf.origin {
            Origin::Generated(generated) => write_generated(&generated.kind, target, name),
            Origin::Layer(layer, node) => {
                let from = self.layers[layer as usize]
                    .source
                    .join(node.path.parent().unwrap_or(""));
                let source = Dir::open(&from)?;
                // Linked under its own name in a folder that holds nothing else, then renamed.
                let aside = PathBuf::from(format!("{}.d", name.display()));
                target.create_dir(&aside, 0o700)?;
                let inside = target.open_dir(&aside)?;
                let placed = self
                    .place_leaf(folder, leaf, &source, &inside)
                    .and_then(|()| {
                        match inside.rename(Path::new(leaf.name), target, name) {
                            // Damaged in the store, and reported as such.
                            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                            result => result,
                        }
                    });
                drop(inside);
                placed.and(target.remove_dir(&aside))
            }
        }
    }

    fn damage(&self, layer: u32, path: &str) {
        lock(&self.damaged).push(Damage {
            layer,
            path: path.to_owned(),
        });
    }

    fn fall_back(&self, reason: &'static str) {
        *lock(&self.fallbacks).entry(reason).or_default() += 1;
    }

    /// Returns what was done.
    pub fn finish(self) -> CheckoutReport {
        let mut damaged = self
            .damaged
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        damaged.sort();
        damaged.dedup();
        CheckoutReport {
            files: self.files.into_inner(),
            fallbacks: self
                .fallbacks
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
            damaged,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_generated(kind: &GeneratedKind, target: &Dir, name: &Path) -> io::Result<()> {
    match kind {
        GeneratedKind::File {
            executable,
            content,
        } => {
            let mode = if *executable { 0o755 } else { 0o644 };
            target.write_new(name, content, FileMeta { mode, mtime: None })
        }
        GeneratedKind::Link(to) => target.symlink(to, name),
        GeneratedKind::CopyOf(from) => {
            let content = std::fs::read(from)?;
            target.write_new(
                name,
                &content,
                FileMeta {
                    mode: 0o755,
                    mtime: None,
                },
            )
        }
    }
}

/// Returns why a hardlink is impossible here though the file could be copied.
fn link_refusal(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::CrossesDevices => Some("the store is on another file system"),
        io::ErrorKind::TooManyLinks => Some("the file has as many links as its file system allows"),
        io::ErrorKind::PermissionDenied => {
            Some("the system forbids links to files of another owner")
        }
        io::ErrorKind::Unsupported => Some("the file system has no hardlinks"),
        _ => None,
    }
}

fn is_clone_refusal(error: &io::Error) -> bool {
    #[cfg(unix)]
    if let Some(code) = error.raw_os_error() {
        use rustix::io::Errno;
        let refusals = [
            Errno::NOTSUP,
            Errno::OPNOTSUPP,
            Errno::XDEV,
            Errno::INVAL,
            Errno::NOTTY,
            Errno::NOSYS,
        ];
        return refusals.iter().any(|errno| errno.raw_os_error() == code);
    }
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::CrossesDevices | io::ErrorKind::InvalidInput
    ) || cfg!(windows)
}
