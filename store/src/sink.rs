//! Where the files of a new tree go while they are being made.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Mutex;

use crate::id::Digest;
use crate::manifest::{Manifest, ManifestBuilder, ManifestError, NodeKind};
use crate::tree_path::{TreePath, TreePathError};

/// Why a file could not be added to a tree.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The name may not stand in a tree.
    #[error(transparent)]
    Path(#[from] TreePathError),
    /// The tree as a whole would be malformed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Reading the content or writing the file failed.
    #[error("could not write `{path}`")]
    Io {
        /// The file, as the tree or the disk names it.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// Receives the files of a tree, from many threads, in any order.
///
/// Folders are made as needed. The two implementations are the store's staged entry and
/// [`MemorySink`], which tests and planners use.
pub trait TreeSink: Sync {
    /// Adds a regular file with this content.
    fn file(&self, path: &TreePath, executable: bool, content: &[u8]) -> Result<Digest, SinkError>;

    /// Adds a regular file whose content is too large to hold in memory.
    ///
    /// Returns its digest and its size in bytes.
    fn stream(
        &self,
        path: &TreePath,
        executable: bool,
        content: &mut dyn Read,
    ) -> Result<(Digest, u64), SinkError>;

    /// Adds a symbolic link. The target is relative and stays inside the tree.
    fn symlink(&self, path: &TreePath, target: &str) -> Result<(), SinkError>;

    /// Adds a folder, which may stay empty.
    fn directory(&self, path: &TreePath) -> Result<(), SinkError>;
}

/// A tree kept in memory.
#[derive(Debug, Default)]
pub struct MemorySink {
    builder: Mutex<ManifestBuilder>,
    content: Mutex<BTreeMap<TreePath, Vec<u8>>>,
}

impl MemorySink {
    /// Returns the manifest of the tree and the content of its files.
    pub fn finish(self) -> Result<(Manifest, BTreeMap<TreePath, Vec<u8>>), ManifestError> {
        let builder = self
            .builder
            .into_inner()
            .unwrap_or_else(|poison| poison.into_inner());
        let content = self
            .content
            .into_inner()
            .unwrap_or_else(|poison| poison.into_inner());
        Ok((builder.finish()?, content))
    }

    fn add(&self, path: &TreePath, kind: NodeKind) {
        self.builder
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
            .add(path.clone(), kind);
    }
}

impl TreeSink for MemorySink {
    fn file(&self, path: &TreePath, executable: bool, content: &[u8]) -> Result<Digest, SinkError> {
        let digest = Digest::of(content);
        self.add(
            path,
            NodeKind::File {
                executable,
                size: content.len() as u64,
                digest,
            },
        );
        self.content
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
            .insert(path.clone(), content.to_vec());
        Ok(digest)
    }

    fn stream(
        &self,
        path: &TreePath,
        executable: bool,
        content: &mut dyn Read,
    ) -> Result<(Digest, u64), SinkError> {
        let mut bytes = Vec::new();
        content
            .read_to_end(&mut bytes)
            .map_err(|source| SinkError::Io {
                path: path.to_string(),
                source,
            })?;
        let digest = self.file(path, executable, &bytes)?;
        Ok((digest, bytes.len() as u64))
    }

    fn symlink(&self, path: &TreePath, target: &str) -> Result<(), SinkError> {
        self.add(
            path,
            NodeKind::Symlink {
                target: target.into(),
            },
        );
        Ok(())
    }

    fn directory(&self, path: &TreePath) -> Result<(), SinkError> {
        self.add(path, NodeKind::Directory);
        Ok(())
    }
}
