//! What a project asks for: its configuration, its lock and its settings, read once.
//!
//! Everything that decides the environment is in [`Spec`]; two runs with equal specs, interpreters
//! and platforms make the same environment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use dht_store::fs::read_plain;
use dht_store::{Digest, LinkMode};
use uv_normalize::{ExtraName, GroupName};
use uv_pep440::{Version, VersionSpecifiers};

use super::asked::Names;
use super::discover::{DiscoverError, ProjectRoot};
use super::lock::{Lock, read_locks};
use super::tools::{self, ToolError, Tools};
use crate::model::config::{self, Config, ConfigError, Conflicts};
use crate::model::groups::{GroupRequest, UnknownName};
use crate::model::poetry::PoetryError;
use crate::model::pyproject::{self, Pyproject};
use crate::model::python::{Implementation, PythonRequest, PythonVersion};
use crate::model::python_pin::{PinnedVersion, PythonPin, parse_python_version_file};
use crate::model::requirements::RequirementsError;

/// What the command line asks for beside the project.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// `--python`.
    pub python: Option<String>,
    /// Groups and extras.
    pub groups: GroupRequest,
    /// `--link-mode`.
    pub link_mode: Option<LinkMode>,
    /// `--compile-bytecode` or its opposite.
    pub bytecode: Option<bool>,
}

/// What a project asks for.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The project's files.
    pub root: ProjectRoot,
    /// What `pyproject.toml` says.
    pub pyproject: Pyproject,
    /// The Python, as exact as the project says it.
    pub python: PythonWish,
    /// The locks that count, the most important one first; at least one.
    pub locks: Vec<Lock>,
    /// Groups and extras.
    pub groups: GroupRequest,
    /// The development tools.
    pub tools: Tools,
    /// How files are linked.
    pub link_mode: LinkMode,
    /// Whether bytecode belongs to the environment.
    pub bytecode: bool,
    /// Whether packages may disagree about a file.
    pub deny_conflicts: bool,
    /// Whether the environment is looked at when a shell activates it.
    pub activation_hook: bool,
    /// Whether packages without a hash are allowed.
    pub allow_missing_hashes: bool,
    digest: Digest,
}

/// The Python that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PythonWish {
    /// One version.
    Exact(PythonRequest),
    /// Any that fits.
    Any {
        /// Who implements the language.
        implementation: Implementation,
        /// `3.11`, if that is said.
        minor: Option<(u8, u8)>,
        /// `requires-python`.
        requires: Option<VersionSpecifiers>,
    },
}

impl PythonWish {
    /// Returns who implements the language.
    pub fn implementation(&self) -> Implementation {
        match self {
            Self::Exact(python) => python.implementation,
            Self::Any { implementation, .. } => *implementation,
        }
    }

    /// Tells whether a version serves.
    pub fn admits(&self, python: &PythonRequest) -> bool {
        match self {
            Self::Exact(exact) => exact == python,
            Self::Any {
                implementation,
                minor,
                requires,
            } => {
                let version = &python.version;
                let fits = |requires: &VersionSpecifiers| {
                    Version::from_str(&version.to_string())
                        .is_ok_and(|version| requires.contains(&version))
                };
                *implementation == python.implementation
                    && version.suffix.is_empty()
                    && minor.is_none_or(|minor| minor == (version.major, version.minor))
                    && requires.as_ref().is_none_or(fits)
            }
        }
    }
}

impl std::fmt::Display for PythonWish {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(python) => python.fmt(formatter),
            Self::Any {
                implementation,
                minor,
                requires,
            } => {
                write!(formatter, "{implementation}")?;
                if let Some((major, minor)) = minor {
                    write!(formatter, " {major}.{minor}")?;
                }
                requires
                    .as_ref()
                    .map_or(Ok(()), |requires| write!(formatter, " {requires}"))
            }
        }
    }
}

/// Why a project cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// A file is missing or cannot be read.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// `.dhtconfig` is refused.
    #[error("the configuration is refused")]
    Config(#[source] Box<ConfigError>),
    /// A file cannot be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// There is no lock.
    #[error("the project in `{}` has no lock that can be used", .0.display())]
    NoLock(PathBuf),
    /// Requirements files are refused.
    #[error("the lock is refused")]
    Requirements(#[source] Box<RequirementsError>),
    /// A `poetry.lock` is refused.
    #[error("the lock is refused")]
    Poetry(#[source] Box<PoetryError>),
    /// The command line names a group or an extra that is not there.
    #[error("cannot select packages as asked")]
    Asked(#[source] UnknownName),
    /// `.dhtconfig` names a group or an extra that is not there.
    #[error("cannot select the packages that `.dhtconfig` names in `dependencies`")]
    Configured(#[source] UnknownName),
    /// The lock of the tools is refused.
    #[error(transparent)]
    Tools(Box<ToolError>),
    /// `--python` is no version.
    #[error("`{0}` is not a Python version such as 3.11.7, 3.11 or pypy@3.10")]
    Python(String),
}

impl Spec {
    /// Reads what the project in `root` asks for, together with what the command line wishes.
    pub fn read(root: &ProjectRoot, wishes: &Wishes) -> Result<Self, SpecError> {
        let config = match &root.config {
            Some(path) => read_config(path)?,
            None => Config::default(),
        };
        Self::with_config(root, wishes, &config)
    }

    /// The same, with `config` in the place of what `.dhtconfig` says.
    pub fn with_config(
        root: &ProjectRoot,
        wishes: &Wishes,
        config: &Config,
    ) -> Result<Self, SpecError> {
        let facts = root.facts()?;
        let locks = read_locks(root, config)?;
        let mut pyproject = facts.pyproject;
        if pyproject.requires_python.is_none() {
            // Poetry may keep it in a table of its own.
            let requires = |lock: &Lock| lock.pins()?.requires_python.clone();
            pyproject.requires_python = locks.first().and_then(requires);
        }
        let python = python_wish(wishes, config, facts.python, &pyproject)?;
        let groups = checked_groups(&wishes.groups, config, &locks, &pyproject)?;
        let assembly = &config.assembly;
        let tools = Tools {
            wanted: config.tools.clone(),
            lock: tools::read_lock(&root.folder)
                .map_err(|error| SpecError::Tools(Box::new(error)))?,
        };
        let mut spec = Self {
            root: root.clone(),
            python,
            groups,
            tools,
            link_mode: wishes
                .link_mode
                .or(assembly.link_mode.map(Into::into))
                .unwrap_or_default(),
            bytecode: wishes.bytecode.or(assembly.bytecode).unwrap_or(false),
            deny_conflicts: assembly.conflicts == Some(Conflicts::Deny),
            activation_hook: assembly.activation_hook.unwrap_or(false),
            allow_missing_hashes: !config.dependencies.hash_validation,
            pyproject,
            locks,
            digest: Digest::of(b""),
        };
        spec.digest = spec.compute_digest()?;
        Ok(spec)
    }

    /// Returns the hash of everything in the project that decides what is installed.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The same, with other tools.
    ///
    /// # Errors
    ///
    /// When a file that decides what is installed cannot be read any more.
    pub fn with_tools(mut self, tools: Tools) -> Result<Self, SpecError> {
        self.tools = tools;
        self.digest = self.compute_digest()?;
        Ok(self)
    }

    /// Returns what a user should know of the locks.
    pub fn warnings(&self) -> Vec<String> {
        self.locks.iter().flat_map(Lock::warnings).collect()
    }

    /// Returns what shells show while the environment is active.
    pub fn prompt(&self) -> String {
        let folder = || {
            self.root
                .folder
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        let name = self.pyproject.name.as_ref().map(ToString::to_string);
        name.or_else(folder).unwrap_or_else(|| "dhtl".to_owned())
    }

    fn compute_digest(&self) -> Result<Digest, SpecError> {
        let mut hasher = blake3::Hasher::new();
        let mut add = |label: &str, bytes: &[u8]| {
            hasher.update(format!("{label} {}\n", bytes.len()).as_bytes());
            hasher.update(bytes);
        };
        let mut folders = BTreeSet::from([".".to_owned()]);
        for lock in &self.locks {
            add("lock", lock.text.as_bytes());
            folders.extend(lock.folders());
        }
        add("groups", format!("{:?}", self.groups).as_bytes());
        add("hashes", &[u8::from(self.allow_missing_hashes)]);
        let settings = self.root.folder.join("uv.toml");
        match read_plain(&settings, pyproject::MAX_BYTES) {
            Ok(bytes) => add("uv.toml", &bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => {
                let path = settings;
                return Err(SpecError::Read { path, source });
            }
        }
        self.tools.digest(&mut add);
        for folder in folders {
            for name in ["pyproject.toml", "setup.py", "setup.cfg"] {
                let path = self.root.folder.join(&folder).join(name);
                match read_plain(&path, pyproject::MAX_BYTES) {
                    Ok(bytes) => add(&format!("{folder}/{name}"), &bytes),
                    // A lock may also name files: archives have a digest of their own.
                    Err(error)
                        if matches!(
                            error.kind(),
                            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                        ) => {}
                    Err(source) => return Err(SpecError::Read { path, source }),
                }
            }
        }
        Ok(Digest::from_bytes(*hasher.finalize().as_bytes()))
    }
}

/// Reads a `.dhtconfig`.
pub fn read_config(path: &Path) -> Result<Config, SpecError> {
    let bytes = read_plain(path, config::MAX_SIZE).map_err(|source| SpecError::Read {
        path: path.to_owned(),
        source,
    })?;
    config::read(&path.display().to_string(), &bytes)
        .map_err(|error| SpecError::Config(Box::new(error)))
}

/// Returns the Python that is asked for: by the command line, by `.dhtconfig`, by `.python-version`, by
/// `requires-python`, in this order.
pub fn python_wish(
    wishes: &Wishes,
    config: &Config,
    pin: Option<PythonPin>,
    pyproject: &Pyproject,
) -> Result<PythonWish, SpecError> {
    let requires = pyproject.requires_python.clone();
    let from_pin = |pin: PythonPin| match pin.version {
        PinnedVersion::Exact(version) => PythonWish::Exact(PythonRequest {
            implementation: pin.implementation,
            version,
        }),
        PinnedVersion::Minor(major, minor) => PythonWish::Any {
            implementation: pin.implementation,
            minor: Some((major, minor)),
            requires: requires.clone(),
        },
    };
    if let Some(text) = &wishes.python {
        return match parse_python_version_file(text) {
            Ok(Some(pin)) => Ok(from_pin(pin)),
            _ => Err(SpecError::Python(text.chars().take(80).collect())),
        };
    }
    if let Some(python) = &config.python {
        return Ok(PythonWish::Exact(python.request()));
    }
    Ok(pin.map_or_else(
        || PythonWish::Any {
            implementation: Implementation::CPython,
            minor: None,
            requires: requires.clone(),
        },
        from_pin,
    ))
}

/// Returns the groups and extras that are asked for, each of which is there.
fn checked_groups(
    wished: &GroupRequest,
    config: &Config,
    locks: &[Lock],
    pyproject: &Pyproject,
) -> Result<GroupRequest, SpecError> {
    let asked = groups(wished, config);
    if asked != GroupRequest::default()
        && let Some(names) = Names::of(locks, pyproject)
    {
        names.check(wished).map_err(SpecError::Asked)?;
        names.check(&asked).map_err(SpecError::Configured)?;
    }
    Ok(asked)
}

fn groups(asked: &GroupRequest, config: &Config) -> GroupRequest {
    let mut groups = asked.clone();
    let untouched = *asked == GroupRequest::default();
    if untouched && let Some(names) = &config.dependencies.groups {
        groups.no_default_groups = true;
        groups.groups = names
            .iter()
            .filter_map(|name| GroupName::from_str(name.as_str()).ok())
            .collect();
    }
    if asked.extras.is_empty() && !asked.all_extras {
        groups.extras = config
            .dependencies
            .extras
            .iter()
            .filter_map(|name| ExtraName::from_str(name.as_str()).ok())
            .collect();
    }
    groups
}

/// Reads an exact version.
pub fn exact(implementation: Implementation, text: &str) -> Option<PythonRequest> {
    let version = PythonVersion::from_str(text).ok()?;
    Some(PythonRequest {
        implementation,
        version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_admits_what_fits() {
        let wish = PythonWish::Any {
            implementation: Implementation::CPython,
            minor: Some((3, 11)),
            requires: Some(VersionSpecifiers::from_str(">=3.11.4").unwrap()),
        };
        let admits = |text| wish.admits(&exact(Implementation::CPython, text).unwrap());
        assert!(admits("3.11.7"));
        assert!(!admits("3.11.2"));
        assert!(!admits("3.12.1"));
        assert!(!admits("3.11.9rc1"));
    }
}
