//! The files that make a folder a virtual environment (PEP 405), apart from its packages.
//!
//! Everything is rendered, nothing is written here. Only `pyvenv.cfg` and one link to the
//! interpreter hold an absolute path; every other file finds its environment from its own place, and
//! so is the same in each environment.

mod activate;
mod config;
mod interpreter;
#[cfg(test)]
#[cfg(unix)]
mod real;

use std::path::PathBuf;

use dht_store::TreePath;

use crate::model::platform::{Layout, Platform};
use crate::model::python::PythonRequest;

pub use interpreter::interpreter_path;

/// What a virtual environment is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenvSpec {
    /// The Python that it runs.
    pub python: PythonRequest,
    /// The platform that it is made for.
    pub platform: Platform,
    /// The interpreter that it is based on, absolute.
    pub interpreter: PathBuf,
    /// What shells show while it is active; control characters are dropped.
    pub prompt: String,
}

/// One file of a virtual environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenvFile {
    /// Where it stands in the environment.
    pub path: TreePath,
    /// Whether it may be executed.
    pub executable: bool,
    /// What it is.
    pub kind: VenvFileKind,
}

/// What a file of a virtual environment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VenvFileKind {
    /// A regular file with this content.
    Content(Vec<u8>),
    /// A symbolic link with this target; absolute for the interpreter, else relative to the link.
    LinkTo(PathBuf),
    /// A regular file with the content of the first of these files that exists (Windows).
    CopyOf(Vec<PathBuf>),
}

/// Why an environment cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VenvError {
    /// `pyvenv.cfg` holds one path on one line, without quotes.
    #[error("`{}` cannot stand in a pyvenv.cfg: {reason}", interpreter.display())]
    Unwritable {
        /// The interpreter.
        interpreter: PathBuf,
        /// What is wrong with its path.
        reason: &'static str,
    },
}

/// Returns the folder of programs in an environment: `bin` or `Scripts`.
pub const fn programs(layout: Layout) -> &'static str {
    match layout {
        Layout::Posix => "bin",
        Layout::Windows => "Scripts",
    }
}

/// Renders every file, sorted by path.
pub fn render(spec: &VenvSpec) -> Result<Vec<VenvFile>, VenvError> {
    let mut files = vec![
        content("pyvenv.cfg", config::render(spec)?),
        content(".gitignore", b"*\n".to_vec()),
        content("CACHEDIR.TAG", CACHE_TAG.as_bytes().to_vec()),
    ];
    files.extend(activate::render(spec.platform.layout()));
    files.extend(interpreter::render(spec));
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

fn content(path: &str, bytes: Vec<u8>) -> VenvFile {
    file(path, VenvFileKind::Content(bytes))
}

fn file(path: &str, kind: VenvFileKind) -> VenvFile {
    VenvFile {
        path: TreePath::new(path).expect("because the names of an environment's files are valid"),
        executable: matches!(kind, VenvFileKind::CopyOf(_)),
        kind,
    }
}

/// Tells backup programs to leave the folder out (Cache Directory Tagging Specification 0.6).
const CACHE_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55
# This environment is made by dhtl from a lock file, and can be made again.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::python::Implementation;

    fn spec(platform: &str, interpreter: &str) -> VenvSpec {
        VenvSpec {
            python: PythonRequest {
                implementation: Implementation::CPython,
                version: "3.11.7".parse().unwrap(),
            },
            platform: platform.parse().unwrap(),
            interpreter: interpreter.into(),
            prompt: "my project".into(),
        }
    }

    fn paths(files: &[VenvFile]) -> Vec<&str> {
        files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn only_the_configuration_and_one_link_know_where_the_interpreter_is() {
        let one = render(&spec("linux-x86_64", "/a/bin/python3.11")).unwrap();
        let other = render(&spec("linux-x86_64", "/b/bin/python3.11")).unwrap();
        let differing: Vec<&str> = one
            .iter()
            .zip(&other)
            .filter(|(left, right)| left != right)
            .map(|(left, _)| left.path.as_str())
            .collect();
        assert_eq!(differing, ["bin/python", "pyvenv.cfg"]);
        for name in [
            "bin/activate",
            "bin/activate.fish",
            "bin/python3.11",
            ".gitignore",
        ] {
            assert!(paths(&one).contains(&name), "{name}");
        }
    }

    #[test]
    fn windows_has_copies_of_launchers_and_no_links() {
        let files = render(&spec("windows-x86_64", "C:/python/python.exe")).unwrap();
        assert!(paths(&files).contains(&"Scripts/python.exe"));
        assert!(paths(&files).contains(&"Scripts/activate.bat"));
        let links = files
            .iter()
            .filter(|file| matches!(file.kind, VenvFileKind::LinkTo(_)));
        assert_eq!(links.count(), 0);
    }

    #[test]
    fn a_path_that_breaks_the_configuration_is_refused() {
        let error = render(&spec("linux-x86_64", "/a\nb/bin/python3.11")).unwrap_err();
        assert!(error.to_string().contains("a line break"), "{error}");
    }
}
