//! Modules of packages that the standard library has too. Pure, but for interpreters that the store
//! does not list.
//!
//! Python finds its own first, so such a package is not what an import gives, unless something
//! changes the order: always worth a word.

use std::collections::BTreeSet;
use std::path::Path;

use dht_store::{Manifest, NodeKind};

use crate::model::platform::Layout;
use crate::model::target::Target;

/// The folders of the standard library, relative to the folder of the build.
fn library_folders(target: &Target) -> [String; 2] {
    match target.platform.layout() {
        Layout::Posix => {
            let lib = format!("lib/{}", target.python.lib_name());
            let dynamic = format!("{lib}/lib-dynload");
            [lib, dynamic]
        }
        Layout::Windows => ["Lib".to_owned(), "DLLs".to_owned()],
    }
}

/// Returns the top-level modules that are in the standard library of an interpreter's build.
pub fn library_modules(base: &Manifest, target: &Target) -> BTreeSet<String> {
    let folders = library_folders(target);
    let found = folders.iter().flat_map(|folder| modules(base, folder));
    found.collect()
}

/// Returns the same of an interpreter outside of the store; `program` is the interpreter itself.
pub fn modules_on_disk(program: &Path, target: &Target) -> BTreeSet<String> {
    let build = match target.platform.layout() {
        Layout::Posix => program.parent().and_then(Path::parent),
        Layout::Windows => program.parent(),
    };
    let folders = build.map(|build| library_folders(target).map(|folder| build.join(folder)));
    let listings = folders
        .into_iter()
        .flatten()
        .filter_map(|folder| folder.read_dir().ok());
    let found = listings.flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        if entry.path().join("__init__.py").is_file() {
            return Some(name);
        }
        module(&name).map(str::to_owned)
    });
    found.collect()
}

/// Returns the top-level modules of an entry of a package.
pub fn package_modules(entry: &Manifest) -> BTreeSet<String> {
    modules(entry, "site-packages").collect()
}

/// Returns what can be imported from a folder: `a.py`, `a.cpython-311-x86_64-linux-gnu.so`,
/// `a/__init__.py`.
fn modules<'a>(manifest: &'a Manifest, folder: &'a str) -> impl Iterator<Item = String> + 'a {
    manifest.nodes().iter().filter_map(move |node| {
        if node.kind == NodeKind::Directory {
            return None;
        }
        let rest = node.path.as_str().strip_prefix(folder)?.strip_prefix('/')?;
        let name = match rest.split_once('/') {
            Some((name, "__init__.py")) => name,
            Some(_) => return None,
            None => module(rest)?,
        };
        (!name.is_empty()).then(|| name.to_owned())
    })
}

/// Returns the module that a file is.
fn module(name: &str) -> Option<&str> {
    let (name, kind) = name.split_once('.')?;
    let is_module = kind == "py" || kind.ends_with("so") || kind.ends_with("pyd");
    (is_module && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dht_store::{MemorySink, TreePath, TreeSink};

    fn manifest(paths: &[&str]) -> Manifest {
        let sink = MemorySink::default();
        for path in paths {
            sink.file(&TreePath::new(path).unwrap(), false, b"")
                .unwrap();
        }
        sink.finish().unwrap().0
    }

    #[test]
    fn finds_what_both_have() {
        let base = manifest(&[
            "lib/python3.11/enum.py",
            "lib/python3.11/json/__init__.py",
            "lib/python3.11/json/tool.py",
            "lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so",
            "lib/python3.11/site-packages/README.txt",
        ]);
        let target = Target {
            platform: "linux-x86_64".parse().unwrap(),
            python: "3.11.7"
                .parse::<crate::model::python::PythonVersion>()
                .map(|version| crate::model::python::PythonRequest {
                    implementation: crate::model::python::Implementation::CPython,
                    version,
                })
                .unwrap(),
        };
        let library = library_modules(&base, &target);
        let names: Vec<&str> = library.iter().map(String::as_str).collect();
        assert_eq!(names, ["_ssl", "enum", "json"]);
        let package = manifest(&[
            "site-packages/enum.py",
            "site-packages/enum34-1.dist-info/RECORD",
            "site-packages/mine/json.py",
            "site-packages/json/part.py",
            "scripts/json",
        ]);
        let found = package_modules(&package);
        let shadows: Vec<&String> = found.intersection(&library).collect();
        assert_eq!(shadows, ["enum"]);
    }
}
