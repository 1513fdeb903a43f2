//! What this process uses, written down where garbage collection reads it.
//!
//! A process *pins* an entry or an environment before it looks whether the store has it: it appends
//! the digest to its lease, a file in `leases/` that it keeps locked while it lives. Collection reads
//! the leases while it holds the store's lock alone, and pinning holds that lock together with others,
//! so that one of the two holds:
//!
//! - the pin came first: collection sees it, and takes nothing of what is pinned;
//! - collection came first: what it took is gone, and the process sees that it is missing.
//!
//! The lock is held for one short write, so nobody waits for a command that fetches or reads. A
//! lease whose lock can be taken belongs to no living process, and is removed by the next collection.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::StoreError;
use crate::fs::{self, Dir, FsError};
use crate::id::Digest;
use crate::lock::{Lock, LockMode};

/// The folder of the leases.
pub(crate) const LEASES: &str = "leases";

/// What one process uses of one store.
#[derive(Debug, Default)]
pub(crate) struct Pins(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    named: HashSet<Digest>,
    lease: Option<Lease>,
    /// Where no lease can be written, the store's own lock is kept instead: a full disk can be read.
    gate: Option<Lock>,
}

#[derive(Debug)]
struct Lease {
    folder: Dir,
    name: PathBuf,
    lock: Lock,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // One that stays is removed by the next collection.
        let _ = self.folder.remove_file(&self.name);
    }
}

impl Pins {
    /// Pins `digests` in the store whose folder is `store`, at `path`.
    pub(crate) fn add(
        &self,
        (store, path): (&Dir, &Path),
        digests: &mut dyn Iterator<Item = Digest>,
    ) -> Result<(), StoreError> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new: Vec<Digest> = digests
            .filter(|digest| !held.named.contains(digest))
            .collect();
        if held.gate.is_some() || (new.is_empty() && held.lease.is_some()) {
            return Ok(());
        }
        let gate = Lock::acquire(path.join("locks/store"), LockMode::Shared, &|_| {})?;
        if held.write((store, path), &new).is_err() {
            held.gate = Some(gate);
        }
        held.named.extend(new);
        Ok(())
    }
}

impl Held {
    fn write(&mut self, (store, path): (&Dir, &Path), digests: &[Digest]) -> io::Result<()> {
        let lease = match &mut self.lease {
            Some(lease) => lease,
            none => none.insert(begin(store, &path.join(LEASES))?),
        };
        let mut lines = String::with_capacity(digests.len() * 65);
        for digest in digests {
            lines.push_str(&digest.to_string());
            lines.push('\n');
        }
        lease.lock.fill(|mut file| file.write_all(lines.as_bytes()))
    }
}

/// Makes the lease of this process. The store's lock is held meanwhile, so nobody takes a lease that
/// is about to get its lock for that of a dead process.
fn begin(store: &Dir, path: &Path) -> io::Result<Lease> {
    let folder = match store.open_dir(Path::new(LEASES)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dirs(store, Path::new(LEASES))?;
            store.open_dir(Path::new(LEASES))?
        }
        folder => folder?,
    };
    loop {
        let name = PathBuf::from(fs::unique_suffix());
        // A plan that is being made may try the lock just now.
        if let Some(lock) = Lock::try_acquire(&path.join(&name))? {
            return Ok(Lease { folder, name, lock });
        }
    }
}

/// What living processes use, and how many there are.
#[derive(Debug, Default)]
pub(crate) struct Pinned {
    /// Entries and environments.
    pub digests: HashSet<Digest>,
    /// How many processes have a lease, this one included if it has one.
    pub processes: usize,
}

/// Reads the leases, and removes those of dead processes when the caller holds the store's lock alone.
/// Only then is the result complete.
pub(crate) fn read(store: &Dir, path: &Path, alone: bool) -> Result<Pinned, StoreError> {
    let path = path.join(LEASES);
    let mut pinned = Pinned::default();
    let names = match store
        .open_dir(Path::new(LEASES))
        .and_then(|folder| Ok((folder.read()?, folder)))
    {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(pinned),
        names => names.map_err(FsError::at("list", &path))?,
    };
    let (names, folder) = names;
    for entry in names {
        let name = Path::new(&entry.name);
        // A lock that cannot be asked for counts as held.
        if folder.stat(name).is_err() {
            continue;
        }
        if let Ok(Some(_dead)) = Lock::try_acquire(&path.join(name)) {
            if alone {
                let _ = folder.remove_file(name);
            }
            continue;
        }
        let bytes = match folder.read_file(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            bytes => bytes.map_err(FsError::at("read", path.join(name)))?,
        };
        pinned.processes += 1;
        let lines = bytes.split(|byte| *byte == b'\n');
        pinned.digests.extend(lines.filter_map(Digest::from_hex));
    }
    Ok(pinned)
}
