//! Isolated tools: environments of their own inside of the project's, and the wrappers by which
//! their programs are found.
//!
//! They stand in the folder [`TOOLS`] of the environment, so that they move with the project, and are
//! made, compared and repaired with it. A wrapper names no folder: it finds the tool from its own
//! place, and the tool's launcher finds its Python beside itself.

use dht_store::{Generated, GeneratedKind, Manifest, NodeKind, TOOLS, TreePath};

use super::blueprint::{BlueprintError, Place, venv_files};
use crate::model::platform::Layout;
use crate::model::target::Target;
use crate::python::venv;

/// Returns the folder of an isolated tool, in the environment.
pub fn folder(tool: &str) -> String {
    format!("{TOOLS}/{tool}")
}

/// Returns a path of an isolated tool's environment as one of the whole environment.
pub fn inside(tool: Option<&str>, path: String) -> String {
    match tool {
        None => path,
        Some(tool) if path.is_empty() => folder(tool),
        Some(tool) => format!("{}/{path}", folder(tool)),
    }
}

/// Returns what is made for an isolated tool: the files of its environment, and a wrapper for each
/// program of its own package. Programs of what it needs get none.
pub(super) fn files(
    tool: &str,
    manifest: &Manifest,
    target: &Target,
    place: Place<'_>,
) -> Result<Vec<Generated>, BlueprintError> {
    let layout = target.platform.layout();
    let programs = venv::programs(layout);
    let mut files = Vec::new();
    for mut file in venv_files(target, place)? {
        let path = file.path.as_str();
        let is_needed = path == "pyvenv.cfg" || path == "lib64" || is_python(path, programs);
        if is_needed {
            file.path = tree_path(&inside(Some(tool), path.to_owned()));
            files.push(file);
        }
    }
    for node in manifest.nodes() {
        let name = node.path.as_str().strip_prefix("scripts/");
        if let (Some(name), NodeKind::File { .. }) = (name, &node.kind)
            && !name.contains('/')
        {
            files.push(wrapper(tool, name, layout));
        }
    }
    Ok(files)
}

/// Tells whether a path is one of the names of the interpreter.
fn is_python(path: &str, programs: &str) -> bool {
    let name = path
        .strip_prefix(programs)
        .and_then(|rest| rest.strip_prefix('/'));
    name.is_some_and(|name| name.starts_with("python") || name.starts_with("pypy"))
}

fn wrapper(tool: &str, program: &str, layout: Layout) -> Generated {
    let programs = venv::programs(layout);
    let folder = folder(tool);
    let (name, content) = match layout {
        Layout::Posix => {
            let text = POSIX.replace("{path}", &format!("{folder}/{programs}/{program}"));
            (program.to_owned(), text)
        }
        Layout::Windows => {
            let stem = program.strip_suffix(".exe").unwrap_or(program);
            let path = format!("{folder}/{programs}/{program}").replace('/', "\\");
            (
                format!("{stem}.cmd"),
                format!("@\"%~dp0..\\{path}\" %*\r\n"),
            )
        }
    };
    Generated {
        path: tree_path(&format!("{programs}/{name}")),
        kind: GeneratedKind::File {
            executable: true,
            content: content.into_bytes(),
        },
    }
}

fn tree_path(path: &str) -> TreePath {
    TreePath::new(path)
        .expect("because it joins the name of a package, which is plain, and a path of a manifest")
}

/// Starts the program of an isolated tool; follows symbolic links to itself first.
const POSIX: &str = r#"#!/bin/sh
self=$0
case $self in */*) ;; *) self=./$self ;; esac
while [ -L "$self" ]; do
    link=$(readlink -- "$self")
    case $link in
    /*) self=$link ;;
    *) self=${self%/*}/$link ;;
    esac
done
exec "${self%/*}/../{path}" "$@"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn content(file: &Generated) -> &str {
        let GeneratedKind::File { content, .. } = &file.kind else {
            panic!("a wrapper is a file");
        };
        std::str::from_utf8(content).unwrap()
    }

    #[test]
    fn a_wrapper_names_its_tool_from_its_own_place() {
        let file = wrapper("black", "blackd", Layout::Posix);
        assert_eq!(file.path.as_str(), "bin/blackd");
        assert!(
            content(&file).ends_with("\nexec \"${self%/*}/../.tools/black/bin/blackd\" \"$@\"\n")
        );
        let file = wrapper("black", "black.exe", Layout::Windows);
        assert_eq!(file.path.as_str(), "Scripts/black.cmd");
        assert_eq!(
            content(&file),
            "@\"%~dp0..\\.tools\\black\\Scripts\\black.exe\" %*\r\n"
        );
    }

    #[test]
    fn only_what_python_needs_is_made_for_a_tool() {
        assert!(is_python("bin/python3.11", "bin"));
        assert!(is_python("Scripts/python.exe", "Scripts"));
        assert!(!is_python("bin/activate", "bin"));
    }
}
