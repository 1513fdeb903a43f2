//! The records of one entry: in the central directory, before its data, and behind it.

use super::{ELSEWHERE, array, malformed, slice, split, u16_at, u32_at};
use crate::python::wheel::archive::ArchiveError;

const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

const CENTRAL_SIZE: usize = 46;
const LOCAL_SIZE: usize = 30;

const ZIP64_FIELD: u16 = 0x0001;
const UNICODE_PATH_FIELD: u16 = 0x7075;

/// Version 6.3 (4.4.3.2): other readers refuse what needs more. The upper byte has no meaning.
const NEWEST_VERSION: u16 = 63;

/// Bit 0: encrypted. Bit 5: patch data. Bit 6: strong encryption. Bit 13: masked headers.
const UNSUPPORTED_FLAGS: u16 = 1 | 1 << 5 | 1 << 6 | 1 << 13;
/// Bit 3: sizes and checksum follow the data.
pub(in super::super) const DESCRIPTOR_FLAG: u16 = 1 << 3;
/// Bit 11: the name is UTF-8.
const UTF8_FLAG: u16 = 1 << 11;

/// One record of the central directory (4.3.12), zip64 values resolved.
#[derive(Debug)]
pub(in super::super) struct Central<'a> {
    pub name: &'a str,
    pub raw: Raw,
    pub offset: u64,
    /// The upper byte of "version made by": 3 is Unix.
    pub host: u8,
    pub attributes: u32,
    /// Where the next record starts.
    pub next: usize,
}

/// What the central and the local record both say of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Raw {
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub compressed: u64,
    pub size: u64,
}

/// One local record (4.3.7).
#[derive(Debug)]
pub(in super::super) struct Local<'a> {
    pub name: &'a [u8],
    pub raw: Raw,
    pub zip64: bool,
    /// Where the data starts.
    pub data: usize,
}

/// Reads the record of the central directory at `at`; `bytes` ends where the directory ends.
pub(in super::super) fn central(bytes: &[u8], at: usize) -> Result<Central<'_>, ArchiveError> {
    if array(bytes, at)? != CENTRAL {
        return Err(malformed(at, "its central directory holds something else"));
    }
    let name_length = usize::from(u16_at(bytes, at + 28)?);
    let extra_length = usize::from(u16_at(bytes, at + 30)?);
    let comment_length = usize::from(u16_at(bytes, at + 32)?);
    let name = slice(bytes, at + CENTRAL_SIZE, name_length)?;
    let extra_at = at + CENTRAL_SIZE + name_length;
    let extra = slice(bytes, extra_at, extra_length)?;
    let comment = slice(bytes, extra_at + extra_length, comment_length)?;
    let flags = u16_at(bytes, at + 8)?;
    let name = decode_name(name, flags)?;

    let mut raw = Raw {
        flags,
        method: u16_at(bytes, at + 10)?,
        crc: u32_at(bytes, at + 16)?,
        compressed: u32_at(bytes, at + 20)?.into(),
        size: u32_at(bytes, at + 24)?.into(),
    };
    let mut offset = u64::from(u32_at(bytes, at + 42)?);
    let mut disk = u32::from(u16_at(bytes, at + 34)?);
    check_features(name, &raw, u16_at(bytes, at + 6)?)?;
    if let Some(field) = extra_field(extra, name)? {
        let mut field = Wide { field, name };
        field.resolve(&mut raw.size)?;
        field.resolve(&mut raw.compressed)?;
        field.resolve(&mut offset)?;
        if disk == u32::from(u16::MAX) {
            disk = u32::from_le_bytes(field.take()?);
        }
        field.finish()?;
    }
    if disk != 0 {
        return Err(split());
    }
    Ok(Central {
        name,
        raw,
        offset,
        host: bytes[at + 5],
        attributes: u32_at(bytes, at + 38)?,
        next: extra_at + extra_length + comment.len(),
    })
}

fn decode_name(name: &[u8], flags: u16) -> Result<&str, ArchiveError> {
    let text = std::str::from_utf8(name).map_err(|_| ArchiveError::Entry {
        name: String::from_utf8_lossy(name).escape_debug().to_string(),
        reason: "its name is not UTF-8",
    })?;
    if flags & UTF8_FLAG == 0 && !name.is_ascii() {
        // Readers take such a name for CP437 or for UTF-8 (4.4.4), and install different files.
        return Err(ArchiveError::entry(
            text,
            "its name is neither ASCII nor marked as UTF-8",
        ));
    }
    Ok(text)
}

fn check_features(name: &str, raw: &Raw, version_needed: u16) -> Result<(), ArchiveError> {
    let feature = match raw.method {
        _ if version_needed & 0xff > NEWEST_VERSION => "a newer version of the format",
        _ if raw.flags & UNSUPPORTED_FLAGS != 0 => "encryption or patching",
        0 | 8 => return Ok(()),
        9 => "the compression Deflate64",
        12 => "the compression bzip2",
        14 => "the compression LZMA",
        93 => "the compression Zstandard",
        95 => "the compression XZ",
        97 => "the compression WavPack",
        99 => "encryption",
        _ => "an unusual compression method",
    };
    Err(ArchiveError::Unsupported {
        name: Some(name.to_owned()),
        feature,
    })
}

/// Walks over the extra fields and returns the zip64 field.
fn extra_field<'a>(mut extra: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, ArchiveError> {
    let bad = |reason| ArchiveError::entry(name, reason);
    let mut zip64 = None;
    while !extra.is_empty() {
        let (head, rest) = extra
            .split_first_chunk::<4>()
            .ok_or_else(|| bad("its extra fields are malformed"))?;
        let kind = u16::from_le_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let (field, rest) = rest
            .split_at_checked(length)
            .ok_or_else(|| bad("its extra fields are malformed"))?;
        match kind {
            ZIP64_FIELD if zip64.replace(field).is_some() => {
                return Err(bad("it has two zip64 fields"));
            }
            // Version, CRC of the name, and the name again (4.6.9): another name is another file.
            UNICODE_PATH_FIELD if field.get(5..) != Some(name.as_bytes()) => {
                return Err(bad("a second name differs from its name"));
            }
            _ => {}
        }
        extra = rest;
    }
    Ok(zip64)
}

/// The zip64 field (4.5.3): 64-bit values, in order, of exactly those fields that say "see there".
struct Wide<'a, 'n> {
    field: &'a [u8],
    name: &'n str,
}

impl Wide<'_, '_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ArchiveError> {
        let (value, rest) = self
            .field
            .split_first_chunk::<N>()
            .ok_or_else(|| ArchiveError::entry(self.name, "its zip64 field is too short"))?;
        self.field = rest;
        Ok(*value)
    }

    fn resolve(&mut self, value: &mut u64) -> Result<(), ArchiveError> {
        if *value == ELSEWHERE {
            *value = u64::from_le_bytes(self.take()?);
        }
        Ok(())
    }

    fn restate(&mut self, value: &mut u64, described: bool) -> Result<(), ArchiveError> {
        let wide = u64::from_le_bytes(self.take()?);
        if *value == ELSEWHERE || *value == wide || described && *value == 0 {
            *value = wide;
            return Ok(());
        }
        Err(ArchiveError::entry(
            self.name,
            "its zip64 field gives another size",
        ))
    }

    fn finish(&self) -> Result<(), ArchiveError> {
        if self.field.is_empty() {
            Ok(())
        } else {
            Err(ArchiveError::entry(
                self.name,
                "its zip64 field is too long",
            ))
        }
    }
}

/// Reads the local record at `at`; `bytes` ends where the central directory starts.
pub(in super::super) fn local<'a>(
    bytes: &'a [u8],
    at: usize,
    name: &str,
) -> Result<Local<'a>, ArchiveError> {
    if array(bytes, at)? != LOCAL {
        return Err(ArchiveError::entry(name, "it has no local header"));
    }
    let name_length = usize::from(u16_at(bytes, at + 26)?);
    let extra_length = usize::from(u16_at(bytes, at + 28)?);
    let local_name = slice(bytes, at + LOCAL_SIZE, name_length)?;
    let extra = slice(bytes, at + LOCAL_SIZE + name_length, extra_length)?;
    let mut raw = Raw {
        flags: u16_at(bytes, at + 6)?,
        method: u16_at(bytes, at + 8)?,
        crc: u32_at(bytes, at + 14)?,
        compressed: u32_at(bytes, at + 18)?.into(),
        size: u32_at(bytes, at + 22)?.into(),
    };
    let field = extra_field(extra, name)?;
    if let Some(field) = field {
        // Here the field has both sizes, needed or not (4.5.3).
        let described = raw.flags & DESCRIPTOR_FLAG != 0;
        let mut field = Wide { field, name };
        field.restate(&mut raw.size, described)?;
        field.restate(&mut raw.compressed, described)?;
        field.finish()?;
    }
    Ok(Local {
        name: local_name,
        raw,
        zip64: field.is_some(),
        data: at + LOCAL_SIZE + name_length + extra_length,
    })
}

/// Whether `gap`, the bytes between the data of an entry and what comes next, is the data
/// descriptor (4.3.9) that says `raw`, in the width that a streaming reader would expect.
pub(in super::super) fn is_descriptor(gap: &[u8], raw: &Raw, zip64: bool) -> bool {
    let wide = zip64 || raw.size > ELSEWHERE || raw.compressed > ELSEWHERE;
    let fields = match gap.len() {
        12 | 20 => gap,
        16 | 24 if gap.starts_with(&DESCRIPTOR) => &gap[4..],
        _ => return false,
    };
    let mut expected = raw.crc.to_le_bytes().to_vec();
    for value in [raw.compressed, raw.size] {
        let width = if wide { 8 } else { 4 };
        expected.extend_from_slice(&value.to_le_bytes()[..width]);
    }
    fields == expected
}
