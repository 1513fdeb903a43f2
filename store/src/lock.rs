//! Who may do what at the same time.
//!
//! | lock | taken by | blocks |
//! |---|---|---|
//! | the store, shared | a command, while it writes down what it uses: one short write | garbage collection |
//! | the store, exclusive | garbage collection, while it moves at most some hundred entries away | commands that are about to use something for the first time |
//! | a lease, exclusive | each command, while it lives: `pins.rs` | nothing; it says that what is in it is used |
//! | a name, exclusive | a command that changes one environment or derives one thing; one collection | the same command for the same name |
//!
//! The store's lock is taken last and held shortest: a command that fetches, builds or reads for
//! minutes keeps nobody waiting. All are kernel locks on open files: they end with their process,
//! however it ends, and no clock or process id decides anything. A store that can only be read is
//! used without locks.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::StoreError;
use crate::fs::{self, Dir, FileMeta, FsError};

/// How long a command waits for a lock before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// A lock that is held until this value is dropped.
#[derive(Debug)]
#[must_use = "the lock ends when this value is dropped"]
pub struct Lock {
    file: Option<File>,
}

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Together with other shared holders.
    Shared,
    /// Alone.
    Exclusive,
}

/// Says that a lock is held by someone else, once, before the wait begins.
pub type OnWait<'a> = &'a dyn Fn(&Path);

impl Lock {
    /// Returns the lock of a store that needs none.
    pub(crate) const fn none() -> Self {
        Self { file: None }
    }

    /// Takes the lock at `path`, waiting up to [`PATIENCE`].
    pub(crate) fn acquire(
        path: PathBuf,
        mode: LockMode,
        on_wait: OnWait<'_>,
    ) -> Result<Self, StoreError> {
        let file = open(&path).map_err(FsError::at("open the lock", &path))?;
        let started = Instant::now();
        let mut told = false;
        loop {
            let attempt = match mode {
                LockMode::Shared => file.try_lock_shared(),
                LockMode::Exclusive => file.try_lock(),
            };
            match attempt {
                Ok(()) => return Ok(Self { file: Some(file) }),
                Err(TryLockError::Error(source)) => {
                    return Err(FsError {
                        verb: "lock",
                        path,
                        source,
                    }
                    .into());
                }
                Err(TryLockError::WouldBlock) => {}
            }
            if !told {
                on_wait(&path);
                told = true;
            }
            if started.elapsed() >= PATIENCE {
                return Err(StoreError::Busy {
                    path,
                    seconds: PATIENCE.as_secs(),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Writes to the file that is locked.
    pub(crate) fn fill(&self, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), write)
    }

    /// Takes the lock at `path` if nobody has it.
    pub(crate) fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// Writes a document in one step: it is staged under a lock, synced, and renamed.
///
/// A reader sees the old content or the new. What a killed process leaves is swept by the next
/// transaction.
pub(crate) fn write_document(
    store: &Dir,
    path: &Path,
    relative: &Path,
    bytes: &[u8],
    mode: u32,
) -> io::Result<()> {
    loop {
        let staged = Path::new("staging").join(format!("{}.tmp", fs::unique_suffix()));
        let Some(held) = Lock::try_acquire(&path.join(&staged))? else {
            continue;
        };
        let meta = FileMeta { mode, mtime: None };
        let written = held
            .fill(|mut file| {
                file.write_all(bytes)?;
                store.finish_file(file, meta)?;
                file.sync_all()
            })
            .and_then(|()| store.rename(&staged, store, relative));
        match written {
            // Swept between its making and its lock.
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && has_parent(store, relative) => {}
            Err(error) => {
                let _ = store.remove_file(&staged);
                return Err(error);
            }
            Ok(()) => break,
        }
    }
    match relative.parent() {
        Some(parent) if parent != Path::new("") => store.open_dir(parent)?.sync(),
        _ => store.sync(),
    }
}

fn has_parent(store: &Dir, relative: &Path) -> bool {
    let parent = relative.parent().filter(|parent| *parent != Path::new(""));
    store.stat(parent.unwrap_or(Path::new("."))).is_ok() && store.stat(Path::new("staging")).is_ok()
}
