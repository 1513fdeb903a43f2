//! Modules of packages that the standard library has too. Pure.
//!
//! Python finds its own first, so such a package is not what an import gives, unless something
//! changes the order: always worth a word.

use std::collections::BTreeSet;

use dht_store::{Manifest, NodeKind};

use crate::model::platform::Layout;
use crate::model::target::Target;

/// Returns the top-level modules that are in the standard library of an interpreter's build.
pub fn library_modules(base: &Manifest, target: &Target) -> BTreeSet<String> {
    let lib = match target.platform.layout() {
        Layout::Posix => format!("lib/{}", target.python.lib_name()),
        Layout::Windows => "Lib".to_owned(),
    };
    let dynamic = match target.platform.layout() {
        Layout::Posix => format!("{lib}/lib-dynload"),
        Layout::Windows => "DLLs".to_owned(),
    };
    [lib.as_str(), dynamic.as_str()]
        .into_iter()
        .flat_map(|folder| modules(base, folder))
        .collect()
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
            None => {
                let (name, kind) = rest.split_once('.')?;
                let is_module = kind == "py" || kind.ends_with("so") || kind.ends_with("pyd");
                is_module.then_some(name)?
            }
        };
        (!name.is_empty()).then(|| name.to_owned())
    })
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
