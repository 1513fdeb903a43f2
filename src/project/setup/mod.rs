//! Capturing a project's environment in its `.dhtconfig`.
//!
//! The law: planning changes nothing in the project; what a person wrote is kept; a second run
//! changes nothing. The lock is written first, `.dhtconfig` last, each in one step.

pub mod apply;
mod capture;
mod files;
pub mod locker;
pub mod machine;
pub mod plan;
pub mod tools;

use dht_store::fs::FsError;
use uv_normalize::PackageName;

use super::checksum::AskedError;
use super::env_vars::EnvVarsError;
use super::expectation::ExpectationError;
use super::freeze::FreezeError;
use super::regenerate::RegenerateError;
use super::resolve::ResolveError;
use super::spec::SpecError;
use crate::env::base::BaseError;
use crate::env::uv::UvSetupError;
use crate::model::config::edit::EditError;
use crate::model::config::{Strategy, text::TextError};
use crate::tools::uv::UvError;

/// Why a project could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// What the project says cannot be read.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The variables that it reads cannot be told.
    #[error(transparent)]
    EnvVars(#[from] EnvVarsError),
    /// No Python.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// No Python fits, or the like.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// uv could not be had.
    #[error(transparent)]
    UvSetup(#[from] UvSetupError),
    /// uv failed.
    #[error(transparent)]
    Uv(#[from] UvError),
    /// The environment could not be made.
    #[error(transparent)]
    Regenerate(#[from] RegenerateError),
    /// `.dhtconfig` could not be changed.
    #[error("could not change `.dhtconfig`")]
    Edit(#[from] EditError),
    /// Its checksums could not be told.
    #[error(transparent)]
    Expectation(#[from] ExpectationError),
    /// It cannot be told what the project asks for.
    #[error(transparent)]
    Asked(#[from] AskedError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A value does not fit into `.dhtconfig`.
    #[error("cannot write down what was found")]
    Text(#[from] TextError),
    /// There is no lock, and another program than uv makes it.
    #[error("there is no lock of {}, and setup makes locks with uv alone, of `pyproject.toml`, requirements files, `setup.py` or `setup.cfg`", strategy_name(*.0))]
    Strategy(Strategy),
    /// There is nothing to lock.
    #[error(
        "the project has no lock, and nothing to make one from: no `pyproject.toml` with a project, no requirements files, no `setup.py`, no `setup.cfg` that asks for packages"
    )]
    NothingToLock,
    /// The tools could not be locked.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
    /// The lock lacks a tool.
    #[error("the lock has no `{0}`, whose version shall be kept")]
    NoTool(PackageName),
}

const fn strategy_name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Uv => "uv",
        Strategy::PipTools => "pip-tools",
        Strategy::Poetry => "poetry",
    }
}
