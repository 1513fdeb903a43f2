//! The records of a zip file, read from bytes at given places. Pure; it judges one record at a time.
//!
//! Law: a field is read in one way only. Where two readers of the format could disagree (a zip64
//! field that is not needed, an end record that is not at the end, a comment that looks like
//! records), the archive is refused. Section numbers are those of PKWARE's APPNOTE 6.3.10.

mod end;
mod entry;

use super::archive::ArchiveError;

pub(super) use end::{Directory, directory};
pub(super) use entry::{Central, DESCRIPTOR_FLAG, central, is_descriptor, local};

/// A 32-bit field with this value says that the zip64 field has the value (4.4.8).
pub(super) const ELSEWHERE: u64 = u32::MAX as u64;

fn malformed(offset: usize, reason: &'static str) -> ArchiveError {
    ArchiveError::Malformed {
        offset: offset as u64,
        reason,
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], ArchiveError> {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<N>())
        .copied()
        .ok_or_else(|| malformed(at, "it is cut short"))
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, ArchiveError> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, ArchiveError> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, ArchiveError> {
    array(bytes, at).map(u64::from_le_bytes)
}

fn slice(bytes: &[u8], at: usize, length: usize) -> Result<&[u8], ArchiveError> {
    at.checked_add(length)
        .and_then(|end| bytes.get(at..end))
        .ok_or_else(|| malformed(at, "it is cut short"))
}

fn split() -> ArchiveError {
    ArchiveError::Unsupported {
        name: None,
        feature: "an archive split over several files",
    }
}
