//! Bytes in, frames out: cut into pieces, packed by several threads, written in order.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use super::PIECE;
use super::error::ArchiveError;
use super::frame::Packer;
use super::index::Span;

type Packed = Result<Vec<u8>, ArchiveError>;

struct Job {
    piece: Vec<u8>,
    packed: SyncSender<Packed>,
}

/// A place in the order of frames.
struct Slot {
    begins_run: bool,
    packed: Receiver<Packed>,
}

/// Receives the tar of one run after the other.
pub(crate) struct Pieces {
    piece: Vec<u8>,
    begins_run: bool,
    jobs: SyncSender<Job>,
    slots: SyncSender<Slot>,
}

impl Pieces {
    /// Ends a run; what comes next begins in a frame of its own.
    pub(crate) fn end_run(&mut self) -> Result<(), ArchiveError> {
        if !self.piece.is_empty() {
            self.flush()?;
        }
        self.begins_run = true;
        Ok(())
    }

    /// Adds bytes.
    pub(crate) fn add(&mut self, mut bytes: &[u8]) -> Result<(), ArchiveError> {
        while !bytes.is_empty() {
            let count = bytes.len().min(PIECE - self.piece.len());
            self.piece.extend_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            self.flush_full()?;
        }
        Ok(())
    }

    /// Adds the next `size` bytes of a file and returns their hash; `None` if it is shorter.
    pub(crate) fn add_file(
        &mut self,
        file: &mut File,
        size: u64,
    ) -> Result<Option<blake3::Hash>, ArchiveError> {
        let mut hasher = blake3::Hasher::new();
        let mut left = size;
        while left > 0 {
            let start = self.piece.len();
            let room = (PIECE - start) as u64;
            let count = usize::try_from(left.min(room)).unwrap_or(PIECE);
            self.piece.resize(start + count, 0);
            match file.read_exact(&mut self.piece[start..]) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                result => result.map_err(ArchiveError::Read)?,
            }
            hasher.update(&self.piece[start..]);
            left -= count as u64;
            self.flush_full()?;
        }
        Ok(Some(hasher.finalize()))
    }

    fn flush_full(&mut self) -> Result<(), ArchiveError> {
        if self.piece.len() == PIECE {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ArchiveError> {
        let (packed, receiver) = sync_channel(1);
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let slot = Slot {
            begins_run: std::mem::take(&mut self.begins_run),
            packed: receiver,
        };
        // The writer goes away only when it fails, and then its error is the one that is told.
        let gone = || ArchiveError::Write(io::ErrorKind::BrokenPipe.into());
        self.slots.send(slot).map_err(|_| gone())?;
        self.jobs.send(Job { piece, packed }).map_err(|_| gone())
    }
}

/// Writes what `produce` adds, and returns where each run stands.
pub(crate) fn write(
    out: &mut (dyn Write + Send),
    level: i32,
    threads: usize,
    produce: impl FnOnce(&mut Pieces) -> Result<(), ArchiveError>,
) -> Result<Vec<Span>, ArchiveError> {
    let threads = threads.max(1);
    std::thread::scope(|scope| {
        let (jobs, taken) = sync_channel::<Job>(1);
        let taken = std::sync::Arc::new(Mutex::new(taken));
        for _ in 0..threads {
            let taken = std::sync::Arc::clone(&taken);
            scope.spawn(move || pack(level, &taken));
        }
        // Whoever packs alone owns the receiver: it goes when the last one does.
        drop(taken);
        let (slots, ordered) = sync_channel::<Slot>(threads + 1);
        let writer = scope.spawn(move || write_in_order(out, &ordered));
        let mut pieces = Pieces {
            piece: Vec::with_capacity(PIECE),
            begins_run: true,
            jobs,
            slots,
        };
        let produced = produce(&mut pieces).and_then(|()| pieces.end_run());
        drop(pieces);
        let written = writer
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        match (produced, written) {
            (_, Err(error)) => Err(error),
            (Err(error), Ok(_)) => Err(error),
            (Ok(()), Ok(spans)) => Ok(spans),
        }
    })
}

fn pack(level: i32, jobs: &Mutex<Receiver<Job>>) {
    let mut packer = None;
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { piece, packed }) = job else {
            return;
        };
        let packing = match &mut packer {
            Some(packer) => Ok(packer),
            None => Packer::new(level).map(|made| packer.insert(made)),
        };
        let frame = packing.and_then(|packer: &mut Packer| packer.pack(&piece));
        drop(piece);
        // Nobody waits for it when the writer has failed.
        let _ = packed.send(frame);
    }
}

fn write_in_order(
    out: &mut (dyn Write + Send),
    slots: &Receiver<Slot>,
) -> Result<Vec<Span>, ArchiveError> {
    let mut spans: Vec<Span> = Vec::new();
    let mut offset = 0;
    for slot in slots {
        let frame = slot
            .packed
            .recv()
            .map_err(|_| ArchiveError::Write(io::ErrorKind::BrokenPipe.into()))??;
        out.write_all(&frame).map_err(ArchiveError::Write)?;
        let length = frame.len() as u64;
        match spans.last_mut() {
            Some(span) if !slot.begins_run => span.length += length,
            _ => spans.push(Span { offset, length }),
        }
        offset += length;
    }
    Ok(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(threads: usize, runs: &[Vec<u8>]) -> (Vec<u8>, Vec<Span>) {
        let mut out = Vec::new();
        let spans = write(&mut out, 1, threads, |pieces| {
            for run in runs {
                run.chunks(1000).try_for_each(|part| pieces.add(part))?;
                pieces.end_run()?;
            }
            Ok(())
        });
        (out, spans.unwrap())
    }

    #[test]
    fn the_number_of_threads_changes_no_byte() {
        let runs = [vec![1; 10], vec![2; 2 * PIECE + 5], vec![3; PIECE]];
        let one = packed(1, &runs);
        assert_eq!(one, packed(7, &runs));
        assert_eq!(one.1.len(), 3);
        let end = one.1[2].offset + one.1[2].length;
        assert_eq!(end, one.0.len() as u64);
        assert_eq!(zstd::decode_all(&one.0[..]).unwrap(), runs.concat());
    }

    #[test]
    fn a_writer_that_fails_ends_the_work() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = write(&mut Full, 1, 2, |pieces| {
            loop {
                pieces.add(&[0; PIECE])?;
            }
        });
        let ArchiveError::Write(source) = error.unwrap_err() else {
            panic!("another error");
        };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    }
}
