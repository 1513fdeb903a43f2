//! What the store has: entries by name, their manifests, and environments.
//!
//! Whatever is asked for is pinned first, so that it stays while this process lives. What this store
//! lacks is looked for in the stores below it, which are read and never changed; an entry is always
//! taken from one store as a whole, its manifest and derived folders included.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::format::environment::{EntryRef, Environment};
use crate::fs::{FileKind, FsError};
use crate::id::{EntryId, Fingerprint};
use crate::manifest::Manifest;
use crate::store::{Store, manifest_path, read_optional};

impl Store {
    /// Returns the folder of an entry: in the first store that has it, and else where it would be.
    pub fn entry_path(&self, entry: &EntryRef) -> PathBuf {
        let holder = match self.has_below() {
            true => self.layers().find(|store| store.owns(entry)),
            false => None,
        };
        let folder = Path::new("entries").join(entry.folder());
        holder.unwrap_or(self).path().join(folder)
    }

    /// Tells whether the store, or one below it, holds an entry.
    pub fn has_entry(&self, entry: &EntryRef) -> bool {
        self.pin([entry.entry.0]).is_ok() && self.layers().any(|store| store.owns(entry))
    }

    fn has_below(&self) -> bool {
        self.layers().nth(1).is_some()
    }

    /// Tells whether an entry is in this very store, where it can be added to and repaired.
    pub fn owns(&self, entry: &EntryRef) -> bool {
        let folder = Path::new("entries").join(entry.folder());
        let stat = self.dir().stat(&folder);
        stat.is_ok_and(|stat| stat.kind == FileKind::Directory) && self.has_manifest(entry.entry)
    }

    fn has_manifest(&self, id: EntryId) -> bool {
        self.dir().stat(&manifest_path(id)).is_ok()
    }

    /// Returns the first store that has the manifest, or this one.
    pub(crate) fn holder(&self, id: EntryId) -> &Self {
        if !self.has_below() {
            return self;
        }
        self.layers()
            .find(|store| store.has_manifest(id))
            .unwrap_or(self)
    }

    /// Reads the manifest of an entry; its bytes are checked against its name.
    pub fn manifest(&self, id: EntryId) -> Result<Manifest, StoreError> {
        self.pin([id.0])?;
        self.holder(id).own_manifest(id)
    }

    /// The same in this very store, without a pin.
    pub(crate) fn own_manifest(&self, id: EntryId) -> Result<Manifest, StoreError> {
        let relative = manifest_path(id);
        let path = self.path().join(&relative);
        let bytes = match self.dir().read_file(&relative) {
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

    /// Lists the entries of this very store, sorted by name, version and identifier.
    pub fn entries(&self) -> Result<Vec<EntryRef>, StoreError> {
        let folder = self.path().join("entries");
        let names = self
            .dir()
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

    /// The same, and keeps them there while this process lives: what garbage collection has taken since
    /// they were listed is left out.
    pub fn pinned_entries(&self) -> Result<Vec<EntryRef>, StoreError> {
        let mut entries = self.entries()?;
        self.pin(entries.iter().map(|entry| entry.entry.0))?;
        entries.retain(|entry| {
            let folder = Path::new("entries").join(entry.folder());
            self.dir().stat(&folder).is_ok()
        });
        Ok(entries)
    }

    /// Keeps an environment document and returns its name.
    pub fn put_environment(&self, environment: &Environment) -> Result<Fingerprint, StoreError> {
        let bytes = environment.to_bytes();
        let fingerprint = Fingerprint::of(&bytes);
        self.pin([fingerprint.0])?;
        self.put(&environment_path(fingerprint), &bytes)?;
        Ok(fingerprint)
    }

    /// Reads an environment document; its bytes are checked against its name.
    pub fn environment(&self, fingerprint: Fingerprint) -> Result<Option<Environment>, StoreError> {
        self.pin([fingerprint.0])?;
        for store in self.layers() {
            if let Some(found) = store.own_environment(fingerprint)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The same in this very store, without a pin.
    pub(crate) fn own_environment(
        &self,
        fingerprint: Fingerprint,
    ) -> Result<Option<Environment>, StoreError> {
        let relative = environment_path(fingerprint);
        let path = self.path().join(&relative);
        let Some(bytes) =
            read_optional(self.dir(), &relative).map_err(FsError::at("read", &path))?
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
}

/// Returns where an environment's document is, relative to the store.
pub(crate) fn environment_path(fingerprint: Fingerprint) -> PathBuf {
    Path::new("environments").join(fingerprint.to_string())
}
