//! Environments' documents and claims on their way into the store.
//!
//! They are staged like entries, so that one sync makes all of them durable, and get their names
//! last: whoever finds one finds everything that it speaks of.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::error::ArchiveError;
use crate::format::realisation::Realised;
use crate::fs::{self, FileMeta, FsError};
use crate::stage::Transaction;
use crate::store::read_optional;

/// Documents that are staged.
pub(crate) struct Documents<'a, 'store> {
    transaction: &'a Transaction<'store>,
    staged: Vec<(PathBuf, Document)>,
}

/// What a staged document will be.
pub(crate) struct Document {
    /// Its path in the store.
    pub path: PathBuf,
    /// Whether what the store says of the same thing counts more.
    pub is_claim: bool,
}

/// What became of documents.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Published {
    /// Claims that the store has now, and did not have before.
    pub claims: usize,
    /// Claims of which the store says something else, which stays.
    pub contradicted: usize,
}

impl<'a, 'store> Documents<'a, 'store> {
    pub(crate) const fn new(transaction: &'a Transaction<'store>) -> Self {
        Self {
            transaction,
            staged: Vec::new(),
        }
    }

    pub(crate) fn stage(&mut self, document: Document, bytes: &[u8]) -> Result<(), ArchiveError> {
        let name = PathBuf::from(format!("document-{}", self.staged.len()));
        let meta = FileMeta {
            mode: 0o444,
            mtime: None,
        };
        self.transaction
            .dir
            .write_new(&name, bytes, meta)
            .map_err(FsError::at("write", self.transaction.path().join(&name)))?;
        self.staged.push((name, document));
        Ok(())
    }

    /// Makes the documents visible, in the order in which they were staged.
    pub(crate) fn publish(self) -> Result<Published, ArchiveError> {
        let store = self.transaction.store;
        let mut files = self.staged.iter().map(|(name, _)| name.clone());
        self.transaction
            .dir
            .sync_below(&mut files)
            .map_err(FsError::at("sync", self.transaction.path()))?;
        let mut published = Published::default();
        let mut folders = BTreeSet::new();
        for (name, document) in &self.staged {
            let place = || store.path().join(&document.path);
            self.publish_one(name, document, &mut published)
                .map_err(FsError::at("publish", place()))?;
            folders.extend(document.path.parent());
        }
        for folder in folders {
            let sync = || store.dir().open_dir(folder)?.sync();
            sync().map_err(FsError::at("sync", store.path().join(folder)))?;
        }
        Ok(published)
    }

    fn publish_one(
        &self,
        name: &Path,
        document: &Document,
        published: &mut Published,
    ) -> io::Result<()> {
        let store = self.transaction.store.dir();
        let staging = &self.transaction.dir;
        if let Some(parent) = document.path.parent() {
            fs::create_dirs(store, parent)?;
        }
        match staging.rename_new(name, store, &document.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => {
                published.claims += usize::from(document.is_claim && done.is_ok());
                return done;
            }
        }
        let standing = read_optional(store, &document.path)?.unwrap_or_default();
        if standing == staging.read_file(name)? {
            return Ok(());
        }
        if document.is_claim && Realised::parse(&standing).is_some() {
            published.contradicted += 1;
            return Ok(());
        }
        // What cannot be read says nothing, and a document with other bytes than its name is damaged.
        published.claims += usize::from(document.is_claim);
        staging.rename(name, store, &document.path)
    }
}
