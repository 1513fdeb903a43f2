//! The index of a wheel's zip archive, checked as a whole before anything is unpacked.
//!
//! Law: there is one reading. Every byte of the file belongs to exactly one local entry, to the
//! central directory or to the end record; both descriptions of an entry agree; no name is
//! skipped, rewritten or given twice. What other readers could take for something else is refused,
//! and so is an archive whose declared sizes are out of proportion, before a byte is inflated.
//! Content is checked against its size and checksum when it is read ([`super::inflate`]).

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use dht_store::{TreePath, TreePathError};

use super::zip;

/// The most entries that an archive may list; the largest wheels of the index have some 30,000.
pub const MAX_ENTRIES: u64 = 500_000;
/// An archive may always unpack to this many bytes, whatever its own size.
pub const FREE_SIZE: u64 = 512 << 20;
/// Beyond [`FREE_SIZE`], the most bytes that one byte of archive may unpack to. Real wheels stay
/// below 20; the public index refuses 50.
pub const MAX_RATIO: u64 = 50;
/// Deflate cannot expand further than this (RFC 1951: 258 bytes from two bits).
const DEFLATE_LIMIT: u64 = 1_032;

/// Why an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// The file as a whole is no well-formed zip archive.
    #[error("could not read the archive: {reason} (at byte {offset})")]
    Malformed {
        /// Where the reader stood, in bytes.
        offset: u64,
        /// What is wrong there.
        reason: &'static str,
    },
    /// One entry is malformed or ambiguous.
    #[error("could not read the entry `{name}` of the archive: {reason}")]
    Entry {
        /// The entry.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The archive is well-formed and uses what no wheel should.
    #[error("the archive is unsupported: {}{feature}", name.as_ref().map(|name| format!("`{name}` uses ")).unwrap_or_default())]
    Unsupported {
        /// The entry, when it is about one.
        name: Option<String>,
        /// The feature.
        feature: &'static str,
    },
    /// An entry's name could lead out of the folder, or exists on some platforms only.
    #[error("could not accept the name of an entry")]
    Path(#[from] TreePathError),
    /// Two entries stand at one path, or a file stands where a folder is needed.
    #[error("the archive holds `{path}` more than once")]
    Duplicate {
        /// The path.
        path: TreePath,
    },
    /// The archive declares more than it may hold.
    #[error("the archive declares {found} {unit}, more than the {limit} that it may have")]
    TooLarge {
        /// What was declared.
        found: u64,
        /// The limit.
        limit: u64,
        /// What is counted.
        unit: &'static str,
    },
}

impl ArchiveError {
    pub(super) fn entry(name: &str, reason: &'static str) -> Self {
        Self::Entry {
            name: name.escape_debug().to_string(),
            reason,
        }
    }
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder that is listed on its own.
    Folder,
    /// A regular file.
    File(FileEntry),
}

/// How a file is kept in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Whether any executable bit is set.
    pub executable: bool,
    /// Unpacked size in bytes.
    pub size: u64,
    pub(super) crc: u32,
    pub(super) deflated: bool,
    pub(super) data: Range<usize>,
}

/// An archive whose index has been checked.
#[derive(Debug)]
pub struct Archive<'a> {
    bytes: &'a [u8],
    entries: Vec<(TreePath, EntryKind)>,
    by_path: HashMap<TreePath, usize>,
    size: u64,
}

struct Listed<'a> {
    central: zip::Central<'a>,
    path: TreePath,
}

impl<'a> Archive<'a> {
    /// Reads and checks the whole index.
    pub fn read(bytes: &'a [u8]) -> Result<Self, ArchiveError> {
        let directory = zip::directory(bytes)?;
        let start = directory.range.start;
        let listed = list(bytes, &directory)?;
        check_size(bytes, &listed)?;
        let data = lay_out(&bytes[..start], &listed)?;

        let mut size = 0;
        let mut entries = Vec::with_capacity(listed.len());
        for (Listed { central, path }, data) in listed.into_iter().zip(data) {
            size += central.raw.size;
            entries.push((path, kind(&central, data)?));
        }
        let by_path = index(&entries)?;
        Ok(Self {
            bytes,
            entries,
            by_path,
            size,
        })
    }

    /// Iterates over the entries, in the order of the central directory.
    pub fn entries(&self) -> impl Iterator<Item = (&TreePath, &EntryKind)> {
        self.entries.iter().map(|(path, kind)| (path, kind))
    }

    /// Iterates over the files.
    pub fn files(&self) -> impl Iterator<Item = (&TreePath, &FileEntry)> {
        self.entries().filter_map(|(path, kind)| match kind {
            EntryKind::File(file) => Some((path, file)),
            EntryKind::Folder => None,
        })
    }

    /// Returns the file at `path`.
    pub fn file(&self, path: &TreePath) -> Option<&FileEntry> {
        match &self.entries[*self.by_path.get(path)?].1 {
            EntryKind::File(file) => Some(file),
            EntryKind::Folder => None,
        }
    }

    /// Returns the sum of the unpacked sizes, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn packed(&self, file: &FileEntry) -> &'a [u8] {
        &self.bytes[file.data.clone()]
    }
}

fn list<'a>(bytes: &'a [u8], directory: &zip::Directory) -> Result<Vec<Listed<'a>>, ArchiveError> {
    if directory.entries > MAX_ENTRIES {
        return Err(ArchiveError::TooLarge {
            found: directory.entries,
            limit: MAX_ENTRIES,
            unit: "entries",
        });
    }
    let end = directory.range.end;
    let mut at = directory.range.start;
    let mut listed = Vec::new();
    while at < end {
        let central = zip::central(&bytes[..end], at)?;
        at = central.next;
        let name = central.name;
        let path = TreePath::new(name.strip_suffix('/').unwrap_or(name))?;
        listed.push(Listed { central, path });
        if listed.len() as u64 > directory.entries {
            break;
        }
    }
    if listed.len() as u64 != directory.entries {
        return Err(ArchiveError::Malformed {
            offset: end as u64,
            reason: "its central directory lists another number of entries than it says",
        });
    }
    Ok(listed)
}

fn check_size(bytes: &[u8], listed: &[Listed<'_>]) -> Result<(), ArchiveError> {
    let mut total = 0_u64;
    for Listed { central, .. } in listed {
        let raw = &central.raw;
        let possible = match raw.method {
            0 => raw.size == raw.compressed,
            _ => raw.size / DEFLATE_LIMIT <= raw.compressed,
        };
        if !possible {
            return Err(ArchiveError::entry(
                central.name,
                "its two sizes do not fit together",
            ));
        }
        total = total.saturating_add(raw.size);
    }
    let limit = FREE_SIZE.max((bytes.len() as u64).saturating_mul(MAX_RATIO));
    if total > limit {
        return Err(ArchiveError::TooLarge {
            found: total,
            limit,
            unit: "bytes of content",
        });
    }
    Ok(())
}

/// Checks that the local entries fill `bytes` from end to end, each as the directory says, and
/// returns where the data of each lies.
fn lay_out(bytes: &[u8], listed: &[Listed<'_>]) -> Result<Vec<Range<usize>>, ArchiveError> {
    let mut order: Vec<usize> = (0..listed.len()).collect();
    order.sort_unstable_by_key(|&index| listed[index].central.offset);
    let mut ranges = vec![0..0; listed.len()];
    let mut at = 0;
    for (position, &index) in order.iter().enumerate() {
        let central = &listed[index].central;
        if central.offset != at as u64 {
            return Err(ArchiveError::Malformed {
                offset: at as u64,
                reason: "bytes belong to no entry, or to more than one",
            });
        }
        let next = match order.get(position + 1) {
            Some(&next) => usize::try_from(listed[next].central.offset).unwrap_or(usize::MAX),
            None => bytes.len(),
        };
        ranges[index] = check_local(bytes, central, at, next)?;
        at = next;
    }
    if at != bytes.len() {
        return Err(ArchiveError::Malformed {
            offset: 0,
            reason: "bytes belong to no entry",
        });
    }
    Ok(ranges)
}

fn check_local(
    bytes: &[u8],
    central: &zip::Central<'_>,
    at: usize,
    next: usize,
) -> Result<Range<usize>, ArchiveError> {
    let bad = |reason| ArchiveError::entry(central.name, reason);
    let local = zip::local(bytes, at, central.name)?;
    if local.name != central.name.as_bytes() {
        return Err(bad("its local header gives another name"));
    }
    let (here, there) = (&local.raw, &central.raw);
    if (here.flags, here.method) != (there.flags, there.method) {
        return Err(bad("its local header gives another compression"));
    }
    let described = here.flags & zip::DESCRIPTOR_FLAG != 0;
    let same_or_later =
        |here: u64, there: u64| here == there || described && (here == 0 || here == zip::ELSEWHERE);
    if !same_or_later(here.crc.into(), there.crc.into())
        || !same_or_later(here.compressed, there.compressed)
        || !same_or_later(here.size, there.size)
    {
        return Err(bad("its local header gives another size or checksum"));
    }
    let end = usize::try_from(there.compressed)
        .ok()
        .and_then(|length| local.data.checked_add(length))
        .filter(|&end| end <= next && next <= bytes.len())
        .ok_or_else(|| bad("it overlaps what follows it"))?;
    let gap = &bytes[end..next];
    if described && !zip::is_descriptor(gap, there, local.zip64) {
        return Err(bad("its data descriptor is missing or says something else"));
    }
    if !described && !gap.is_empty() {
        return Err(bad("bytes that belong to no entry follow it"));
    }
    Ok(local.data..end)
}

/// Decides what an entry is, from its name and its Unix mode.
fn kind(central: &zip::Central<'_>, data: Range<usize>) -> Result<EntryKind, ArchiveError> {
    const UNIX: u8 = 3;
    const DOS_FOLDER: u32 = 0x10;
    let bad = |reason| ArchiveError::entry(central.name, reason);
    let mode = central.attributes >> 16;
    let folder = central.name.ends_with('/');
    match (mode & 0o170_000, folder) {
        (0, _) | (0o040_000, true) | (0o100_000, false) => {}
        (0o120_000, _) => return Err(bad("it is a symbolic link")),
        (0o040_000 | 0o100_000, _) => {
            return Err(bad(
                "its name and its mode disagree on whether it is a folder",
            ));
        }
        _ => return Err(bad("it is neither a file nor a folder")),
    }
    if folder {
        return if central.raw.size == 0 {
            Ok(EntryKind::Folder)
        } else {
            Err(bad("it is a folder with content"))
        };
    }
    if central.attributes & DOS_FOLDER != 0 {
        return Err(bad(
            "its name and its mode disagree on whether it is a folder",
        ));
    }
    Ok(EntryKind::File(FileEntry {
        executable: central.host == UNIX && mode & 0o111 != 0,
        size: central.raw.size,
        crc: central.raw.crc,
        deflated: central.raw.method == 8,
        data,
    }))
}

fn index(entries: &[(TreePath, EntryKind)]) -> Result<HashMap<TreePath, usize>, ArchiveError> {
    let mut by_path = HashMap::with_capacity(entries.len());
    for (index, (path, _)) in entries.iter().enumerate() {
        if by_path.insert(path.clone(), index).is_some() {
            return Err(ArchiveError::Duplicate { path: path.clone() });
        }
    }
    let mut checked = HashSet::new();
    for (path, _) in entries {
        for folder in super::names::folders(path) {
            if let Some(&above) = by_path.get(&folder)
                && matches!(entries[above].1, EntryKind::File(_))
            {
                return Err(ArchiveError::Duplicate { path: folder });
            }
            // What stands above a folder was checked with it.
            if !checked.insert(folder) {
                break;
            }
        }
    }
    Ok(by_path)
}
