//! What a setup will do, as a value. Nothing in the project is changed here.

use std::path::{Path, PathBuf};

use dht_store::fs::read_plain;
use schemars::JsonSchema;
use serde::Serialize;
use uv_normalize::PackageName;

use super::{SetupError, capture};
use crate::env::base;
use crate::env::context::Context;
use crate::env::uv::provide_uv;
use crate::model::config::{self, Config, DhtVersion, Python, Strategy};
use crate::model::platform::Platform;
use crate::model::python::PythonRequest;
use crate::project::discover::ProjectRoot;
use crate::project::lock::{Lock, LockKind, read_locks};
use crate::project::resolve;
use crate::project::spec::{self, SpecError, Wishes};
use crate::tools::uv::UvError;

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
pub struct SetupWishes {
    /// `--python`.
    pub python: Option<String>,
    /// `--strategy`.
    pub strategy: Option<Strategy>,
    /// `--tool`: packages of the lock whose version is written down.
    pub tools: Vec<PackageName>,
}

/// What is done about the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LockStep {
    /// There is none; it is made.
    Make,
    /// It does not match the project any more; it is made to.
    Renew,
    /// It is right.
    Keep,
}

/// What a setup will do.
#[derive(Debug)]
pub struct SetupPlan {
    /// The project.
    pub root: ProjectRoot,
    /// The platform of this machine.
    pub platform: Platform,
    /// The exact Python.
    pub python: PythonRequest,
    /// What is done about the lock.
    pub lock: LockStep,
    /// The configuration, but for what only the lock and the environment can tell.
    pub config: Config,
    /// The text of `.dhtconfig`.
    pub(super) before: Option<String>,
    /// The interpreter.
    pub(super) program: PathBuf,
    pub(super) tools: Vec<PackageName>,
}

/// Plans the setup of the project in `root`.
pub fn plan(
    context: &Context<'_>,
    root: &ProjectRoot,
    platform: Platform,
    wishes: &SetupWishes,
) -> Result<SetupPlan, SetupError> {
    let (mut config, before) = match &root.config {
        Some(path) => {
            let config = spec::read_config(path)?;
            let bytes = read_plain(path, config::MAX_SIZE).map_err(|source| SpecError::Read {
                path: path.clone(),
                source,
            })?;
            // The same bytes were a configuration just now, so they are text.
            (config, Some(String::from_utf8_lossy(&bytes).into_owned()))
        }
        None => (Config::default(), None),
    };
    if wishes.strategy.is_some() {
        config.dependencies.strategy = wishes.strategy;
    }
    let locks = existing_locks(root, &config)?;
    let mut facts = root.facts().map_err(SpecError::from)?;
    if facts.pyproject.requires_python.is_none() {
        let pins = locks.first().and_then(Lock::pins);
        facts.pyproject.requires_python = pins.and_then(|pins| pins.requires_python.clone());
    }
    let asked = Wishes {
        python: wishes.python.clone(),
        ..Wishes::default()
    };
    let wish = spec::python_wish(&asked, &config, facts.python, &facts.pyproject)?;
    let python = resolve::choose_python(context, &wish, platform)?;
    let program = base::provide(context, &python, platform)?.program;
    let lock = lock_step(context, root, &locks, &program)?;
    if before.is_none() {
        config.dht_version = Some(DhtVersion::current());
    }
    config.python = Some(Python {
        version: python.version.clone(),
        implementation: python.implementation,
    });
    let kind = locks.first().map(|lock| &lock.kind);
    config.dependencies.strategy.get_or_insert(match kind {
        None | Some(LockKind::Uv | LockKind::Pylock) => Strategy::Uv,
        Some(LockKind::Requirements(_)) => Strategy::PipTools,
        Some(LockKind::Poetry { .. }) => Strategy::Poetry,
    });
    capture::env_template(root, &mut config)?;
    capture::git(root, &mut config.git)?;
    Ok(SetupPlan {
        root: root.clone(),
        platform,
        python,
        lock,
        config,
        before,
        program,
        tools: wishes.tools.clone(),
    })
}

/// Returns the locks that count; none when uv shall make one.
fn existing_locks(root: &ProjectRoot, config: &Config) -> Result<Vec<Lock>, SetupError> {
    let strategy = config.dependencies.strategy;
    let has_uv_lock = root.uv_lock.is_some() || root.pylock.is_some();
    let is_asked = strategy == Some(Strategy::Uv) && config.dependencies.lock_files.is_empty();
    if is_asked && !has_uv_lock && root.pyproject.is_some() {
        return Ok(Vec::new());
    }
    match read_locks(root, config) {
        Err(SpecError::NoLock(_)) => match strategy {
            Some(other) if other != Strategy::Uv => Err(SetupError::Strategy(other)),
            _ if root.pyproject.is_none() => Err(SetupError::NothingToLock),
            _ => Ok(Vec::new()),
        },
        locks => Ok(locks?),
    }
}

fn lock_step(
    context: &Context<'_>,
    root: &ProjectRoot,
    locks: &[Lock],
    program: &Path,
) -> Result<LockStep, SetupError> {
    if locks.is_empty() {
        return Ok(LockStep::Make);
    }
    if root.pyproject.is_none() || !locks.iter().any(|lock| lock.kind == LockKind::Uv) {
        return Ok(LockStep::Keep);
    }
    let uv = provide_uv(context)?;
    match uv.check_lock(&root.folder, Some(program), context.cancel) {
        Ok(()) => Ok(LockStep::Keep),
        Err(UvError::Stale { .. }) => Ok(LockStep::Renew),
        Err(error) => Err(error.into()),
    }
}
