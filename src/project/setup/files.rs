//! Reading what a project's folder holds, in bounds.

use std::path::Path;

use dht_store::fs::{FsError, read_plain};

use crate::model::pyproject;

/// Returns a file as text; `None` where there is none, or a folder.
pub(super) fn read(path: &Path) -> Result<Option<String>, FsError> {
    if path.is_dir() {
        return Ok(None);
    }
    match read_plain(path, pyproject::MAX_BYTES) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FsError::at("read", path)(error)),
    }
}
