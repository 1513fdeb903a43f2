//! How a project's lock is made, and whether it still is the right one.
//!
//! uv makes `uv.lock` of a `pyproject.toml` with a project in it, and `requirements.lock` of
//! requirements files, of a `setup.py` or of a `setup.cfg`. A lock that another program made is taken
//! as it is, and never written.

use std::collections::BTreeMap;
use std::path::Path;

use dht_store::Digest;

use super::SetupError;
use super::files::read;
use crate::env::context::Context;
use crate::env::uv::provide_uv;
use crate::model::clues::{compiled, source};
use crate::model::config::text::ProjectPath;
use crate::model::config::{Config, Strategy};
use crate::model::pyproject::Pyproject;
use crate::project::discover::{PYPROJECT, ProjectRoot, REQUIREMENTS, UV_LOCK, is_locked};
use crate::project::env_vars;
use crate::project::lock::{self, Lock, LockKind};
use crate::tools::uv::CompileRequest;

/// Who makes the lock, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locker {
    /// `uv lock`, of `pyproject.toml`.
    Project,
    /// `uv pip compile`, of requirements.
    Requirements(Inputs),
}

/// Requirements that are not pinned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The files, by their paths in the project.
    pub files: Vec<String>,
    /// Requirements that a `setup.py` or a `setup.cfg` stands for, and its name.
    pub lines: Option<(String, &'static str)>,
}

impl Locker {
    /// Returns the name of the lock.
    pub const fn file(&self) -> &'static str {
        match self {
            Self::Project => UV_LOCK,
            Self::Requirements(_) => compiled::LOCK,
        }
    }

    /// Makes the lock, with `program` looking at sources, which is Python `version`.
    pub fn make(
        &self,
        context: &Context<'_>,
        folder: &Path,
        program: &Path,
        version: &str,
    ) -> Result<(), SetupError> {
        let uv = provide_uv(context)?;
        let inputs = match self {
            Self::Project => return Ok(uv.lock(folder, program, context.cancel)?),
            Self::Requirements(inputs) => inputs,
        };
        let lines = inputs.lines.as_ref();
        let request = CompileRequest {
            project: folder,
            files: &inputs.files,
            lines: lines.map(|(text, name)| (text.as_str(), *name)),
            former: &inputs.former(folder)?,
            python: program,
            version,
        };
        let text = uv.compile(&request, context.cancel)?;
        let header = compiled::header(&inputs.names(), version, &inputs.digest(folder, version)?);
        let path = folder.join(compiled::LOCK);
        Ok(env_vars::write_plain(&path, &(header + &text), 0o644)?)
    }
}

impl Inputs {
    /// Finds the requirements of the project in `folder`.
    pub fn find(folder: &Path) -> Result<Option<Self>, SetupError> {
        let files = compiled::inputs(&|file| folder.join(file).is_file());
        if !files.is_empty() {
            return Ok(Some(Self { files, lines: None }));
        }
        let lines = if folder.join("setup.py").is_file() {
            Some(("-e .\n".to_owned(), "setup.py"))
        } else {
            let text = read(&folder.join("setup.cfg"))?;
            let requires = text.map(|text| source::setup_cfg(&text).requires);
            let requires = requires.filter(|requires| !requires.is_empty());
            requires.map(|requires| (requires.join("\n") + "\n", "setup.cfg"))
        };
        Ok(lines.map(|lines| Self {
            files: Vec::new(),
            lines: Some(lines),
        }))
    }

    fn names(&self) -> Vec<String> {
        let more = self.lines.iter().map(|(_, name)| (*name).to_owned());
        self.files.iter().cloned().chain(more).collect()
    }

    /// Returns the digest of everything that a lock of these is made from.
    fn digest(&self, folder: &Path, version: &str) -> Result<String, SetupError> {
        let mut texts = BTreeMap::new();
        let mut open = self.files.clone();
        while let Some(file) = open.pop() {
            let Some(text) = read(&folder.join(&file))?.filter(|_| !texts.contains_key(&file))
            else {
                continue;
            };
            let beside = file.rsplit_once('/').map(|(folder, _)| folder);
            for other in compiled::included(&text) {
                let other =
                    beside.map_or_else(|| other.to_owned(), |beside| format!("{beside}/{other}"));
                open.push(other);
            }
            texts.insert(file, text.replace("\r\n", "\n"));
        }
        if let Some((text, _)) = &self.lines {
            texts.insert(String::new(), text.clone());
            for file in ["setup.py", "setup.cfg", PYPROJECT] {
                let text = read(&folder.join(file))?;
                texts.extend(text.map(|text| (file.to_owned(), text.replace("\r\n", "\n"))));
            }
        }
        let mut bytes = format!("form 1\npython {version}\n");
        for (file, text) in texts {
            bytes.push_str(&format!("{file} {}\n{text}\n", text.len()));
        }
        Ok(Digest::of(bytes.as_bytes()).to_string())
    }

    /// Returns the versions that shall stay where they fit: those of the lock, or those that another
    /// program pinned without hashes.
    fn former(&self, folder: &Path) -> Result<String, SetupError> {
        if let Some(text) = read(&folder.join(compiled::LOCK))? {
            return Ok(text);
        }
        let mut pins = String::new();
        let pinned = self
            .files
            .iter()
            .filter_map(|file| file.strip_suffix(".in"));
        for stem in pinned {
            let text = read(&folder.join(format!("{stem}.txt")))?.unwrap_or_default();
            let lines = text.lines().filter(|line| {
                line.starts_with(|first: char| first.is_ascii_alphanumeric()) && line.contains("==")
            });
            for line in lines {
                pins.push_str(line.trim_end_matches(['\\', ' ']));
                pins.push('\n');
            }
        }
        Ok(pins)
    }
}

/// Returns the locks that count; none when one shall be made.
pub(super) fn existing(root: &ProjectRoot, config: &Config) -> Result<Vec<Lock>, SetupError> {
    let dependencies = &config.dependencies;
    let strategy = dependencies.strategy;
    let lists_none = dependencies.lock_files.is_empty();
    let has_uv_lock = root.uv_lock.is_some() || root.pylock.is_some();
    if strategy == Some(Strategy::Uv) && lists_none && !has_uv_lock && root.pyproject.is_some() {
        return Ok(Vec::new());
    }
    if lists_none
        && lock::usual_file(root, strategy) == Some(REQUIREMENTS)
        && !is_locked(&root.folder, REQUIREMENTS)
    {
        return Ok(Vec::new());
    }
    match lock::read_locks(root, config) {
        Err(crate::project::spec::SpecError::NoLock(_)) => Ok(Vec::new()),
        locks => Ok(locks?),
    }
}

/// Decides who makes the lock of a project that has none.
pub(super) fn choose(
    root: &ProjectRoot,
    strategy: Option<Strategy>,
    pyproject: &Pyproject,
) -> Result<Locker, SetupError> {
    let is_project = pyproject.name.is_some() || pyproject.workspace.is_some();
    let inputs = || Inputs::find(&root.folder).map(|found| found.map(Locker::Requirements));
    match strategy {
        Some(Strategy::Poetry) => Err(SetupError::Strategy(Strategy::Poetry)),
        Some(Strategy::PipTools) => inputs()?.ok_or(SetupError::Strategy(Strategy::PipTools)),
        None | Some(Strategy::Uv) if is_project => Ok(Locker::Project),
        None | Some(Strategy::Uv) => {
            let text = read(&root.folder.join(PYPROJECT))?.unwrap_or_default();
            if text.contains("[tool.poetry.dependencies]") {
                return Err(SetupError::Strategy(Strategy::Poetry));
            }
            inputs()?.ok_or(SetupError::NothingToLock)
        }
    }
}

/// Returns who made the lock anew where it does not match the project any more.
pub(super) fn outdated(
    context: &Context<'_>,
    root: &ProjectRoot,
    locks: &[Lock],
    program: &Path,
    version: &str,
) -> Result<Option<Locker>, SetupError> {
    for lock in locks {
        match &lock.kind {
            LockKind::Uv if root.pyproject.is_some() => {
                let uv = provide_uv(context)?;
                match uv.check_lock(&root.folder, Some(program), context.cancel) {
                    Ok(()) => {}
                    Err(crate::tools::uv::UvError::Stale { .. }) => {
                        return Ok(Some(Locker::Project));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            LockKind::Requirements(_) => {
                if let Some(inputs) = changed_inputs(&root.folder, lock, version)? {
                    return Ok(Some(Locker::Requirements(inputs)));
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Returns the requirements that `lock` was made of, where they changed since.
fn changed_inputs(folder: &Path, lock: &Lock, version: &str) -> Result<Option<Inputs>, SetupError> {
    if lock.path != folder.join(compiled::LOCK) {
        return Ok(None);
    }
    let text = read(&lock.path)?.unwrap_or_default();
    let (Some(digest), Some(inputs)) = (compiled::digest(&text), Inputs::find(folder)?) else {
        return Ok(None);
    };
    Ok((inputs.digest(folder, version)? != digest).then_some(inputs))
}

/// Tells whether the requirements that `lock` was made of, for this version of Python, changed since.
pub fn is_stale(folder: &Path, lock: &Lock, version: &str) -> Result<bool, SetupError> {
    Ok(changed_inputs(folder, lock, version)?.is_some())
}

/// Writes into `config` that the lock of `locker` is the project's.
pub(super) fn adopt(locker: &Locker, config: &mut Config) -> Result<(), SetupError> {
    if matches!(locker, Locker::Requirements(_)) {
        let path = ProjectPath::new(compiled::LOCK)?;
        let files = &mut config.dependencies.lock_files;
        if !files.contains(&path) {
            files.insert(0, path);
        }
    }
    Ok(())
}
