//! From what a project asks for to the environment document: remembered, or worked out once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use dht_store::{Environment, Fingerprint, Package, RealisationKind, StoreError, Tool};

use super::pep751;
use super::spec::{PythonWish, Spec};
use super::tools::ToolError;
use crate::env::base::{self, BaseError, Interpreter};
use crate::env::context::Context;
use crate::env::document::document;
use crate::env::local_archive;
use crate::env::locate::LocatePinsError;
use crate::env::pythons;
use crate::env::realise::{RealiseError, RealiseReport, WheelInput, realise_wheels};
use crate::env::select::{SelectError, select};
use crate::env::sources::{SourceError, realise_sources};
use crate::env::uv::UvSetupError;
use crate::model::merge::Contradiction;
use crate::model::platform::Platform;
use crate::model::pylock::PylockError;
use crate::model::python::PythonRequest;
use crate::model::selection::{Selection, Source};
use crate::model::target::Target;
use crate::model::tool_lock::TOOL_LOCK;
use crate::tools::uv::UvError;

/// Environments, by what was asked for.
pub const ENVIRONMENT: RealisationKind = RealisationKind("environment");

/// An environment that was resolved.
#[derive(Debug)]
pub struct Resolved {
    /// What it is for.
    pub target: Target,
    /// The interpreter.
    pub interpreter: Interpreter,
    /// The document.
    pub environment: Environment,
    /// Its name.
    pub fingerprint: Fingerprint,
    /// What was done.
    pub report: ResolveReport,
}

/// What was done to resolve an environment.
#[derive(Debug, Default)]
pub struct ResolveReport {
    /// Whether the store remembered the environment.
    pub remembered: bool,
    /// What the Python was chosen for, where the project names no exact version.
    pub python_for: Option<String>,
    /// What was done to realise packages.
    pub realised: RealiseReport,
    /// How many packages were built from their sources.
    pub built: usize,
    /// What a user should know of the files that indexes have.
    pub warnings: Vec<String>,
}

/// Why an environment could not be resolved.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// No interpreter.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// No Python fits, neither on this machine nor among those that can be fetched.
    #[error(
        "no Python fits {wish}; on this machine: {}; to fetch: {}",
        if found.is_empty() { "none".to_owned() } else { found.join(", ") },
        to_fetch.as_deref().unwrap_or("none that fits")
    )]
    NoPython {
        /// What was asked for.
        wish: String,
        /// What there is.
        found: Vec<String>,
        /// Why it is not known what can be fetched.
        to_fetch: Option<String>,
    },
    /// uv could not be had.
    #[error(transparent)]
    UvSetup(#[from] UvSetupError),
    /// uv failed.
    #[error(transparent)]
    Uv(#[from] UvError),
    /// The lock is refused.
    #[error("the lock is refused")]
    Pylock(#[source] Box<PylockError>),
    /// A lock was made for another `pyproject.toml`, or of other requirements.
    #[error("`{}` does not match what the project asks for", .0.display())]
    Stale(PathBuf),
    /// The files of a lock could not be found.
    #[error(transparent)]
    Locate(#[from] LocatePinsError),
    /// Two locks contradict each other.
    #[error(transparent)]
    Contradiction(Box<Contradiction>),
    /// The lock has nothing for this target.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// A tool has no place.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A package could not be brought into the store.
    #[error(transparent)]
    Realise(#[from] RealiseError),
    /// A package could not be built.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Resolves what `spec` asks for on `platform`.
pub fn resolve(
    context: &Context<'_>,
    spec: &Spec,
    platform: Platform,
    locked: bool,
) -> Result<Resolved, ResolveError> {
    let python = choose_python(context, &spec.python, platform)?;
    let mut resolved = resolve_for(context, spec, Target { platform, python }, locked)?;
    let is_chosen = !matches!(spec.python, PythonWish::Exact(_));
    resolved.report.python_for = is_chosen.then(|| spec.python.to_string());
    Ok(resolved)
}

fn resolve_for(
    context: &Context<'_>,
    spec: &Spec,
    target: Target,
    locked: bool,
) -> Result<Resolved, ResolveError> {
    let interpreter = base::provide(context, &target.python, target.platform)?;
    if locked {
        let version = target.python.version.to_string();
        pep751::check_fresh(context, spec, &interpreter, &version)?;
    }
    let unpinned = base::is_unpinned(context, &interpreter, &target).then(|| {
        format!(
            "the Python is not the build that `{TOOL_LOCK}` pins, which could not be reached: the fingerprint is another one"
        )
    });
    let input = input(spec, &target, &interpreter);
    if let Some(mut resolved) = remembered(context, &input, &target, &interpreter)? {
        resolved.report.warnings.extend(unpinned);
        return Ok(resolved);
    }
    let mut report = ResolveReport::default();
    let environment = work_out(
        context,
        spec,
        &target,
        &interpreter,
        &BTreeSet::new(),
        &mut report,
    )?;
    report.warnings.extend(unpinned);
    let fingerprint = context.store.put_environment(&environment)?;
    context
        .store
        .realise_environment(ENVIRONMENT, &input, fingerprint)?;
    Ok(Resolved {
        target,
        interpreter,
        environment,
        fingerprint,
        report,
    })
}

/// Checks that the locks have a file of every package for `platform`, without its Python.
pub fn check_selection(
    context: &Context<'_>,
    spec: &Spec,
    platform: Platform,
) -> Result<(), ResolveError> {
    selection(context, spec, platform).map(drop)
}

/// Returns what the locks select for `platform`; nothing is fetched but what tells where files are.
pub fn selection(
    context: &Context<'_>,
    spec: &Spec,
    platform: Platform,
) -> Result<(Target, Selection), ResolveError> {
    let python = choose_python(context, &spec.python, platform)?;
    let host = Platform::host().unwrap_or(platform);
    let interpreter = base::provide(context, &python, host)?;
    let target = Target { platform, python };
    let whole = pep751::whole(context, spec, &interpreter)?;
    let selection = select(&whole.lock, &target, &whole.request)?;
    Ok((target, selection))
}

/// Returns what `spec` asks for on `platform`, if the store remembers it.
pub fn expected(context: &Context<'_>, spec: &Spec, platform: Platform) -> Option<Fingerprint> {
    let python = newest(&spec.python, &pythons::known(context))?;
    let interpreter = base::remembered(context, &python, platform)?;
    let target = Target { platform, python };
    context
        .store
        .realised_environment(ENVIRONMENT, &input(spec, &target, &interpreter))
}

/// Makes the entries of the packages in `again` anew.
pub fn restore(
    context: &Context<'_>,
    spec: &Spec,
    resolved: &mut Resolved,
    again: &BTreeSet<String>,
) -> Result<(), ResolveError> {
    work_out(
        context,
        spec,
        &resolved.target,
        &resolved.interpreter,
        again,
        &mut resolved.report,
    )?;
    Ok(())
}

pub(super) fn input(spec: &Spec, target: &Target, interpreter: &Interpreter) -> Vec<u8> {
    let base = crate::env::blueprint::bytecode_label(&interpreter.base);
    format!("form 1\n{}\n{target}\n{base}\n", spec.digest()).into_bytes()
}

fn remembered(
    context: &Context<'_>,
    input: &[u8],
    target: &Target,
    interpreter: &Interpreter,
) -> Result<Option<Resolved>, ResolveError> {
    let Some(fingerprint) = context.store.realised_environment(ENVIRONMENT, input) else {
        return Ok(None);
    };
    let Some(environment) = context.store.environment(fingerprint)? else {
        return Ok(None);
    };
    let pins = environment.entries().map(|entry| entry.entry.0);
    context.store.pin(pins)?;
    if !environment
        .entries()
        .all(|entry| context.store.has_entry(&entry))
    {
        return Ok(None);
    }
    Ok(Some(Resolved {
        target: target.clone(),
        interpreter: interpreter.clone(),
        environment,
        fingerprint,
        report: ResolveReport {
            remembered: true,
            ..ResolveReport::default()
        },
    }))
}

fn work_out(
    context: &Context<'_>,
    spec: &Spec,
    target: &Target,
    interpreter: &Interpreter,
    again: &BTreeSet<String>,
    report: &mut ResolveReport,
) -> Result<Environment, ResolveError> {
    let whole = pep751::whole(context, spec, interpreter)?;
    report.warnings = whole.warnings;
    let selection = select(&whole.lock, target, &whole.request)?;
    let policy = pep751::policy(context, spec);
    let placed = spec.tools.place(spec, target, &policy, selection)?;
    let bringing = Bringing {
        context,
        target,
        interpreter,
        again,
    };
    let packages = bringing.packages(placed.packages, report)?;
    let mut tools = Vec::with_capacity(placed.tools.len());
    for tool in placed.tools {
        tools.push(Tool {
            name: tool.name.to_string(),
            version: tool.version.to_string(),
            packages: bringing.packages(tool.isolated, report)?,
        });
    }
    Ok(document(target, interpreter.base.clone(), packages, tools))
}

/// How packages come into the store.
struct Bringing<'a> {
    context: &'a Context<'a>,
    target: &'a Target,
    interpreter: &'a Interpreter,
    again: &'a BTreeSet<String>,
}

impl Bringing<'_> {
    fn packages(
        &self,
        selection: Selection,
        report: &mut ResolveReport,
    ) -> Result<Vec<Package>, ResolveError> {
        let Self {
            context,
            target,
            interpreter,
            again,
        } = *self;
        let mut wheels = Vec::new();
        let mut built_from = Vec::new();
        let mut places = BTreeMap::new();
        for package in selection.packages {
            let direct_url = local_archive::placeless_url(context, &package);
            let place = local_archive::place(context, &package);
            match package.source {
                Source::Wheel(archive) => {
                    places.extend(place.map(|place| (package.name.to_string(), place)));
                    wheels.push(WheelInput {
                        name: package.name,
                        archive,
                        direct_url,
                    });
                }
                Source::Sdist { .. } | Source::Git { .. } | Source::Directory { .. } => {
                    built_from.push(package);
                }
            }
        }
        let (mut packages, realised) = realise_wheels(context, target, &wheels, again)?;
        report.realised.add(realised);
        let (built, count) = realise_sources(context, target, interpreter, &built_from, again)?;
        for package in &mut packages {
            package.folder = places.remove(&package.name);
        }
        report.built += count;
        packages.extend(built);
        Ok(packages)
    }
}

/// Returns the exact Python: the one that is asked for, or else the newest that fits of those that the
/// store and pyenv have, then of the system's, then of those that can be fetched.
pub fn choose_python(
    context: &Context<'_>,
    wish: &PythonWish,
    platform: Platform,
) -> Result<PythonRequest, ResolveError> {
    let mut found = pythons::known(context);
    if let Some(python) = newest(wish, &found) {
        return Ok(python);
    }
    let implementation = wish.implementation();
    found.extend(pythons::of_system(context, implementation, platform));
    if let Some(python) = newest(wish, &found) {
        return Ok(python);
    }
    let to_fetch = pythons::to_fetch(context, implementation, platform);
    let offered = to_fetch.as_deref().unwrap_or_default();
    newest(wish, offered).ok_or_else(|| ResolveError::NoPython {
        wish: wish.to_string(),
        found: found.iter().map(ToString::to_string).collect(),
        to_fetch: to_fetch.err(),
    })
}

/// Returns the exact Python that is asked for, or else the newest of `known` that fits.
fn newest(wish: &PythonWish, known: &[PythonRequest]) -> Option<PythonRequest> {
    if let PythonWish::Exact(python) = wish {
        return Some(python.clone());
    }
    let fitting = known.iter().filter(|python| wish.admits(python));
    fitting
        .max_by(|left, right| left.version.cmp(&right.version))
        .cloned()
}
