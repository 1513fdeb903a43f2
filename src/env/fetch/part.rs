//! The partial file of one transfer: locked, resumable, hashed while written.
//!
//! ```text
//! downloads/<sha256>.part   the bytes so far; locked by the process that appends to it
//! downloads/<sha256>.from   where they came from and with which validator (JSON)
//! downloads/<sha256>        complete; its name was compared with its bytes before it got it
//! ```
//!
//! The lock is the operating system's, so a killed process leaves none behind. Nothing is synced: a
//! complete file is hashed again whenever it is found, and a resumed one is hashed as a whole, so what a power
//! cut leaves is noticed and fetched anew.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::FetchError;
use crate::model::location::CleanUrl;
use crate::model::selection::Sha256;

const BUFFER: usize = 256 << 10;

/// How often a held lock is tried again.
const LOCK_POLL: Duration = Duration::from_millis(25);

/// A partial file that this process alone appends to.
#[derive(Debug)]
pub(super) struct Part {
    file: File,
    path: PathBuf,
    notes_path: PathBuf,
    notes: Option<Notes>,
    hasher: sha2::Sha256,
    length: u64,
    joined: bool,
}

/// What a later run has to know to go on.
#[derive(Debug, Serialize, Deserialize)]
struct Notes {
    url: String,
    validator: Option<String>,
}

impl Part {
    /// Opens and locks the partial file named `key` in the folder `downloads`, and hashes what it has.
    ///
    /// `wait` is called once when another process has to be waited for.
    pub(super) fn lock(
        downloads: &Path,
        key: &str,
        patience: Duration,
        wait: &dyn Fn(),
    ) -> Result<Self, FetchError> {
        std::fs::create_dir_all(downloads).map_err(failed("create the folder", downloads))?;
        let path = downloads.join(format!("{key}.part"));
        let file = open_locked(&path, patience, wait)?;
        let notes_path = downloads.join(format!("{key}.from"));
        let notes = std::fs::read(&notes_path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut part = Self {
            file,
            path,
            notes_path,
            notes,
            hasher: sha2::Sha256::new(),
            length: 0,
            joined: false,
        };
        let read = hash_into(&mut part.file, &mut part.hasher);
        part.length = read.map_err(failed("read", &part.path))?;
        part.joined = part.length > 0;
        Ok(part)
    }

    /// How many bytes are there.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Says whether the bytes come from more than one answer, so that they may not fit together.
    pub(super) const fn is_joined(&self) -> bool {
        self.joined
    }

    /// Takes note that the next bytes come from another answer than the earlier ones.
    pub(super) const fn join(&mut self) {
        self.joined = true;
    }

    /// Says whether `url` can be asked for the rest, and under which validator.
    pub(super) fn resumable(&self, url: &CleanUrl) -> Option<Option<&str>> {
        let notes = self.notes.as_ref()?;
        (self.length > 0 && notes.url == url.to_string()).then_some(notes.validator.as_deref())
    }

    /// Notes where the bytes come from; without such a note they are not continued.
    pub(super) fn note(
        &mut self,
        url: &CleanUrl,
        validator: Option<&str>,
    ) -> Result<(), FetchError> {
        let notes = Notes {
            url: url.to_string(),
            validator: validator.map(str::to_owned),
        };
        let bytes = serde_json::to_vec(&notes).expect("because two strings are always valid JSON");
        std::fs::write(&self.notes_path, bytes).map_err(failed("write", &self.notes_path))?;
        self.notes = Some(notes);
        Ok(())
    }

    /// Drops every byte.
    pub(super) fn restart(&mut self) -> Result<(), FetchError> {
        self.notes = None;
        remove(&self.notes_path)?;
        self.hasher = sha2::Sha256::new();
        self.length = 0;
        self.joined = false;
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .map_err(failed("empty", &self.path))
    }

    /// Adds `bytes`.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.file
            .write_all(bytes)
            .map_err(failed("write", &self.path))?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Returns the digest of every byte so far.
    pub(super) fn digest(&self) -> Sha256 {
        Sha256(self.hasher.clone().finalize().into())
    }

    /// Gives the file its name in the folder: its digest. Returns its path.
    pub(super) fn publish(self) -> Result<PathBuf, FetchError> {
        let path = self.path.with_file_name(self.digest().to_string());
        std::fs::rename(&self.path, &path).map_err(failed("rename", &self.path))?;
        remove(&self.notes_path)?;
        Ok(path)
    }

    /// Removes the file.
    pub(super) fn discard(self) -> Result<(), FetchError> {
        remove(&self.notes_path)?;
        remove(&self.path)
    }
}

/// Opens the file and takes its lock, again until the locked file is the one that has the name:
/// the process that held the lock before may have renamed or removed it.
fn open_locked(path: &Path, patience: Duration, wait: &dyn Fn()) -> Result<File, FetchError> {
    let start = Instant::now();
    let mut told = false;
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed("open", path))?;
        match try_take(file, path)? {
            Taken::Ours(file) => return Ok(file),
            Taken::Renamed => continue,
            Taken::Held => {}
        }
        if !told {
            told = true;
            wait();
        }
        if start.elapsed() > patience {
            return Err(FetchError::Busy {
                path: path.to_owned(),
                after: patience,
            });
        }
        std::thread::sleep(LOCK_POLL);
    }
}

/// What came of one try to lock a file.
enum Taken {
    /// It is locked, and has the name.
    Ours(File),
    /// It lost the name between being opened and being locked.
    Renamed,
    /// Another process holds it.
    Held,
}

fn try_take(file: File, path: &Path) -> Result<Taken, FetchError> {
    match file.try_lock() {
        Ok(()) if still_named(&file, path) => Ok(Taken::Ours(file)),
        Ok(()) => Ok(Taken::Renamed),
        Err(TryLockError::WouldBlock) => Ok(Taken::Held),
        Err(TryLockError::Error(source)) => Err(failed("lock", path)(source)),
    }
}

#[cfg(unix)]
fn still_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(held), Ok(named)) => held.dev() == named.dev() && held.ino() == named.ino(),
        _ => false,
    }
}

/// Locks belong to handles here: a second handle to the very same file finds it locked.
#[cfg(not(unix))]
fn still_named(_: &File, path: &Path) -> bool {
    let second = OpenOptions::new().read(true).write(true).open(path);
    second.is_ok_and(|second| matches!(second.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Returns the digest and the size of the file at `path`.
pub(super) fn digest_of(path: &Path) -> io::Result<(Sha256, u64)> {
    let mut hasher = sha2::Sha256::new();
    let size = hash_into(&mut File::open(path)?, &mut hasher)?;
    Ok((Sha256(hasher.finalize().into()), size))
}

fn hash_into(file: &mut File, hasher: &mut sha2::Sha256) -> io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let mut buffer = vec![0; BUFFER];
    let mut length = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(length),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                length += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Removes a file that may be missing.
pub(super) fn remove(path: &Path) -> Result<(), FetchError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

pub(super) fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FetchError {
    let path = path.to_owned();
    move |source| FetchError::Io { what, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_10_who_waited_for_a_failed_transfer_gets_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let lock = |wait: &dyn Fn()| {
            Part::lock(folder.path(), "x", Duration::from_secs(60), wait).unwrap()
        };
        let (waits, waiting) = std::sync::mpsc::channel();
        let first = lock(&|| {});
        std::thread::scope(|scope| {
            let second = scope.spawn(|| {
                let mut part = lock(&|| waits.send(()).unwrap());
                part.append(b"bytes").unwrap();
                part.publish().unwrap()
            });
            // From here on, the second has the file open that is about to lose its name.
            waiting.recv().unwrap();
            first.discard().unwrap();
            let path = second.join().unwrap();
            assert_eq!(std::fs::read(path).unwrap(), b"bytes");
        });
    }

    #[test]
    fn row_10_a_file_that_lost_its_name_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.part");
        let open = || File::create_new(&path).unwrap();
        let (first, second) = (open(), File::open(&path).unwrap());
        assert!(matches!(try_take(first, &path), Ok(Taken::Ours(_))));
        std::fs::rename(&path, folder.path().join("x")).unwrap();
        let third = second.try_clone().unwrap();
        assert!(matches!(try_take(second, &path), Ok(Taken::Renamed)));
        let _other = open();
        assert!(matches!(try_take(third, &path), Ok(Taken::Renamed)));
    }
}
