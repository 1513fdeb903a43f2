//! What a setup will do, as a value. Nothing in the project is changed here.

use std::path::PathBuf;

use dht_store::fs::read_plain;
use schemars::JsonSchema;
use serde::Serialize;

use super::locker::{self, Locker};
use super::machine::{Clues, Found};
use super::tools::ToolWish;
use super::{SetupError, capture, files};
use crate::env::base;
use crate::env::context::Context;
use crate::model::clues::source;
use crate::model::config::{self, Config, DhtVersion, Python, Strategy};
use crate::model::platform::Platform;
use crate::model::python::PythonRequest;
use crate::project::discover::ProjectRoot;
use crate::project::lock::{Lock, LockKind};
use crate::project::resolve;
use crate::project::spec::{self, SpecError, Wishes};

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
pub struct SetupWishes {
    /// `--python`.
    pub python: Option<String>,
    /// `--strategy`.
    pub strategy: Option<Strategy>,
    /// `--hook`.
    pub hook: bool,
    /// `--tool`: tools that are written down.
    pub tools: Vec<ToolWish>,
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
    /// What was found and is new in `.dhtconfig`.
    pub found: Vec<Found>,
    /// What was found and could not be taken over.
    pub remarks: Vec<String>,
    /// Who makes the lock, where it is made.
    pub(super) locker: Option<Locker>,
    /// The text of `.dhtconfig`.
    pub(super) before: Option<String>,
    /// The interpreter.
    pub(super) program: PathBuf,
    pub(super) tools: Vec<ToolWish>,
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
    if wishes.hook {
        config.assembly.activation_hook = Some(true);
    }
    if wishes.strategy.is_some() {
        config.dependencies.strategy = wishes.strategy;
    }
    let locks = locker::existing(root, &config)?;
    let clues = Clues::read(root)?;
    let mut facts = root.facts().map_err(SpecError::from)?;
    if facts.pyproject.requires_python.is_none() {
        let pins = locks.first().and_then(Lock::pins);
        let of_lock = pins.and_then(|pins| pins.requires_python.clone());
        facts.pyproject.requires_python = match of_lock {
            Some(requires) => Some(requires),
            None => files::read(&root.folder.join("setup.cfg"))?
                .and_then(|text| source::setup_cfg(&text).requires_python),
        };
    }
    let asked = Wishes {
        python: wishes.python.clone(),
        ..Wishes::default()
    };
    let pin = facts.python.or_else(|| clues.python());
    let wish = spec::python_wish(&asked, &config, pin, &facts.pyproject)?;
    let python = resolve::choose_python(context, &wish, platform)?;
    let program = base::provide(context, &python, platform)?.program;
    let version = python.version.to_string();
    let (lock, locker) = match locks.is_empty() {
        true => {
            let strategy = config.dependencies.strategy;
            let locker = locker::choose(root, strategy, &facts.pyproject)?;
            (LockStep::Make, Some(locker))
        }
        false => match locker::outdated(context, root, &locks, &program, &version)? {
            Some(locker) => (LockStep::Renew, Some(locker)),
            None => (LockStep::Keep, None),
        },
    };
    if before.is_none() {
        config.dht_version = Some(DhtVersion::current());
    }
    config.python = Some(Python {
        version: python.version.clone(),
        implementation: python.implementation,
    });
    let kind = locks.first().map(|lock| &lock.kind);
    let strategy = strategy(kind, locker.as_ref());
    config.dependencies.strategy.get_or_insert(strategy);
    let mut found = capture::env_template(root, &mut config)?;
    found.extend(capture::git(root, &mut config.git)?);
    let (more, remarks) = clues.add_to(&mut config);
    found.extend(more);
    Ok(SetupPlan {
        root: root.clone(),
        platform,
        python,
        lock,
        config,
        found,
        remarks,
        locker,
        before,
        program,
        tools: wishes.tools.clone(),
    })
}

impl SetupPlan {
    /// Tells whether it was decided what activation does.
    pub const fn has_hook(&self) -> bool {
        self.config.assembly.activation_hook.is_some()
    }
}

const fn strategy(lock: Option<&LockKind>, locker: Option<&Locker>) -> Strategy {
    match (lock, locker) {
        (Some(LockKind::Poetry { .. }), _) => Strategy::Poetry,
        (Some(LockKind::Requirements(_)), _) | (None, Some(Locker::Requirements(_))) => {
            Strategy::PipTools
        }
        (None | Some(LockKind::Uv | LockKind::Pylock), _) => Strategy::Uv,
    }
}
