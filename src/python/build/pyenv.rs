//! A build that pyenv made: `$PYENV_ROOT/versions/3.11.7`.
//!
//! The build alone is taken: what was installed into it later (packages and their scripts) is left
//! out, so that `pip install` there changes nothing here. The standard library is taken whole, its
//! tests too: packages import `test.support`. The library for static linking, 45 MB, is left out
//! where the build also has the shared one that programs embed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use dht_store::{TreePath, TreeSink};

use super::ingest::{IngestError, IngestedBuild, ingest_folder};
use crate::model::python::{Implementation, PythonRequest};

/// Returns where pyenv keeps this Python, whether or not it is there.
///
/// `PYENV_ROOT` is where pyenv itself looks first; `.pyenv` in the home folder is its default.
/// `None` for PyPy, whose versions pyenv names after PyPy's own.
pub fn folder(
    python: &PythonRequest,
    pyenv_root: Option<OsString>,
    home: Option<&Path>,
) -> Option<PathBuf> {
    if python.implementation != Implementation::CPython {
        return None;
    }
    let root = match pyenv_root.filter(|root| !root.is_empty()) {
        Some(root) => PathBuf::from(root),
        None => home?.join(".pyenv"),
    };
    Some(root.join("versions").join(python.version.to_string()))
}

/// Brings the build in `folder` into a tree.
pub fn ingest(
    folder: &Path,
    python: &PythonRequest,
    sink: &dyn TreeSink,
) -> Result<IngestedBuild, IngestError> {
    let shared = folder.join("lib").join(format!(
        "libpython{}.{}.so",
        python.version.major, python.version.minor
    ));
    let has_shared = shared.exists();
    ingest_folder(folder, &|path| is_built(path, has_shared), python, sink)
}

/// Whether the file is made by Python's own installation.
fn is_built(path: &TreePath, has_shared: bool) -> bool {
    let parts: Vec<&str> = path.components().collect();
    match parts.as_slice() {
        ["bin", name] => {
            let own = ["python", "pydoc", "idle", "2to3", "pyvenv"];
            own.iter().any(|start| name.starts_with(start))
        }
        ["bin" | "share", ..] => {
            parts.len() == 1
                || matches!(parts.as_slice(), ["share", "man", rest @ ..] if is_manual(rest))
        }
        ["include", rest @ ..] => rest
            .first()
            .is_none_or(|name| name.starts_with("python") || name.starts_with("pypy")),
        ["lib", _, "site-packages", rest @ ..] => matches!(rest, [] | ["README.txt" | "README"]),
        ["lib", _, config, name] if config.starts_with("config") => {
            !(has_shared && name.starts_with("libpython") && name.ends_with(".a"))
        }
        ["lib", rest @ ..] => match rest {
            [] | ["pkgconfig"] => true,
            ["pkgconfig", name] => name.starts_with("python"),
            [name, ..] => name.starts_with("python") || name.starts_with("libpython"),
        },
        _ => false,
    }
}

fn is_manual(rest: &[&str]) -> bool {
    match rest {
        [] | ["man1"] => true,
        ["man1", name] => name.starts_with("python"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_build_and_not_what_was_installed_into_it() {
        let built = |path| is_built(&TreePath::new(path).unwrap(), true);
        for path in [
            "bin",
            "bin/python3.11",
            "bin/python3.11-config",
            "bin/idle3",
            "bin/2to3",
            "include/python3.11/Python.h",
            "lib/libpython3.11.so.1.0",
            "lib/pkgconfig/python-3.11.pc",
            "lib/python3.11/os.py",
            "lib/python3.11/test/support/__init__.py",
            "lib/python3.11/site-packages/README.txt",
            "lib/python3.11/config-3.11-x86_64-linux-gnu/Makefile",
            "share/man/man1/python3.11.1",
        ] {
            assert!(built(path), "{path}");
        }
        for path in [
            "bin/flask",
            "bin/pip3",
            "bin/__pycache__",
            "etc",
            "share/jupyter",
            "include/site",
            "lib/python3.11/site-packages/pip",
            "lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11.a",
            "share/man/man1/isympy.1",
        ] {
            assert!(!built(path), "{path}");
        }
    }

    #[test]
    fn looks_where_pyenv_looks() {
        let python = PythonRequest {
            implementation: Implementation::CPython,
            version: "3.11.7".parse().unwrap(),
        };
        let home = Some(Path::new("/h"));
        let default = folder(&python, None, home).unwrap();
        assert_eq!(default, Path::new("/h/.pyenv/versions/3.11.7"));
        let own = folder(&python, Some("/r".into()), home).unwrap();
        assert_eq!(own, Path::new("/r/versions/3.11.7"));
    }
}
