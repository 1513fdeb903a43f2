//! The uv that resolves and builds: the one on `PATH`, or the pinned wheel from the store.

use std::collections::BTreeSet;
use std::str::FromStr;

use dht_store::EntryRef;
use uv_normalize::PackageName;

use super::context::Context;
use super::realise::{RealiseError, WheelInput, realise_wheels, realised};
use crate::model::platform::{Layout, Platform};
use crate::model::python::{Implementation, PythonRequest, PythonVersion};
use crate::model::target::Target;
use crate::tools::uv::{Uv, pinned_wheel};

/// Why uv could not be had.
#[derive(Debug, thiserror::Error)]
pub enum UvSetupError {
    /// uv has no program for this machine.
    #[error("there is no uv on PATH, and none to fetch for this platform")]
    Platform,
    /// The pinned wheel could not be brought into the store.
    #[error("there is no uv on PATH, and the pinned one could not be brought into the store")]
    Realise(#[from] RealiseError),
}

/// Returns a uv that can be run.
pub fn provide_uv(context: &Context<'_>) -> Result<Uv, UvSetupError> {
    let machine = context.machine;
    let uv = find_uv(context)?;
    Ok(uv
        .offline(context.offline)
        .c_flags(machine.c_flags.as_deref(), machine.cxx_flags.as_deref()))
}

fn find_uv(context: &Context<'_>) -> Result<Uv, UvSetupError> {
    if let Some(uv) = Uv::locate(&context.machine.path, context.project) {
        return Ok(uv);
    }
    let platform = Platform::host().ok_or(UvSetupError::Platform)?;
    let (target, wheel) = pinned(platform);
    let (packages, _) = realise_wheels(context, &target, &[wheel], &BTreeSet::new())?;
    let package = packages.first().ok_or(UvSetupError::Platform)?;
    let program = match platform.layout() {
        Layout::Posix => "scripts/uv",
        Layout::Windows => "scripts/uv.exe",
    };
    let program = context.store.entry_path(&package.entry_ref()).join(program);
    Ok(Uv::at(&program))
}

/// Returns the entry of the uv that was brought into the store, if there is one.
pub fn kept(context: &Context<'_>) -> Option<EntryRef> {
    let (target, wheel) = pinned(Platform::host()?);
    realised(context, &target, &wheel)
}

fn pinned(platform: Platform) -> (Target, WheelInput) {
    let target = Target {
        platform,
        python: any_python(),
    };
    let wheel = WheelInput {
        name: PackageName::from_str("uv").expect("because `uv` is a valid name"),
        archive: pinned_wheel(platform),
        direct_url: None,
    };
    (target, wheel)
}

/// uv's wheel is the same for every Python.
fn any_python() -> PythonRequest {
    PythonRequest {
        implementation: Implementation::CPython,
        version: PythonVersion {
            major: 3,
            minor: 8,
            patch: 0,
            suffix: String::new(),
        },
    }
}
