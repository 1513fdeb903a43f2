//! The digests that a lock gives beside SHA-256: whoever gives one wants it checked.

use std::io::{self, Read as _};
use std::path::Path;

use super::error::FetchError;
use super::part::failed;
use crate::model::location::Location;
use crate::model::selection::{Algorithm, Archive};

/// How many bytes are read at once.
const BUFFER: usize = 256 * 1024;

/// Compares the file at `path` with every further digest of `archive`.
pub(super) fn check(path: &Path, archive: &Archive) -> Result<(), FetchError> {
    for given in &archive.also {
        let got = match given.algorithm {
            Algorithm::Sha384 => digest::<sha2::Sha384>(path),
            Algorithm::Sha512 => digest::<sha2::Sha512>(path),
        };
        let got = got.map_err(failed("read", path))?;
        if got != given.hex {
            return Err(FetchError::OtherHash {
                from: Box::new(match &archive.location {
                    Location::File(_) => Location::File(path.to_owned()),
                    url @ Location::Url(_) => url.clone(),
                }),
                algorithm: given.algorithm.name(),
                expected: given.hex.clone(),
                got,
            });
        }
    }
    Ok(())
}

fn digest<D: sha2::Digest>(path: &Path) -> io::Result<String> {
    let mut hasher = D::new();
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    let bytes = hasher.finalize();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
