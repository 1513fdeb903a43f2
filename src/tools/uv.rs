//! `uv`: resolving, exporting locks and building.
//!
//! Nothing here decides what is installed: uv writes a lock down as PEP 751, and turns sources into
//! wheels. Its settings come from the project and the user as always, but not from variables that
//! change what a lock means (`UV_NO_DEV` and the like), and it never downloads a Python by itself.

mod build;
mod compile;
mod editable;
mod export;
mod lock;
mod pinned;
mod tool;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::runner::{Call, Cancel, RunError, find_program};

pub use build::{BuildRequest, BuildSource};
pub use compile::CompileRequest;
pub use editable::EditableRequest;
pub use export::{ExportRequest, Freshness};
pub use pinned::{PINNED_VERSION, pinned_wheel, program_in_wheel};
pub use tool::ToolRequest;

/// Variables that would change what a command means.
const MEANING: [&str; 24] = [
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_CONFIG_SETTING",
    "UV_CONSTRAINT",
    "UV_BUILD_CONSTRAINT",
    "UV_EXCLUDE",
    "UV_FROZEN",
    "UV_LOCKED",
    "UV_NO_BINARY",
    "UV_NO_BUILD",
    "UV_NO_DEFAULT_GROUPS",
    "UV_NO_DEV",
    "UV_DEV",
    "UV_NO_EDITABLE",
    "UV_NO_GROUP",
    "UV_NO_SOURCES",
    "UV_NO_SYNC",
    "UV_OVERRIDE",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_WORKING_DIR",
    "VIRTUAL_ENV",
];

/// uv could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum UvError {
    /// Extras or groups that the project declares to exclude each other were asked for together.
    #[error("cannot take together what `tool.uv.conflicts` keeps apart")]
    Incompatible {
        /// What uv told.
        #[source]
        source: RunError,
    },
    /// The lock does not agree with the project any more.
    #[error("the lock of `{}` does not match its `pyproject.toml`", .project.display())]
    Stale {
        /// The project.
        project: PathBuf,
        /// What uv told.
        #[source]
        source: RunError,
    },
    /// uv failed.
    #[error("uv could not {doing}")]
    Run {
        /// What it was asked to do.
        doing: String,
        /// What it told.
        #[source]
        source: RunError,
    },
    /// The source could not be checked out.
    #[error("cannot get the source to build")]
    Git(#[from] super::git::GitError),
    /// uv printed something that is not text.
    #[error("uv printed something that is not UTF-8 when asked to {doing}")]
    Text {
        /// What it was asked to do.
        doing: String,
    },
    /// uv ended well but left no wheel, or several.
    #[error("uv built {found} wheels of `{package}` instead of one")]
    Wheels {
        /// What was built.
        package: String,
        /// How many there are.
        found: usize,
    },
    /// A folder for the work could not be used.
    #[error("cannot use `{}` to build in", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What was installed cannot be kept as a template.
    #[error("cannot keep the editable installation of `{}`", .project.display())]
    Editable {
        /// The project.
        project: PathBuf,
        /// Why.
        #[source]
        source: crate::python::editable::TemplateError,
    },
}

/// The uv program.
#[derive(Debug, Clone)]
pub struct Uv {
    program: PathBuf,
    offline: bool,
    cache: Option<PathBuf>,
    c_flags: [Option<String>; 2],
}

impl Uv {
    /// Finds uv on `path`, the value of `PATH`, outside of the project.
    pub fn locate(path: &OsStr, project: &Path) -> Option<Self> {
        find_program("uv", path, &[project]).map(|program| Self::at(&program))
    }

    /// Uses the uv at `program`, absolute.
    pub fn at(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            offline: false,
            cache: None,
            c_flags: [None, None],
        }
    }

    /// Makes uv leave the network alone.
    #[must_use]
    pub const fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// Builds with these options of the C and of the C++ compiler, too.
    #[must_use]
    pub fn c_flags(mut self, c: Option<&str>, cxx: Option<&str>) -> Self {
        self.c_flags = [c.map(str::to_owned), cxx.map(str::to_owned)];
        self
    }

    /// Makes uv keep its cache in `folder`.
    #[must_use]
    pub fn cache(mut self, folder: &Path) -> Self {
        self.cache = Some(folder.to_owned());
        self
    }

    /// Returns where the program is.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Returns the version that uv tells, such as `0.13.9`.
    ///
    /// # Errors
    ///
    /// When it cannot be run or tells something else.
    pub fn version(&self, cancel: &Cancel) -> Result<String, UvError> {
        let doing = "tell its version";
        let output = self
            .call("self", None)
            .args(["version", "--short"])
            .run(cancel);
        let text = Self::text(
            doing,
            output.map_err(|source| Self::failed(doing, source))?.stdout,
        )?;
        let first = text.split_whitespace().next().unwrap_or_default();
        Ok(first.to_owned())
    }

    /// Returns what uv prints for `arguments`, those of `uv python list` with JSON output.
    ///
    /// # Errors
    ///
    /// When uv fails.
    pub fn python_list(&self, arguments: &[String], cancel: &Cancel) -> Result<Vec<u8>, UvError> {
        let Some((command, rest)) = arguments.split_first() else {
            return Ok(Vec::new());
        };
        let doing = "list the builds of Python";
        // Not quiet: this list is among what uv leaves out then.
        let output = self.loud(command, None).args(rest).run(cancel);
        output
            .map(|output| output.stdout)
            .map_err(|source| Self::failed(doing, source))
    }

    /// Starts a call of a sub-command that prints its result alone.
    fn call(&self, command: &str, folder: Option<&Path>) -> Call {
        self.loud(command, folder).arg("--quiet")
    }

    /// Starts a call of a sub-command; the options of all commands come after its name.
    fn loud(&self, command: &str, folder: Option<&Path>) -> Call {
        let mut call = Call::new(&self.program)
            .without_env(MEANING)
            .env("UV_PYTHON_DOWNLOADS", "never")
            // As our own transfers: the system says which authorities are trusted.
            .env("UV_SYSTEM_CERTS", "true")
            .arg(command);
        if let Some(folder) = folder {
            call = call.folder(folder);
        }
        call = call.args(["--color", "never", "--no-progress"]);
        if self.offline {
            call = call.arg("--offline");
        }
        match &self.cache {
            Some(cache) => call.arg("--cache-dir").arg(cache),
            None => call,
        }
    }

    fn failed(doing: impl Into<String>, source: RunError) -> UvError {
        UvError::Run {
            doing: doing.into(),
            source,
        }
    }

    fn text(doing: &str, bytes: Vec<u8>) -> Result<String, UvError> {
        String::from_utf8(bytes).map_err(|_| UvError::Text {
            doing: doing.to_owned(),
        })
    }
}
