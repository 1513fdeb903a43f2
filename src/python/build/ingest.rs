//! Brings a build into a tree: from an archive, or from the folder where it is installed.
//!
//! The outline of the whole build is checked before the first file is written. What is written
//! depends on the files alone: bytecode is left out, prefixes are abstracted, and a note tells
//! installers to leave the build alone (PEP 668).

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use dht_store::{SinkError, TreePath, TreePathError, TreeSink};
use rayon::prelude::*;

use super::archive::{self, Item};
use super::folder::list;
use super::outline::{Findings, Node, Outline, OutlineError, is_telling};
use super::relocate::{RelocateError, Relocation};
use crate::model::python::PythonRequest;

/// Files larger than this go into the tree without being held in memory, in bytes. Nothing of that
/// size is ever relocated: the largest is a library of 300 MB for static linking.
const MAX_IN_MEMORY: u64 = 256 << 20;
/// How many bytes are read ahead of the threads that write them.
const BATCH: u64 = 32 << 20;

/// What became of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestedBuild {
    /// The interpreter, relative to the tree.
    pub interpreter: TreePath,
    /// The folder of the standard library, relative to the tree.
    pub stdlib: TreePath,
    /// How many files were written.
    pub files: usize,
}

/// Why a build could not be brought into a tree.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The archive could not be read.
    #[error("could not read the archive `{}`", archive.display())]
    Read {
        /// The archive.
        archive: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A file of an installed build could not be read.
    #[error("could not read `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The archive is compressed in an unknown way.
    #[error("`{}` is neither a .tar.gz nor a .tar.zst archive", archive.display())]
    Format {
        /// The archive.
        archive: PathBuf,
    },
    /// A name is not UTF-8.
    #[error("`{}` is not a name in UTF-8", name.escape_debug())]
    Name {
        /// The name, as far as it can be shown.
        name: String,
    },
    /// A name may not stand in a tree.
    #[error(transparent)]
    Path(#[from] TreePathError),
    /// Something is neither a file, a folder nor a link.
    #[error("`{path}` is {kind}")]
    Kind {
        /// Its path in the build.
        path: TreePath,
        /// What it is.
        kind: &'static str,
    },
    /// The files do not make the build that was asked for.
    #[error("`{}` cannot be used", origin.display())]
    Outline {
        /// The archive or the folder.
        origin: PathBuf,
        /// What is wrong.
        source: OutlineError,
    },
    /// The archive gave other files when it was read again.
    #[error("`{}` changed while it was read", origin.display())]
    Changed {
        /// The archive or the folder.
        origin: PathBuf,
    },
    /// A file names the prefix of the build in a way that cannot be changed.
    #[error(transparent)]
    Relocate(#[from] RelocateError),
    /// The tree could not be written.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

/// Brings the build in a `.tar.gz` or `.tar.zst` archive into a tree.
///
/// The archive's hash is the caller's to check, before.
pub fn ingest_archive(
    archive: &Path,
    python: &PythonRequest,
    sink: &dyn TreeSink,
) -> Result<IngestedBuild, IngestError> {
    let shape = archive::shape_of(archive)?;
    let mut outline = Outline::default();
    archive::walk(archive, shape, &mut |item| {
        if is_left_out(&item.path) {
            return Ok(());
        }
        if is_telling(&item.path) && matches!(item.node, Node::File { .. }) {
            outline.read(&item.path, &read_all(item.content, archive)?);
        }
        add(&mut outline, item.path, item.node, archive)
    })?;
    let findings = check(&outline, python, archive)?;
    let mut writer = Writer::new(sink, findings.relocation.as_ref());
    let second_names = second_names(&outline);
    archive::walk(
        archive,
        shape,
        &mut |Item {
                  path,
                  node,
                  content,
              }| {
            if is_left_out(&path) {
                return Ok(());
            }
            if outline.nodes().get(&path) != Some(&node) {
                return Err(IngestError::Changed {
                    origin: archive.to_path_buf(),
                });
            }
            let Node::File { executable, size } = node else {
                return writer.other(&path, &node);
            };
            let names = second_names.get(&path).map_or(&[][..], Vec::as_slice);
            if size > MAX_IN_MEMORY && names.is_empty() {
                sink.stream(&path, executable, content)?;
                return Ok(());
            }
            let bytes = read_all(content, archive)?;
            for name in names {
                writer.file((*name).clone(), executable, bytes.clone())?;
            }
            writer.file(path, executable, bytes)
        },
    )?;
    writer.finish(&findings)
}

/// Brings the build whose files stand in the folder `origin` into a tree.
///
/// `keep` says which of the files, folders and links belong to it.
pub fn ingest_folder(
    origin: &Path,
    keep: &dyn Fn(&TreePath) -> bool,
    python: &PythonRequest,
    sink: &dyn TreeSink,
) -> Result<IngestedBuild, IngestError> {
    let mut outline = Outline::default();
    let mut folders = vec![None];
    while let Some(folder) = folders.pop() {
        for (path, node) in list(origin, folder.as_ref())? {
            if is_left_out(&path) || !keep(&path) {
                continue;
            }
            if is_telling(&path) && matches!(node, Node::File { .. }) {
                outline.read(&path, &read_file(origin, &path)?);
            }
            if node == Node::Directory {
                folders.push(Some(path.clone()));
            }
            add(&mut outline, path, node, origin)?;
        }
    }
    let findings = check(&outline, python, origin)?;
    let mut writer = Writer::new(sink, findings.relocation.as_ref());
    for (path, node) in outline.nodes() {
        match node {
            Node::File { executable, .. } => {
                writer.file(path.clone(), *executable, read_file(origin, path)?)?;
            }
            Node::Directory | Node::Symlink { .. } | Node::Hardlink { .. } => {
                writer.other(path, node)?;
            }
        }
    }
    writer.finish(&findings)
}

fn add(
    outline: &mut Outline,
    path: TreePath,
    node: Node,
    origin: &Path,
) -> Result<(), IngestError> {
    outline
        .add(path, node)
        .map_err(|source| IngestError::Outline {
            origin: origin.to_path_buf(),
            source,
        })
}

fn check(
    outline: &Outline,
    python: &PythonRequest,
    origin: &Path,
) -> Result<Findings, IngestError> {
    outline
        .check(python)
        .map_err(|source| IngestError::Outline {
            origin: origin.to_path_buf(),
            source,
        })
}

/// Returns the second names of files, under the first.
fn second_names(outline: &Outline) -> BTreeMap<&TreePath, Vec<&TreePath>> {
    let mut names: BTreeMap<&TreePath, Vec<&TreePath>> = BTreeMap::new();
    for (name, node) in outline.nodes() {
        if let Node::Hardlink { target } = node {
            names.entry(target).or_default().push(name);
        }
    }
    names
}

/// Whether the file is not taken: bytecode is not reproducible, and made anew where the build is
/// used; the note to installers is ours.
fn is_left_out(path: &TreePath) -> bool {
    path.file_name() == NOTE || path.components().any(|part| part == "__pycache__")
}

fn read_all(content: &mut dyn Read, archive: &Path) -> Result<Vec<u8>, IngestError> {
    let mut bytes = Vec::new();
    content
        .read_to_end(&mut bytes)
        .map_err(|source| IngestError::Read {
            archive: archive.to_path_buf(),
            source,
        })?;
    Ok(bytes)
}

fn read_file(origin: &Path, path: &TreePath) -> Result<Vec<u8>, IngestError> {
    let file = origin.join(path.as_str());
    fs::read(&file).map_err(|source| IngestError::File { path: file, source })
}

/// A file that is about to be written.
struct Pending {
    path: TreePath,
    executable: bool,
    content: Vec<u8>,
}

/// Writes files in batches, each batch on all threads.
struct Writer<'a> {
    sink: &'a dyn TreeSink,
    relocation: Option<&'a Relocation>,
    pending: Vec<Pending>,
    bytes: u64,
    files: usize,
}

impl<'a> Writer<'a> {
    fn new(sink: &'a dyn TreeSink, relocation: Option<&'a Relocation>) -> Self {
        Self {
            sink,
            relocation,
            pending: Vec::new(),
            bytes: 0,
            files: 0,
        }
    }

    fn file(
        &mut self,
        path: TreePath,
        executable: bool,
        content: Vec<u8>,
    ) -> Result<(), IngestError> {
        self.bytes += content.len() as u64;
        self.files += 1;
        self.pending.push(Pending {
            path,
            executable,
            content,
        });
        if self.bytes >= BATCH {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Writes a folder or a link; hard links were written with the file that they name.
    fn other(&self, path: &TreePath, node: &Node) -> Result<(), IngestError> {
        match node {
            Node::Directory => self.sink.directory(path)?,
            Node::Symlink { target } => self.sink.symlink(path, target)?,
            Node::File { .. } | Node::Hardlink { .. } => {}
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), IngestError> {
        self.bytes = 0;
        let (sink, relocation) = (self.sink, self.relocation);
        std::mem::take(&mut self.pending)
            .into_par_iter()
            .try_for_each(|file| {
                let content = match relocation {
                    Some(relocation) => relocation.apply(&file.path, file.content)?,
                    None => file.content,
                };
                sink.file(&file.path, file.executable, &content)?;
                Ok(())
            })
    }

    fn finish(mut self, findings: &Findings) -> Result<IngestedBuild, IngestError> {
        let note = findings.stdlib.join(NOTE)?;
        self.file(note, false, MANAGED.as_bytes().to_vec())?;
        self.flush()?;
        Ok(IngestedBuild {
            interpreter: findings.interpreter.clone(),
            stdlib: findings.stdlib.clone(),
            files: self.files,
        })
    }
}

/// The file that tells installers to leave a Python alone (PEP 668).
const NOTE: &str = "EXTERNALLY-MANAGED";
/// What installers that are asked to change the build itself say instead (PEP 668).
const MANAGED: &str = "[externally-managed]
Error=This Python stands in the store of dhtl, where nothing may be changed.
 Make an environment with `dhtl regenerate` or `python -m venv`, and install packages there.
";

#[cfg(test)]
mod tests;
