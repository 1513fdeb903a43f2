//! Validating: is what stands on the disk still what the tree says?
//!
//! The comparison looks at files, never at names and versions alone. By stat: a file whose kind,
//! mode, size and content-derived time are right is taken as intact. A file whose time differs is
//! read, and is intact if its bytes are right: drift is a change of content, kind or permission. With
//! [`Depth::Deep`] every byte is read. Expectations come from manifests, never from the store's
//! files, so an edit that went through a hardlink into the store is found.
//!
//! Python's own bytecode is not drift: files `*.pyc` in a folder `__pycache__`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use serde::Serialize;

use crate::check::{hash_file, is_bytecode, is_missing};
use crate::checkout::Checkout;
use crate::fs::{Dir, FileKind, FsError, Stat};
use crate::manifest::{Node, NodeKind};
use crate::union::{Folder, Generated, GeneratedKind, Leaf, Origin, Tree};

/// How closely files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Folders only, by their modification time; those changed after this time (seconds and
    /// nanoseconds since the Unix epoch) are compared by stat.
    Quick {
        /// When the environment was last known to be right.
        since: (i64, u32),
    },
    /// Every file, by stat.
    Stat,
    /// Every byte.
    Deep,
}

/// How a path differs from what it should be.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// It is gone.
    Missing,
    /// Its content is another.
    Modified,
    /// It may be executed, read or written by others than it should.
    ModeChanged,
    /// A symbolic link points elsewhere.
    Retargeted,
    /// A folder stands for a file, a link for a folder, and so on.
    WrongKind,
    /// Nothing of the environment has this path.
    Added,
}

/// One path that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The path, relative to the environment.
    pub path: PathBuf,
    /// How it differs.
    pub kind: DifferenceKind,
    /// The layer that should own it.
    pub layer: Option<u32>,
    /// Whether it stands in the store, behind a link of the environment: then the entry is damaged,
    /// and nothing is ever written through the link.
    pub in_store: bool,
}

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Differences, sorted by path.
    pub differences: Vec<Difference>,
    /// How many files were looked at.
    pub files: u64,
    /// How many bytes were read.
    pub bytes_read: u64,
}

/// Compares an environment with its tree.
#[derive(Debug)]
pub struct Comparer<'a> {
    checkout: &'a Checkout<'a>,
    tree: &'a Tree<'a>,
    mode: crate::checkout::LinkMode,
    depth: Depth,
    ignored: &'a [&'a str],
    touched: Option<&'a BTreeSet<String>>,
    files: AtomicU64,
    bytes_read: AtomicU64,
}

type Found = Result<Vec<Difference>, FsError>;

impl<'a> Comparer<'a> {
    /// Prepares a comparison with what `checkout` would make. The paths in `ignored`, relative with
    /// slashes, may stand beside the tree.
    pub fn new(
        checkout: &'a Checkout<'a>,
        tree: &'a Tree<'a>,
        depth: Depth,
        ignored: &'a [&'a str],
    ) -> Self {
        Self {
            checkout,
            tree,
            mode: checkout.mode(),
            depth,
            ignored,
            touched: None,
            files: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
        }
    }

    /// Names folders of the tree that are compared whatever their time says.
    pub fn touching(mut self, folders: &'a BTreeSet<String>) -> Self {
        self.touched = Some(folders);
        self
    }

    /// Compares the folder `target`.
    pub fn run(self, target: &Dir) -> Result<Comparison, FsError> {
        let mut differences = self.folder(0, target, Path::new(""))?;
        differences.par_sort_unstable();
        Ok(Comparison {
            differences,
            files: self.files.into_inner(),
            bytes_read: self.bytes_read.into_inner(),
        })
    }

    fn folder(&self, index: u32, dir: &Dir, path: &Path) -> Found {
        let folder = &self.tree.folders[index as usize];
        let mut found = Vec::new();
        if self.is_due(folder, dir, path)? {
            self.names(folder, dir, path, &mut found)?;
            for leaf in &folder.leaves {
                if let Some((kind, in_store)) = self.leaf(folder, leaf, dir, path)? {
                    let path = path.join(leaf.name);
                    found.push(Difference {
                        in_store,
                        ..difference(path, kind, Some(leaf))
                    });
                }
            }
            self.files
                .fetch_add(folder.leaves.len() as u64, Ordering::Relaxed);
        }
        let below: Vec<Vec<Difference>> = folder
            .folders
            .par_iter()
            .map(|child| self.child(*child, dir, path))
            .collect::<Result<_, _>>()?;
        found.extend(below.into_iter().flatten());
        Ok(found)
    }

    fn is_due(&self, folder: &Folder<'_>, dir: &Dir, path: &Path) -> Result<bool, FsError> {
        let Depth::Quick { since } = self.depth else {
            return Ok(true);
        };
        if self
            .touched
            .is_some_and(|touched| touched.contains(&folder.path))
        {
            return Ok(true);
        }
        let stat = dir.stat_self().map_err(FsError::at("stat", path))?;
        Ok((stat.mtime, stat.mtime_nanos) > since)
    }

    fn child(&self, index: u32, dir: &Dir, path: &Path) -> Found {
        let folder = &self.tree.folders[index as usize];
        let name = Path::new(folder.name());
        let path = path.join(name);
        let wrong = |kind| {
            Ok(vec![Difference {
                path: path.clone(),
                kind,
                layer: folder.owner,
                in_store: false,
            }])
        };
        if let Some(link) = self.checkout.folder_link(folder) {
            return match dir.read_link(name) {
                Ok(found) if found == link => self.linked(index, &link, &path),
                Ok(_) => wrong(DifferenceKind::Retargeted),
                Err(error) if is_missing(&error) => wrong(DifferenceKind::Missing),
                Err(_) => wrong(DifferenceKind::WrongKind),
            };
        }
        match dir.open_dir(name) {
            Ok(below) => self.folder(index, &below, &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => wrong(DifferenceKind::Missing),
            Err(error) if is_wrong_kind(&error) => wrong(DifferenceKind::WrongKind),
            Err(error) => Err(FsError {
                verb: "open",
                path,
                source: error,
            }),
        }
    }

    /// Compares the store's own folder behind a link: its files have the store's modes.
    fn linked(&self, index: u32, link: &Path, path: &Path) -> Found {
        if matches!(self.depth, Depth::Quick { .. }) && link.is_dir() {
            return Ok(Vec::new());
        }
        match Dir::open(link) {
            Ok(dir) => {
                let within = Self {
                    checkout: self.checkout,
                    tree: self.tree,
                    mode: crate::checkout::LinkMode::Hardlink,
                    depth: self.depth,
                    ignored: self.ignored,
                    touched: self.touched,
                    files: AtomicU64::new(0),
                    bytes_read: AtomicU64::new(0),
                };
                let found = within.behind_link(index, &dir, path);
                self.files
                    .fetch_add(within.files.into_inner(), Ordering::Relaxed);
                self.bytes_read
                    .fetch_add(within.bytes_read.into_inner(), Ordering::Relaxed);
                found
            }
            Err(_) => Ok(vec![Difference {
                path: path.to_owned(),
                kind: DifferenceKind::Missing,
                layer: self.tree.folders[index as usize].owner,
                in_store: true,
            }]),
        }
    }

    fn behind_link(&self, index: u32, dir: &Dir, path: &Path) -> Found {
        let folder = &self.tree.folders[index as usize];
        let mut found = Vec::new();
        self.names(folder, dir, path, &mut found)?;
        for leaf in &folder.leaves {
            if let Some(kind) = self.content(leaf, dir, path)? {
                found.push(difference(path.join(leaf.name), kind, Some(leaf)));
            }
        }
        self.files
            .fetch_add(folder.leaves.len() as u64, Ordering::Relaxed);
        let below: Vec<Vec<Difference>> = folder
            .folders
            .par_iter()
            .map(|child| {
                let name = Path::new(self.tree.folders[*child as usize].name());
                let path = path.join(name);
                match dir.open_dir(name) {
                    Ok(below) => self.behind_link(*child, &below, &path),
                    Err(error) => Ok(vec![Difference {
                        path,
                        kind: if error.kind() == io::ErrorKind::NotFound {
                            DifferenceKind::Missing
                        } else {
                            DifferenceKind::WrongKind
                        },
                        layer: folder.owner,
                        in_store: true,
                    }]),
                }
            })
            .collect::<Result<_, _>>()?;
        found.extend(below.into_iter().flatten());
        for difference in &mut found {
            difference.layer = difference.layer.or(folder.owner);
            difference.in_store = true;
        }
        Ok(found)
    }

    /// Finds names that the tree does not have.
    fn names(
        &self,
        folder: &Folder<'_>,
        dir: &Dir,
        path: &Path,
        found: &mut Vec<Difference>,
    ) -> Result<(), FsError> {
        let in_bytecode = folder.name() == "__pycache__";
        let mut unknown = Vec::new();
        dir.visit(&mut |name, kind| {
            let known = name.to_str().is_some_and(|name| {
                folder
                    .leaves
                    .binary_search_by(|leaf| leaf.name.cmp(name))
                    .is_ok()
                    || self.has_folder(folder, name)
                    || self.is_ignored(path, name)
            });
            if !(known || in_bytecode && is_bytecode(name)) {
                unknown.push((name.to_owned(), kind));
            }
        })
        .map_err(FsError::at("list", path))?;
        for (name, kind) in unknown {
            let path = path.join(&name);
            if name == "__pycache__" && kind == FileKind::Directory {
                bytecode_folder(dir, &name, &path, found)?;
                continue;
            }
            found.push(difference(path, DifferenceKind::Added, None));
        }
        Ok(())
    }

    fn is_ignored(&self, folder: &Path, name: &str) -> bool {
        let mut ignored = self.ignored.iter().map(Path::new);
        ignored.any(|path| path.parent() == Some(folder) && path.file_name() == Some(name.as_ref()))
    }

    fn has_folder(&self, folder: &Folder<'_>, name: &str) -> bool {
        folder
            .folders
            .binary_search_by(|child| self.tree.folders[*child as usize].name().cmp(name))
            .is_ok()
    }

    fn leaf(
        &self,
        folder: &Folder<'_>,
        leaf: &Leaf<'_>,
        dir: &Dir,
        path: &Path,
    ) -> Result<Option<(DifferenceKind, bool)>, FsError> {
        let Some(link) = self.checkout.leaf_link(folder, leaf) else {
            let found = self.content(leaf, dir, path)?;
            return Ok(found.map(|kind| (kind, false)));
        };
        Ok(match dir.read_link(Path::new(leaf.name)) {
            Ok(found) if found == link => {
                let behind = match link.parent().map(Dir::open) {
                    Some(Ok(behind)) => self.store_content(leaf, &behind, path)?,
                    _ => Some(DifferenceKind::Missing),
                };
                behind.map(|kind| (kind, true))
            }
            Ok(_) => Some((DifferenceKind::Retargeted, false)),
            Err(error) if is_missing(&error) => Some((DifferenceKind::Missing, false)),
            Err(_) => Some((DifferenceKind::WrongKind, false)),
        })
    }

    fn store_content(
        &self,
        leaf: &Leaf<'_>,
        dir: &Dir,
        path: &Path,
    ) -> Result<Option<DifferenceKind>, FsError> {
        let Origin::Layer(_, node) = leaf.origin else {
            return Ok(None);
        };
        self.node(
            node,
            crate::checkout::LinkMode::Hardlink,
            leaf.name,
            dir,
            path,
        )
    }

    fn content(
        &self,
        leaf: &Leaf<'_>,
        dir: &Dir,
        path: &Path,
    ) -> Result<Option<DifferenceKind>, FsError> {
        match leaf.origin {
            Origin::Layer(_, node) => self.node(node, self.mode, leaf.name, dir, path),
            Origin::Generated(generated) => Ok(generated_difference(generated, leaf.name, dir)),
        }
    }

    fn node(
        &self,
        node: &Node,
        mode: crate::checkout::LinkMode,
        name: &str,
        dir: &Dir,
        path: &Path,
    ) -> Result<Option<DifferenceKind>, FsError> {
        let name = Path::new(name);
        let stat = match dir.stat(name) {
            Ok(stat) => stat,
            Err(error) if is_missing(&error) => return Ok(Some(DifferenceKind::Missing)),
            Err(error) => {
                return Err(FsError {
                    verb: "stat",
                    path: path.join(name),
                    source: error,
                });
            }
        };
        match &node.kind {
            NodeKind::File {
                executable,
                size,
                digest,
            } => {
                if stat.kind != FileKind::File {
                    return Ok(Some(DifferenceKind::WrongKind));
                }
                if stat.size != *size {
                    return Ok(Some(DifferenceKind::Modified));
                }
                let on_time = stat.mtime == digest.mtime() && stat.mtime_nanos == 0;
                if !on_time || self.depth == Depth::Deep {
                    let hashed = hash_file(dir, name);
                    let (found, count) = hashed.map_err(FsError::at("read", path.join(name)))?;
                    self.bytes_read.fetch_add(count, Ordering::Relaxed);
                    if found != *digest {
                        return Ok(Some(DifferenceKind::Modified));
                    }
                }
                let expected = mode.file_mode(*executable);
                Ok(mode_differs(&stat, expected).then_some(DifferenceKind::ModeChanged))
            }
            NodeKind::Symlink { target } => Ok(link_difference(Path::new(&**target), name, dir)),
            NodeKind::Directory => Ok(None),
        }
    }
}

#[cfg(unix)]
fn mode_differs(stat: &Stat, expected: u32) -> bool {
    stat.mode != expected
}

#[cfg(not(unix))]
fn mode_differs(stat: &Stat, expected: u32) -> bool {
    (stat.mode & 0o200) != (expected & 0o200)
}

fn difference(path: PathBuf, kind: DifferenceKind, leaf: Option<&Leaf<'_>>) -> Difference {
    let layer = leaf.and_then(|leaf| match leaf.origin {
        Origin::Layer(layer, _) => Some(layer),
        Origin::Generated(_) => None,
    });
    Difference {
        path,
        kind,
        layer,
        in_store: false,
    }
}

fn generated_difference(generated: &Generated, name: &str, dir: &Dir) -> Option<DifferenceKind> {
    let name = Path::new(name);
    match &generated.kind {
        GeneratedKind::Link(to) => link_difference(to, name, dir),
        GeneratedKind::File {
            content,
            executable,
        } => file_difference(content, *executable, name, dir),
        GeneratedKind::CopyOf(from) => match std::fs::read(from) {
            Ok(content) => file_difference(&content, true, name, dir),
            Err(_) => Some(DifferenceKind::Missing),
        },
    }
}

fn file_difference(
    content: &[u8],
    executable: bool,
    name: &Path,
    dir: &Dir,
) -> Option<DifferenceKind> {
    let stat = match dir.stat(name) {
        Ok(stat) => stat,
        Err(_) => return Some(DifferenceKind::Missing),
    };
    if stat.kind != FileKind::File {
        return Some(DifferenceKind::WrongKind);
    }
    if dir.read_file(name).ok().as_deref() != Some(content) {
        return Some(DifferenceKind::Modified);
    }
    let expected = if executable { 0o755 } else { 0o644 };
    mode_differs(&stat, expected).then_some(DifferenceKind::ModeChanged)
}

fn link_difference(target: &Path, name: &Path, dir: &Dir) -> Option<DifferenceKind> {
    match dir.read_link(name) {
        Ok(found) if found == target => None,
        Ok(_) => Some(DifferenceKind::Retargeted),
        Err(error) if is_missing(&error) => Some(DifferenceKind::Missing),
        Err(_) => Some(DifferenceKind::WrongKind),
    }
}

/// Tells whether a folder could not be opened because something else has its name.
fn is_wrong_kind(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return true;
    }
    matches!(
        error.kind(),
        io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput
    )
}

fn bytecode_folder(
    dir: &Dir,
    name: &OsStr,
    path: &Path,
    found: &mut Vec<Difference>,
) -> Result<(), FsError> {
    let read = || dir.open_dir(Path::new(name))?.read();
    for entry in read().map_err(FsError::at("list", path))? {
        if entry.kind != FileKind::File || !is_bytecode(&entry.name) {
            let path = path.join(&entry.name);
            found.push(difference(path, DifferenceKind::Added, None));
        }
    }
    Ok(())
}
