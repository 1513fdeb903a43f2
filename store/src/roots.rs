//! What keeps environments alive: the places where they are in use.
//!
//! A root is a file in `roots/`, named by the hash of the path it speaks of, that holds the path and
//! the fingerprint of the environment that stands there.

use std::path::{Path, PathBuf};

use crate::error::StoreError;
pub use crate::format::root::Root;
use crate::fs::FsError;
use crate::id::{Digest, Fingerprint};
use crate::store::Store;

impl Store {
    /// Registers that the environment stands at `path`.
    pub fn set_root(&self, path: &Path, environment: Fingerprint) -> Result<(), StoreError> {
        let name = root_path(path);
        let root = Root {
            path: path.to_owned(),
            environment,
        };
        let Some(bytes) = root.to_bytes() else {
            return Err(StoreError::NotUnicode(path.to_owned()));
        };
        if self
            .dir()
            .read_file(&name)
            .is_ok_and(|found| found == bytes)
        {
            return Ok(());
        }
        self.ensure_writable()?;
        self.write_document(&name, &bytes, 0o644)
            .map_err(FsError::at("write", self.path().join(name)))?;
        Ok(())
    }

    /// Lists the roots, sorted by path. Files that are no roots are skipped.
    pub fn roots(&self) -> Result<Vec<Root>, StoreError> {
        let folder = self.path().join("roots");
        let read = || {
            let dir = self.dir().open_dir(Path::new("roots"))?;
            let mut roots: Vec<Root> = dir
                .read()?
                .iter()
                .filter_map(|entry| {
                    let bytes = dir.read_file(Path::new(&entry.name)).ok()?;
                    Root::parse(&bytes)
                })
                .collect();
            roots.sort_by(|left, right| left.path.cmp(&right.path));
            Ok(roots)
        };
        Ok(read().map_err(FsError::at("list", folder))?)
    }
}

fn root_path(path: &Path) -> PathBuf {
    let digest = Digest::of(path.as_os_str().as_encoded_bytes());
    Path::new("roots").join(digest.to_string())
}
