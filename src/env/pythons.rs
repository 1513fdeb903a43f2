//! The interpreters that can be had: on this machine, and by fetching.

use std::path::PathBuf;
use std::str::FromStr;

use super::builds;
use super::context::Context;
use crate::model::platform::Platform;
use crate::model::python::{Implementation, PythonRequest, PythonVersion};
use crate::python::build::system;

/// Lists the versions that can be had without the network: what the store has, and pyenv.
pub fn known(context: &Context<'_>) -> Vec<PythonRequest> {
    let mut known = Vec::new();
    let mut add = |name: &str, version: &str| {
        let implementation = match name {
            "cpython" => Implementation::CPython,
            "pypy" => Implementation::PyPy,
            _ => return,
        };
        if let Ok(version) = PythonVersion::from_str(version) {
            known.push(PythonRequest {
                implementation,
                version,
            });
        }
    };
    for entry in context.store.entries().unwrap_or_default() {
        add(&entry.name, &entry.version);
    }
    for version in pyenv_versions(context) {
        add("cpython", &version);
    }
    known.sort_by(|left, right| left.version.cmp(&right.version));
    known.dedup();
    known
}

/// Lists the versions of `implementation` that the system has on PATH; each program is asked.
pub fn of_system(
    context: &Context<'_>,
    implementation: Implementation,
    platform: Platform,
) -> Vec<PythonRequest> {
    let path = &context.machine.path;
    let project = [context.project];
    let versions = system::list(implementation, platform, path, &project, context.cancel);
    let request = |version| PythonRequest {
        implementation,
        version,
    };
    versions.into_iter().map(request).collect()
}

/// Lists the versions of `implementation` that can be fetched for `platform`, or tells why that is not
/// known.
pub fn to_fetch(
    context: &Context<'_>,
    implementation: Implementation,
    platform: Platform,
) -> Result<Vec<PythonRequest>, String> {
    if context.offline && context.machine.python_downloads.is_none() {
        return Err("the network is not used".to_owned());
    }
    builds::downloadable(context, implementation, platform)
}

fn pyenv_versions(context: &Context<'_>) -> Vec<String> {
    let root = context.machine.pyenv_root.clone().map(PathBuf::from);
    let home = context
        .machine
        .home
        .as_ref()
        .map(|home| home.join(".pyenv"));
    let versions = root.or(home).map(|root| root.join("versions"));
    let folders = versions.and_then(|versions: PathBuf| std::fs::read_dir(versions).ok());
    let names = folders.into_iter().flatten().flatten();
    names
        .map(|folder| folder.file_name().to_string_lossy().into_owned())
        .collect()
}
