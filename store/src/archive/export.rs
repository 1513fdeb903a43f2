//! Writing an archive: every file is hashed on its way out, and a damaged one ends the work.

use std::io::Write;
use std::path::Path;

use super::error::ArchiveError;
use super::head::{EntryPart, Head, SupplementPart};
use super::index;
use super::layout::{self, Part, parts};
use super::member::{Member, header, padding};
use super::pieces::{self, Pieces};
use super::plan::Plan;
use crate::format::environment::EntryRef;
use crate::fs::{Dir, FsError};
use crate::id::Digest;
use crate::manifest::{Manifest, NodeKind};
use crate::store::Store;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportReport {
    /// The name of the archive: the digest of its head.
    pub id: Digest,
    /// How many bytes were written.
    pub written: u64,
    /// How many bytes of tar they hold.
    pub unpacked: u64,
}

const ZEROS: [u8; 512] = [0; 512];

impl Plan {
    /// Writes the archive. The same plan and level give the same bytes, whatever the number of threads.
    ///
    /// `progress` hears of bytes of tar; their sum is [`Plan::unpacked`].
    ///
    /// # Errors
    ///
    /// When the store's files cannot be read or are damaged, or `out` cannot take the bytes.
    pub fn write(
        &self,
        store: &Store,
        out: &mut (dyn Write + Send),
        level: i32,
        progress: &dyn Fn(u64),
    ) -> Result<ExportReport, ArchiveError> {
        let threads = rayon::current_num_threads();
        let head = &self.head;
        let listing = head.to_bytes();
        let spans = pieces::write(out, level, threads, |pieces| {
            document(pieces, layout::HEAD, &listing)?;
            pieces.end_run()?;
            for part in parts(head) {
                match part {
                    Part::Documents { .. } => documents(pieces, store, head)?,
                    Part::Entry(part) => entry(pieces, store, part)?,
                    Part::Supplement(part) => supplement(pieces, store, part)?,
                    Part::End => pieces.add(&layout::END)?,
                }
                pieces.end_run()?;
                progress(part.size());
            }
            Ok(())
        })?;
        let index = index::to_bytes(&spans);
        let write = |out: &mut (dyn Write + Send)| {
            out.write_all(&index)?;
            out.flush()
        };
        write(out).map_err(ArchiveError::Write)?;
        let packed: u64 = spans.iter().map(|span| span.length).sum();
        Ok(ExportReport {
            id: head.id(),
            written: packed + index.len() as u64,
            unpacked: self.unpacked(),
        })
    }

    /// Returns how many bytes of tar the archive will have after its head.
    pub fn unpacked(&self) -> u64 {
        self.head.unpacked()
    }
}

fn document(pieces: &mut Pieces, path: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
    let size = bytes.len() as u64;
    pieces.add(&header(path, layout::document(size, Digest::of(bytes))))?;
    pieces.add(bytes)?;
    pieces.add(&ZEROS[..padding(size)])
}

fn documents(pieces: &mut Pieces, store: &Store, head: &Head) -> Result<(), ArchiveError> {
    for part in &head.environments {
        let environment = store
            .environment(part.fingerprint)?
            .ok_or(ArchiveError::NoEnvironment(part.fingerprint))?;
        let path = layout::environment_path(part);
        document(pieces, &path, &environment.to_bytes())?;
    }
    for part in &head.claims {
        let path = layout::claim_path(part);
        let bytes = store.claim_bytes(&part.name).unwrap_or_default();
        if Digest::of(&bytes) != part.digest {
            return Err(ArchiveError::Damaged {
                entry: "realisations".to_owned(),
                path,
            });
        }
        document(pieces, &path, &bytes)?;
    }
    Ok(())
}

fn entry(pieces: &mut Pieces, store: &Store, part: &EntryPart) -> Result<(), ArchiveError> {
    let manifest = store.manifest(part.entry.entry)?;
    let path = layout::manifest_path(part.entry.entry);
    document(pieces, &path, &manifest.to_bytes())?;
    let tree = layout::tree_path(&part.entry);
    pieces.add(&header(&tree, Member::Folder))?;
    nodes(pieces, store, &part.entry, &manifest, true)
}

fn supplement(
    pieces: &mut Pieces,
    store: &Store,
    part: &SupplementPart,
) -> Result<(), ArchiveError> {
    let path = layout::supplement_path(part.entry.entry, &part.label);
    let manifest = store
        .supplement(part.entry.entry, &part.label)?
        .filter(|manifest| Digest::of(&manifest.to_bytes()) == part.digest)
        .ok_or_else(|| damaged(&part.entry, &path))?;
    document(pieces, &path, &manifest.to_bytes())?;
    nodes(pieces, store, &part.entry, &manifest, false)
}

fn nodes(
    pieces: &mut Pieces,
    store: &Store,
    entry: &EntryRef,
    manifest: &Manifest,
    folders: bool,
) -> Result<(), ArchiveError> {
    let folder = store.entry_path(entry);
    let dir = Dir::open(&folder).map_err(FsError::at("open", &folder))?;
    let tree = layout::tree_path(entry);
    for node in manifest.nodes() {
        if node.kind == NodeKind::Directory && !folders {
            continue;
        }
        let name = node.path.as_str();
        pieces.add(&header(&format!("{tree}/{name}"), layout::member(node)))?;
        let NodeKind::File { size, digest, .. } = node.kind else {
            continue;
        };
        let mut file = dir
            .open_file(Path::new(name))
            .map_err(FsError::at("open", folder.join(name)))?;
        let found = pieces.add_file(&mut file, size)?;
        if found.is_none_or(|hash| Digest::from_bytes(*hash.as_bytes()) != digest) {
            return Err(damaged(entry, name));
        }
        pieces.add(&ZEROS[..padding(size)])?;
    }
    Ok(())
}

fn damaged(entry: &EntryRef, path: &str) -> ArchiveError {
    ArchiveError::Damaged {
        entry: entry.folder(),
        path: path.to_owned(),
    }
}
