//! Whether files are still what their manifest says.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::StoreError;
use crate::format::environment::EntryRef;
use crate::fs::{Dir, FileKind, FsError, Stat};
use crate::id::{Digest, MTIME_EPOCH};
use crate::manifest::{Manifest, Node, NodeKind};
use crate::store::Store;

/// Returns the permission bits of a file in the store.
pub const fn store_mode(executable: bool) -> u32 {
    if executable { 0o555 } else { 0o444 }
}

/// The time that a file gets whose bytes were found to be wrong though its stat was right. No content
/// has it: see [`Digest::mtime`].
const DAMAGED_MTIME: i64 = 0;

/// Tells from one stat whether a file of the store is untouched: kind, mode, size, and the
/// modification time that follows from its content.
pub fn intact(stat: &Stat, executable: bool, size: u64, digest: Digest) -> bool {
    stat.kind == FileKind::File
        && stat.size == size
        && stat.mtime == digest.mtime()
        && stat.mtime_nanos == 0
        && has_mode(stat.mode, store_mode(executable))
}

#[cfg(unix)]
const fn has_mode(found: u32, expected: u32) -> bool {
    found == expected
}

#[cfg(not(unix))]
const fn has_mode(found: u32, _expected: u32) -> bool {
    found & 0o200 == 0
}

/// What is wrong with a file or folder of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// It is gone.
    Missing,
    /// Its bytes are not those of its digest.
    Modified,
    /// It is of another kind: a folder for a file, say.
    WrongKind,
    /// A symbolic link points elsewhere.
    Retargeted,
    /// Nothing in the manifest or a supplement names it.
    Unexpected,
    /// It cannot be read.
    Unreadable,
}

/// One thing that is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// The path inside the entry.
    pub path: String,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What a check of one entry found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EntryReport {
    /// Problems, sorted by path.
    pub problems: Vec<Problem>,
    /// Files whose bytes were right and whose mode or time was set back.
    pub healed: Vec<String>,
    /// How many bytes were read.
    pub bytes_read: u64,
}

/// Tells by stat alone whether the tree at `folder` has every node of the manifest, untouched.
pub(crate) fn tree_is_intact(dir: &Dir, folder: &Path, manifest: &Manifest) -> bool {
    manifest.nodes().par_iter().all(|node| {
        let path = folder.join(node.path.as_str());
        let Ok(stat) = dir.stat(&path) else {
            return false;
        };
        match &node.kind {
            NodeKind::Directory => stat.kind == FileKind::Directory,
            NodeKind::File {
                executable,
                size,
                digest,
            } => intact(&stat, *executable, *size, *digest),
            NodeKind::Symlink { target } => {
                stat.kind == FileKind::Symlink
                    && dir
                        .read_link(&path)
                        .is_ok_and(|found| found == Path::new(&**target))
            }
        }
    })
}

impl Store {
    /// Tells by stat whether the store holds an entry, untouched.
    pub fn has_intact(&self, entry: &EntryRef) -> bool {
        let folder = Path::new("entries").join(entry.folder());
        self.has_entry(entry)
            && self
                .manifest(entry.entry)
                .is_ok_and(|manifest| tree_is_intact(self.dir(), &folder, &manifest))
    }

    /// Checks an entry against its manifest.
    ///
    /// By stat, reading only files whose stat differs; with `every_byte`, reading all. A file whose
    /// bytes are right and whose mode or time is not is healed where the store can be written.
    /// Everything that neither the manifest nor a supplement names is a problem too.
    pub fn check_entry(
        &self,
        entry: &EntryRef,
        every_byte: bool,
    ) -> Result<EntryReport, StoreError> {
        let manifest = self.manifest(entry.entry)?;
        let path = self.entry_path(entry);
        let root = Dir::open(&path).map_err(FsError::at("open", &path))?;
        let heal = self.can_heal(entry);
        let mut report = check_nodes(&root, manifest.nodes(), every_byte, heal);
        let mut known: Vec<Node> = manifest.nodes().to_vec();
        for (label, supplement) in self.supplements(entry.entry)? {
            known.extend(supplement.nodes().iter().cloned());
            if label.starts_with('.') {
                continue;
            }
            let found = check_nodes(&root, supplement.nodes(), every_byte, heal);
            report.problems.extend(found.problems);
            report.healed.extend(found.healed);
            report.bytes_read += found.bytes_read;
        }
        known.sort_unstable_by(|left, right| left.path.cmp(&right.path));
        let unexpected =
            find_unexpected(&root, Path::new(""), &known).map_err(FsError::at("list", &path))?;
        report
            .problems
            .extend(unexpected.into_iter().map(|path| Problem {
                path,
                kind: ProblemKind::Unexpected,
            }));
        report
            .problems
            .sort_by(|left, right| left.path.cmp(&right.path));
        report.problems.dedup();
        Ok(report)
    }

    /// Tells by one stat for each folder of an entry whether something was added to or removed from
    /// one: that changes its time. Never so for an entry of a store below this one.
    pub fn has_touched_folders(&self, entry: &EntryRef) -> Result<bool, StoreError> {
        if !cfg!(unix) || !self.owns(entry) {
            return Ok(false);
        }
        let path = self.entry_path(entry);
        let root = Dir::open(&path).map_err(FsError::at("open", &path))?;
        let touched = |manifest: &Manifest| {
            let nodes = manifest.nodes().par_iter();
            nodes
                .filter(|node| node.kind == NodeKind::Directory)
                .any(|node| {
                    let stat = root.stat(Path::new(node.path.as_str()));
                    !stat.is_ok_and(|stat| stat.mtime == MTIME_EPOCH)
                })
        };
        let supplements = self.supplements(entry.entry)?;
        Ok(touched(&self.manifest(entry.entry)?)
            || supplements.iter().any(|(_, manifest)| touched(manifest)))
    }

    /// Another store's files are not ours to set right.
    fn can_heal(&self, entry: &EntryRef) -> bool {
        self.ensure_writable().is_ok() && self.owns(entry)
    }
}

fn check_nodes(root: &Dir, nodes: &[Node], every_byte: bool, heal: bool) -> EntryReport {
    nodes
        .par_iter()
        .fold(EntryReport::default, |mut report, node| {
            check_node(root, node, every_byte, heal, &mut report);
            report
        })
        .reduce(EntryReport::default, |mut left, right| {
            left.problems.extend(right.problems);
            left.healed.extend(right.healed);
            left.bytes_read += right.bytes_read;
            left
        })
}

fn check_node(root: &Dir, node: &Node, every_byte: bool, heal: bool, report: &mut EntryReport) {
    let path = Path::new(node.path.as_str());
    let mut problem = |kind| {
        report.problems.push(Problem {
            path: node.path.to_string(),
            kind,
        })
    };
    let stat = match root.stat(path) {
        Ok(stat) => stat,
        Err(error) if is_missing(&error) => return problem(ProblemKind::Missing),
        Err(_) => return problem(ProblemKind::Unreadable),
    };
    match &node.kind {
        NodeKind::Directory if stat.kind == FileKind::Directory => {}
        NodeKind::Symlink { target } if stat.kind == FileKind::Symlink => {
            match root.read_link(path) {
                Ok(found) if found == Path::new(&**target) => {}
                _ => problem(ProblemKind::Retargeted),
            }
        }
        NodeKind::File {
            executable,
            size,
            digest,
        } if stat.kind == FileKind::File => {
            let untouched = intact(&stat, *executable, *size, *digest);
            if untouched && !every_byte {
                return;
            }
            match hash_file(root, path) {
                Ok((found, count)) => {
                    report.bytes_read += count;
                    if found != *digest || count != *size {
                        problem(ProblemKind::Modified);
                        if untouched && heal {
                            // From now on one stat tells.
                            let _ = root.set_mtime(path, DAMAGED_MTIME);
                        }
                    } else if !untouched && heal && restamp(root, node).is_ok() {
                        report.healed.push(node.path.to_string());
                    }
                }
                Err(_) => problem(ProblemKind::Unreadable),
            }
        }
        _ => problem(ProblemKind::WrongKind),
    }
}

/// Gives a file whose bytes are right its mode and time back.
pub(crate) fn restamp(root: &Dir, node: &Node) -> io::Result<()> {
    let NodeKind::File {
        executable, digest, ..
    } = &node.kind
    else {
        return Ok(());
    };
    let path = Path::new(node.path.as_str());
    root.set_mtime(path, digest.mtime())?;
    root.set_mode(path, store_mode(*executable))
}

/// Returns the digest and the length of a file, reading through one open handle.
pub(crate) fn hash_file(dir: &Dir, path: &Path) -> io::Result<(Digest, u64)> {
    let mut file = dir.open_file(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut size = 0;
    loop {
        let count = match io::Read::read(&mut file, &mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..count]);
        size += count as u64;
    }
    Ok((Digest::from_bytes(*hasher.finalize().as_bytes()), size))
}

pub(crate) fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Lists what stands below `dir`, the folder `folder` of an entry, and is not among `known`.
/// Tells whether a path is one of Python's own bytecode, which it writes as it pleases.
pub fn is_bytecode_path(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    folder.is_some_and(|folder| folder == "__pycache__")
        && path.file_name().is_some_and(is_bytecode)
}

/// Tells whether Python writes files of this name into `__pycache__`: `x.cpython-311.pyc`, and the
/// temporary `x.cpython-311.pyc.140123` that a killed interpreter leaves.
pub fn is_bytecode(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let name = match name.rsplit_once('.') {
        Some((stem, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => stem,
        _ => name,
    };
    name.ends_with(".pyc")
}

fn find_unexpected(dir: &Dir, folder: &Path, known: &[Node]) -> io::Result<Vec<String>> {
    let mut unexpected = Vec::new();
    let mut folders = Vec::new();
    for entry in dir.read()? {
        let path = folder.join(&entry.name);
        let node = path.to_str().and_then(|text| {
            known
                .binary_search_by(|node| crate::tree_path::compare(node.path.as_str(), text))
                .ok()
                .map(|index| &known[index])
        });
        match node {
            None => unexpected.push(path.to_string_lossy().into_owned()),
            Some(node) if node.kind == NodeKind::Directory && entry.kind == FileKind::Directory => {
                folders.push((entry.name, path));
            }
            Some(_) => {}
        }
    }
    let below: Vec<Vec<String>> = folders
        .par_iter()
        .map(|(name, path)| find_unexpected(&dir.open_dir(Path::new(name))?, path, known))
        .collect::<io::Result<_>>()?;
    unexpected.extend(below.into_iter().flatten());
    Ok(unexpected)
}
