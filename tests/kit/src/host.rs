//! What the host has: programs on its `PATH`, builds of pyenv.

use std::path::PathBuf;

/// Finds a program on the host's own `PATH`.
#[must_use]
pub fn host_program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(&file))
        .find(|candidate| candidate.is_file())
}

/// Finds a pyenv build of an exact CPython version on the host.
#[must_use]
pub fn pyenv_build(version: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("PYENV_ROOT") {
        Some(root) => PathBuf::from(root),
        None => std::env::home_dir()?.join(".pyenv"),
    };
    let build = root.join("versions").join(version);
    build.join("bin/python3").exists().then_some(build)
}
