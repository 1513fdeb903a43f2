//! The names that an environment gives to its interpreter.

use std::path::PathBuf;

use dht_store::TreePath;

use super::{VenvFile, VenvFileKind, VenvSpec, file, programs};
use crate::model::platform::{Layout, Os, Platform};
use crate::model::python::Implementation;

/// Returns where the environment's own interpreter stands: `bin/python` or `Scripts/python.exe`.
pub fn interpreter_path(platform: Platform) -> TreePath {
    let path = match platform.layout() {
        Layout::Posix => "bin/python",
        Layout::Windows => "Scripts/python.exe",
    };
    TreePath::new(path).expect("because it is a constant")
}

/// Renders the links, or on Windows the launchers.
pub fn render(spec: &VenvSpec) -> Vec<VenvFile> {
    match spec.platform.layout() {
        Layout::Posix => links(spec),
        Layout::Windows => launchers(spec),
    }
}

/// One link to the interpreter, and links to that link under every other name.
fn links(spec: &VenvSpec) -> Vec<VenvFile> {
    let version = &spec.python.version;
    let short = format!("{}.{}", version.major, version.minor);
    let mut names = vec!["python3".to_owned(), format!("python{short}")];
    if spec.python.implementation == Implementation::PyPy {
        names.extend([
            "pypy".to_owned(),
            "pypy3".to_owned(),
            format!("pypy{short}"),
        ]);
    }
    let mut files = vec![file(
        "bin/python",
        VenvFileKind::LinkTo(spec.interpreter.clone()),
    )];
    files.extend(names.iter().map(|name| {
        file(
            &format!("bin/{name}"),
            VenvFileKind::LinkTo("python".into()),
        )
    }));
    if matches!(spec.platform.os, Os::Linux | Os::LinuxMusl) {
        // Where a distribution's Python looks for extension modules.
        files.push(file("lib64", VenvFileKind::LinkTo("lib".into())));
    }
    files
}

/// The launchers that come with Python's own `venv`: they start the interpreter of `home`.
fn launchers(spec: &VenvSpec) -> Vec<VenvFile> {
    let home = spec.interpreter.parent().map(PathBuf::from);
    let home = home.unwrap_or_default();
    let folder = home.join("Lib").join("venv").join("scripts").join("nt");
    // Python 3.13 renamed them.
    let launcher = |new: &str, old: &str| {
        VenvFileKind::CopyOf(vec![folder.join(new), folder.join(old), home.join(old)])
    };
    let scripts = programs(Layout::Windows);
    vec![
        file(
            &format!("{scripts}/python.exe"),
            launcher("venvlauncher.exe", "python.exe"),
        ),
        file(
            &format!("{scripts}/pythonw.exe"),
            launcher("venvwlauncher.exe", "pythonw.exe"),
        ),
    ]
}
