//! The uv that resolves and builds: the one on `PATH`, or the pinned wheel from the store.

use std::collections::BTreeSet;
use std::str::FromStr;

use dht_store::archive::ClaimName;
use dht_store::{EntryRef, Package};
use uv_normalize::PackageName;

use super::context::Context;
use super::realise::{RealiseError, WheelInput, realise_wheels, realised, wheel_claims};
use crate::model::location::Location;
use crate::model::platform::{ALL, Layout, Platform};
use crate::model::python::{Implementation, PythonRequest, PythonVersion};
use crate::model::selection::Archive;
use crate::model::target::Target;
use crate::model::tool_lock::{PinnedFile, UvPins, uv_filename};
use crate::tools::uv::{PINNED_VERSION, Uv, pinned_wheel};

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
    let (package, _) = keep_pinned(context, platform)?;
    let program = match platform.layout() {
        Layout::Posix => "scripts/uv",
        Layout::Windows => "scripts/uv.exe",
    };
    let program = context.store.entry_path(&package.entry_ref()).join(program);
    Ok(Uv::at(&program))
}

/// Returns the entry of the uv that was brought into the store, if there is one.
pub fn kept(context: &Context<'_>) -> Option<EntryRef> {
    let (target, wheel) = pinned(context, Platform::host()?);
    realised(context, &target, &wheel)
}

fn pinned(context: &Context<'_>, platform: Platform) -> (Target, WheelInput) {
    let target = Target {
        platform,
        python: any_python(),
    };
    let archive = match context.pins.uv(platform) {
        Some(pin) => pinned_by_project(pin),
        None => pinned_wheel(platform),
    };
    let wheel = WheelInput {
        name: PackageName::from_str("uv").expect("because `uv` is a valid name"),
        archive,
        direct_url: None,
    };
    (target, wheel)
}

fn pinned_by_project(pin: &PinnedFile) -> Archive {
    Archive {
        location: Location::Url(pin.url.clone()),
        filename: uv_filename(pin).unwrap_or_default().to_owned(),
        sha256: Some(pin.sha256),
        also: Vec::new(),
        size: None,
    }
}

/// Returns the wheels of the uv that dhtl fetches, for every platform.
pub fn uv_pins() -> UvPins {
    let wheels = ALL.into_iter().filter_map(|platform| {
        let archive = pinned_wheel(platform);
        let Location::Url(url) = archive.location else {
            return None;
        };
        let sha256 = archive.sha256?;
        Some((platform, PinnedFile { url, sha256 }))
    });
    UvPins {
        version: PINNED_VERSION.to_owned(),
        wheels: wheels.collect(),
    }
}

/// Brings the pinned uv of a platform into the store, and names the claims about it.
///
/// # Errors
///
/// When the store does not have it and it cannot be fetched.
pub fn keep_pinned(
    context: &Context<'_>,
    platform: Platform,
) -> Result<(Package, Vec<ClaimName>), UvSetupError> {
    let (target, wheel) = pinned(context, platform);
    let wheels = [wheel];
    let (packages, _) = realise_wheels(context, &target, &wheels, &BTreeSet::new())?;
    let package = packages.into_iter().next().ok_or(UvSetupError::Platform)?;
    Ok((package, wheel_claims(&target, &wheels)))
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
