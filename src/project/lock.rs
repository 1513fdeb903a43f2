//! The locks of a project: which files they are, and what each says.
//!
//! The files that the configuration lists count together, the first one most; where none is listed,
//! the first of uv.lock, pylock.toml, poetry.lock and requirements.txt that is found counts alone: a
//! project may keep a lock for other purposes beside its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use uv_normalize::PackageName;

use super::discover::{self, DiscoverError, ProjectRoot};
use super::spec::SpecError;
use crate::model::clues::source;
use crate::model::config::{Config, Strategy};
use crate::model::pins::{PinSource, Pins};
use crate::model::pyproject::Pyproject;
use crate::model::{poetry, requirements};

/// A lock that a project has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The file.
    pub path: PathBuf,
    /// Everything that was read for it.
    pub text: String,
    /// What it says.
    pub kind: LockKind,
}

/// The form of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockKind {
    /// `uv.lock`.
    Uv,
    /// `pylock.toml`.
    Pylock,
    /// Requirements files with hashes.
    Requirements(Box<Pins>),
    /// `poetry.lock`.
    Poetry {
        /// Its packages.
        pins: Box<Pins>,
        /// How many bytes of what was read are the lock's own.
        length: usize,
        /// Whether `pyproject.toml` asks for something else by now.
        stale: bool,
    },
}

impl Lock {
    /// Returns what the lock pins, where it does not say where the files are.
    pub fn pins(&self) -> Option<&Pins> {
        match &self.kind {
            LockKind::Uv | LockKind::Pylock => None,
            LockKind::Requirements(pins) | LockKind::Poetry { pins, .. } => Some(pins),
        }
    }

    /// Returns the folders of this machine that the lock names, as it names them: what is in their
    /// `pyproject.toml` decides what an editable package installs.
    pub fn folders(&self) -> BTreeSet<String> {
        let Some(pins) = self.pins() else {
            return named_folders(&self.text);
        };
        let folder = |source: &PinSource| match source {
            PinSource::Directory { path, .. } => Some(path.clone()),
            _ => None,
        };
        pins.pins
            .iter()
            .filter_map(|pin| folder(&pin.source))
            .collect()
    }

    /// Returns what a user should know of it.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self
            .pins()
            .map(|pins| pins.warnings.clone())
            .unwrap_or_default();
        if let LockKind::Poetry { stale: true, .. } = self.kind {
            warnings.push(format!(
                "`{}` was made for another `pyproject.toml`; run `poetry lock`",
                self.path.display()
            ));
        }
        warnings
    }
}

/// Returns the folders that the text of a TOML lock refers to.
fn named_folders(lock: &str) -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    for key in [
        "editable = \"",
        "directory = \"",
        "virtual = \"",
        "path = \"",
    ] {
        let found = lock
            .split(key)
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        folders.extend(
            found
                .filter(|path| !path.contains(['\n', '\\']))
                .map(str::to_owned),
        );
    }
    folders
}

/// Reads the locks that count, the most important one first; there is at least one.
///
/// # Errors
///
/// When there is none, or one cannot be read or is refused.
pub(super) fn read_locks(root: &ProjectRoot, config: &Config) -> Result<Vec<Lock>, SpecError> {
    let dependencies = &config.dependencies;
    let allow_missing_hashes = !dependencies.hash_validation;
    let read = |path: &Path| read_lock(root, path, allow_missing_hashes);
    let listed: Vec<PathBuf> = dependencies
        .lock_files
        .iter()
        .map(|file| root.folder.join(file.as_str()))
        .filter(|path| path.is_file())
        .collect();
    if !listed.is_empty() {
        return listed.iter().map(|path| read(path)).collect();
    }
    let found = usual_file(root, dependencies.strategy);
    let path = found.map(|name| root.folder.join(name));
    let path = path.ok_or_else(|| SpecError::NoLock(root.folder.clone()))?;
    Ok(vec![read(&path)?])
}

/// Returns the lock that counts where none is listed.
pub(super) fn usual_file(root: &ProjectRoot, strategy: Option<Strategy>) -> Option<&'static str> {
    let mut names = usual(strategy).iter().copied();
    names.find(|name| root.folder.join(name).is_file())
}

/// Returns the names that locks usually have, the first one that exists counting.
const fn usual(strategy: Option<Strategy>) -> &'static [&'static str] {
    match strategy {
        None => &["uv.lock", "pylock.toml", "poetry.lock", "requirements.txt"],
        Some(Strategy::Uv) => &["uv.lock", "pylock.toml", "requirements.txt"],
        Some(Strategy::PipTools) => &["requirements.txt", "requirements.lock"],
        Some(Strategy::Poetry) => &["poetry.lock"],
    }
}

/// Tells whether a lock of this name is a list of requirements.
pub(super) fn is_requirements(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_pylock = name.starts_with("pylock.") && name.ends_with(".toml");
    !is_pylock && !["uv.lock", "poetry.lock"].contains(&name)
}

fn read_lock(
    root: &ProjectRoot,
    path: &Path,
    allow_missing_hashes: bool,
) -> Result<Lock, SpecError> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let (text, kind) = if name == "uv.lock" {
        (ProjectRoot::read_lock(path)?, LockKind::Uv)
    } else if name == "poetry.lock" {
        read_poetry(root, path, allow_missing_hashes)?
    } else if is_requirements(name) {
        read_requirements(root, path, allow_missing_hashes)?
    } else {
        (ProjectRoot::read_lock(path)?, LockKind::Pylock)
    };
    Ok(Lock {
        path: path.to_owned(),
        text,
        kind,
    })
}

fn relative(root: &ProjectRoot, path: &Path) -> String {
    let path = path.strip_prefix(&root.folder).unwrap_or(path);
    let steps: Vec<_> = path.iter().map(|step| step.to_string_lossy()).collect();
    steps.join("/")
}

fn read_poetry(
    root: &ProjectRoot,
    path: &Path,
    allow_missing_hashes: bool,
) -> Result<(String, LockKind), SpecError> {
    let lock = ProjectRoot::read_lock(path)?;
    let beside = path.with_file_name(discover::PYPROJECT);
    let pyproject = discover::read_pyproject_text(&beside)?;
    let texts = poetry::Texts {
        file: &relative(root, path),
        lock: &lock,
        pyproject: &pyproject,
    };
    let read = poetry::read(texts, allow_missing_hashes)
        .map_err(|error| SpecError::Poetry(Box::new(error)))?;
    let kind = LockKind::Poetry {
        pins: Box::new(read.pins),
        length: lock.len(),
        stale: read.stale,
    };
    Ok((format!("{lock}\n{pyproject}"), kind))
}

fn read_requirements(
    root: &ProjectRoot,
    path: &Path,
    allow_missing_hashes: bool,
) -> Result<(String, LockKind), SpecError> {
    let mut files = ProjectFiles {
        folder: &root.folder,
        read: String::new(),
    };
    let pins = requirements::read(&relative(root, path), allow_missing_hashes, &mut files)
        .map_err(|error| SpecError::Requirements(Box::new(error)))?;
    Ok((files.read, LockKind::Requirements(Box::new(pins))))
}

/// The files of a project; what was read is kept, with its name.
struct ProjectFiles<'a> {
    folder: &'a Path,
    read: String,
}

impl requirements::Sources for ProjectFiles<'_> {
    fn text(&mut self, path: &str) -> Result<String, String> {
        let file = self.folder.join(path);
        let real = file.canonicalize().map_err(|error| error.to_string())?;
        let folder = self
            .folder
            .canonicalize()
            .map_err(|error| error.to_string())?;
        if !real.starts_with(folder) {
            return Err("it leads out of the project".to_owned());
        }
        let text = ProjectRoot::read_lock(&real).map_err(|error| match error {
            DiscoverError::Read { source, .. } => source.to_string(),
            other => other.to_string(),
        })?;
        self.read
            .push_str(&format!("# {path} {}\n{text}\n", text.len()));
        Ok(text)
    }

    fn project_name(&mut self, folder: &str) -> Option<PackageName> {
        let folder = self.folder.join(folder);
        let path = folder.join(discover::PYPROJECT);
        let text = |name: &str| discover::read_pyproject_text(&folder.join(name)).ok();
        let of_pyproject = text(discover::PYPROJECT).and_then(|text| {
            let standard = Pyproject::parse(&text, &path).ok().and_then(|it| it.name);
            standard.or_else(|| poetry::project_name(&text))
        });
        of_pyproject
            .or_else(|| source::setup_cfg(&text("setup.cfg")?).name)
            .or_else(|| source::setup_py_name(&text("setup.py")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(unix)]
    use crate::model::requirements::Sources as _;

    fn root(folder: &Path) -> ProjectRoot {
        ProjectRoot {
            folder: folder.to_owned(),
            config: None,
            pyproject: None,
            uv_lock: None,
            pylock: None,
        }
    }

    fn config(text: &str) -> Config {
        crate::model::config::read(".dhtconfig", text.as_bytes()).unwrap()
    }

    #[test]
    fn finds_the_folders_that_a_lock_refers_to() {
        let lock = "source = { editable = \"packages/a\" }\nsource = { virtual = \".\" }\n";
        assert_eq!(
            named_folders(lock),
            BTreeSet::from([".".into(), "packages/a".into()])
        );
    }

    #[test]
    fn listed_files_count_together_and_found_ones_alone() {
        let folder = tempfile::tempdir().unwrap();
        let hash = "a".repeat(64);
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("uv.lock", "");
        write("requirements.lock", &format!("a==1 --hash=sha256:{hash}\n"));
        write("requirements.txt", "a\n");
        let names = |text: &str| {
            let locks = read_locks(&root(folder.path()), &config(text)).map_err(|error| {
                std::error::Error::source(&error)
                    .map_or_else(|| error.to_string(), ToString::to_string)
            })?;
            let name = |lock: Lock| {
                lock.path
                    .file_name()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned()
            };
            Ok::<_, String>(locks.into_iter().map(name).collect::<Vec<_>>())
        };
        assert_eq!(names("version: \"2.0\"\n").unwrap(), ["uv.lock"]);
        let listed = "version: \"2.0\"\ndependencies:\n  lock_files: [uv.lock, requirements.lock, gone.txt]\n";
        assert_eq!(names(listed).unwrap(), ["uv.lock", "requirements.lock"]);
        let tools = "version: \"2.0\"\ndependencies:\n  strategy: pip-tools\n";
        assert_eq!(
            names(tools).unwrap_err(),
            "cannot use `requirements.txt`, line 1: `a` is not pinned to one version by `==`"
        );
        let poetry = "version: \"2.0\"\ndependencies:\n  strategy: poetry\n";
        assert!(names(poetry).unwrap_err().contains("has no lock"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_does_not_lead_out_of_the_project() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("r.txt")).unwrap();
        let mut files = ProjectFiles {
            folder: folder.path(),
            read: String::new(),
        };
        assert_eq!(
            files.text("r.txt").unwrap_err(),
            "it leads out of the project"
        );
    }
}
