//! Whether an environment still is what it was made to be, and what its project asks for now.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dht_store::fs::FsError;
use dht_store::{Base, Comparison, Depth, DifferenceKind, Environment, Fingerprint, StoreError};

use super::regenerate::VENV;
use super::resolve;
use super::spec::{PythonWish, Spec};
use crate::env::assemble::{self, Standing};
use crate::env::base;
use crate::env::blueprint::{Blueprint, BlueprintError, Place, target_of};
use crate::env::context::Context;
use crate::env::state::{self, State};
use crate::model::platform::Platform;
use crate::model::python::PythonRequest;

/// How closely an environment is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closeness {
    /// Inputs and folders.
    Quick,
    /// Every file, by stat.
    Stat,
    /// Every byte.
    Deep,
}

/// Why an environment could not be validated.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// There is none.
    #[error("there is no environment at `{}`", .0.display())]
    Nothing(PathBuf),
    /// Another tool made it.
    #[error("`{}` was not made by dhtl, so there is nothing to compare it with", .0.display())]
    Foreign(PathBuf),
    /// The store does not know what it was made from.
    #[error("the store does not hold the environment {0}")]
    Unknown(Fingerprint),
    /// What should stand could not be told.
    #[error(transparent)]
    Blueprint(#[from] BlueprintError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk refused.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// A path that differs, and the package that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
pub struct Drift {
    /// The path in the environment; one in the interpreter's build begins with `python:`.
    pub path: String,
    /// How it differs.
    pub kind: DifferenceKind,
    /// The package that it belongs to; for an added path, the one whose metadata it seems to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The isolated tool that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
}

/// A tool that is asked for, and what was found of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ToolState {
    /// Its name.
    pub name: String,
    /// The version that is asked for; none where it is not asked for any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
    /// The version that the environment was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// Whether it has an environment of its own.
    pub isolated: bool,
    /// How many of its paths differ.
    pub differing: usize,
}

impl ToolState {
    /// Tells whether it is there, in its version, with all its files.
    pub fn is_right(&self) -> bool {
        self.wanted == self.found && self.differing == 0
    }
}

/// Tells what was found of each tool.
fn tool_states(spec: &Spec, environment: &Environment, drift: &[Drift]) -> Vec<ToolState> {
    let mut wanted: BTreeMap<String, String> = spec
        .tools
        .wanted
        .iter()
        .map(|(name, version)| (name.to_string(), version.to_string()))
        .collect();
    let mut states = Vec::new();
    for tool in &environment.tools {
        let is_its = |drift: &&Drift| match (&drift.tool, &drift.package) {
            (Some(of), _) => *of == tool.name,
            (None, Some(package)) => !tool.is_isolated() && *package == tool.name,
            (None, None) => false,
        };
        states.push(ToolState {
            name: tool.name.clone(),
            wanted: wanted.remove(&tool.name),
            found: Some(tool.version.clone()),
            isolated: tool.is_isolated(),
            differing: drift.iter().filter(is_its).count(),
        });
    }
    states.extend(wanted.into_iter().map(|(name, version)| ToolState {
        name,
        wanted: Some(version),
        found: None,
        isolated: false,
        differing: 0,
    }));
    states.sort_by(|left, right| left.name.cmp(&right.name));
    states
}

/// What was found.
#[derive(Debug)]
pub struct Validated {
    /// What the environment was made to be.
    pub fingerprint: Fingerprint,
    /// What it consists of.
    pub environment: Environment,
    /// The Python that the project asks for.
    pub wish: PythonWish,
    /// The Python that it has.
    pub python: PythonRequest,
    /// What the project asks for now, if that is known without the network and another one.
    pub expected: Option<Fingerprint>,
    /// Whether the lock or the settings changed since, so that the environment is out of date.
    pub outdated: bool,
    /// Paths that differ.
    pub drift: Vec<Drift>,
    /// The tools, sorted by name.
    pub tools: Vec<ToolState>,
    /// How many files were looked at.
    pub files: u64,
    /// How many bytes were read.
    pub bytes_read: u64,
}

impl Validated {
    /// Tells whether everything is as it should be.
    pub fn is_valid(&self) -> bool {
        self.drift.is_empty() && !self.outdated
    }
}

/// Compares the environment of a project with what it was made to be, and that with what the
/// project asks for now.
pub fn validate(
    context: &Context<'_>,
    spec: &Spec,
    platform: Platform,
    closeness: Closeness,
) -> Result<Validated, ValidateError> {
    let folder = spec.root.folder.join(VENV);
    context.store.enter()?;
    let state = match assemble::standing(&folder) {
        Standing::Ours(state) => state,
        Standing::Nothing | Standing::Empty => return Err(ValidateError::Nothing(folder)),
        Standing::Broken | Standing::Foreign => return Err(ValidateError::Foreign(folder)),
    };
    let fingerprint = state.fingerprint;
    let environment = context
        .store
        .environment(fingerprint)?
        .ok_or(ValidateError::Unknown(fingerprint))?;
    let expected = resolve::expected(context, spec, platform);
    let (drift, comparison) = compare(context, spec, &state, &environment, closeness)?;
    let outdated = expected.is_none_or(|expected| expected != fingerprint);
    Ok(Validated {
        fingerprint,
        wish: spec.python.clone(),
        python: target_of(&environment)?.python,
        tools: tool_states(spec, &environment, &drift),
        environment,
        expected,
        outdated,
        drift,
        files: comparison.files,
        bytes_read: comparison.bytes_read,
    })
}

fn compare(
    context: &Context<'_>,
    spec: &Spec,
    state: &State,
    environment: &Environment,
    closeness: Closeness,
) -> Result<(Vec<Drift>, Comparison), ValidateError> {
    let folder = spec.root.folder.join(VENV);
    if closeness == Closeness::Quick && state::folders_untouched(&folder) == Some(true) {
        return Ok((Vec::new(), Comparison::default()));
    }
    let target = target_of(environment)?;
    let program = base::program_of(context, &environment.base, &target);
    let place = Place {
        project: &spec.root.folder,
        environment: &folder,
        interpreter: &program,
        bytecode: state.bytecode,
        prompt: &state.prompt,
    };
    let blueprint = Blueprint::draw(context.store, environment.clone(), place)?;
    let depth = match (closeness, State::written_at(&folder)) {
        (Closeness::Quick, Some(since)) => Depth::Quick { since },
        (Closeness::Deep, _) => Depth::Deep,
        _ => Depth::Stat,
    };
    let (comparison, interpreter) = rayon::join(
        || assemble::compare(&blueprint, state.link_mode, &folder, depth),
        || interpreter_drift(context, &environment.base, closeness),
    );
    let comparison = comparison?;
    let mut drift: Vec<Drift> = comparison
        .differences
        .iter()
        .map(|difference| {
            let path = difference.path.to_string_lossy().into_owned();
            let package = match difference.layer {
                Some(layer) => Some(blueprint.package(layer).name.clone()),
                None => foreign_package(&path),
            };
            let tool = match difference.layer {
                Some(layer) => blueprint.tool(layer),
                None => blueprint.tool_at(&path),
            };
            Drift {
                tool: tool.map(str::to_owned),
                path,
                kind: difference.kind,
                package,
            }
        })
        .collect();
    drift.extend(interpreter?);
    drift.sort();
    Ok((drift, comparison))
}

/// Returns the package whose metadata folder this is: `lib/…/requests-2.0.dist-info`.
fn foreign_package(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let stem = name
        .strip_suffix(".dist-info")
        .or_else(|| name.strip_suffix(".egg-info"))?;
    Some(stem.split('-').next().unwrap_or(stem).to_owned())
}

fn interpreter_drift(
    context: &Context<'_>,
    base: &Base,
    closeness: Closeness,
) -> Result<Vec<Drift>, ValidateError> {
    use dht_store::check::ProblemKind;
    let Base::Entry(entry) = base else {
        return Ok(Vec::new());
    };
    if closeness == Closeness::Quick {
        return Ok(Vec::new());
    }
    let report = context
        .store
        .check_entry(entry, closeness == Closeness::Deep)?;
    let kind = |kind| match kind {
        ProblemKind::Missing => DifferenceKind::Missing,
        ProblemKind::Modified | ProblemKind::Unreadable => DifferenceKind::Modified,
        ProblemKind::WrongKind => DifferenceKind::WrongKind,
        ProblemKind::Retargeted => DifferenceKind::Retargeted,
        ProblemKind::Unexpected => DifferenceKind::Added,
    };
    Ok(report
        .problems
        .into_iter()
        .filter(|problem| {
            problem.kind != ProblemKind::Unexpected
                || !dht_store::is_bytecode_path(Path::new(&problem.path))
        })
        .map(|problem| Drift {
            path: format!("python:{}", problem.path),
            kind: kind(problem.kind),
            package: Some(entry.name.clone()),
            tool: None,
        })
        .collect())
}
