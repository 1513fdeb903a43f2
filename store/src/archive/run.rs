//! A run of members, read against what it has to be.
//!
//! The reader never looks into a header for instructions: it makes the header that has to stand
//! there and compares. So links that lead out, devices, second names, sparse files and sizes in
//! disguise are refused for one reason: they are other bytes.

use std::io::{self, Read};

use super::error::ArchiveError;
use super::frame::Unpacker;
use super::member::{self, BLOCK, Member, header, padding};
use super::{PIECE, layout};
use crate::id::Digest;

/// Yields the frames of a run: fills the buffer, and tells how much content it has.
pub(crate) type Frames<'a> = dyn FnMut(&mut Vec<u8>) -> Result<usize, ArchiveError> + 'a;

/// Reads a run.
pub(crate) struct RunReader<'a> {
    frames: &'a mut Frames<'a>,
    unpacker: Unpacker,
    frame: Vec<u8>,
    piece: Vec<u8>,
    at: usize,
    /// How many bytes were unpacked so far.
    unpacked: u64,
    /// How many bytes the run has, as soon as that is known.
    total: Option<u64>,
    failed: Option<ArchiveError>,
}

impl<'a> RunReader<'a> {
    /// Reads a run of `total` bytes; `None` for the head, whose length is in itself.
    pub(crate) fn new(
        frames: &'a mut Frames<'a>,
        total: Option<u64>,
    ) -> Result<Self, ArchiveError> {
        Ok(Self {
            frames,
            unpacker: Unpacker::new()?,
            frame: Vec::new(),
            piece: Vec::new(),
            at: 0,
            unpacked: 0,
            total,
            failed: None,
        })
    }

    /// Tells how long the run is, once its head was read.
    pub(crate) fn set_total(&mut self, total: u64) -> Result<(), ArchiveError> {
        let pieces = self.unpacked.div_ceil(PIECE as u64);
        if self.unpacked != total.min(pieces * PIECE as u64) {
            return Err(wrong_cut());
        }
        self.total = Some(total);
        Ok(())
    }

    fn fill(&mut self) -> Result<(), ArchiveError> {
        let content = (self.frames)(&mut self.frame)?;
        if let Some(total) = self.total
            && content as u64 != (total - self.unpacked).min(PIECE as u64)
        {
            return Err(wrong_cut());
        }
        if content == 0 {
            return Err(wrong_cut());
        }
        self.unpacker
            .unpack(&self.frame, content, &mut self.piece)?;
        self.unpacked += content as u64;
        self.at = 0;
        Ok(())
    }

    fn some(&mut self, limit: u64) -> Result<&[u8], ArchiveError> {
        if self.at == self.piece.len() {
            self.fill()?;
        }
        let left = self.piece.len() - self.at;
        let count = usize::try_from(limit).map_or(left, |limit| limit.min(left));
        self.at += count;
        Ok(&self.piece[self.at - count..self.at])
    }

    /// Hands the next `count` bytes over: as they stand in one piece, or put together.
    pub(crate) fn exactly<T>(
        &mut self,
        count: usize,
        see: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, ArchiveError> {
        if count <= self.piece.len() - self.at {
            self.at += count;
            return Ok(see(&self.piece[self.at - count..self.at]));
        }
        let mut whole = Vec::with_capacity(count.min(PIECE));
        while whole.len() < count {
            let left = (count - whole.len()) as u64;
            whole.extend_from_slice(self.some(left)?);
        }
        Ok(see(&whole))
    }

    /// Reads the header of a member, which has to be this one.
    pub(crate) fn header(&mut self, path: &str, member: Member<'_>) -> Result<(), ArchiveError> {
        let expected = header(path, member);
        if self.exactly(expected.len(), |found| found == expected)? {
            return Ok(());
        }
        Err(wrong_member(path))
    }

    /// Reads the zeros after a content of `size` bytes.
    pub(crate) fn padding(&mut self, path: &str, size: u64) -> Result<(), ArchiveError> {
        if self.exactly(padding(size), |found| found.iter().all(|byte| *byte == 0))? {
            return Ok(());
        }
        let reason = "something stands between two members";
        Err(ArchiveError::refused(format!("`{path}`"), reason))
    }

    /// Reads a small file with a known digest.
    pub(crate) fn document(
        &mut self,
        path: &str,
        size: u64,
        digest: Digest,
    ) -> Result<Vec<u8>, ArchiveError> {
        self.header(path, layout::document(size, digest))?;
        let count = usize::try_from(size).unwrap_or(usize::MAX);
        let bytes = self.exactly(count, <[u8]>::to_vec)?;
        if Digest::of(&bytes) != digest {
            return Err(wrong_content(path));
        }
        self.padding(path, size)?;
        Ok(bytes)
    }

    /// Reads a listing, whose length is known only from its header.
    pub(crate) fn listing(&mut self, path: &str, limit: u64) -> Result<Vec<u8>, ArchiveError> {
        let block = self.exactly(BLOCK, <[u8]>::to_vec)?;
        let size = member::file_size(&block).filter(|size| *size <= limit);
        let size = size.ok_or_else(|| wrong_member(path))?;
        // The time in the header follows from the content, so the header is judged after it.
        let any = layout::document(size, Digest::of(b""));
        if !member::same_but_time(&header(path, any), &block) {
            return Err(wrong_member(path));
        }
        let count = usize::try_from(size).unwrap_or(usize::MAX);
        let bytes = self.exactly(count, <[u8]>::to_vec)?;
        if header(path, layout::document(size, Digest::of(&bytes))) != block {
            return Err(wrong_content(path));
        }
        self.padding(path, size)?;
        Ok(bytes)
    }

    /// Reads exactly what is there: the run has to end here.
    pub(crate) fn finish(self) -> Result<(), ArchiveError> {
        if self.at == self.piece.len() && self.total == Some(self.unpacked) {
            return Ok(());
        }
        Err(wrong_cut())
    }

    /// Returns why reading through [`Read`] failed, in the archive's own words.
    pub(crate) fn failure(&mut self) -> Option<ArchiveError> {
        self.failed.take()
    }
}

/// For contents that are too large to be held in memory.
impl Read for RunReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.some(buffer.len() as u64) {
            Ok(bytes) => {
                buffer[..bytes.len()].copy_from_slice(bytes);
                Ok(bytes.len())
            }
            Err(error) => {
                self.failed = Some(error);
                Err(io::Error::other("the archive is refused"))
            }
        }
    }
}

fn wrong_member(path: &str) -> ArchiveError {
    let reason = "the member that stands here is another one than the archive's listings name";
    ArchiveError::refused(format!("`{path}`"), reason)
}

fn wrong_cut() -> ArchiveError {
    ArchiveError::refused(
        "a frame",
        "it is cut elsewhere than the archive's listings tell",
    )
}

/// Says that the bytes of a file are not those that were announced.
pub(crate) fn wrong_content(path: &str) -> ArchiveError {
    ArchiveError::refused(format!("`{path}`"), "its bytes are not those of its hash")
}
