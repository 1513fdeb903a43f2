//! Where an archive comes from: a file that is read in any order, or a stream that is read once.

use std::fs::File;
use std::io::{self, BufReader, Read};

use super::error::ArchiveError;
use super::frame::{Found, FrameReader};
use super::head::Head;
use super::index::{self, Span};
use super::run::RunReader;
use super::{MAX_LISTING, layout};

/// How much of a stream is read at once.
const BUFFER: usize = 256 << 10;

/// Where an archive is.
pub enum Source {
    /// A file on this machine.
    File(File),
    /// A pipe, or anything else that is read from its beginning to its end.
    Stream(Box<dyn Read + Send>),
}

/// An archive whose head was read.
pub struct Incoming {
    pub(crate) body: Body,
    pub(crate) head: Head,
    /// Where the head stands.
    pub(crate) first: Span,
}

pub(crate) enum Body {
    File(File),
    Stream(FrameReader<Box<dyn Read + Send>>),
}

impl Source {
    /// Reads the head of the archive: what it holds.
    ///
    /// # Errors
    ///
    /// When this is no archive, one of another version, or the head is not of the format.
    pub fn open(self) -> Result<Incoming, ArchiveError> {
        match self {
            Self::File(file) => {
                let mut reader = FrameReader::new(buffered(&file, 0), 0);
                let head = read_head(&mut reader)?;
                let length = reader.offset();
                drop(reader);
                Ok(Incoming {
                    body: Body::File(file),
                    head,
                    first: Span { offset: 0, length },
                })
            }
            Self::Stream(stream) => {
                let stream: Box<dyn Read + Send> =
                    Box::new(BufReader::with_capacity(BUFFER, stream));
                let mut reader = FrameReader::new(stream, 0);
                let head = read_head(&mut reader)?;
                let length = reader.offset();
                Ok(Incoming {
                    body: Body::Stream(reader),
                    head,
                    first: Span { offset: 0, length },
                })
            }
        }
    }
}

impl Incoming {
    /// Returns what the archive says that it holds.
    pub const fn head(&self) -> &Head {
        &self.head
    }
}

fn read_head<R: Read>(reader: &mut FrameReader<R>) -> Result<Head, ArchiveError> {
    let mut frames = |frame: &mut Vec<u8>| next_frame(reader, frame);
    let mut run = RunReader::new(&mut frames, None)?;
    let bytes = run.listing(layout::HEAD, MAX_LISTING).map_err(foreign)?;
    let size = layout::file_size(layout::HEAD, bytes.len() as u64);
    run.set_total(size)?;
    run.finish()?;
    Head::parse(&bytes)
}

/// What begins with another member was never an archive of a store.
fn foreign(error: ArchiveError) -> ArchiveError {
    match error {
        ArchiveError::Refused { .. } => ArchiveError::Foreign("its first member is another one"),
        other => other,
    }
}

/// Reads a frame where one has to be.
pub(crate) fn next_frame<R: Read>(
    reader: &mut FrameReader<R>,
    frame: &mut Vec<u8>,
) -> Result<usize, ArchiveError> {
    match reader.next(frame)? {
        Found::Frame { content } => Ok(content),
        Found::End if reader.offset() == 0 => Err(ArchiveError::Foreign("it is empty")),
        Found::Index | Found::End => Err(ArchiveError::Truncated("its content".to_owned())),
    }
}

/// Reads the index at the end of a file.
pub(crate) fn read_index(file: &File) -> Result<Vec<Span>, ArchiveError> {
    let length = file.metadata().map_err(ArchiveError::Read)?.len();
    let truncated = || ArchiveError::Truncated("its index".to_owned());
    let at = length
        .checked_sub(index::TRAILER as u64)
        .ok_or_else(truncated)?;
    let mut trailer = [0; index::TRAILER];
    read_at(file, at, &mut trailer)?;
    let frame = index::frame_length(&trailer)?;
    let offset = length.checked_sub(frame).ok_or_else(truncated)?;
    let mut bytes = vec![0; usize::try_from(frame).unwrap_or(0)];
    read_at(file, offset, &mut bytes)?;
    index::parse(&bytes, offset)
}

fn read_at(file: &File, offset: u64, bytes: &mut [u8]) -> Result<(), ArchiveError> {
    At { file, offset }
        .read_exact(bytes)
        .map_err(|error| ArchiveError::reading("its index", error))
}

/// Reads a file from a place on, without moving the place where others read.
pub(crate) fn buffered(file: &File, offset: u64) -> BufReader<At<'_>> {
    BufReader::with_capacity(BUFFER, At { file, offset })
}

/// A place in a file.
#[derive(Debug)]
pub(crate) struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let count = std::os::unix::fs::FileExt::read_at(self.file, buffer, self.offset)?;
        #[cfg(windows)]
        let count = std::os::windows::fs::FileExt::seek_read(self.file, buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
