//! How much of the disk a store takes: blocks, each file counted once however many names it has.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::StoreError;
use crate::fs::{Dir, FileKind, FsError, Stat};
use crate::store::Store;

/// Bytes of the disk, by what they are for. What is counted in one is not counted in a later one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Usage {
    /// Entries, and the second names of their contents.
    pub entries: u64,
    /// Listings, documents, realisations, roots, leases and locks.
    pub records: u64,
    /// Archives and entries on their way in.
    pub incoming: u64,
    /// What was damaged.
    pub quarantine: u64,
    /// What is on its way out.
    pub trash: u64,
}

impl Usage {
    /// Returns the sum.
    pub const fn total(&self) -> u64 {
        self.entries + self.records + self.incoming + self.quarantine + self.trash
    }
}

impl Store {
    /// Measures the store, reading every folder of it.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        let seen = Seen::new();
        let sum = |folders: &[&str]| -> Result<u64, StoreError> {
            let mut bytes = 0;
            for folder in folders {
                let path = self.path().join(folder);
                bytes += weigh_below(self.dir(), Path::new(folder), &seen)
                    .map_err(FsError::at("measure", path))?;
            }
            Ok(bytes)
        };
        Ok(Usage {
            entries: sum(&["entries", "objects"])?,
            records: sum(&[
                "manifests",
                "supplements",
                "environments",
                "realisations",
                "roots",
                "leases",
                "locks",
            ])?,
            incoming: sum(&["downloads", "staging"])?,
            quarantine: sum(&["quarantine"])?,
            trash: sum(&["trash"])?,
        })
    }
}

/// How many sets the inodes that were seen are divided into, so that threads seldom meet.
const PARTS: usize = 64;

struct Seen(Vec<Mutex<HashSet<u64>>>);

impl Seen {
    fn new() -> Self {
        Self((0..PARTS).map(|_| Mutex::default()).collect())
    }

    /// Tells whether a file with several names is met for the first time.
    fn is_new(&self, stat: &Stat) -> bool {
        let inode = stat.identity.1;
        let part = &self.0[usize::try_from(inode).unwrap_or(0) % PARTS];
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        part.insert(inode)
    }
}

/// Weighs a folder of the store, what is in it side by side.
fn weigh_below(store: &Dir, folder: &Path, seen: &Seen) -> io::Result<u64> {
    let dir = match store.open_dir(folder) {
        // Some come when they are needed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        dir => dir?,
    };
    let below: io::Result<Vec<u64>> = dir
        .read()?
        .par_iter()
        .map(|entry| weigh(&dir, Path::new(&entry.name), seen))
        .collect();
    Ok(dir.stat_self()?.allocated + below?.into_iter().sum::<u64>())
}

fn weigh(parent: &Dir, name: &Path, seen: &Seen) -> io::Result<u64> {
    let stat = match parent.stat(name) {
        // Gone since it was listed, or never made.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        stat => stat?,
    };
    if stat.kind != FileKind::Directory {
        let counts = stat.links <= 1 || stat.identity.1 == 0 || seen.is_new(&stat);
        return Ok(if counts { stat.allocated } else { 0 });
    }
    let dir = match parent.open_dir(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        dir => dir?,
    };
    let mut bytes = stat.allocated;
    for entry in dir.read()? {
        bytes += weigh(&dir, Path::new(&entry.name), seen)?;
    }
    Ok(bytes)
}
