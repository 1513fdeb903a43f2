//! Writing a project's `uv.lock`.

use std::path::Path;

use super::super::runner::Cancel;
use super::{Uv, UvError};

impl Uv {
    /// Makes `uv.lock` match `pyproject.toml`; versions that still fit stay as they are.
    ///
    /// # Errors
    ///
    /// When uv fails.
    pub fn lock(&self, project: &Path, python: &Path, cancel: &Cancel) -> Result<(), UvError> {
        let call = self.call("lock", Some(project)).arg("--python").arg(python);
        call.run(cancel)
            .map(drop)
            .map_err(|source| Self::failed("lock the dependencies", source))
    }
}
