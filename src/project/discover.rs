//! Finding the project that a folder belongs to, and reading what it says of itself.
//!
//! Upwards from the folder, the first of these is the root: a `.dhtconfig`; a `pyproject.toml` with
//! a `uv.lock` beside it; a `pyproject.toml` whose workspace has the folder as a member; one with a
//! `poetry.lock`; a `pylock.toml`; a `requirements.txt` with hashes. A member of a workspace has no environment of its own.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use dht_store::fs::read_plain;

use crate::model::clues::compiled;
use crate::model::pylock;
use crate::model::pyproject::{self, Pyproject, PyprojectError};
use crate::model::python_pin::{ParsePinError, PythonPin, parse_python_version_file};

/// The name of the configuration file.
pub const CONFIG_FILE: &str = ".dhtconfig";
/// The name of the lock that uv writes.
pub const UV_LOCK: &str = "uv.lock";
/// The name of a PEP 751 lock.
pub const PYLOCK: &str = "pylock.toml";
/// The name of the lock that Poetry writes.
pub const POETRY_LOCK: &str = "poetry.lock";
/// The name that requirements files usually have.
pub const REQUIREMENTS: &str = "requirements.txt";
/// The name of the file in which a project describes itself.
pub const PYPROJECT: &str = "pyproject.toml";

/// The largest small text file (`.python-version`) that is read, in bytes.
const MAX_PIN_BYTES: usize = 64 * 1024;

/// No project was found, or it cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// No folder upwards has a project.
    #[error(
        "found no project in `{}` or a folder above it: no .dhtconfig, uv.lock, pylock.toml, poetry.lock or requirements.txt with hashes",
        .0.display()
    )]
    None(PathBuf),
    /// There is a project, and it has no lock.
    #[error("the project in `{}` has no lock: no uv.lock, pylock.toml, poetry.lock or requirements.txt with hashes", .0.display())]
    NoLock(PathBuf),
    /// A file cannot be read.
    #[error("cannot read `{}`", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A `pyproject.toml` is wrong.
    #[error("cannot tell what the project is")]
    Pyproject(#[from] PyprojectError),
    /// A `.python-version` is wrong.
    #[error("cannot tell the Python that `{}` asks for", .path.display())]
    Pin {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ParsePinError,
    },
}

/// The files that make a folder a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRoot {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// Its `.dhtconfig`.
    pub config: Option<PathBuf>,
    /// Its `pyproject.toml`.
    pub pyproject: Option<PathBuf>,
    /// Its `uv.lock`.
    pub uv_lock: Option<PathBuf>,
    /// Its `pylock.toml`.
    pub pylock: Option<PathBuf>,
}

/// What a project says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFacts {
    /// What `pyproject.toml` says; nothing where there is none.
    pub pyproject: Pyproject,
    /// What `.python-version` or `.python-versions` asks for.
    pub python: Option<PythonPin>,
}

impl ProjectRoot {
    /// Looks at the files of a folder.
    pub fn at(folder: &Path) -> Self {
        let file = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        Self {
            folder: folder.to_owned(),
            config: file(CONFIG_FILE),
            pyproject: file(PYPROJECT),
            uv_lock: file(UV_LOCK),
            pylock: file(PYLOCK),
        }
    }

    /// Reads what the project says of itself.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is wrong.
    pub fn facts(&self) -> Result<ProjectFacts, DiscoverError> {
        let pyproject = match &self.pyproject {
            Some(path) => read_pyproject(path)?,
            None => Pyproject::default(),
        };
        Ok(ProjectFacts {
            pyproject,
            python: self.python_pin()?,
        })
    }

    /// Returns the text of `uv.lock` or `pylock.toml`, whichever `path` is.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is not UTF-8 or larger than a lock may be.
    pub fn read_lock(path: &Path) -> Result<String, DiscoverError> {
        read_text(path, pylock::MAX_BYTES)
    }

    fn python_pin(&self) -> Result<Option<PythonPin>, DiscoverError> {
        for name in [".python-version", ".python-versions"] {
            let path = self.folder.join(name);
            if !path.is_file() {
                continue;
            }
            let text = read_text(&path, MAX_PIN_BYTES)?;
            let pin = parse_python_version_file(&text)
                .map_err(|source| DiscoverError::Pin { path, source })?;
            if pin.is_some() {
                return Ok(pin);
            }
        }
        Ok(None)
    }
}

/// Finds the project that `folder`, absolute, belongs to.
///
/// # Errors
///
/// When there is none, or one without a lock.
pub fn discover(folder: &Path) -> Result<ProjectRoot, DiscoverError> {
    let mut without_lock: Option<PathBuf> = None;
    for ancestor in folder.ancestors() {
        let root = ProjectRoot::at(ancestor);
        if root.config.is_some() {
            return Ok(root);
        }
        let is_root = match &root.pyproject {
            Some(_) if root.uv_lock.is_some() => match &without_lock {
                None => true,
                Some(inner) => has_member(&root, inner)?,
            },
            _ => without_lock.is_none() && (root.pylock.is_some() || has_other_lock(&root)),
        };
        if is_root {
            return Ok(root);
        }
        if root.pyproject.is_some() && without_lock.is_none() {
            without_lock = Some(root.folder);
        }
    }
    Err(match without_lock {
        Some(inner) => DiscoverError::NoLock(inner),
        None => DiscoverError::None(folder.to_owned()),
    })
}

/// Finds the project that `folder`, absolute, belongs to, whether or not it has a lock.
///
/// # Errors
///
/// When there is none.
pub fn discover_unlocked(folder: &Path) -> Result<ProjectRoot, DiscoverError> {
    let inner = match discover(folder) {
        Err(DiscoverError::NoLock(inner)) => inner,
        Err(DiscoverError::None(folder)) => {
            let has_requirements = |folder: &&Path| {
                let has = |file: &str| folder.join(file).is_file();
                !compiled::inputs(&has).is_empty() || has("setup.py") || has("setup.cfg")
            };
            return match folder.ancestors().find(has_requirements) {
                Some(found) => Ok(ProjectRoot::at(found)),
                None => Err(DiscoverError::None(folder)),
            };
        }
        other => return other,
    };
    for ancestor in inner.ancestors().skip(1) {
        let root = ProjectRoot::at(ancestor);
        if root.pyproject.is_some() && has_member(&root, &inner)? {
            return Ok(root);
        }
    }
    Ok(ProjectRoot::at(&inner))
}

fn has_other_lock(root: &ProjectRoot) -> bool {
    let poetry = root.pyproject.is_some() && root.folder.join(POETRY_LOCK).is_file();
    poetry || is_locked(&root.folder, REQUIREMENTS)
}

/// How many files a list of requirements may include, one in another, when it is asked whether it has
/// hashes.
const MAX_INCLUDED: usize = 64;

/// Tells whether the requirements in `file`, or in what it includes, have hashes. Files of that name are in
/// many folders; with hashes they are locks.
pub fn is_locked(folder: &Path, file: &str) -> bool {
    let texts = requirements_texts(folder, file);
    texts.values().any(|text| text.contains("--hash"))
}

/// Returns the files of a list of requirements: itself, and all that it includes or is bound by, by their
/// paths in `folder`. What cannot be read is left out: whoever reads the list tells of it.
pub fn requirements_texts(folder: &Path, file: &str) -> BTreeMap<String, String> {
    let mut open = vec![file.to_owned()];
    let mut texts = BTreeMap::new();
    while let Some(file) = open.pop() {
        let leads_out = file.starts_with('/') || file.split('/').any(|step| step == "..");
        if texts.len() >= MAX_INCLUDED || texts.contains_key(&file) || leads_out {
            continue;
        }
        let Ok(text) = read_text(&folder.join(&file), pylock::MAX_BYTES) else {
            continue;
        };
        let beside = file.rsplit_once('/').map(|(folder, _)| folder);
        let included = compiled::included(&text).into_iter();
        open.extend(included.map(|other| {
            beside.map_or_else(|| other.to_owned(), |beside| format!("{beside}/{other}"))
        }));
        texts.insert(file, text);
    }
    texts
}

fn has_member(root: &ProjectRoot, inner: &Path) -> Result<bool, DiscoverError> {
    let (Some(path), Ok(relative)) = (&root.pyproject, inner.strip_prefix(&root.folder)) else {
        return Ok(false);
    };
    let steps: Option<Vec<&str>> = relative.iter().map(|step| step.to_str()).collect();
    let workspace = read_pyproject(path)?.workspace;
    Ok(workspace
        .zip(steps)
        .is_some_and(|(workspace, steps)| workspace.has_member(&steps.join("/"))))
}

/// Returns the text of a `pyproject.toml`.
pub(super) fn read_pyproject_text(path: &Path) -> Result<String, DiscoverError> {
    read_text(path, pyproject::MAX_BYTES)
}

fn read_pyproject(path: &Path) -> Result<Pyproject, DiscoverError> {
    let text = read_pyproject_text(path)?;
    Ok(Pyproject::parse(&text, path)?)
}

/// Reads a plain file of UTF-8 text, of at most `limit` bytes.
fn read_text(path: &Path, limit: usize) -> Result<String, DiscoverError> {
    let error = |source| DiscoverError::Read {
        path: path.to_owned(),
        source,
    };
    let bytes = read_plain(path, limit).map_err(error)?;
    String::from_utf8(bytes).map_err(|_| {
        error(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is not UTF-8",
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn the_root_is_the_nearest_folder_with_a_lock() {
        let project = "[project]\nname = \"a\"\n";
        let workspace = "[tool.uv.workspace]\nmembers = [\"packages/*\"]\n";
        let tree = tree(&[
            ("ws/pyproject.toml", workspace),
            ("ws/uv.lock", ""),
            ("ws/packages/a/pyproject.toml", project),
            ("ws/packages/a/src/a.py", ""),
            ("ws/tools/x/pyproject.toml", project),
            ("ws/tools/y/pyproject.toml", project),
            ("ws/tools/y/uv.lock", ""),
            ("conf/.dhtconfig", ""),
            ("conf/deep/er/x", ""),
            ("pep/pylock.toml", ""),
            ("po/pyproject.toml", "[tool.poetry]\n"),
            ("po/poetry.lock", ""),
            ("po/docs/requirements.txt", "sphinx\n"),
            ("req/requirements.txt", "a==1 --hash=sha256:0\n"),
            ("more/requirements.txt", "-r requirements/prod.txt\n"),
            ("more/requirements/prod.txt", "-r base.txt\n"),
            ("more/requirements/base.txt", "a==1 --hash=sha256:0\n"),
            ("none/x", ""),
        ]);
        let root = |path: &str| {
            discover(&tree.path().join(path)).map(|root| {
                root.folder
                    .strip_prefix(tree.path())
                    .unwrap()
                    .display()
                    .to_string()
            })
        };
        for (from, expected) in [
            ("ws", "ws"),
            ("ws/packages/a/src", "ws"),
            ("ws/tools/y", "ws/tools/y"),
            ("conf/deep/er", "conf"),
            ("pep", "pep"),
            ("po/docs", "po"),
            ("req", "req"),
            ("more", "more"),
        ] {
            assert_eq!(root(from).unwrap().replace('\\', "/"), expected, "{from}");
        }
        assert!(matches!(root("ws/tools/x"), Err(DiscoverError::NoLock(_))));
        assert!(matches!(root("none"), Err(DiscoverError::None(_))));
    }

    #[test]
    fn reads_the_python_that_is_asked_for() {
        let tree = tree(&[
            ("a/pylock.toml", ""),
            ("a/.python-version", "# none\n"),
            ("a/.python-versions", "3.12.1\n3.11\n"),
            ("b/pylock.toml", ""),
            ("b/.python-version", "../../x"),
            (
                "c/pyproject.toml",
                "[project]\nname = \"c\"\nrequires-python = \">=3.10\"",
            ),
            ("c/uv.lock", ""),
        ]);
        let facts = |path: &str| discover(&tree.path().join(path)).unwrap().facts();
        assert!(facts("a").unwrap().python.is_some());
        assert!(
            facts("b")
                .unwrap_err()
                .to_string()
                .contains(".python-version")
        );
        let facts = facts("c").unwrap();
        assert_eq!(
            facts.pyproject.requires_python.unwrap().to_string(),
            ">=3.10"
        );
        assert_eq!(facts.python, None);
    }

    #[test]
    fn a_huge_file_is_not_read() {
        let tree = tree(&[("a/.dhtconfig", "")]);
        let path = tree.path().join("a/pyproject.toml");
        let file = std::fs::File::create(path).unwrap();
        file.set_len(100 * 1024 * 1024 * 1024).unwrap();
        let root = discover(&tree.path().join("a")).unwrap();
        assert!(matches!(root.facts(), Err(DiscoverError::Read { .. })));
    }
}
