//! What a repository held at a commit. Nothing is fetched, checked out, or run: no hook, filter or
//! converter, and no program but git itself.

use std::path::Path;
use std::time::Duration;

use super::{Git, OUTER};
use crate::tools::runner::{Call, Cancel, RunError};

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(60);

impl Git {
    /// Returns the full id of the commit that `revision` names in the repository of `folder`.
    ///
    /// # Errors
    ///
    /// When there is none, or `folder` is in no repository.
    pub fn commit(
        &self,
        folder: &Path,
        revision: &str,
        cancel: &Cancel,
    ) -> Result<String, RunError> {
        let name = format!("{revision}^{{commit}}");
        let call = self.question(folder).args(["rev-parse", "--verify"]);
        let output = call.args(["--end-of-options", &name]).run(cancel)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Returns the newest commits that changed the file `path` of `folder`, at most `limit`.
    ///
    /// # Errors
    ///
    /// When git fails.
    pub fn changes_of(
        &self,
        folder: &Path,
        path: &str,
        limit: usize,
        cancel: &Cancel,
    ) -> Result<Vec<String>, RunError> {
        let limit = format!("--max-count={limit}");
        let call = self.question(folder).args(["rev-list", &limit, "HEAD"]);
        let output = call.args(["--", path]).run(cancel)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Returns the paths of all files that `commit` has in `folder`, relative to it.
    ///
    /// # Errors
    ///
    /// When git fails.
    pub fn files(
        &self,
        folder: &Path,
        commit: &str,
        cancel: &Cancel,
    ) -> Result<Vec<String>, RunError> {
        let call = self.question(folder).args(["ls-tree", "-r", "-z"]);
        let output = call.args(["--name-only", commit]).run(cancel)?;
        let names = output.stdout.split(|&byte| byte == 0);
        let names = names.filter_map(|name| std::str::from_utf8(name).ok());
        Ok(names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect())
    }

    /// Returns what the file `path` of `folder` held at `commit`.
    ///
    /// # Errors
    ///
    /// When it was not there.
    pub fn content(
        &self,
        folder: &Path,
        commit: &str,
        path: &str,
        cancel: &Cancel,
    ) -> Result<Vec<u8>, RunError> {
        let object = format!("{commit}:./{path}");
        let call = self.question(folder).args(["cat-file", "blob", &object]);
        Ok(call.run(cancel)?.stdout)
    }

    /// Tells whether git is told to leave the file `path` of `folder` out; not where it is in the repository
    /// already, or `folder` in none.
    pub fn ignores(&self, folder: &Path, path: &str, cancel: &Cancel) -> bool {
        let call = self.question(folder).args(["check-ignore", "--quiet"]);
        call.args(["--", path]).run(cancel).is_ok()
    }

    fn question(&self, folder: &Path) -> Call {
        Call::new(&self.program)
            .folder(folder)
            .without_env(OUTER)
            .timeout(TIMEOUT)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", "none")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C")
            .args(["-c", "core.hooksPath=/dev/null"])
            .args(["-c", "core.fsmonitor=false"])
    }
}
