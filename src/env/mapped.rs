//! Archives that are read in place, and do not fill memory while they are.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;

/// Parts of at least this many bytes are given back one by one; the rest goes with the map.
#[cfg(unix)]
const LARGE: usize = 1 << 20;

/// A file as memory.
#[derive(Debug)]
pub struct Mapped(memmap2::Mmap);

impl Mapped {
    /// Maps the file at `path`, which nothing may change while it is mapped.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        #[expect(
            unsafe_code,
            reason = "a file that shrinks while it is mapped ends the program, as documented"
        )]
        // SAFETY: the map is only read; its content was checked against a digest, and what is parsed
        // from it is bounds-checked.
        unsafe { memmap2::Mmap::map(&file) }.map(Self)
    }

    /// Says that these bytes were read and are hardly needed again, so that they take no memory. They
    /// can still be read.
    #[cfg(unix)]
    pub fn release(&self, range: Range<usize>) {
        if range.len() < LARGE || range.end > self.0.len() {
            return;
        }
        #[expect(
            unsafe_code,
            reason = "the advice is safe for a map that nobody writes to"
        )]
        // SAFETY: pages of a read-only map of a file hold what the file holds, and come back from it.
        let advised = unsafe {
            self.0.unchecked_advise_range(
                memmap2::UncheckedAdvice::DontNeed,
                range.start,
                range.len(),
            )
        };
        // Without it, they only stay longer.
        drop(advised);
    }

    /// Does nothing: the system decides by itself what stays in memory.
    #[cfg(not(unix))]
    pub fn release(&self, _range: Range<usize>) {}
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
