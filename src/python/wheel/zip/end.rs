//! The end of a zip file: the end record, the zip64 end record and its locator.

use std::ops::Range;

use super::{ELSEWHERE, array, malformed, split, u16_at, u32_at, u64_at};
use crate::python::wheel::archive::ArchiveError;

const END: [u8; 4] = *b"PK\x05\x06";
const END64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR64: [u8; 4] = *b"PK\x06\x07";

const END_SIZE: usize = 22;
const END64_SIZE: usize = 56;
const LOCATOR64_SIZE: usize = 20;

/// Where the central directory lies, and how many entries it lists (4.3.14 to 4.3.16).
#[derive(Debug)]
pub(in super::super) struct Directory {
    pub entries: u64,
    pub range: Range<usize>,
}

/// Finds the end record, which must be the last thing in the file, and reads it.
pub(in super::super) fn directory(bytes: &[u8]) -> Result<Directory, ArchiveError> {
    let at = find_end(bytes)?;
    let comment = &bytes[at + END_SIZE..];
    if comment
        .windows(3)
        .any(|window| window.starts_with(b"PK") && window[2] <= 8)
    {
        return Err(malformed(
            at,
            "its comment holds records of another archive",
        ));
    }
    let disks = (u16_at(bytes, at + 4)?, u16_at(bytes, at + 6)?);
    let counts = (u16_at(bytes, at + 8)?, u16_at(bytes, at + 10)?);
    let size = u32_at(bytes, at + 12)?;
    let offset = u32_at(bytes, at + 16)?;

    let locator = at.checked_sub(LOCATOR64_SIZE);
    let (entries, size, offset, end) = match locator {
        Some(locator) if array(bytes, locator)? == LOCATOR64 => {
            let wide = end64(bytes, locator)?;
            let narrow_agrees = (disks.0 == 0 || disks.0 == u16::MAX)
                && (disks.1 == 0 || disks.1 == u16::MAX)
                && agrees(counts.0.into(), u16::MAX.into(), wide.entries)
                && agrees(counts.1.into(), u16::MAX.into(), wide.entries)
                && agrees(size.into(), ELSEWHERE, wide.size)
                && agrees(offset.into(), ELSEWHERE, wide.offset);
            if !narrow_agrees {
                return Err(malformed(at, "its two end records disagree"));
            }
            (wide.entries, wide.size, wide.offset, wide.at)
        }
        _ => {
            if disks != (0, 0) || counts.0 != counts.1 {
                return Err(split());
            }
            (counts.0.into(), size.into(), offset.into(), at)
        }
    };
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let length = usize::try_from(size).unwrap_or(usize::MAX);
    if start.checked_add(length) != Some(end) {
        return Err(malformed(
            at,
            "its central directory does not end where the end record starts",
        ));
    }
    Ok(Directory {
        entries,
        range: start..end,
    })
}

fn agrees(narrow: u64, sentinel: u64, wide: u64) -> bool {
    narrow == sentinel || narrow == wide
}

fn find_end(bytes: &[u8]) -> Result<usize, ArchiveError> {
    let last = bytes
        .len()
        .checked_sub(END_SIZE)
        .ok_or_else(|| malformed(0, "it is too short for a zip archive"))?;
    let first = last.saturating_sub(u16::MAX.into());
    let at = (first..=last)
        .rev()
        .find(|&at| bytes[at..].starts_with(&END))
        .ok_or_else(|| malformed(bytes.len(), "it has no end record"))?;
    let comment = usize::from(u16_at(bytes, at + 20)?);
    if at + END_SIZE + comment == bytes.len() {
        Ok(at)
    } else {
        Err(malformed(at, "its end record is not at its end"))
    }
}

struct End64 {
    at: usize,
    entries: u64,
    size: u64,
    offset: u64,
}

fn end64(bytes: &[u8], locator: usize) -> Result<End64, ArchiveError> {
    let at = usize::try_from(u64_at(bytes, locator + 8)?).unwrap_or(usize::MAX);
    if at.checked_add(END64_SIZE) != Some(locator) {
        return Err(malformed(
            locator,
            "its zip64 end record is missing, elsewhere, or holds more than it should",
        ));
    }
    let record_size = u64_at(bytes, at + 4)?;
    if array(bytes, at)? != END64 || record_size != (END64_SIZE - 12) as u64 {
        return Err(malformed(at, "its zip64 end record is malformed"));
    }
    let one_disk = u32_at(bytes, locator + 4)? == 0
        && u32_at(bytes, locator + 16)? <= 1
        && u32_at(bytes, at + 16)? == 0
        && u32_at(bytes, at + 20)? == 0;
    let entries = u64_at(bytes, at + 24)?;
    if !one_disk || u64_at(bytes, at + 32)? != entries {
        return Err(split());
    }
    Ok(End64 {
        at,
        entries,
        size: u64_at(bytes, at + 40)?,
        offset: u64_at(bytes, at + 48)?,
    })
}
