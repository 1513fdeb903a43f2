//! Every lock of a project as PEP 751, and all of them as one.

use uv_normalize::GroupName;

use super::lock::{Lock, LockKind};
use super::resolve::ResolveError;
use super::setup::locker;
use super::spec::Spec;
use crate::env::base::Interpreter;
use crate::env::context::Context;
use crate::env::locate::locate;
use crate::env::uv::provide_uv;
use crate::model::groups::GroupRequest;
use crate::model::merge::{NamedLock, merge};
use crate::model::pins::Pins;
use crate::model::pylock::{LockOrigin, LockPolicy, Pylock};
use crate::tools::uv::{ExportRequest, Freshness};
use dht_store::archive::ClaimName;
use dht_store::{Digest, RealisationKind};

/// Locks as PEP 751, by what they were exported from.
pub const EXPORT: RealisationKind = RealisationKind("export");
/// Locks as PEP 751, by the pins whose files were found.
pub const LOCATED: RealisationKind = RealisationKind("located");

/// What a project's locks say together.
pub(super) struct Whole {
    /// The packages.
    pub lock: Pylock,
    /// What is asked of them.
    pub request: GroupRequest,
    /// What a user should know of the files that were found.
    pub warnings: Vec<String>,
}

/// Checks that the locks match the project's metadata.
///
/// # Errors
///
/// When one does not.
pub(super) fn check_fresh(
    context: &Context<'_>,
    spec: &Spec,
    interpreter: &Interpreter,
    version: &str,
) -> Result<(), ResolveError> {
    for lock in &spec.locks {
        match &lock.kind {
            LockKind::Uv => {
                let uv = provide_uv(context)?;
                let program = Some(interpreter.program.as_path());
                uv.check_lock(&spec.root.folder, program, context.cancel)?;
            }
            LockKind::Poetry { stale: true, .. } => {
                return Err(ResolveError::Stale(lock.path.clone()));
            }
            // What cannot be read is told by whoever needs it.
            LockKind::Requirements(_)
                if locker::is_stale(&spec.root.folder, lock, version)
                    .is_ok_and(|is_stale| is_stale) =>
            {
                return Err(ResolveError::Stale(lock.path.clone()));
            }
            LockKind::Poetry { .. } | LockKind::Pylock | LockKind::Requirements(_) => {}
        }
    }
    Ok(())
}

/// Reads every lock of the project, and merges them.
///
/// # Errors
///
/// When one is refused, its files cannot be found, or two contradict each other.
pub(super) fn whole(
    context: &Context<'_>,
    spec: &Spec,
    interpreter: &Interpreter,
) -> Result<Whole, ResolveError> {
    let alone = spec.locks.len() == 1;
    let mut request = spec.groups.clone();
    let mut warnings = Vec::new();
    let mut locks = Vec::with_capacity(spec.locks.len());
    for lock in &spec.locks {
        let text = match (&lock.kind, lock.pins()) {
            (LockKind::Uv, _) => exported(context, spec, interpreter)?,
            (_, Some(pins)) => located(context, lock, pins, &mut warnings)?,
            (_, None) => lock.text.clone(),
        };
        let mut read = parsed(context, spec, lock, &text)?;
        if lock.kind == LockKind::Uv {
            // uv resolved the request: what it wrote is what is installed.
            if alone {
                request = GroupRequest::default();
            } else {
                read.extras.extend(spec.pyproject.extras.iter().cloned());
                let groups = &spec.pyproject.groups;
                read.dependency_groups.extend(groups.iter().cloned());
                let defaults = spec.pyproject.default_groups.iter();
                let known = |name: &&GroupName| groups.contains(*name);
                read.default_groups.extend(defaults.filter(known).cloned());
            }
        }
        let shown = lock.path.strip_prefix(&spec.root.folder);
        locks.push(NamedLock {
            file: shown.unwrap_or(&lock.path).to_owned(),
            lock: read,
        });
    }
    let merged = merge(locks).map_err(ResolveError::Contradiction)?;
    let mut lock = merged.expect("because a project has at least one lock");
    lock.restrict(&spec.pyproject.binaries);
    Ok(Whole {
        lock,
        request,
        warnings,
    })
}

fn parsed(
    context: &Context<'_>,
    spec: &Spec,
    lock: &Lock,
    text: &str,
) -> Result<Pylock, ResolveError> {
    let origin = LockOrigin {
        file: lock.path.clone(),
        folder: spec.root.folder.clone(),
    };
    Pylock::parse(text, &origin, &policy(context, spec))
        .map_err(|error| ResolveError::Pylock(Box::new(error)))
}

/// Returns what the user allows the locks of a project to do.
pub(super) fn policy(context: &Context<'_>, spec: &Spec) -> LockPolicy {
    LockPolicy {
        allow_missing_hashes: spec.allow_missing_hashes,
        allowed_folders: context.machine.allowed_folders.clone(),
        allowed_origins: context.machine.allowed_origins.clone(),
    }
}

/// Names what the store may remember of the project's locks.
pub(super) fn claims(spec: &Spec) -> Vec<ClaimName> {
    let claim = |lock: &Lock| match (&lock.kind, lock.pins()) {
        (LockKind::Uv, _) => Some(ClaimName::of(EXPORT, export_input(spec).as_bytes())),
        (_, Some(_)) => Some(ClaimName::of(LOCATED, located_input(lock).as_bytes())),
        (_, None) => None,
    };
    spec.locks.iter().filter_map(claim).collect()
}

fn export_input(spec: &Spec) -> String {
    format!("form 1\n{}", spec.digest())
}

fn located_input(lock: &Lock) -> String {
    format!("form 1\n{}", Digest::of(lock.text.as_bytes()))
}

fn exported(
    context: &Context<'_>,
    spec: &Spec,
    interpreter: &Interpreter,
) -> Result<String, ResolveError> {
    let input = export_input(spec);
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

/// Finds the files of a lock; asked of the indexes once for each lock.
fn located(
    context: &Context<'_>,
    lock: &Lock,
    pins: &Pins,
    warnings: &mut Vec<String>,
) -> Result<String, ResolveError> {
    let input = located_input(lock);
    if let Some(text) = context.store.realised_text(LOCATED, input.as_bytes()) {
        return Ok(text);
    }
    let written = locate(context, pins)?;
    warnings.extend(written.warnings);
    context
        .store
        .realise_text(LOCATED, input.as_bytes(), &written.text)?;
    Ok(written.text)
}
