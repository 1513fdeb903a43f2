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
use crate::format::environment::{EntryRef, Environment};
use crate::format::store_json::{Access, Refusal, StoreJson, VERSION};
use crate::fs::{self, Dir, FileMeta, FsError};
use crate::id::{Digest, EntryId, Fingerprint};
use crate::lock::{Lock, LockMode, OnWait, write_document};
use crate::manifest::Manifest;

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
}

impl Store {
    /// Opens the store at `path`, which is made if there is none.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Err(error) = std::fs::create_dir_all(path)
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
            Some(bytes) if !bytes.is_empty() => check_format(&path, &bytes)?,
            _ => initialise(&dir, &path)?,
        };
        let access = if access == Access::ReadWrite && is_writable(&path) {
            Access::ReadWrite
        } else {
            Access::ReadOnly
        };
        Ok(Self { path, dir, access })
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

    /// Takes the lock of the whole store.
    pub fn lock(&self, mode: LockMode, on_wait: OnWait<'_>) -> Result<Lock, StoreError> {
        match self.access {
            Access::ReadOnly => Ok(Lock::none()),
            Access::ReadWrite => {
                let lock = Lock::acquire(self.path.join("locks/store"), mode, on_wait)?;
                // What cannot be removed now is removed by a later command.
                let _ = self.sweep_staging();
                Ok(lock)
            }
        }
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

    /// Returns the folder of an entry, whether it exists or not.
    pub fn entry_path(&self, entry: &EntryRef) -> PathBuf {
        self.path.join("entries").join(entry.folder())
    }

    /// Tells whether the store holds an entry.
    pub fn has_entry(&self, entry: &EntryRef) -> bool {
        let folder = Path::new("entries").join(entry.folder());
        self.dir
            .stat(&folder)
            .is_ok_and(|stat| stat.kind == fs::FileKind::Directory)
            && self.dir.stat(&manifest_path(entry.entry)).is_ok()
    }

    /// Reads the manifest of an entry; its bytes are checked against its name.
    pub fn manifest(&self, id: EntryId) -> Result<Manifest, StoreError> {
        let relative = manifest_path(id);
        let path = self.path.join(&relative);
        let bytes = match self.dir.read_file(&relative) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::MissingEntry {
                    name: id.to_string(),
                });
            }
            Err(source) => {
                return Err(FsError {
                    verb: "read",
                    path,
                    source,
                }
                .into());
            }
        };
        match Manifest::read_published(&bytes, id) {
            None => Err(StoreError::Mismatch { path }),
            Some(manifest) => manifest.map_err(|source| StoreError::Manifest { path, source }),
        }
    }

    /// Lists the entries, sorted by name, version and identifier.
    pub fn entries(&self) -> Result<Vec<EntryRef>, StoreError> {
        let folder = self.path.join("entries");
        let names = self
            .dir
            .open_dir(Path::new("entries"))
            .and_then(|dir| dir.read())
            .map_err(FsError::at("list", &folder))?;
        let mut entries: Vec<EntryRef> = names
            .iter()
            .filter_map(|entry| EntryRef::from_folder(entry.name.to_str()?))
            .collect();
        entries.sort();
        Ok(entries)
    }

    /// Keeps an environment document and returns its name.
    pub fn put_environment(&self, environment: &Environment) -> Result<Fingerprint, StoreError> {
        let bytes = environment.to_bytes();
        let fingerprint = Fingerprint::of(&bytes);
        self.put(
            &Path::new("environments").join(fingerprint.to_string()),
            &bytes,
        )?;
        Ok(fingerprint)
    }

    /// Reads an environment document; its bytes are checked against its name.
    pub fn environment(&self, fingerprint: Fingerprint) -> Result<Option<Environment>, StoreError> {
        let relative = Path::new("environments").join(fingerprint.to_string());
        let path = self.path.join(&relative);
        let Some(bytes) =
            read_optional(&self.dir, &relative).map_err(FsError::at("read", &path))?
        else {
            return Ok(None);
        };
        if Fingerprint::of(&bytes) != fingerprint {
            return Err(StoreError::Mismatch { path });
        }
        Environment::parse(&bytes)
            .map(Some)
            .map_err(|error| StoreError::Malformed {
                path,
                reason: error.to_string(),
            })
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
fn initialise(dir: &Dir, path: &Path) -> Result<Access, StoreError> {
    let make = || {
        for folder in FOLDERS {
            fs::create_dirs(dir, Path::new(folder))?;
        }
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
