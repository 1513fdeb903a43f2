//! A project as it was at a commit: the files that say what it asks for, and no others, in a folder
//! of their own. Nothing of the project is checked out or run.

use std::path::Path;

use dht_store::fs::{self, Dir, FileMeta, FsError};
use tempfile::TempDir;

use super::checksum;
use super::discover::{CONFIG_FILE, ProjectRoot};
use super::expectation::HOOKS_FILE;
use super::spec::{self, Spec, Wishes};
use crate::env::context::Context;
use crate::model::asked::Asked;
use crate::model::config::Config;
use crate::model::config::checksum::Checksum;
use crate::tools::git::Git;
use crate::tools::runner::RunError;

/// How many versions of `.dhtconfig` are looked at.
const VERSIONS: usize = 20;
/// How many files are read of one commit.
const MAX_FILES: usize = 500;

/// The names of files that say what a project asks for; lists of requirements beside them.
const NAMES: [&str; 9] = [
    CONFIG_FILE,
    HOOKS_FILE,
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    ".python-version",
    ".python-versions",
    "uv.lock",
    "poetry.lock",
];

/// Why a revision cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no git.
    #[error("git is needed to read `{0}`, and is not on PATH")]
    NoGit(String),
    /// git does not have it.
    #[error("cannot read the revision `{revision}`")]
    Git {
        /// What was asked for.
        revision: String,
        /// What git told.
        source: RunError,
    },
    /// The copy cannot be written.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// A project as it was.
#[derive(Debug)]
pub struct Snapshot {
    /// The full id of the commit.
    pub commit: String,
    /// The project's files.
    pub root: ProjectRoot,
    _folder: TempDir,
}

/// Returns what the project in `folder` said at `revision`.
pub fn snapshot(
    context: &Context<'_>,
    folder: &Path,
    revision: &str,
) -> Result<Snapshot, HistoryError> {
    let git = Git::locate(&context.machine.path, folder)
        .ok_or_else(|| HistoryError::NoGit(revision.to_owned()))?;
    let failed = |source| HistoryError::Git {
        revision: revision.to_owned(),
        source,
    };
    let cancel = context.cancel;
    let commit = git.commit(folder, revision, cancel).map_err(failed)?;
    let files = git.files(folder, &commit, cancel).map_err(failed)?;
    let made = TempDir::new().map_err(|source| FsError {
        verb: "make a folder in",
        path: std::env::temp_dir(),
        source,
    })?;
    let place = made.path();
    let dir = Dir::open(place).map_err(FsError::at("open", place))?;
    for path in files.iter().filter(|path| says(path)).take(MAX_FILES) {
        let content = git.content(folder, &commit, path, cancel).map_err(failed)?;
        let file = Path::new(path);
        let at = |verb| FsError::at(verb, place.join(file));
        if let Some(parent) = file.parent().filter(|it| !it.as_os_str().is_empty()) {
            fs::create_dirs(&dir, parent).map_err(at("make the folder of"))?;
        }
        let meta = FileMeta {
            mode: 0o600,
            mtime: None,
        };
        dir.write_new(file, &content, meta).map_err(at("write"))?;
    }
    Ok(Snapshot {
        commit,
        root: ProjectRoot::at(place),
        _folder: made,
    })
}

/// Tells whether a file may say what the project asks for.
fn says(path: &str) -> bool {
    let inside = !path.starts_with('/') && !path.split('/').any(|step| step == "..");
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_pylock = name.starts_with("pylock.") && name.ends_with(".toml");
    let is_list = [".txt", ".in", ".lock"]
        .iter()
        .any(|end| name.ends_with(end));
    let is_deep = path.matches('/').count() > 3;
    inside && (NAMES.contains(&name) || is_pylock || (is_list && !is_deep))
}

/// Returns what a project of these files asks for, and its configuration; `None` when it cannot be
/// told any more.
pub fn asked_by(root: &ProjectRoot) -> Option<(Asked, Config, Spec)> {
    let config = match &root.config {
        Some(path) => spec::read_config(path).ok()?,
        None => Config::default(),
    };
    let spec = Spec::with_config(root, &Wishes::default(), &config).ok()?;
    let asked = checksum::asked(&spec, &config).ok()?;
    Some((asked, config, spec))
}

/// Returns what had this checksum when `.dhtconfig` was committed with it, and the commit.
pub fn with_checksum(
    context: &Context<'_>,
    folder: &Path,
    expected: &Checksum,
) -> Option<(Asked, String)> {
    let git = Git::locate(&context.machine.path, folder)?;
    let commits = git.changes_of(folder, CONFIG_FILE, VERSIONS, context.cancel);
    commits.ok()?.into_iter().find_map(|commit| {
        let snapshot = snapshot(context, folder, &commit).ok()?;
        let (asked, ..) = asked_by(&snapshot.root)?;
        (asked.agrees_with(expected) == Some(true)).then_some((asked, commit))
    })
}
