//! Unpacks the content of one entry and checks it: exact size, exact end of the stream, checksum.
//!
//! Content up to [`IN_MEMORY`] is inflated in one call into a buffer of its exact size; larger
//! content is streamed, so that memory stays bounded.

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};
use libdeflater::{Crc, DecompressionError, Decompressor};
use memchr::memmem;

use super::archive::{Archive, FileEntry};

/// Content larger than this many bytes is streamed.
pub const IN_MEMORY: u64 = 8 << 20;

/// Why content is refused; the caller knows which file it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The deflate stream is malformed.
    #[error("its compressed data is malformed")]
    Deflate,
    /// The content is longer or shorter than declared, or the stream is.
    #[error("its content does not have the size that the archive declares")]
    Size,
    /// The checksum is wrong.
    #[error("its content does not have the CRC-32 that the archive declares")]
    Checksum,
}

/// Inflates many small entries with one set of tables.
pub struct Inflater {
    decompressor: Decompressor,
    framed: Vec<u8>,
}

impl Default for Inflater {
    fn default() -> Self {
        Self {
            decompressor: Decompressor::new(),
            framed: Vec::new(),
        }
    }
}

impl Inflater {
    /// Returns the checked content of `file`.
    pub fn content(
        &mut self,
        archive: &Archive<'_>,
        file: &FileEntry,
    ) -> Result<Vec<u8>, ContentError> {
        let packed = archive.packed(file);
        if !file.deflated {
            return checked(packed.to_vec(), file);
        }
        let size = usize::try_from(file.size).map_err(|_| ContentError::Size)?;
        let mut trailer = [0; 8];
        trailer[..4].copy_from_slice(&file.crc.to_le_bytes());
        // RFC 1952 keeps the size modulo 2^32.
        trailer[4..].copy_from_slice(&file.size.to_le_bytes()[..4]);
        if memmem::find(packed, &trailer).is_some() {
            return slow(archive, file);
        }
        self.framed(packed, &trailer, size)
    }

    /// Inflates `packed` inside a gzip frame. The frame's trailer is looked for where the stream
    /// ends, and since its eight bytes are nowhere else, success proves that the stream fills
    /// `packed` to the last byte and that the checksum is right.
    fn framed(
        &mut self,
        packed: &[u8],
        trailer: &[u8; 8],
        size: usize,
    ) -> Result<Vec<u8>, ContentError> {
        const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        self.framed.clear();
        self.framed.extend_from_slice(&GZIP_HEADER);
        self.framed.extend_from_slice(packed);
        self.framed.extend_from_slice(trailer);
        let mut content = vec![0; size];
        let written = self
            .decompressor
            .gzip_decompress(&self.framed, &mut content)
            .map_err(|error| match error {
                DecompressionError::BadData => ContentError::Deflate,
                DecompressionError::InsufficientSpace => ContentError::Size,
            })?;
        if written == size {
            Ok(content)
        } else {
            Err(ContentError::Size)
        }
    }
}

fn checked(content: Vec<u8>, file: &FileEntry) -> Result<Vec<u8>, ContentError> {
    if content.len() as u64 != file.size {
        return Err(ContentError::Size);
    }
    if libdeflater::crc32(&content) != file.crc {
        return Err(ContentError::Checksum);
    }
    Ok(content)
}

fn slow(archive: &Archive<'_>, file: &FileEntry) -> Result<Vec<u8>, ContentError> {
    let mut content = Vec::new();
    let mut stream = Stream::new(archive, file);
    match stream.read_to_end(&mut content) {
        Ok(_) => Ok(content),
        Err(_) => Err(stream.failure.unwrap_or(ContentError::Deflate)),
    }
}

/// Reads the content of one entry in pieces. The last read fails unless everything was right.
pub struct Stream<'a> {
    packed: &'a [u8],
    decompress: Option<Decompress>,
    crc: Crc,
    left: u64,
    expected: u32,
    ended: bool,
    /// Why the stream failed, once it has.
    pub failure: Option<ContentError>,
}

impl<'a> Stream<'a> {
    /// Starts to read `file`.
    pub fn new(archive: &Archive<'a>, file: &FileEntry) -> Self {
        Self {
            packed: archive.packed(file),
            decompress: file.deflated.then(|| Decompress::new(false)),
            crc: Crc::new(),
            left: file.size,
            expected: file.crc,
            ended: !file.deflated,
            failure: None,
        }
    }

    fn step(&mut self, buffer: &mut [u8]) -> Result<usize, ContentError> {
        let Some(decompress) = &mut self.decompress else {
            let count = buffer.len().min(self.packed.len());
            buffer[..count].copy_from_slice(&self.packed[..count]);
            self.packed = &self.packed[count..];
            return Ok(count);
        };
        while !self.ended {
            let (read, written) = (decompress.total_in(), decompress.total_out());
            let status = decompress
                .decompress(self.packed, buffer, FlushDecompress::None)
                .map_err(|_| ContentError::Deflate)?;
            let read = usize::try_from(decompress.total_in() - read)
                .expect("because it read from a slice");
            let written = usize::try_from(decompress.total_out() - written)
                .expect("because it wrote to a slice");
            self.packed = &self.packed[read..];
            self.ended = status == Status::StreamEnd;
            if written > 0 {
                return Ok(written);
            }
            if !self.ended && read == 0 {
                return Err(ContentError::Deflate);
            }
        }
        Ok(0)
    }

    fn advance(&mut self, buffer: &mut [u8]) -> Result<usize, ContentError> {
        let count = self.step(buffer)?;
        self.crc.update(&buffer[..count]);
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or(ContentError::Size)?;
        if count == 0 {
            if self.left != 0 || !self.packed.is_empty() {
                return Err(ContentError::Size);
            }
            if self.crc.sum() != self.expected {
                return Err(ContentError::Checksum);
            }
        }
        Ok(count)
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.advance(buffer).map_err(|error| {
            self.failure = Some(error);
            io::Error::new(io::ErrorKind::InvalidData, error)
        })
    }
}
