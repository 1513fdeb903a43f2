//! `git`: one commit of a repository, checked out to be built.
//!
//! Both the repository and the lock that names it are a stranger's. Addresses come after `--`,
//! protocols are limited, nothing is asked on a terminal. Fetching uses the user's configuration
//! (credentials, proxies, `insteadOf`); checking out uses none, so that no hook, filter or file
//! system monitor runs.

mod history;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::runner::{Call, Cancel, RunError, find_program};
use crate::model::location::CleanUrl;

/// How long fetching a repository may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(1800);

/// Variables by which an outer git would redirect this one.
const OUTER: [&str; 10] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_CEILING_DIRECTORIES",
    "GIT_EXTERNAL_DIFF",
    "GIT_TEMPLATE_DIR",
];

/// A commit could not be checked out.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git.
    #[error("git is needed for `{0}`, and is not on PATH")]
    Missing(String),
    /// git failed.
    #[error("cannot check out commit {commit} of `{url}`")]
    Run {
        /// The repository.
        url: String,
        /// The commit.
        commit: String,
        /// What git told.
        #[source]
        source: RunError,
    },
    /// What was checked out is another commit.
    #[error("`{url}` gave commit {found} instead of {commit}")]
    Other {
        /// The repository.
        url: String,
        /// The commit that was asked for.
        commit: String,
        /// The commit that was checked out.
        found: String,
    },
}

/// The git program.
#[derive(Debug, Clone)]
pub struct Git {
    program: PathBuf,
}

impl Git {
    /// Finds git on `path`, the value of `PATH`, outside of the project.
    pub fn locate(path: &OsStr, project: &Path) -> Option<Self> {
        find_program("git", path, &[project]).map(|program| Self { program })
    }

    /// Checks out `commit`, a full id, with its submodules into `folder`, which is empty.
    ///
    /// Tags and history come along: build backends make versions of them.
    ///
    /// # Errors
    ///
    /// When git fails or gives another commit.
    pub fn checkout(
        &self,
        url: &CleanUrl,
        commit: &str,
        folder: &Path,
        cancel: &Cancel,
    ) -> Result<(), GitError> {
        let steps = Checkout {
            git: self,
            url,
            folder,
            cancel,
        };
        let failed = |source| GitError::Run {
            url: url.to_string(),
            commit: commit.to_owned(),
            source,
        };
        let found = steps.run(commit).map_err(failed)?;
        if found == commit {
            return Ok(());
        }
        Err(GitError::Other {
            url: url.to_string(),
            commit: commit.to_owned(),
            found,
        })
    }
}

struct Checkout<'a> {
    git: &'a Git,
    url: &'a CleanUrl,
    folder: &'a Path,
    cancel: &'a Cancel,
}

impl Checkout<'_> {
    fn run(&self, commit: &str) -> Result<String, RunError> {
        let url = self.url.as_url().as_str();
        let plain = |args: &[&str]| self.plain().args(args).run(self.cancel);
        plain(&["init", "--quiet", "--template="])?;
        plain(&["config", "remote.origin.url", url])?;
        self.fetch(url, commit)?;
        plain(&["checkout", "--quiet", "--detach", "--force", commit])?;
        if self.folder.join(".gitmodules").is_file() {
            self.networked()
                .args(["submodule", "update", "--quiet", "--init", "--recursive"])
                .run(self.cancel)?;
        }
        let head = plain(&["rev-parse", "HEAD"])?.stdout;
        Ok(String::from_utf8_lossy(&head).trim().to_owned())
    }

    /// Fetches the commit by its id, or everything from servers that refuse that.
    fn fetch(&self, url: &str, commit: &str) -> Result<(), RunError> {
        let fetch = |refs: &str| {
            self.networked()
                .args([
                    "fetch",
                    "--quiet",
                    "--force",
                    "--tags",
                    "--no-recurse-submodules",
                    "--",
                ])
                .args([url, refs])
                .run(self.cancel)
                .map(drop)
        };
        match fetch(commit) {
            Err(RunError::Failed { .. }) => fetch("+refs/*:refs/remotes/origin/*"),
            other => other,
        }
    }

    fn call(&self) -> Call {
        Call::new(&self.git.program)
            .folder(self.folder)
            .without_env(OUTER)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_LFS_SKIP_SMUDGE", "1")
            .env("LC_ALL", "C")
            .args(["-c", "core.hooksPath=/dev/null"])
            .args(["-c", "core.fsmonitor=false"])
            .args(["-c", "core.symlinks=true"])
            .args(["-c", "core.autocrlf=false"])
    }

    /// A call that runs nothing but git itself.
    fn plain(&self) -> Call {
        let null = if cfg!(windows) { "NUL" } else { "/dev/null" };
        self.call()
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", null)
            .env("GIT_ALLOW_PROTOCOL", "none")
    }

    /// A call that may reach the repository, with the user's credentials.
    fn networked(&self) -> Call {
        // The address was allowed already; what it names in turn, such as submodules, was not.
        let protocols = match self.url.as_url().scheme() {
            "http" => "https:ssh:http",
            "file" => "https:ssh:file",
            _ => "https:ssh",
        };
        self.call()
            .timeout(FETCH_TIMEOUT)
            .env("GIT_ALLOW_PROTOCOL", protocols)
            .env("GIT_ASKPASS", "")
            .env("SSH_ASKPASS", "")
            .env("SSH_ASKPASS_REQUIRE", "never")
            .args(["-c", "core.sshCommand=ssh -oBatchMode=yes"])
            .args(["-c", "filter.lfs.process="])
            .args(["-c", "filter.lfs.smudge="])
            .args(["-c", "filter.lfs.required=false"])
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
