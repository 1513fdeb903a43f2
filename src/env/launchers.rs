//! The programs that start Python's scripts on Windows, from the `distlib` wheel of the public
//! index, pinned by digest.

use dht_store::TreePath;

use super::realise::RealiseError;
use crate::model::location::{CleanUrl, Location};
use crate::model::selection::{Archive, Sha256};
use crate::python::wheel;
use crate::python::wheel::inflate::Inflater;

const FILENAME: &str = "distlib-0.4.4-py2.py3-none-any.whl";
const URL: &str = "https://files.pythonhosted.org/packages/c1/2b/\
                   238f02a4927fa2e27aa995371d240a468b52e42eae44a678434aff736b38/\
                   distlib-0.4.4-py2.py3-none-any.whl";
const SHA256: &str = "cf09d55b1e85a89576b036aeb71550bfd68320f3f21761ca329eadadad918638";
const SIZE: u64 = 472_099;

/// Returns the wheel that holds the launchers.
pub fn pinned_wheel() -> Archive {
    Archive {
        location: Location::Url(CleanUrl::new(
            URL.parse()
                .expect("because the address is a constant that a test reads"),
        )),
        filename: FILENAME.to_owned(),
        sha256: Sha256::from_hex(SHA256),
        also: Vec::new(),
        size: Some(SIZE),
    }
}

/// Reads the launcher `name` from the wheel's bytes.
pub fn read(bytes: &[u8], name: &'static str) -> Result<Vec<u8>, RealiseError> {
    let wheel_error = |source| RealiseError::Wheel {
        filename: FILENAME.to_owned(),
        source,
    };
    let archive = wheel::Archive::read(bytes).map_err(|error| wheel_error(error.into()))?;
    let path = TreePath::new(name).map_err(|_| RealiseError::NoLauncher(name))?;
    let file = archive.file(&path).ok_or(RealiseError::NoLauncher(name))?;
    Inflater::default()
        .content(&archive, file)
        .map_err(|source| wheel_error(wheel::WheelError::Content { path, source }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wheel_is_pinned_by_digest() {
        assert!(pinned_wheel().sha256.is_some());
    }
}
