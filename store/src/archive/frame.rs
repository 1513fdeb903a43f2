//! Frames of Zstandard (RFC 8878): found without unpacking them, and refused where they are not plain.
//!
//! A frame says how long its content is, has a checksum, needs no dictionary, and holds at most
//! [`PIECE`] bytes. So every buffer has a known bound, whatever an archive claims.

use std::io::{self, Read};

use super::error::ArchiveError;
use super::{PIECE, index};

const MAGIC: u32 = 0xFD2F_B528;
/// The most bytes that a frame may have: its content as it is, and what blocks add to that.
const MAX_FRAME: usize = PIECE + (128 << 10);
/// The largest window: as much as the largest content rounded up, and what `zstd` asks for it.
const MAX_WINDOW: u64 = 2 * PIECE as u64;
/// The largest block (RFC 8878, section 3.1.1.2.3).
const MAX_BLOCK: usize = 128 << 10;

/// What stands next in an archive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A frame with this many bytes of content.
    Frame {
        /// The length of the content.
        content: usize,
    },
    /// The index.
    Index,
    /// Nothing.
    End,
}

/// Reads frame after frame.
#[derive(Debug)]
pub(crate) struct FrameReader<R> {
    inner: R,
    offset: u64,
}

impl<R: Read> FrameReader<R> {
    /// Begins at the byte `offset` of the archive.
    pub(crate) const fn new(inner: R, offset: u64) -> Self {
        Self { inner, offset }
    }

    /// Returns how many bytes of the archive are behind.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the next frame into `frame`, as it stands in the archive.
    pub(crate) fn next(&mut self, frame: &mut Vec<u8>) -> Result<Found, ArchiveError> {
        frame.clear();
        if !self.begin(frame)? {
            return Ok(Found::End);
        }
        match u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]) {
            MAGIC => self.data(frame).map(|content| Found::Frame { content }),
            index::MAGIC => self.skippable(frame).map(|()| Found::Index),
            _ if self.offset == 4 => Err(ArchiveError::Foreign("it begins with other bytes")),
            _ => Err(self.refused("neither a frame nor the index begins here")),
        }
    }

    /// Reads the magic number; false at the end.
    fn begin(&mut self, frame: &mut Vec<u8>) -> Result<bool, ArchiveError> {
        frame.resize(4, 0);
        let mut filled = 0;
        while filled < 4 {
            match self.inner.read(&mut frame[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(ArchiveError::Truncated("a frame".to_owned())),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ArchiveError::Read(error)),
            }
        }
        self.offset += 4;
        Ok(true)
    }

    fn take(&mut self, frame: &mut Vec<u8>, count: usize) -> Result<usize, ArchiveError> {
        let start = frame.len();
        if start + count > MAX_FRAME.max(usize::try_from(index::MAX).unwrap_or(MAX_FRAME)) {
            return Err(self.refused("a frame that is too large"));
        }
        frame.resize(start + count, 0);
        self.inner
            .read_exact(&mut frame[start..])
            .map_err(|error| ArchiveError::reading("a frame", error))?;
        self.offset += count as u64;
        Ok(start)
    }

    fn skippable(&mut self, frame: &mut Vec<u8>) -> Result<(), ArchiveError> {
        let at = self.take(frame, 4)?;
        let length = little(&frame[at..]);
        if length > index::MAX {
            return Err(self.refused("an index that is too large"));
        }
        self.take(frame, usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(())
    }

    fn data(&mut self, frame: &mut Vec<u8>) -> Result<usize, ArchiveError> {
        let at = self.take(frame, 1)?;
        let flags = frame[at];
        let single = flags & 0x20 != 0;
        if flags & 0x1B != 0 || flags & 0x04 == 0 {
            return Err(self.refused("a frame with a dictionary, reserved bits or no checksum"));
        }
        if !single {
            let at = self.take(frame, 1)?;
            let (exponent, mantissa) = (frame[at] >> 3, u64::from(frame[at] & 7));
            let base = 1_u64 << (10 + exponent);
            if base + base / 8 * mantissa > MAX_WINDOW {
                return Err(self.refused("a frame with too large a window"));
            }
        }
        let content = match (flags >> 6, single) {
            (0, false) => return Err(self.refused("a frame that does not say its length")),
            (0, true) => self.number(frame, 1)?,
            (1, _) => self.number(frame, 2)? + 256,
            (2, _) => self.number(frame, 4)?,
            _ => self.number(frame, 8)?,
        };
        let content = usize::try_from(content)
            .ok()
            .filter(|content| *content <= PIECE)
            .ok_or_else(|| self.refused("a frame with too much content"))?;
        self.blocks(frame)?;
        self.take(frame, 4)?;
        Ok(content)
    }

    fn number(&mut self, frame: &mut Vec<u8>, bytes: usize) -> Result<u64, ArchiveError> {
        let at = self.take(frame, bytes)?;
        Ok(little(&frame[at..]))
    }

    fn blocks(&mut self, frame: &mut Vec<u8>) -> Result<(), ArchiveError> {
        loop {
            let head = self.number(frame, 3)?;
            let size = usize::try_from(head >> 3).unwrap_or(usize::MAX);
            let stored = match (head >> 1) & 3 {
                0 | 2 if size <= MAX_BLOCK => size,
                1 if size <= MAX_BLOCK => 1,
                _ => return Err(self.refused("a block that is not of the format")),
            };
            if frame.len() + stored > MAX_FRAME {
                return Err(self.refused("a frame that is too large"));
            }
            self.take(frame, stored)?;
            if head & 1 == 1 {
                return Ok(());
            }
        }
    }

    fn refused(&self, reason: &str) -> ArchiveError {
        ArchiveError::refused(format!("byte {}", self.offset), reason)
    }
}

fn little(bytes: &[u8]) -> u64 {
    let digits = bytes.iter().rev();
    digits.fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Packs pieces, each into a frame of its own: equal pieces give equal frames.
pub(crate) struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    pub(crate) fn new(level: i32) -> Result<Self, ArchiveError> {
        let make = || {
            let mut packer = zstd::bulk::Compressor::new(level)?;
            packer.include_contentsize(true)?;
            packer.include_checksum(true)?;
            packer.include_dictid(false)?;
            Ok(packer)
        };
        make().map(Self).map_err(ArchiveError::Write)
    }

    pub(crate) fn pack(&mut self, piece: &[u8]) -> Result<Vec<u8>, ArchiveError> {
        let mut frame = self.0.compress(piece).map_err(ArchiveError::Write)?;
        frame.shrink_to_fit();
        Ok(frame)
    }
}

/// Unpacks frames.
pub(crate) struct Unpacker(zstd::bulk::Decompressor<'static>);

impl Unpacker {
    pub(crate) fn new() -> Result<Self, ArchiveError> {
        zstd::bulk::Decompressor::new()
            .map(Self)
            .map_err(ArchiveError::Read)
    }

    /// Replaces `piece` by the content of a frame, which has to be as long as the frame said.
    pub(crate) fn unpack(
        &mut self,
        frame: &[u8],
        content: usize,
        piece: &mut Vec<u8>,
    ) -> Result<(), ArchiveError> {
        piece.clear();
        piece.reserve(content);
        match self.0.decompress_to_buffer(frame, piece) {
            Ok(count) if count == content => Ok(()),
            Ok(_) => Err(ArchiveError::refused("a frame", "it lies about its length")),
            Err(error) => Err(ArchiveError::refused("a frame", error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<(Found, Vec<u8>), ArchiveError> {
        let mut frame = Vec::new();
        let found = FrameReader::new(bytes, 0).next(&mut frame)?;
        Ok((found, frame))
    }

    fn unpacked(frame: &[u8], content: usize) -> Result<Vec<u8>, ArchiveError> {
        let mut piece = Vec::new();
        Unpacker::new()?.unpack(frame, content, &mut piece)?;
        Ok(piece)
    }

    #[test]
    fn finds_frames_of_every_size() {
        for size in [0, 1, 255, 256, 65_791, 65_792, PIECE] {
            for noise in [false, true] {
                let byte = |index: usize| {
                    if noise {
                        ((index * 7919) >> 3) as u8
                    } else {
                        0
                    }
                };
                let piece: Vec<u8> = (0..size).map(byte).collect();
                let frame = Packer::new(3).unwrap().pack(&piece).unwrap();
                let (found, read) = read(&[&frame[..], b"rest"].concat()).unwrap();
                assert_eq!(found, Found::Frame { content: size });
                assert_eq!(read, frame);
                assert_eq!(unpacked(&read, size).unwrap(), piece);
            }
        }
        assert_eq!(read(b"").unwrap().0, Found::End);
    }

    #[test]
    fn refuses_what_is_not_plain_or_not_bounded() {
        let mut with_dictionary = vec![0x28, 0xB5, 0x2F, 0xFD, 0x25, 1, 9];
        with_dictionary.extend([1, 0, 0]);
        let window = [0x28, 0xB5, 0x2F, 0xFD, 0x84, 0xA8, 0, 0, 0, 0, 1, 0, 0];
        let unsized_ = [0x28, 0xB5, 0x2F, 0xFD, 0x04, 0x48, 1, 0, 0, 0, 0, 0, 0];
        let large = [0x28, 0xB5, 0x2F, 0xFD, 0xA4, 1, 0, 0x40, 0, 1, 0, 0];
        let no_checksum = [0x28, 0xB5, 0x2F, 0xFD, 0x20, 1, 1, 0, 0];
        let skippable = [0x5D, 0x2A, 0x4D, 0x18, 0xFF, 0xFF, 0xFF, 0xFF];
        let other = [0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0];
        for (bytes, why) in [
            (&with_dictionary[..], "dictionary"),
            (&window, "window"),
            (&unsized_, "does not say"),
            (&large, "too much"),
            (&no_checksum, "no checksum"),
            (&skippable, "too large"),
            (&other, "other bytes"),
        ] {
            let error = read(bytes).unwrap_err().to_string();
            assert!(error.contains(why), "{error}: {why}");
        }
        let frame = Packer::new(3).unwrap().pack(&[7; 1000]).unwrap();
        for length in 1..frame.len() {
            let error = read(&frame[..length]).unwrap_err();
            assert!(matches!(error, ArchiveError::Truncated(_)), "{error}");
        }
    }

    #[test]
    fn endless_empty_blocks_are_refused() {
        let mut bytes = vec![0x28, 0xB5, 0x2F, 0xFD, 0x24, 1];
        bytes.resize(bytes.len() + 2 * MAX_FRAME, 0);
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains("too large"), "{error}");
    }

    #[test]
    fn a_flipped_byte_in_a_frame_never_gives_other_content() {
        let piece: Vec<u8> = (0..500_u32).map(|index| (index % 251) as u8).collect();
        let frame = Packer::new(3).unwrap().pack(&piece).unwrap();
        for index in 0..frame.len() {
            let mut other = frame.clone();
            other[index] ^= 0x10;
            if let Ok((Found::Frame { content }, read)) = read(&other)
                && let Ok(found) = unpacked(&read, content)
            {
                assert_eq!(found, piece, "byte {index}");
            }
        }
    }
}
