//! Which environment variables a project reads, and the files in which people keep them.
//!
//! The law: sources are read, never run; symbolic links are not followed; a file of variables only
//! ever grows, and no value leaves it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use dht_store::fs::{self, Dir, FileKind, FsError, read_plain};

use super::discover::ProjectRoot;
use super::spec::{self, SpecError};
use crate::model::clues::{self, dockerfile};
use crate::model::config::Config;
use crate::model::env_vars::{Evidence, Variable, dotenv, in_python, is_of_the_project, variables};

/// The file in which a developer keeps values.
pub const DOTENV: &str = ".env";

/// The file that describes an image.
const DOCKERFILE: &str = "Dockerfile";

/// The largest source or file of variables that is read, in bytes.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// How many sources are read at most.
const MAX_FILES: usize = 20_000;
/// How deep folders are read.
const MAX_DEPTH: usize = 32;

/// Folders that hold no sources of the project, and those of its tests.
const LEFT_OUT: [&str; 8] = [
    "__pycache__",
    "build",
    "dist",
    "node_modules",
    "site-packages",
    "test",
    "tests",
    "venv",
];

/// Why the variables of a project cannot be told, or not be written down.
#[derive(Debug, thiserror::Error)]
pub enum EnvVarsError {
    /// The project's configuration is refused.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// What stands at the path is not written to.
    #[error("`{}` is not a plain text file", .0.display())]
    NotPlain(PathBuf),
}

/// Returns the variables that the project in `root` reads.
pub fn find(root: &ProjectRoot) -> Result<Vec<Variable>, EnvVarsError> {
    let config = match &root.config {
        Some(path) => spec::read_config(path)?,
        None => Config::default(),
    };
    Ok(variables(&Evidence {
        template: config.env_template,
        ..evidence(&root.folder)?
    }))
}

/// Returns the variables that the `.dhtconfig` of the project in `root` lists; no source is read.
pub fn listed(root: &ProjectRoot) -> Result<Vec<Variable>, EnvVarsError> {
    let Some(path) = &root.config else {
        return Ok(Vec::new());
    };
    Ok(variables(&Evidence {
        template: spec::read_config(path)?.env_template,
        ..Evidence::default()
    }))
}

/// Returns what the files of a project say of its variables, beside `.dhtconfig`.
pub fn evidence(folder: &Path) -> Result<Evidence, EnvVarsError> {
    let mut evidence = Evidence::default();
    for name in dotenv::EXAMPLES {
        if let Some(text) = read(&folder.join(name))? {
            evidence
                .examples
                .insert(name.to_owned(), dotenv::read(&text));
        }
    }
    let of_image = of_dockerfile(folder);
    if !of_image.is_empty() {
        evidence.examples.insert(DOCKERFILE.to_owned(), of_image);
    }
    for (shown, text) in sources(folder) {
        let used = in_python(&text);
        if !used.is_empty() {
            evidence.sources.insert(shown, used);
        }
    }
    Ok(evidence)
}

/// Returns the variables that a `Dockerfile` sets: the project has something to go by without them.
fn of_dockerfile(folder: &Path) -> Vec<dotenv::Entry> {
    // What cannot be read as text is no Dockerfile.
    let text = read(&folder.join(DOCKERFILE)).ok().flatten();
    let set = dockerfile::read(&text.unwrap_or_default()).variables;
    let own = set.into_iter().filter(|(name, _)| is_of_the_project(name));
    own.map(|(name, line)| dotenv::Entry {
        name,
        has_value: true,
        active: false,
        line,
    })
    .collect()
}

/// Returns the top-level modules that the sources of a project import.
pub fn imports(folder: &Path) -> BTreeSet<String> {
    sources(folder)
        .flat_map(|(_, text)| clues::imports(&text))
        .collect()
}

/// Returns the sources of a project with their paths in it. One that cannot be read as text is none
/// that Python could run.
fn sources(folder: &Path) -> impl Iterator<Item = (String, String)> {
    let mut paths = BTreeMap::new();
    walk(folder, "", 0, &mut paths);
    let files = paths.into_iter().take(MAX_FILES);
    files.filter_map(|(shown, path)| Some((shown, read(&path).ok()??)))
}

/// Collects the project's sources, by their path in it. A folder that cannot be listed has none.
fn walk(folder: &Path, prefix: &str, depth: usize, into: &mut BTreeMap<String, PathBuf>) {
    let Ok(listing) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in listing.flatten() {
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else {
            continue;
        };
        let shown = format!("{prefix}{name}");
        if kind.is_dir() {
            let is_ours = !name.starts_with('.')
                && !LEFT_OUT.contains(&name.as_str())
                && depth < MAX_DEPTH
                && !entry.path().join("pyvenv.cfg").exists();
            if is_ours {
                walk(&entry.path(), &format!("{shown}/"), depth + 1, into);
            }
        } else if kind.is_file() && is_source(&name) {
            into.insert(shown, entry.path());
        }
    }
}

fn is_source(name: &str) -> bool {
    name.strip_suffix(".py").is_some_and(|stem| {
        stem != "conftest" && !stem.starts_with("test_") && !stem.ends_with("_test")
    })
}

/// Returns the text of a file; `None` where there is none.
fn read(path: &Path) -> Result<Option<String>, EnvVarsError> {
    match std::fs::symlink_metadata(path) {
        Ok(stat) if stat.is_file() => {}
        Ok(_) => return Err(EnvVarsError::NotPlain(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(FsError::at("read", path)(error).into()),
    }
    let bytes = match read_plain(path, MAX_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(EnvVarsError::NotPlain(path.to_owned()));
        }
        read => read.map_err(FsError::at("read", path))?,
    };
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| EnvVarsError::NotPlain(path.to_owned()))
}

/// Returns which of `variables` have no value, neither in this process, as `is_set` tells, nor in
/// the project's `.env`.
pub fn missing(
    root: &ProjectRoot,
    variables: &[Variable],
    is_set: &dyn Fn(&str) -> bool,
) -> Result<Vec<Variable>, EnvVarsError> {
    let text = read(&root.folder.join(DOTENV))?.unwrap_or_default();
    let kept = dotenv::read(&text);
    let has_value = |variable: &Variable| {
        let in_file = kept
            .iter()
            .any(|entry| entry.name == variable.name && entry.active && entry.has_value);
        in_file || is_set(variable.name.as_str())
    };
    let lacking = variables.iter().filter(|variable| !has_value(variable));
    Ok(lacking.cloned().collect())
}

/// What will be added to a file of variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplatePlan {
    /// The file.
    pub path: PathBuf,
    /// Whether it is new.
    pub created: bool,
    /// What it lacks.
    pub added: Vec<Variable>,
    before: String,
}

/// Plans what to add to the file at `path`, which may be missing.
pub fn plan_template(path: &Path, variables: &[Variable]) -> Result<TemplatePlan, EnvVarsError> {
    let before = read(path)?;
    let created = before.is_none();
    let before = before.unwrap_or_default();
    let added = dotenv::lacking(&before, variables);
    Ok(TemplatePlan {
        path: path.to_owned(),
        created,
        added: added.into_iter().cloned().collect(),
        before,
    })
}

impl TemplatePlan {
    /// Adds what is lacking, in one step. Nothing is written where nothing is.
    pub fn apply(&self) -> Result<(), EnvVarsError> {
        if self.added.is_empty() {
            return Ok(());
        }
        let is_private = self.path.file_name().is_some_and(|name| name == DOTENV);
        let added: Vec<&Variable> = self.added.iter().collect();
        let text = dotenv::with(&self.before, &added);
        // Values of one's own are for nobody else.
        write_plain(&self.path, &text, if is_private { 0o600 } else { 0o644 })
    }
}

/// Writes a file in one step; one that is there keeps its mode, and a link is not written through.
pub(super) fn write_plain(path: &Path, text: &str, new_mode: u32) -> Result<(), EnvVarsError> {
    let not_plain = || EnvVarsError::NotPlain(path.to_owned());
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(not_plain());
    };
    let dir = Dir::open(folder).map_err(FsError::at("open", folder))?;
    let mode = match dir.stat(Path::new(name)) {
        Ok(stat) if stat.kind == FileKind::File => stat.mode & 0o777,
        Ok(_) => return Err(not_plain()),
        Err(_) => new_mode,
    };
    fs::write_atomic(&dir, Path::new(name), text.as_bytes(), mode)
        .map_err(FsError::at("write", path))?;
    Ok(())
}
