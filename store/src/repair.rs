//! Repairing an entry with what is at hand in the store itself.
//!
//! What is damaged is moved to quarantine, never trusted. A file that is gone or damaged comes back
//! from its second name in `objects/`, if that one is intact. A supplement that cannot be repaired is
//! forgotten: it was derived, and is derived again when it is asked for. Anything else has to be made
//! again from its input.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::check::{Problem, ProblemKind, intact, is_bytecode_path, store_mode};
use crate::error::StoreError;
use crate::format::environment::EntryRef;
use crate::fs::{self, Dir, FileMeta, FsError};
use crate::id::MTIME_EPOCH;
use crate::manifest::{Manifest, Node, NodeKind};
use crate::stage::FOLDER_MODE;
use crate::store::{Store, object_path};

/// What a repair did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RepairReport {
    /// Paths that are right again.
    pub repaired: Vec<Problem>,
    /// Paths that the store cannot repair by itself.
    pub remaining: Vec<Problem>,
    /// Files whose bytes were right and whose mode or time was set back.
    pub healed: Vec<String>,
}

impl RepairReport {
    /// The whole entry is gone, or another store's: it has to be made again, here.
    fn beyond_repair() -> Self {
        Self {
            remaining: vec![Problem {
                path: String::new(),
                kind: ProblemKind::Missing,
            }],
            ..Self::default()
        }
    }
}

impl Store {
    /// Repairs an entry as far as the store can do it alone.
    pub fn repair_entry(
        &self,
        entry: &EntryRef,
        every_byte: bool,
    ) -> Result<RepairReport, StoreError> {
        self.ensure_writable()?;
        let manifest = self.manifest(entry.entry)?;
        let supplements = self.supplements(entry.entry)?;
        let mut nodes: Vec<Node> = manifest.nodes().to_vec();
        for (_, supplement) in &supplements {
            nodes.extend(supplement.nodes().iter().cloned());
        }
        nodes.sort_unstable_by(|left, right| left.path.cmp(&right.path));
        nodes.dedup_by(|left, right| left.path == right.path);
        if !self.owns(entry) {
            return Ok(RepairReport::beyond_repair());
        }
        let path = self.entry_path(entry);
        let found = match self.check_entry(entry, every_byte) {
            Ok(found) => found,
            Err(StoreError::Fs(error)) if error.source.kind() == io::ErrorKind::NotFound => {
                return Ok(RepairReport::beyond_repair());
            }
            Err(error) => return Err(error),
        };
        let mut report = RepairReport {
            healed: found.healed,
            ..RepairReport::default()
        };
        let root = Dir::open(&path).map_err(FsError::at("open", &path))?;
        let mut derived: BTreeSet<&str> = BTreeSet::new();
        for problem in found.problems {
            let node = nodes
                .binary_search_by(|node| {
                    crate::tree_path::compare(node.path.as_str(), &problem.path)
                })
                .ok()
                .map(|index| &nodes[index]);
            let done = self
                .repair_path(&root, entry, &problem, node)
                .map_err(FsError::at("repair", path.join(&problem.path)))?;
            let of_supplement = !done && manifest.get(&problem.path).is_none();
            if of_supplement {
                let holds = |manifest: &Manifest| manifest.get(&problem.path).is_some();
                let labels = supplements.iter().filter(|(_, manifest)| holds(manifest));
                derived.extend(labels.map(|(label, _)| label.as_str()));
            }
            if done || of_supplement {
                &mut report.repaired
            } else {
                &mut report.remaining
            }
            .push(problem);
        }
        for label in derived {
            self.forget_supplement(entry, label)?;
        }
        self.reset_folders(&root, &nodes)
            .map_err(FsError::at("seal", &path))?;
        Ok(report)
    }

    fn repair_path(
        &self,
        root: &Dir,
        entry: &EntryRef,
        problem: &Problem,
        node: Option<&Node>,
    ) -> io::Result<bool> {
        let path = Path::new(&problem.path);
        let parent = path.parent().filter(|parent| *parent != Path::new(""));
        let holder = parent.unwrap_or(Path::new("."));
        if root.stat(holder).is_ok() {
            root.set_mode(holder, 0o755)?;
        } else if let Some(parent) = parent {
            fs::create_dirs(root, parent)?;
        }
        let Some(node) = node else {
            // Python makes it again; what it wrote here is worth nothing.
            if is_bytecode_path(path) && root.stat(path)?.kind == fs::FileKind::File {
                root.remove_file(path)?;
                return Ok(true);
            }
            self.set_aside(root, entry, path)?;
            return Ok(true);
        };
        match &node.kind {
            NodeKind::Directory => {
                if problem.kind != ProblemKind::Missing {
                    self.set_aside(root, entry, path)?;
                }
                fs::create_dirs(root, path)?;
                Ok(true)
            }
            NodeKind::Symlink { target } => {
                if problem.kind != ProblemKind::Missing {
                    self.set_aside(root, entry, path)?;
                }
                root.symlink(Path::new(&**target), path)?;
                Ok(true)
            }
            NodeKind::File {
                executable,
                size,
                digest,
            } => {
                let object = object_path(*digest, *executable);
                let stat = self.dir().stat(&object);
                let good = stat.is_ok_and(|stat| intact(&stat, *executable, *size, *digest))
                    && crate::check::hash_file(self.dir(), &object)
                        .is_ok_and(|(found, _)| found == *digest);
                if !good && *size > 0 {
                    return Ok(false);
                }
                if problem.kind != ProblemKind::Missing {
                    self.set_aside(root, entry, path)?;
                }
                let meta = FileMeta {
                    mode: store_mode(*executable),
                    mtime: Some(digest.mtime()),
                };
                if *size == 0 {
                    root.write_new(path, b"", meta)?;
                } else if self.dir().link(&object, root, path).is_err() {
                    self.dir().copy_file(&object, root, path, meta)?;
                }
                Ok(true)
            }
        }
    }

    /// Moves what stands at `path` to quarantine.
    fn set_aside(&self, root: &Dir, entry: &EntryRef, path: &Path) -> io::Result<()> {
        if root.stat(path)?.kind == fs::FileKind::Directory {
            root.set_mode(path, 0o755)?;
        }
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let kept: PathBuf = Path::new("quarantine").join(format!(
            "{}.{}.{name}",
            entry.folder(),
            fs::unique_suffix()
        ));
        root.rename(path, self.dir(), &kept)
    }

    /// Gives every folder of the entry its time and mode.
    fn reset_folders(&self, root: &Dir, nodes: &[Node]) -> io::Result<()> {
        let folders = nodes.iter().filter(|node| node.kind == NodeKind::Directory);
        for path in folders.map(|node| node.path.as_str()).chain(["."]) {
            let path = Path::new(path);
            match root.set_mtime(path, MTIME_EPOCH) {
                Err(error) if crate::check::is_missing(&error) => continue,
                result => result?,
            }
            root.set_mode(path, FOLDER_MODE)?;
        }
        Ok(())
    }
}
