//! One run into the staging folder: an entry, or derived files of one.

use std::path::Path;

use super::error::ArchiveError;
use super::head::{EntryPart, SupplementPart};
use super::member::Member;
use super::run::{RunReader, wrong_content};
use super::{MAX_LISTING, layout};
use crate::check::is_bytecode_path;
use crate::error::StoreError;
use crate::format::environment::EntryRef;
use crate::id::{Digest, EntryId};
use crate::manifest::{Manifest, Node, NodeKind};
use crate::sink::TreeSink;
use crate::stage::{ReadyEntry, StagedEntry, Transaction};

/// Larger files are never held in memory.
const LARGE: u64 = 1 << 20;

/// Stages an entry: its manifest first, then exactly the tree that this names.
pub(crate) fn entry(
    transaction: &Transaction<'_>,
    part: &EntryPart,
    mut run: RunReader<'_>,
) -> Result<ReadyEntry, ArchiveError> {
    let path = layout::manifest_path(part.entry.entry);
    let bytes = run.listing(&path, MAX_LISTING)?;
    if EntryId::of(&bytes) != part.entry.entry {
        return Err(wrong_content(&path));
    }
    let manifest = parse(&path, &bytes)?;
    let size = layout::entry_size(&part.entry, &manifest, bytes.len() as u64);
    if size != Some(part.size) {
        return Err(ArchiveError::refused(
            path,
            "its size is not that of the head",
        ));
    }
    let tree = layout::tree_path(&part.entry);
    run.header(&tree, Member::Folder)?;
    let staged = transaction.stage(&part.entry.name, &part.entry.version)?;
    for node in manifest.nodes() {
        let path = format!("{tree}/{}", node.path);
        run.header(&path, layout::member(node))?;
        take(&mut run, &staged, node, &path)?;
    }
    run.finish()?;
    let ready = staged.finish()?;
    if ready.entry != part.entry {
        return Err(ArchiveError::refused(
            tree,
            "it is not the tree of its name",
        ));
    }
    Ok(ready)
}

/// Stages derived files: bytecode in `__pycache__`, and nothing else.
pub(crate) fn supplement(
    transaction: &Transaction<'_>,
    part: &SupplementPart,
    mut run: RunReader<'_>,
) -> Result<ReadyEntry, ArchiveError> {
    let path = layout::supplement_path(part.entry.entry, &part.label);
    let bytes = run.listing(&path, MAX_LISTING)?;
    if Digest::of(&bytes) != part.digest {
        return Err(wrong_content(&path));
    }
    let manifest = parse(&path, &bytes)?;
    if let Some(node) = manifest.nodes().iter().find(|node| !is_bytecode(node)) {
        let reason = format!("`{}` is no bytecode", node.path);
        return Err(ArchiveError::refused(path, reason));
    }
    let count = bytes.len() as u64;
    let size = layout::supplement_size(&part.entry, &part.label, &manifest, count);
    if size != Some(part.size) {
        return Err(ArchiveError::refused(
            path,
            "its size is not that of the head",
        ));
    }
    let tree = layout::tree_path(&part.entry);
    let staged = transaction.stage(&part.entry.name, &part.entry.version)?;
    for node in manifest.nodes() {
        let path = format!("{tree}/{}", node.path);
        if node.kind != NodeKind::Directory {
            run.header(&path, layout::member(node))?;
        }
        take(&mut run, &staged, node, &path)?;
    }
    run.finish()?;
    Ok(staged.finish()?)
}

/// Refuses derived files that would add anything but `__pycache__` to the folders of an entry.
pub(crate) fn fits(
    entry: &EntryRef,
    own: &Manifest,
    derived: &Manifest,
) -> Result<(), ArchiveError> {
    let is_known = |node: &Node| {
        node.kind != NodeKind::Directory
            || node.path.file_name() == "__pycache__"
            || own
                .get(node.path.as_str())
                .is_some_and(|own| own.kind == NodeKind::Directory)
    };
    match derived.nodes().iter().find(|node| !is_known(node)) {
        None => Ok(()),
        Some(node) => Err(ArchiveError::refused(
            format!("the bytecode of `{}`", entry.folder()),
            format!("the entry has no folder `{}`", node.path),
        )),
    }
}

fn is_bytecode(node: &Node) -> bool {
    match node.kind {
        NodeKind::Directory => true,
        NodeKind::File { executable, .. } => {
            !executable && is_bytecode_path(Path::new(node.path.as_str()))
        }
        NodeKind::Symlink { .. } => false,
    }
}

fn parse(path: &str, bytes: &[u8]) -> Result<Manifest, ArchiveError> {
    Manifest::parse(bytes).map_err(|error| ArchiveError::refused(path, error.to_string()))
}

/// Takes what follows a header.
fn take(
    run: &mut RunReader<'_>,
    staged: &StagedEntry<'_, '_>,
    node: &Node,
    path: &str,
) -> Result<(), ArchiveError> {
    let store = |error| ArchiveError::from(StoreError::from(error));
    match &node.kind {
        NodeKind::Directory => staged.directory(&node.path).map_err(store),
        NodeKind::Symlink { target } => staged.symlink(&node.path, target).map_err(store),
        NodeKind::File {
            executable,
            size,
            digest,
        } => {
            let found = if *size <= LARGE {
                let count = usize::try_from(*size).unwrap_or(usize::MAX);
                run.exactly(count, |content| {
                    // Bytes that are wrong are not even staged.
                    if Digest::of(content) != *digest {
                        return Ok(None);
                    }
                    staged.file(&node.path, *executable, content).map(Some)
                })?
                .map_err(store)?
            } else {
                let mut content = std::io::Read::take(&mut *run, *size);
                let streamed = staged.stream(&node.path, *executable, &mut content);
                if let Some(error) = run.failure() {
                    return Err(error);
                }
                let (digest, count) = streamed.map_err(store)?;
                (count == *size).then_some(digest)
            };
            if found != Some(*digest) {
                return Err(wrong_content(path));
            }
            run.padding(path, *size)
        }
    }
}
