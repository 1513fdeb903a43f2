//! Finding a program on `PATH`.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Finds the program `name` in the folders of `path`, the value of `PATH`.
///
/// A repository must not bring its own tools, so relative and empty entries (they mean the current
/// folder) are passed over, and so is every folder inside one of `untrusted`. `name` is a plain
/// file name; on Windows `.exe` is added, and scripts (`.bat`, `.cmd`) are never found.
pub fn find_program(name: &str, path: &OsStr, untrusted: &[&Path]) -> Option<PathBuf> {
    let mut parts = Path::new(name).components();
    let plain = matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none();
    if !plain || name.contains(['/', '\\', '\0']) {
        return None;
    }
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let untrusted: Vec<PathBuf> = untrusted.iter().map(|folder| real(folder)).collect();
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .filter(|folder| {
            let folder = real(folder);
            !untrusted.iter().any(|bad| folder.starts_with(bad))
        })
        .map(|folder| folder.join(&file))
        .find(|candidate| is_program(candidate))
}

fn real(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}
