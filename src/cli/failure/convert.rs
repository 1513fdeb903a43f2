//! What each library error means to the user: its exit code, and what to do next.

use std::io::ErrorKind;

use dht_store::StoreError;
use dht_store::archive::ArchiveError;
use dht_store::gc::GcError;

use super::archive::{of_archive, of_shipment};
use super::compare::{of_asked, of_diff, of_expectation, of_validate, of_why};
use super::life::{of_gc, of_rollback, of_sbom};
use super::tools::{of_freeze, of_tool};
use super::{Failure, Kind};
use crate::env::base::BaseError;
use crate::env::bytecode::DeriveError;
use crate::env::fetch::FetchError;
use crate::env::locate::LocatePinsError;
use crate::env::realise::RealiseError;
use crate::env::select::SelectError;
use crate::env::sources::SourceError;
use crate::model::pylock::Problem;
use crate::project::checksum::AskedError;
use crate::project::container::ContainerError;
use crate::project::diff::DiffError;
use crate::project::discover::DiscoverError;
use crate::project::env_vars::EnvVarsError;
use crate::project::expectation::ExpectationError;
use crate::project::freeze::FreezeError;
use crate::project::regenerate::RegenerateError;
use crate::project::resolve::ResolveError;
use crate::project::rollback::RollbackError;
use crate::project::sbom::SbomError;
use crate::project::setup::SetupError;
use crate::project::shipment::ShipmentError;
use crate::project::spec::SpecError;
use crate::project::validate::ValidateError;
use crate::project::why::WhyError;

/// The kind of failure that an error is, and the advice that goes with it.
pub(super) type Advice = (Kind, Option<String>);

pub(super) fn advice(kind: Kind, hint: &str) -> Advice {
    (kind, Some(hint.to_owned()))
}

fn failure(error: impl std::error::Error + Send + Sync + 'static, (kind, hint): Advice) -> Failure {
    let mut failure = Failure::from_machine(kind, error);
    if failure.kind == Kind::Network && hint.is_some() {
        // Who knows the address says it better than the machine does.
        failure.hints.clear();
    }
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

pub(super) fn of_store(error: &StoreError) -> Advice {
    match error {
        StoreError::Fs(_) | StoreError::Sink(_) => (Kind::Work, None),
        StoreError::TooNew { .. } | StoreError::UnknownFeatures { .. } => advice(
            Kind::Configuration,
            "use a newer dhtl, or another store with `DHT_STORE`",
        ),
        StoreError::Malformed { .. } => advice(
            Kind::Integrity,
            "remove the file: what it says is worked out again",
        ),
        StoreError::Manifest { .. } | StoreError::Mismatch { .. } => advice(
            Kind::Integrity,
            "run `dhtl store verify` to see what is damaged",
        ),
        StoreError::MissingEntry { .. } => {
            advice(Kind::Integrity, "run `dhtl regenerate` to bring it back")
        }
        StoreError::Tree { .. } | StoreError::BadLabel(_) | StoreError::Digest(_) => {
            (Kind::Integrity, None)
        }
        StoreError::NotUnicode(_) => advice(
            Kind::Work,
            "move the project to a folder whose path is Unicode text",
        ),
        StoreError::ReadOnly(_) => advice(
            Kind::Disk,
            "name a store that can be written with `DHT_STORE`",
        ),
        StoreError::Busy { .. } => advice(
            Kind::Busy,
            "wait for the other dhtl to end, or stop it; the lock ends with its process",
        ),
    }
}

pub(super) fn of_discover(error: &DiscoverError) -> Advice {
    match error {
        DiscoverError::None(_) => advice(
            Kind::Configuration,
            "change to a project's folder, or name one with `-C`; `dhtl setup` makes the lock of a project that has none",
        ),
        DiscoverError::NoLock(_) => {
            advice(Kind::Configuration, "run `dhtl setup`, and commit the lock")
        }
        DiscoverError::Read { source, .. } if source.kind() == ErrorKind::InvalidData => {
            (Kind::Configuration, None)
        }
        DiscoverError::Read { .. } => (Kind::Work, None),
        DiscoverError::Pyproject(_) | DiscoverError::Pin { .. } => (Kind::Configuration, None),
    }
}

pub(super) fn of_spec(error: &SpecError) -> Advice {
    match error {
        SpecError::Discover(error) => of_discover(error),
        SpecError::Config(error) => (
            Kind::Configuration,
            error.advice.as_deref().map(str::to_owned),
        ),
        SpecError::Read { source, .. } if source.kind() == ErrorKind::InvalidData => {
            (Kind::Configuration, None)
        }
        SpecError::Read { .. } => (Kind::Work, None),
        SpecError::NoLock(_) => advice(
            Kind::Configuration,
            "run `dhtl setup`, or list the lock in `dependencies.lock_files`",
        ),
        SpecError::Requirements(_) | SpecError::Poetry(_) => (Kind::Configuration, None),
        SpecError::Tools(error) => of_tool(error),
        SpecError::Asked(_) | SpecError::Python(_) => (Kind::Usage, None),
        SpecError::Configured(_) => (Kind::Configuration, None),
    }
}

fn of_base(error: &BaseError) -> Advice {
    match error {
        BaseError::Bytecode { .. } => advice(
            Kind::Tool,
            "this build of Python does not run here; read what it printed above",
        ),
        BaseError::Store(error) => of_store(error),
        BaseError::Ingest { .. } => (Kind::Integrity, None),
        BaseError::Integrity(error) => (Kind::Integrity, error.advice().map(str::to_owned)),
        BaseError::Pinned(_) => advice(
            Kind::Unsuitable,
            "name a mirror that has it in UV_PYTHON_INSTALL_MIRROR, or agree to another build, and so to another fingerprint, with `--any-python`",
        ),
        BaseError::Nothing(nothing) => (Kind::Unsuitable, Some(nothing.advice().join("; "))),
    }
}

fn of_realise(error: &RealiseError) -> Advice {
    match error {
        RealiseError::Fetch(error) => of_fetch(error),
        RealiseError::Wheel { .. } | RealiseError::Filename { .. } => advice(
            Kind::Integrity,
            "the archive breaks the wheel format and is not installed; tell its publisher, or lock \
             another version",
        ),
        RealiseError::Read { .. } => (Kind::Work, None),
        RealiseError::Store(error) => of_store(error),
        RealiseError::Launcher(error) => of_realise(error),
        RealiseError::NoLauncher(_) => (Kind::Integrity, None),
    }
}

pub(super) fn of_resolve(error: &ResolveError) -> Advice {
    match error {
        ResolveError::Base(error) => of_base(error),
        ResolveError::NoPython { .. } => advice(
            Kind::Unsuitable,
            "name an exact version with `--python`, in `.dhtconfig` or in `.python-version`",
        ),
        ResolveError::UvSetup(_) => advice(
            Kind::Tool,
            "install uv, or run once with the network so that it can be fetched",
        ),
        ResolveError::Uv(crate::tools::uv::UvError::Stale { .. }) => {
            advice(Kind::Work, "run `uv lock`, and commit the lock")
        }
        ResolveError::Uv(crate::tools::uv::UvError::Incompatible { .. }) => advice(
            Kind::Usage,
            "ask for one of them, with other `--extra`, `--group` or `--no-group`",
        ),
        ResolveError::Uv(_) => (Kind::Tool, None),
        ResolveError::Pylock(error) => match &*error.problem {
            Problem::Outside(_) => advice(
                Kind::Configuration,
                "if you trust this lock with that folder, name it with `--allow-folder`",
            ),
            Problem::Scheme { .. } => advice(
                Kind::Configuration,
                "if you trust the way to that server, name its origin with `--allow-origin`",
            ),
            _ => (Kind::Configuration, None),
        },
        ResolveError::Stale(lock) if lock.ends_with("poetry.lock") => {
            advice(Kind::Work, "run `poetry lock`, and commit the lock")
        }
        ResolveError::Stale(_) => advice(Kind::Work, "run `dhtl setup`, and commit the lock"),
        ResolveError::Locate(error) => of_locate(error),
        ResolveError::Contradiction(_) => advice(
            Kind::Configuration,
            "lock again from one source, or list one lock only in `dependencies.lock_files`",
        ),
        ResolveError::Tool(error) => of_tool(error),
        ResolveError::Select(error) => of_select(error),
        ResolveError::Realise(error) => of_realise(error),
        ResolveError::Source(error) => of_source(error),
        ResolveError::Store(error) => of_store(error),
    }
}

fn of_select(error: &SelectError) -> Advice {
    match error {
        SelectError::Unknown(_) | SelectError::Only => (Kind::Usage, None),
        SelectError::Twice { .. } => advice(
            Kind::Configuration,
            "lock again: one entry of a package at most may apply to an environment",
        ),
        SelectError::Python { .. }
        | SelectError::Environment { .. }
        | SelectError::PackagePython { .. }
        | SelectError::NoFile { .. }
        | SelectError::NoFiles(_) => (Kind::Unsuitable, None),
    }
}

fn of_locate(error: &LocatePinsError) -> Advice {
    match error {
        LocatePinsError::Fetch { source, .. } => of_fetch(source),
        LocatePinsError::Locate(_) => advice(
            Kind::Integrity,
            "name the right index in the lock, or lock again: the files may have been removed",
        ),
    }
}

fn of_source(error: &SourceError) -> Advice {
    match error {
        SourceError::UvSetup { .. } | SourceError::Offline { .. } => advice(
            Kind::Tool,
            "run once with the network: what is built is kept in the store",
        ),
        SourceError::Build { .. } => advice(
            Kind::Tool,
            "read what the build printed above; system libraries or a compiler may be missing",
        ),
        SourceError::Foreign { .. } => advice(
            Kind::Unsuitable,
            "make the environment on that platform, or ask the package's publisher for a wheel",
        ),
        SourceError::Base(error) => of_base(error),
        SourceError::Fetch(error) => of_fetch(error),
        SourceError::Realise(error) => of_realise(error),
        SourceError::Sdist(_) | SourceError::Template { .. } => (Kind::Integrity, None),
        SourceError::Read { .. } => (Kind::Work, None),
        SourceError::Store(error) => of_store(error),
    }
}

fn of_fetch(error: &FetchError) -> Advice {
    let kind = if error.is_integrity() {
        Kind::Integrity
    } else if error.is_disk() {
        Kind::Work
    } else {
        Kind::Network
    };
    (kind, error.advice().map(str::to_owned))
}

fn of_regenerate(error: &RegenerateError) -> Advice {
    match error {
        RegenerateError::Resolve(error) => of_resolve(error),
        RegenerateError::Store(error) => of_store(error),
        RegenerateError::Blueprint(_) => (Kind::Integrity, None),
        RegenerateError::Bytecode(DeriveError::Store(error)) => of_store(error),
        RegenerateError::Bytecode(_) => (Kind::Tool, None),
        RegenerateError::Fs(_) => (Kind::Work, None),
        RegenerateError::Foreign(_) => advice(
            Kind::Work,
            "agree to its replacement with `--yes`, or move it away; it is replaced in one step",
        ),
        RegenerateError::Conflicts(_) => advice(
            Kind::Work,
            "remove one of the packages, or set `assembly.conflicts` to `allow`",
        ),
        RegenerateError::Damaged(_) => advice(
            Kind::Integrity,
            "run again with the network, so that the packages can be fetched anew",
        ),
    }
}

pub(super) fn of_env_vars(error: &EnvVarsError) -> Advice {
    match error {
        EnvVarsError::Spec(error) => of_spec(error),
        EnvVarsError::Fs(_) => (Kind::Work, None),
        EnvVarsError::NotPlain(_) => advice(
            Kind::Work,
            "move it away: only a plain file of UTF-8 text is read and added to",
        ),
    }
}

fn of_setup(error: &SetupError) -> Advice {
    match error {
        SetupError::Spec(error) => of_spec(error),
        SetupError::EnvVars(error) => of_env_vars(error),
        SetupError::Base(error) => of_base(error),
        SetupError::Resolve(error) => of_resolve(error),
        SetupError::UvSetup(_) => advice(
            Kind::Tool,
            "install uv, or run once with the network so that it can be fetched",
        ),
        SetupError::Uv(_) => advice(Kind::Tool, "read what uv printed above"),
        SetupError::Regenerate(error) => of_regenerate(error),
        SetupError::Edit(_) => advice(
            Kind::Configuration,
            "write that key in the plain form of the documentation, and run again",
        ),
        SetupError::Expectation(error) => of_expectation(error),
        SetupError::Asked(error) => of_asked(error),
        SetupError::Fs(_) => (Kind::Work, None),
        SetupError::Text(_) => (Kind::Configuration, None),
        SetupError::Strategy(_) => advice(
            Kind::Configuration,
            "lock with that program yourself, or set `dependencies.strategy` to `uv`",
        ),
        SetupError::NothingToLock => advice(
            Kind::Configuration,
            "run `uv init --bare` and `uv add` what the project needs",
        ),
        SetupError::Freeze(error) => of_freeze(error),
        SetupError::NoTool(tool) => (
            Kind::Configuration,
            Some(format!(
                "run `uv add --dev {tool}`, then again, or name its version: `--tool {tool}==…`"
            )),
        ),
    }
}

macro_rules! convert {
    ($($error:ty => $advice:ident),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let advice = $advice(&error);
                failure(error, advice)
            }
        })+
    };
}

fn of_container(error: &ContainerError) -> Advice {
    match error {
        ContainerError::Inexact(_) => advice(
            Kind::Configuration,
            "name the exact version, with `--python` or in `.dhtconfig`",
        ),
        ContainerError::NoEngine { commands, .. } => (
            Kind::Tool,
            Some(format!(
                "start docker or podman and run again; or run, where one is: {}",
                commands.join("; then ")
            )),
        ),
        ContainerError::Foreign { command, .. } => (
            Kind::Tool,
            Some(format!(
                "run `{command}`, and in a container of that image a dhtl for Linux: `dhtl regenerate --python-strategy system`"
            )),
        ),
        ContainerError::Fs(_) => (Kind::Work, None),
        ContainerError::Write(error) => of_env_vars(error),
        ContainerError::Run { .. } => advice(Kind::Tool, "read what it printed above"),
    }
}

convert! {
    ArchiveError => of_archive,
    ShipmentError => of_shipment,
    FetchError => of_fetch,
    StoreError => of_store,
    DiscoverError => of_discover,
    SpecError => of_spec,
    ResolveError => of_resolve,
    RegenerateError => of_regenerate,
    ValidateError => of_validate,
    GcError => of_gc,
    RollbackError => of_rollback,
    SbomError => of_sbom,
    EnvVarsError => of_env_vars,
    AskedError => of_asked,
    DiffError => of_diff,
    WhyError => of_why,
    ExpectationError => of_expectation,
    FreezeError => of_freeze,
    SetupError => of_setup,
    ContainerError => of_container,
}
