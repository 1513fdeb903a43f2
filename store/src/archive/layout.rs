//! Where the parts of an archive stand in its tar, and how long they are. Pure.

use super::head::{ClaimPart, EntryPart, EnvironmentPart, Head, SupplementPart};
use super::member::{BLOCK, Member, header, padding};
use super::{MAX_FILE, PIECE};
use crate::format::environment::EntryRef;
use crate::id::{Digest, EntryId};
use crate::manifest::{Manifest, Node, NodeKind};

/// The first member.
pub(crate) const HEAD: &str = "dht-archive";
/// What ends a tar: two blocks of zeros.
pub(crate) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// A run of members that begins in a frame of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// The documents of environments, and claims.
    Documents {
        /// How many bytes of tar.
        size: u64,
    },
    /// An entry.
    Entry(&'a EntryPart),
    /// Derived files of an entry.
    Supplement(&'a SupplementPart),
    /// The end of the tar.
    End,
}

impl Part<'_> {
    /// Returns how many bytes of tar the run has.
    pub(crate) const fn size(&self) -> u64 {
        match self {
            Self::Documents { size } => *size,
            Self::Entry(part) => part.size,
            Self::Supplement(part) => part.size,
            Self::End => END.len() as u64,
        }
    }

    /// Returns how many frames the run has.
    pub(crate) const fn frames(&self) -> u64 {
        self.size().div_ceil(PIECE as u64)
    }
}

/// Returns every run after the head, in order.
pub(crate) fn parts(head: &Head) -> Vec<Part<'_>> {
    let size = documents_size(head);
    let documents = (size > 0).then_some(Part::Documents { size });
    let entries = head.entries.iter().map(Part::Entry);
    let supplements = head.supplements.iter().map(Part::Supplement);
    let end = std::iter::once(Part::End);
    let all = documents.into_iter().chain(entries);
    all.chain(supplements).chain(end).collect()
}

fn documents_size(head: &Head) -> u64 {
    let environments = head.environments.iter();
    let claims = head.claims.iter();
    environments
        .map(|part| file_size(&environment_path(part), part.size))
        .chain(claims.map(|part| file_size(&claim_path(part), part.size)))
        .sum()
}

pub(crate) fn environment_path(part: &EnvironmentPart) -> String {
    format!("environments/{}", part.fingerprint)
}

pub(crate) fn claim_path(part: &ClaimPart) -> String {
    format!("realisations/{}", part.name)
}

pub(crate) fn manifest_path(id: EntryId) -> String {
    format!("manifests/{id}")
}

pub(crate) fn supplement_path(entry: EntryId, label: &str) -> String {
    format!("supplements/{entry}/{label}")
}

pub(crate) fn tree_path(entry: &EntryRef) -> String {
    format!("entries/{}", entry.folder())
}

/// Returns the member that a node is.
pub(crate) fn member(node: &Node) -> Member<'_> {
    match &node.kind {
        NodeKind::Directory => Member::Folder,
        NodeKind::File {
            executable,
            size,
            digest,
        } => Member::File {
            executable: *executable,
            size: *size,
            mtime: digest.mtime(),
        },
        NodeKind::Symlink { target } => Member::Link { target },
    }
}

/// Returns the member that a document is.
pub(crate) const fn document(size: u64, digest: Digest) -> Member<'static> {
    Member::File {
        executable: false,
        size,
        mtime: digest.mtime(),
    }
}

/// Returns how many bytes of tar an entry has; `None` where a file is too large for one.
pub(crate) fn entry_size(entry: &EntryRef, manifest: &Manifest, listing: u64) -> Option<u64> {
    let tree = tree_path(entry);
    let own = file_size(&manifest_path(entry.entry), listing);
    let top = header(&tree, Member::Folder).len() as u64;
    nodes_size(&tree, manifest, true)?.checked_add(own + top)
}

/// Returns how many bytes of tar a supplement has; `None` where a file is too large for one.
pub(crate) fn supplement_size(
    entry: &EntryRef,
    label: &str,
    manifest: &Manifest,
    listing: u64,
) -> Option<u64> {
    let own = file_size(&supplement_path(entry.entry, label), listing);
    nodes_size(&tree_path(entry), manifest, false)?.checked_add(own)
}

fn nodes_size(tree: &str, manifest: &Manifest, folders: bool) -> Option<u64> {
    let mut total: u64 = 0;
    for node in manifest.nodes() {
        let content = match node.kind {
            NodeKind::Directory if !folders => continue,
            NodeKind::File { size, .. } if size > MAX_FILE => return None,
            NodeKind::File { size, .. } => size + padding(size) as u64,
            NodeKind::Directory | NodeKind::Symlink { .. } => 0,
        };
        let head = header(&format!("{tree}/{}", node.path), member(node)).len() as u64;
        total = total.checked_add(head + content)?;
    }
    Some(total)
}

pub(crate) fn file_size(path: &str, size: u64) -> u64 {
    let header = header(path, document(size, Digest::of(b""))).len() as u64;
    header + size + padding(size) as u64
}
