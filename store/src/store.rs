//! The folder that a store is, and how it is opened.
//!
//! ```text
//! store.json          format version and features
//! CACHEDIR.TAG        tells backup programs to skip it
//! entries/            <id>-<name>-<version>/   read-only trees
//! manifests/          <id>                     their listings
//! supplements/        <id>/<label>             listings of derived folders inside an entry
//! objects/            ab/<62 digits>[x]        one more name for each distinct content
//! environments/       <fingerprint>            documents
//! realisations/       <kind>/<key>             this input gave that result
//! roots/              <hash of a path>         environments in use
//! leases/             <unique>                 what each running process uses
//! downloads/          archives on their way in
//! staging/ trash/ quarantine/                  on their way in, out, and under suspicion
//! locks/
//! ```
//!
//! Nothing visible is ever rewritten, except by healing a file whose bytes are right and whose
//! permissions or time were changed.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::format::store_json::{Access, Refusal, StoreJson, VERSION};
use crate::fs::{self, Dir, FileMeta, FsError};
use crate::id::{Digest, EntryId};
use crate::lock::{Lock, LockMode, OnWait, write_document};
use crate::pins::Pins;

const FOLDERS: [&str; 11] = [
    "downloads",
    "entries",
    "environments",
    "locks",
    "manifests",
    "objects",
    "quarantine",
    "realisations",
    "roots",
    "staging",
    "trash",
];

const CACHEDIR_TAG: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55\n\
# This folder is a content-addressed store; its content can be made again.\n";

/// A store that was opened.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    dir: Dir,
    access: Access,
    pins: Pins,
    below: Vec<Store>,
}

impl Store {
    /// Opens the store at `path`, which is made if there is none.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Err(error) = fs::make_folder(path)
            && !path.is_dir()
        {
            return Err(FsError {
                verb: "make the store",
                path: path.into(),
                source: error,
            }
            .into());
        }
        let path = std::fs::canonicalize(path).map_err(FsError::at("open the store", path))?;
        let dir = Dir::open(&path).map_err(FsError::at("open the store", &path))?;
        let access = match read_optional(&dir, Path::new("store.json"))
            .map_err(FsError::at("read", path.join("store.json")))?
        {
            Some(bytes) if !bytes.is_empty() => {
                let access = check_format(&path, &bytes)?;
                if access == Access::ReadWrite {
                    // Tools that copy or clean drop empty folders. What cannot be made is told by who needs it.
                    let _ = make_folders(&dir);
                }
                access
            }
            _ => initialise(&dir, &path)?,
        };
        let access = if access == Access::ReadWrite && is_writable(&path) {
            Access::ReadWrite
        } else {
            Access::ReadOnly
        };
        Ok(Self::at(path, dir, access))
    }

    /// Opens the store at `path` for reading alone: nothing is made, locked or pinned in it.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let path = std::fs::canonicalize(path).map_err(FsError::at("open the store", path))?;
        let dir = Dir::open(&path).map_err(FsError::at("open the store", &path))?;
        let bytes = dir
            .read_file(Path::new("store.json"))
            .map_err(FsError::at("read", path.join("store.json")))?;
        check_format(&path, &bytes)?;
        Ok(Self::at(path, dir, Access::ReadOnly))
    }

    fn at(path: PathBuf, dir: Dir, access: Access) -> Self {
        Self {
            path,
            dir,
            access,
            pins: Pins::default(),
            below: Vec::new(),
        }
    }

    /// Puts other stores below this one, the first on top: what this one lacks is read from them.
    #[must_use]
    pub fn over(mut self, below: Vec<Self>) -> Self {
        self.below = below;
        self
    }

    /// Returns this store and those below it.
    pub(crate) fn layers(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.below)
    }

    /// Says that this process uses the entries and environments with these digests, before it looks
    /// whether they are here: garbage collection takes none of them while the process lives.
    pub fn pin(&self, digests: impl IntoIterator<Item = Digest>) -> Result<(), StoreError> {
        match self.access {
            Access::ReadOnly => Ok(()),
            Access::ReadWrite => self
                .pins
                .add((&self.dir, &self.path), &mut digests.into_iter()),
        }
    }

    /// Begins the work of a command: says that this process uses the store, and removes what killed
    /// ones have left on its way in.
    pub fn enter(&self) -> Result<(), StoreError> {
        self.pin([])?;
        if self.access == Access::ReadWrite {
            // What cannot be removed now is removed by a later command.
            let _ = self.sweep_staging();
        }
        Ok(())
    }

    /// Returns the folder of the store: absolute, without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the open folder of the store.
    pub const fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Tells whether the store can be written.
    pub const fn access(&self) -> Access {
        self.access
    }

    /// Refuses to go on when the store can only be read.
    pub fn ensure_writable(&self) -> Result<(), StoreError> {
        match self.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(StoreError::ReadOnly(self.path.clone())),
        }
    }

    /// Takes the lock of the whole store alone, for a short while: see [`crate::lock`].
    pub(crate) fn lock_alone(&self, on_wait: OnWait<'_>) -> Result<Lock, StoreError> {
        self.ensure_writable()?;
        Lock::acquire(self.path.join("locks/store"), LockMode::Exclusive, on_wait)
    }

    /// Takes an exclusive lock on `name`, any bytes.
    pub fn lock_name(&self, name: &[u8], on_wait: OnWait<'_>) -> Result<Lock, StoreError> {
        match self.access {
            Access::ReadOnly => Ok(Lock::none()),
            Access::ReadWrite => {
                let path = self.path.join("locks").join(Digest::of(name).to_string());
                Lock::acquire(path, LockMode::Exclusive, on_wait)
            }
        }
    }

    /// Writes a small document in one step, replacing a former one.
    pub(crate) fn write_document(
        &self,
        relative: &Path,
        bytes: &[u8],
        mode: u32,
    ) -> io::Result<()> {
        write_document(&self.dir, &self.path, relative, bytes, mode)
    }

    /// Writes a small document once; an existing one with the same bytes is kept.
    pub(crate) fn put(&self, relative: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        if read_optional(&self.dir, relative).is_ok_and(|found| found.as_deref() == Some(bytes)) {
            return Ok(());
        }
        self.ensure_writable()?;
        let write = || {
            if let Some(parent) = relative.parent() {
                fs::create_dirs(&self.dir, parent)?;
            }
            self.write_document(relative, bytes, 0o444)
        };
        write().map_err(FsError::at("write", self.path.join(relative)))?;
        Ok(())
    }
}

/// Returns where the content with this digest has its extra name, relative to the store.
pub(crate) fn object_path(digest: Digest, executable: bool) -> PathBuf {
    let hex = digest.to_string();
    let suffix = if executable { "x" } else { "" };
    PathBuf::from(format!("objects/{}/{}{suffix}", &hex[..2], &hex[2..]))
}

/// Returns the folder of an entry's supplements, relative to the store.
pub(crate) fn supplements_path(entry: EntryId) -> PathBuf {
    Path::new("supplements").join(entry.to_string())
}

pub(crate) fn manifest_path(id: EntryId) -> PathBuf {
    Path::new("manifests").join(id.to_string())
}

/// Reads a file; `None` when there is none.
pub(crate) fn read_optional(dir: &Dir, name: &Path) -> io::Result<Option<Vec<u8>>> {
    match dir.read_file(name) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn check_format(path: &Path, bytes: &[u8]) -> Result<Access, StoreError> {
    StoreJson::check(bytes).map_err(|refusal| match refusal {
        Refusal::TooNew(found) => StoreError::TooNew {
            path: path.into(),
            found,
            known: VERSION,
        },
        Refusal::Malformed(reason) => StoreError::Malformed {
            path: path.join("store.json"),
            reason,
        },
        Refusal::UnknownFeatures(features) => StoreError::UnknownFeatures {
            path: path.into(),
            features,
        },
    })
}

/// Makes the folders, and `store.json` last: a store that has it is complete.
/// Makes those folders of a store that are not there.
fn make_folders(dir: &Dir) -> io::Result<()> {
    for folder in FOLDERS.map(Path::new) {
        if dir.stat(folder).is_err() {
            fs::create_dirs(dir, folder)?;
        }
    }
    Ok(())
}

fn initialise(dir: &Dir, path: &Path) -> Result<Access, StoreError> {
    let make = || {
        make_folders(dir)?;
        let tag = Path::new("CACHEDIR.TAG");
        match dir.write_new(
            tag,
            CACHEDIR_TAG,
            FileMeta {
                mode: 0o644,
                mtime: None,
            },
        ) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        write_document(
            dir,
            path,
            Path::new("store.json"),
            &StoreJson::default().to_bytes(),
            0o644,
        )
    };
    make().map_err(FsError::at("make the store", path))?;
    Ok(Access::ReadWrite)
}

#[cfg(unix)]
fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path.join("staging"), rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn is_writable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.permissions().readonly())
}
