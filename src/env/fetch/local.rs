//! Archives that are files of this machine: read in place, never changed, never removed.

use std::path::{Component, Path};

use super::error::FetchError;
use super::part::{digest_of, failed};
use super::progress::FetchProgress;
use super::{FetchedFile, Fetcher, Origin};
use crate::model::location::Location;
use crate::model::selection::Archive;

impl Fetcher {
    /// Returns the archive from the first local folder that has it under its name with its digest.
    /// The archive has one: a name alone proves nothing. What is wrong with the last one that is passed
    /// over goes to `other`.
    pub(super) fn in_local_folders(
        &self,
        archive: &Archive,
        progress: &dyn FetchProgress,
        other: &mut Option<FetchError>,
    ) -> Result<Option<FetchedFile>, FetchError> {
        if self.settings.local_folders.is_empty() {
            return Ok(None);
        }
        let name = plain_name(&archive.filename)?;
        for folder in &self.settings.local_folders {
            let path = folder.join(name);
            if !path.is_file() {
                continue;
            }
            match check_local(&path, archive) {
                Ok(found) => return Ok(Some(found)),
                Err(error @ (FetchError::Hash { .. } | FetchError::Size { .. })) => {
                    progress.passed_over(archive, &path);
                    *other = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// Hashes a file of this machine and compares it with what the lock says.
pub(super) fn check_local(path: &Path, archive: &Archive) -> Result<FetchedFile, FetchError> {
    let (got, size) = digest_of(path).map_err(failed("read", path))?;
    let from = || Box::new(Location::File(path.to_owned()));
    match (archive.sha256, archive.size) {
        (Some(expected), _) if expected != got => Err(FetchError::Hash {
            from: from(),
            expected,
            got,
            page: false,
        }),
        (_, Some(expected)) if expected != size => Err(FetchError::Size {
            from: from(),
            expected,
            got: size,
            page: false,
        }),
        _ => Ok(FetchedFile {
            path: path.to_owned(),
            sha256: got,
            size,
            origin: Origin::Local,
        }),
    }
}

/// Returns the name as a path of one part, so that no lock leads out of a folder.
fn plain_name(filename: &str) -> Result<&Path, FetchError> {
    let path = Path::new(filename);
    let mut parts = path.components();
    let plain = matches!(parts.next(), Some(Component::Normal(_)))
        && parts.next().is_none()
        && !filename.contains(['/', '\\', ':', '\0']);
    plain.then_some(path).ok_or_else(|| FetchError::BadName {
        filename: filename.to_owned(),
    })
}
