//! Who may do what at the same time.
//!
//! | lock | taken by | blocks |
//! |---|---|---|
//! | the store, shared | every command that reads or adds entries | garbage collection |
//! | the store, exclusive | the short phase of garbage collection that moves entries away | every other user of the store |
//! | a name, exclusive | a command that changes one environment or derives one thing | the same command for the same name |
//!
//! A command takes the store's lock first, then names. All are kernel locks on open files: they end
//! with their process, however it ends, and no clock or process id decides anything. A store that
//! can only be read is used without locks.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::StoreError;
use crate::fs::FsError;

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
