//! A zip file, byte by byte, with every lie that a test may want to tell.
//!
//! [`Entry`] and [`Zip`] start out truthful; a test changes the field that it is about.

use std::io::Write;

/// An entry, in all the places that a zip file describes it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name in the central directory.
    pub name: Vec<u8>,
    /// The name in the local header, where it differs.
    pub local_name: Option<Vec<u8>>,
    /// The bytes between the local header and what follows.
    pub data: Vec<u8>,
    /// Bytes after the data: a data descriptor, or something hidden.
    pub after: Vec<u8>,
    /// The version of the format that a reader needs, times ten.
    pub version: u16,
    /// 0 is stored, 8 is deflated.
    pub method: u16,
    /// The general purpose flags.
    pub flags: u16,
    /// The flags in the local header, where they differ.
    pub local_flags: Option<u16>,
    /// Checksum, size of the data and of the content, in the central directory.
    pub sizes: (u32, u32, u32),
    /// The same in the local header, where they differ.
    pub local_sizes: Option<(u32, u32, u32)>,
    /// Extra fields of the central directory.
    pub extra: Vec<u8>,
    /// Extra fields of the local header.
    pub local_extra: Vec<u8>,
    /// External attributes; the upper half is the Unix mode.
    pub attributes: u32,
    /// The system that made the entry; 3 is Unix.
    pub host: u8,
    /// Whether there is a local header with its data.
    pub in_body: bool,
    /// Whether the central directory lists it.
    pub in_directory: bool,
    /// Where the central directory says the local header is, where that is a lie.
    pub offset: Option<u32>,
}

/// How a data descriptor is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descriptor {
    /// Without its optional signature.
    Bare,
    /// With the signature.
    Signed,
    /// With the signature and 64-bit sizes.
    Wide,
}

impl Entry {
    /// A regular file, stored as it is.
    pub fn stored(name: &str, content: &[u8]) -> Self {
        let size = content.len() as u32;
        Self {
            name: name.as_bytes().to_vec(),
            local_name: None,
            data: content.to_vec(),
            after: Vec::new(),
            version: 20,
            method: 0,
            flags: if name.is_ascii() { 0 } else { 1 << 11 },
            local_flags: None,
            sizes: (crc32(content), size, size),
            local_sizes: None,
            extra: Vec::new(),
            local_extra: Vec::new(),
            attributes: 0o100_644 << 16,
            host: 3,
            in_body: true,
            in_directory: true,
            offset: None,
        }
    }

    /// A regular file, deflated.
    pub fn deflated(name: &str, content: &[u8]) -> Self {
        let mut entry = Self::stored(name, content);
        entry.data = deflate(content);
        entry.method = 8;
        entry.sizes.1 = entry.data.len() as u32;
        entry
    }

    /// A folder.
    pub fn folder(name: &str) -> Self {
        let mut entry = Self::stored(&format!("{name}/"), b"");
        entry.attributes = 0o040_755 << 16 | 0x10;
        entry
    }

    /// Sets the Unix mode, file type included.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.attributes = mode << 16;
        self
    }

    /// Moves the sizes behind the data, as a writer does that cannot seek.
    #[must_use]
    pub fn streamed(mut self, form: Descriptor) -> Self {
        self.flags |= 1 << 3;
        self.local_sizes = Some((0, 0, 0));
        let (crc, compressed, size) = self.sizes;
        let wide = form == Descriptor::Wide;
        if wide {
            self.local_extra = zip64(&[0, 0]);
        }
        if form != Descriptor::Bare {
            self.after.extend(b"PK\x07\x08");
        }
        self.after.extend(crc.to_le_bytes());
        for size in [compressed, size] {
            let bytes = u64::from(size).to_le_bytes();
            self.after.extend(&bytes[..if wide { 8 } else { 4 }]);
        }
        self
    }

    /// Keeps the sizes in zip64 fields, as a writer does that does not know them beforehand.
    #[must_use]
    pub fn wide(mut self) -> Self {
        let (crc, compressed, size) = self.sizes;
        self.sizes = (crc, u32::MAX, u32::MAX);
        self.extra = zip64(&[size.into(), compressed.into()]);
        self.local_extra = self.extra.clone();
        self
    }

    fn local(&self) -> Vec<u8> {
        let name = self.local_name.as_ref().unwrap_or(&self.name);
        let flags = self.local_flags.unwrap_or(self.flags);
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.extend(self.common(flags, self.local_sizes.unwrap_or(self.sizes)));
        for length in [name.len(), self.local_extra.len()] {
            bytes.extend((length as u16).to_le_bytes());
        }
        for part in [name, &self.local_extra, &self.data, &self.after] {
            bytes.extend(part);
        }
        bytes
    }

    fn central(&self, offset: u32) -> Vec<u8> {
        let mut bytes = b"PK\x01\x02\x14".to_vec();
        bytes.push(self.host);
        bytes.extend(self.common(self.flags, self.sizes));
        for length in [self.name.len(), self.extra.len(), 0, 0, 0] {
            bytes.extend((length as u16).to_le_bytes());
        }
        bytes.extend(self.attributes.to_le_bytes());
        bytes.extend(self.offset.unwrap_or(offset).to_le_bytes());
        bytes.extend(&self.name);
        bytes.extend(&self.extra);
        bytes
    }

    fn common(&self, flags: u16, (crc, compressed, size): (u32, u32, u32)) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Version needed, flags, method, time, and the date 1980-01-01.
        for field in [self.version, flags, self.method, 0, 0x21] {
            bytes.extend(field.to_le_bytes());
        }
        for field in [crc, compressed, size] {
            bytes.extend(field.to_le_bytes());
        }
        bytes
    }
}

/// A zip64 extra field with these values.
pub fn zip64(values: &[u64]) -> Vec<u8> {
    let mut field = vec![1, 0];
    field.extend((values.len() as u16 * 8).to_le_bytes());
    for value in values {
        field.extend(value.to_le_bytes());
    }
    field
}

/// Compresses with raw deflate.
pub fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}

/// The checksum that zip files carry.
pub fn crc32(content: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    crc.sum()
}

/// A whole zip file.
#[derive(Debug, Clone, Default)]
pub struct Zip {
    /// Bytes before the first entry.
    pub before: Vec<u8>,
    /// The entries.
    pub entries: Vec<Entry>,
    /// Bytes between the last entry and the central directory.
    pub between: Vec<u8>,
    /// Bytes between the central directory and the end record.
    pub after_directory: Vec<u8>,
    /// The comment of the end record.
    pub comment: Vec<u8>,
    /// Bytes after the end record.
    pub after: Vec<u8>,
    /// Added to the number of entries that the end record gives.
    pub miscount: i32,
    /// The number of this disk.
    pub disk: u16,
    /// Whether there are zip64 end records.
    pub wide: bool,
    /// Added to the number of entries that the zip64 end record gives.
    pub wide_miscount: i64,
}

impl Zip {
    /// A zip file of these entries.
    pub fn new(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            ..Self::default()
        }
    }

    /// Returns the bytes.
    pub fn build(&self) -> Vec<u8> {
        let mut bytes = self.before.clone();
        let mut directory = Vec::new();
        for entry in &self.entries {
            let offset = bytes.len() as u32;
            if entry.in_body {
                bytes.extend(entry.local());
            }
            if entry.in_directory {
                directory.extend(entry.central(offset));
            }
        }
        bytes.extend(&self.between);
        let start = bytes.len();
        let listed = self
            .entries
            .iter()
            .filter(|entry| entry.in_directory)
            .count();
        bytes.extend(&directory);
        bytes.extend(&self.after_directory);
        if self.wide {
            let count = (listed as i64 + self.wide_miscount) as u64;
            self.wide_end(&mut bytes, count, directory.len() as u64, start as u64);
        }
        let count = (listed as i32 + self.miscount) as u16;
        bytes.extend(b"PK\x05\x06");
        for field in [self.disk, self.disk, count, count] {
            bytes.extend(field.to_le_bytes());
        }
        for field in [directory.len(), start] {
            bytes.extend((field as u32).to_le_bytes());
        }
        bytes.extend((self.comment.len() as u16).to_le_bytes());
        bytes.extend(&self.comment);
        bytes.extend(&self.after);
        bytes
    }

    fn wide_end(&self, bytes: &mut Vec<u8>, count: u64, size: u64, start: u64) {
        let at = bytes.len() as u64;
        bytes.extend(b"PK\x06\x06");
        bytes.extend(44_u64.to_le_bytes());
        bytes.extend([45, 0, 45, 0]);
        bytes.extend([0; 8]);
        for field in [count, count, size, start] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(b"PK\x06\x07");
        bytes.extend([0; 4]);
        bytes.extend(at.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
    }
}
