//! From what a project asks for to the environment document: remembered, or worked out once.

use std::collections::{BTreeMap, BTreeSet};

use dht_store::{Environment, Fingerprint, RealisationKind, StoreError};

use super::spec::{Lock, PythonWish, Spec};
use crate::env::base::{self, BaseError, Interpreter};
use crate::env::context::Context;
use crate::env::document::document;
use crate::env::local_archive;
use crate::env::pythons;
use crate::env::realise::{RealiseError, RealiseReport, WheelInput, realise_wheels};
use crate::env::select::{SelectError, select};
use crate::env::sources::{SourceError, realise_sources};
use crate::env::uv::{UvSetupError, provide_uv};
use crate::model::groups::GroupRequest;
use crate::model::platform::Platform;
use crate::model::pylock::{LockOrigin, LockPolicy, Pylock, PylockError};
use crate::model::python::PythonRequest;
use crate::model::selection::{Selection, Source};
use crate::model::target::Target;
use crate::tools::uv::{ExportRequest, Freshness, UvError};

/// Environments, by what was asked for.
const ENVIRONMENT: RealisationKind = RealisationKind("environment");
/// Locks as PEP 751, by what they were exported from.
const EXPORT: RealisationKind = RealisationKind("export");

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
    /// What was done to realise packages.
    pub realised: RealiseReport,
    /// How many packages were built from their sources.
    pub built: usize,
}

/// Why an environment could not be resolved.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// No interpreter.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// No Python that was asked for is on this machine.
    #[error("no Python fits {wish}; found: {}", if found.is_empty() { "none".to_owned() } else { found.join(", ") })]
    NoPython {
        /// What was asked for.
        wish: String,
        /// What there is.
        found: Vec<String>,
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
    /// The lock has nothing for this target.
    #[error(transparent)]
    Select(#[from] SelectError),
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
    let python = choose_python(context, spec)?;
    let interpreter = base::provide(context, &python, platform)?;
    let target = Target { platform, python };
    if locked && let Lock::Uv { .. } = spec.lock {
        let uv = provide_uv(context)?;
        uv.check_lock(
            &spec.root.folder,
            Some(&interpreter.program),
            context.cancel,
        )?;
    }
    let input = input(spec, &target, &interpreter);
    if let Some(resolved) = remembered(context, &input, &target, &interpreter)? {
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

/// Returns what `spec` asks for on `platform`, if the store remembers it.
pub fn expected(context: &Context<'_>, spec: &Spec, platform: Platform) -> Option<Fingerprint> {
    let python = choose_python(context, spec).ok()?;
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

fn input(spec: &Spec, target: &Target, interpreter: &Interpreter) -> Vec<u8> {
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
    let selection = selection(context, spec, target, interpreter)?;
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
    report.realised = realised;
    let (built, count) = realise_sources(context, target, interpreter, &built_from, again)?;
    for package in &mut packages {
        package.folder = places.remove(&package.name);
    }
    report.built += count;
    packages.extend(built);
    Ok(document(target, interpreter.base.clone(), packages))
}

fn selection(
    context: &Context<'_>,
    spec: &Spec,
    target: &Target,
    interpreter: &Interpreter,
) -> Result<Selection, ResolveError> {
    let (text, request, file) = match &spec.lock {
        Lock::Pylock { path, text } => (text.clone(), spec.groups.clone(), path.clone()),
        Lock::Uv { path, .. } => {
            let text = exported(context, spec, interpreter)?;
            (text, GroupRequest::default(), path.clone())
        }
    };
    let origin = LockOrigin {
        file,
        folder: spec.root.folder.clone(),
    };
    let policy = LockPolicy {
        allow_missing_hashes: spec.allow_missing_hashes,
        allowed_folders: context.machine.allowed_folders.clone(),
        allowed_origins: context.machine.allowed_origins.clone(),
    };
    let mut lock = Pylock::parse(&text, &origin, &policy)
        .map_err(|error| ResolveError::Pylock(Box::new(error)))?;
    lock.restrict(&spec.pyproject.binaries);
    Ok(select(&lock, target, &request)?)
}

fn exported(
    context: &Context<'_>,
    spec: &Spec,
    interpreter: &Interpreter,
) -> Result<String, ResolveError> {
    let input = format!("form 1\n{}", spec.digest());
    if let Some(text) = context.store.realised_text(EXPORT, input.as_bytes()) {
        return Ok(text);
    }
    let uv = provide_uv(context)?;
    let request = ExportRequest {
        project: &spec.root.folder,
        groups: &spec.groups,
        freshness: Freshness::Frozen,
        all_packages: false,
        packages: &[],
        python: Some(&interpreter.program),
    };
    let text = uv.export(&request, context.cancel)?;
    context
        .store
        .realise_text(EXPORT, input.as_bytes(), &text)?;
    Ok(text)
}

/// Returns the exact Python: the one that is asked for, or the newest on this machine that fits.
fn choose_python(context: &Context<'_>, spec: &Spec) -> Result<PythonRequest, ResolveError> {
    if let PythonWish::Exact(python) = &spec.python {
        return Ok(python.clone());
    }
    let known = pythons::known(context);
    let fitting = known.iter().filter(|python| spec.python.admits(python));
    fitting
        .max_by(|left, right| left.version.cmp(&right.version))
        .cloned()
        .ok_or_else(|| ResolveError::NoPython {
            wish: spec.python.to_string(),
            found: known.iter().map(ToString::to_string).collect(),
        })
}
