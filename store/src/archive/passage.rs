//! How the frames of a stream pass by: handed to a thread, passed over, or compared with what must stand.

use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::error::ArchiveError;
use super::frame::{Found, FrameReader};
use super::index::{self, Span};
use super::layout::{self, Part};
use super::run::RunReader;
use super::source::next_frame;

/// How many frames wait for a thread.
const AHEAD: usize = 4;

/// A run for a thread: the part, and its frames or where they are.
pub(crate) struct Job<'h> {
    /// The part.
    pub part: Part<'h>,
    /// Its frames.
    pub frames: JobFrames,
}

/// The frames of a run.
pub(crate) enum JobFrames {
    /// They come as they are read.
    Stream(Receiver<(Vec<u8>, usize)>),
    /// They stand in a file.
    File(Span),
}

/// Reads the frames of a run and hands them to a thread; false when no thread takes them any more.
pub(crate) fn hand_over<'h, R: Read>(
    reader: &mut FrameReader<R>,
    part: Part<'h>,
    jobs: &SyncSender<Job<'h>>,
) -> Result<bool, ArchiveError> {
    let (frames, taken) = sync_channel(AHEAD);
    let job = Job {
        part,
        frames: JobFrames::Stream(taken),
    };
    if jobs.send(job).is_err() {
        return Ok(false);
    }
    for _ in 0..part.frames() {
        let mut frame = Vec::new();
        let content = next_frame(reader, &mut frame)?;
        if frames.send((frame, content)).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads past the frames of a run, without unpacking them.
pub(crate) fn pass_over<R: Read>(
    reader: &mut FrameReader<R>,
    part: Part<'_>,
) -> Result<(), ArchiveError> {
    let mut frame = Vec::new();
    let mut left = part.size();
    for _ in 0..part.frames() {
        let content = next_frame(reader, &mut frame)? as u64;
        if content != left.min(super::PIECE as u64) {
            return Err(ArchiveError::refused("a frame", "it is cut elsewhere"));
        }
        left -= content;
    }
    Ok(())
}

/// Reads the end of the tar.
pub(crate) fn read_end<R: Read>(reader: &mut FrameReader<R>) -> Result<(), ArchiveError> {
    let mut frames = |frame: &mut Vec<u8>| next_frame(reader, frame);
    let mut run = RunReader::new(&mut frames, Some(layout::END.len() as u64))?;
    if !run.exactly(layout::END.len(), |found| found == layout::END)? {
        return Err(ArchiveError::refused("its end", "something stands there"));
    }
    run.finish()
}

/// Checks that what was read ends where the index says.
pub(crate) fn check_end(offset: u64, span: Span) -> Result<(), ArchiveError> {
    if offset == span.offset + span.length {
        return Ok(());
    }
    Err(ArchiveError::refused("its index", "it is of other bytes"))
}

/// Reads the index of a stream, which has to be of what passed by, and nothing after it.
pub(crate) fn check_index<R: Read>(
    reader: &mut FrameReader<R>,
    spans: &[Span],
) -> Result<(), ArchiveError> {
    let mut frame = Vec::new();
    match reader.next(&mut frame)? {
        Found::Index if frame == index::to_bytes(spans) => {}
        Found::Index => {
            return Err(ArchiveError::refused("its index", "it is of other bytes"));
        }
        Found::End => return Err(ArchiveError::Truncated("its index".to_owned())),
        Found::Frame { .. } => {
            return Err(ArchiveError::refused("its end", "more stands after it"));
        }
    }
    match reader.next(&mut frame) {
        Ok(Found::End) => Ok(()),
        Ok(_) | Err(ArchiveError::Refused { .. } | ArchiveError::Truncated(_)) => {
            Err(ArchiveError::refused("its end", "more stands after it"))
        }
        Err(error) => Err(error),
    }
}
