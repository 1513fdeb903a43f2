//! From a source to a wheel.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::git::{Git, GitError};
use super::super::runner::{Call, Cancel};
use super::{Uv, UvError};
use crate::model::location::CleanUrl;

/// How long a build may take.
pub(super) const BUILD_TIMEOUT: Duration = Duration::from_secs(3600);

/// 1980-01-02T00:00:00Z, in seconds since 1970: the date of everything that is built, so that one
/// source gives one wheel. Zip archives cannot say an earlier day in every time zone.
const SOURCE_DATE_EPOCH: &str = "315619200";

/// Returns the options with which compilers name no folder of this machine: debug information would,
/// and so does the text of an assertion in a header of Python. A place with spaces cannot be told.
fn placeless_flags(python: &Path) -> String {
    let prefix = python
        .parent()
        .and_then(Path::parent)
        .and_then(Path::to_str);
    match prefix {
        Some(prefix) if !prefix.contains([' ', '\'', '"', '\\', '=']) => {
            format!("-g0 -ffile-prefix-map={prefix}=/python")
        }
        _ => "-g0".to_owned(),
    }
}

/// What a wheel is built from.
#[derive(Debug, Clone)]
pub enum BuildSource<'a> {
    /// A source archive that was checked; its file name ends as source archives do. One whose
    /// project is in a sub-folder must be unpacked first, and then is a [`Folder`](Self::Folder).
    Archive(&'a Path),
    /// A commit.
    Git {
        /// The program; `None` is an error that names the repository.
        git: Option<&'a Git>,
        /// The repository.
        url: &'a CleanUrl,
        /// The full id of the commit.
        commit: &'a str,
        /// The folder inside it that holds the project.
        subdirectory: Option<&'a str>,
    },
    /// A folder of this machine.
    Folder(&'a Path),
}

/// A wheel to build.
#[derive(Debug, Clone)]
pub struct BuildRequest<'a> {
    /// What is built.
    pub source: BuildSource<'a>,
    /// The interpreter that builds, and that the wheel will be for.
    pub python: &'a Path,
    /// The folder of the project that asks, whose uv settings (indexes and the like) apply.
    pub project: &'a Path,
    /// An empty folder for the work; the wheel is inside it when all is done.
    pub work: &'a Path,
}

impl Uv {
    /// Builds a wheel and returns where it is. Build dependencies come into an environment of
    /// their own, which uv makes and removes.
    ///
    /// # Errors
    ///
    /// When the source cannot be had or the build fails.
    pub fn build_wheel(
        &self,
        request: &BuildRequest<'_>,
        cancel: &Cancel,
    ) -> Result<PathBuf, UvError> {
        let title = match &request.source {
            BuildSource::Archive(path) | BuildSource::Folder(path) => path.display().to_string(),
            BuildSource::Git { url, .. } => url.to_string(),
        };
        let source = match &request.source {
            BuildSource::Archive(path) | BuildSource::Folder(path) => (*path).to_owned(),
            BuildSource::Git {
                git,
                url,
                commit,
                subdirectory,
            } => {
                let git = git.ok_or_else(|| GitError::Missing(url.to_string()))?;
                let folder = new_folder(request.work, "source")?;
                git.checkout(url, commit, &folder, cancel)?;
                subdirectory.map_or_else(|| folder.clone(), |inner| folder.join(inner))
            }
        };
        let out = new_folder(request.work, "wheel")?;
        self.build_call("build", request.project, request.python)
            .args(["--wheel", "--no-create-gitignore"])
            .arg("--python")
            .arg(request.python)
            .arg("--out-dir")
            .arg(&out)
            .arg("--")
            .arg(&source)
            .run(cancel)
            .map_err(|source| Self::failed(format!("build `{title}`"), source))?;
        one_wheel(&out, title)
    }

    /// A call that builds, in an environment that leaves no trace of this moment in what is built.
    pub(super) fn build_call(&self, command: &str, folder: &Path, python: &Path) -> Call {
        let own = placeless_flags(python);
        let [c, cxx] = self.c_flags.each_ref().map(|flags| {
            let flags = flags.as_deref().unwrap_or_default();
            format!("{flags} {own}").trim_start().to_owned()
        });
        let call = self.call(command, Some(folder));
        let call = if cfg!(unix) {
            call.env("CFLAGS", c).env("CXXFLAGS", cxx)
        } else {
            call
        };
        call.timeout(BUILD_TIMEOUT)
            .env("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH)
            .env("PYTHONHASHSEED", "0")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
    }
}

fn new_folder(work: &Path, name: &str) -> Result<PathBuf, UvError> {
    let path = work.join(name);
    match std::fs::create_dir(&path) {
        Ok(()) => Ok(path),
        Err(source) => Err(UvError::Folder { path, source }),
    }
}

fn one_wheel(out: &Path, package: String) -> Result<PathBuf, UvError> {
    let folder = |source| UvError::Folder {
        path: out.to_owned(),
        source,
    };
    let mut wheels = Vec::new();
    for entry in out.read_dir().map_err(folder)? {
        let path = entry.map_err(folder)?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            wheels.push(path);
        }
    }
    match wheels.pop() {
        Some(wheel) if wheels.is_empty() => Ok(wheel),
        last => Err(UvError::Wheels {
            package,
            found: wheels.len() + usize::from(last.is_some()),
        }),
    }
}
