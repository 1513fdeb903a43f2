//! What a build holds, checked as a whole before the first file of it is written.

use std::collections::BTreeMap;

use dht_store::TreePath;

use super::relocate::{Relocation, build_prefix, patch_level};
use crate::model::python::{Implementation, PythonRequest};

/// The most nodes that a build may have; the largest known has 20,000.
const MAX_NODES: usize = 200_000;
/// The most bytes that the files of a build may have together.
const MAX_BYTES: u64 = 8 << 30;

/// What stands at a path of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A folder.
    Directory,
    /// A regular file.
    File {
        /// Whether its owner may execute it.
        executable: bool,
        /// Its length in bytes.
        size: u64,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points, relative to its folder.
        target: String,
    },
    /// A second name of a file, which becomes a file of its own.
    Hardlink {
        /// The other name.
        target: TreePath,
    },
}

/// Why files do not make the build of a Python that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutlineError {
    /// A name stands twice.
    #[error("`{0}` stands in it twice")]
    Duplicate(TreePath),
    /// A file or a link stands where a folder is needed.
    #[error("`{0}` is a file or a link, and other files stand below it")]
    NotAFolder(TreePath),
    /// A link leads out of the build.
    #[error("the link `{path}` leads to `{target}`, outside of the build")]
    Escape {
        /// The link.
        path: TreePath,
        /// Where it leads.
        target: String,
    },
    /// A hard link names no file.
    #[error("the hard link `{path}` names `{target}`, which is no file of the build")]
    Dangling {
        /// The link.
        path: TreePath,
        /// What it names.
        target: TreePath,
    },
    /// It is larger than any build.
    #[error("it has more than {MAX_NODES} files or {} GiB", MAX_BYTES >> 30)]
    TooLarge,
    /// A part that every build has is missing.
    #[error("it has no {0}, so that it is no Python build")]
    Missing(&'static str),
    /// It is another Python.
    #[error("it is Python {found}, not {asked}")]
    OtherVersion {
        /// The version that was asked for.
        asked: String,
        /// The version that its headers name.
        found: String,
    },
}

/// The names and kinds of everything in a build, and the two texts that tell what it is.
#[derive(Debug, Default)]
pub struct Outline {
    nodes: BTreeMap<TreePath, Node>,
    bytes: u64,
    sysconfigdata: Option<String>,
    header: Option<String>,
}

/// What a checked outline says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// How the prefix is abstracted; `None` where the build names none.
    pub relocation: Option<Relocation>,
    /// The folder of the standard library.
    pub stdlib: TreePath,
    /// The interpreter.
    pub interpreter: TreePath,
}

/// Whether [`Outline::read`] wants the content of the file.
pub fn is_telling(path: &TreePath) -> bool {
    let name = path.file_name();
    (name == "patchlevel.h" && path.as_str().starts_with("include/"))
        || (name.starts_with("_sysconfigdata") && name.ends_with(".py"))
}

impl Outline {
    /// Adds a node.
    pub fn add(&mut self, path: TreePath, node: Node) -> Result<(), OutlineError> {
        if let Node::File { size, .. } = &node {
            self.bytes = self.bytes.saturating_add(*size);
        }
        if self.nodes.len() == MAX_NODES || self.bytes > MAX_BYTES {
            return Err(OutlineError::TooLarge);
        }
        match self.nodes.get(&path) {
            Some(Node::Directory) if node == Node::Directory => {}
            Some(_) => return Err(OutlineError::Duplicate(path)),
            None => {
                self.nodes.insert(path, node);
            }
        }
        Ok(())
    }

    /// Takes the content of a file that [`is_telling`].
    pub fn read(&mut self, path: &TreePath, content: &[u8]) {
        let text = String::from_utf8_lossy(content).into_owned();
        if path.file_name() == "patchlevel.h" {
            self.header = Some(text);
        } else {
            self.sysconfigdata = Some(text);
        }
    }

    /// Returns the nodes in order.
    pub const fn nodes(&self) -> &BTreeMap<TreePath, Node> {
        &self.nodes
    }

    /// Checks that the nodes make a tree, and that the tree is the Python that was asked for.
    pub fn check(&self, asked: &PythonRequest) -> Result<Findings, OutlineError> {
        for (path, node) in &self.nodes {
            self.check_folders(path)?;
            match node {
                Node::Directory | Node::File { .. } => {}
                Node::Symlink { target } => check_link(path, target)?,
                Node::Hardlink { target } => {
                    if !matches!(self.nodes.get(target), Some(Node::File { .. })) {
                        return Err(OutlineError::Dangling {
                            path: path.clone(),
                            target: target.clone(),
                        });
                    }
                }
            }
        }
        let header = self
            .header
            .as_deref()
            .ok_or(OutlineError::Missing("`patchlevel.h`"))?;
        let found = patch_level(header).ok_or(OutlineError::Missing("version in its headers"))?;
        if found != asked.version.to_string() {
            return Err(OutlineError::OtherVersion {
                asked: asked.version.to_string(),
                found: found.chars().take(40).collect(),
            });
        }
        let stdlib = self.find(&[&format!("lib/{}/os.py", asked.lib_name()), "Lib/os.py"]);
        let stdlib = stdlib
            .and_then(|file| TreePath::new(file.parent()?).ok())
            .ok_or(OutlineError::Missing("standard library"))?;
        let interpreter = self
            .find(&interpreter_names(asked).each_ref().map(String::as_str))
            .ok_or(OutlineError::Missing("interpreter"))?
            .clone();
        let relocation = self
            .sysconfigdata
            .as_deref()
            .and_then(build_prefix)
            .and_then(Relocation::new);
        Ok(Findings {
            relocation,
            stdlib,
            interpreter,
        })
    }

    fn find(&self, paths: &[&str]) -> Option<&TreePath> {
        paths.iter().find_map(|path| {
            let path = TreePath::new(path).ok()?;
            self.nodes
                .get_key_value(&path)
                .filter(|(_, node)| !matches!(node, Node::Directory))
                .map(|(path, _)| path)
        })
    }

    fn check_folders(&self, path: &TreePath) -> Result<(), OutlineError> {
        let mut parent = path.parent();
        while let Some(folder) = parent {
            let folder = TreePath::new(folder).expect("because it is part of a valid path");
            if !matches!(self.nodes.get(&folder), None | Some(Node::Directory)) {
                return Err(OutlineError::NotAFolder(folder));
            }
            parent = path.as_str()[..folder.as_str().len()]
                .rsplit_once('/')
                .map(|(up, _)| up);
        }
        Ok(())
    }
}

/// Returns where builds of this Python have their interpreter, POSIX first.
pub fn interpreter_names(python: &PythonRequest) -> [String; 2] {
    let windows = match python.implementation {
        Implementation::CPython => "python.exe",
        Implementation::PyPy => "pypy.exe",
    };
    [format!("bin/{}", python.lib_name()), windows.to_owned()]
}

fn check_link(path: &TreePath, target: &str) -> Result<(), OutlineError> {
    let escape = || OutlineError::Escape {
        path: path.clone(),
        target: target.chars().take(200).collect(),
    };
    if target.is_empty() || target.starts_with('/') || target.contains(['\\', '\0']) {
        return Err(escape());
    }
    let mut depth = path.components().count() - 1;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => depth = depth.checked_sub(1).ok_or_else(escape)?,
            _ => depth += 1,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text).unwrap()
    }

    fn asked() -> PythonRequest {
        PythonRequest {
            implementation: Implementation::CPython,
            version: "3.11.7".parse().unwrap(),
        }
    }

    fn build() -> Outline {
        let mut outline = Outline::default();
        for name in ["bin/python3.11", "lib/python3.11/os.py"] {
            let file = Node::File {
                executable: true,
                size: 1,
            };
            outline.add(path(name), file).unwrap();
        }
        let header = path("include/python3.11/patchlevel.h");
        outline.read(&header, b"#define PY_VERSION \"3.11.7\"\n");
        outline
    }

    #[test]
    fn finds_the_parts_of_a_build() {
        let findings = build().check(&asked()).unwrap();
        assert_eq!(findings.stdlib, path("lib/python3.11"));
        assert_eq!(findings.interpreter, path("bin/python3.11"));
        let mut other = asked();
        other.version = "3.11.8".parse().unwrap();
        let error = build().check(&other).unwrap_err();
        assert_eq!(error.to_string(), "it is Python 3.11.7, not 3.11.8");
    }

    #[test]
    fn refuses_what_could_write_or_read_outside() {
        for target in ["/etc/passwd", "../../x", "a/../../../x", ""] {
            let mut outline = build();
            let target = target.to_owned();
            outline
                .add(path("bin/l"), Node::Symlink { target })
                .unwrap();
            assert!(matches!(
                outline.check(&asked()),
                Err(OutlineError::Escape { .. })
            ));
        }
        let mut outline = build();
        let target = "../lib".to_owned();
        outline
            .add(path("bin/d"), Node::Symlink { target })
            .unwrap();
        outline.add(path("bin/d/x"), Node::Directory).unwrap();
        assert_eq!(
            outline.check(&asked()),
            Err(OutlineError::NotAFolder(path("bin/d")))
        );
        let mut outline = build();
        let target = path("bin/none");
        outline
            .add(path("bin/h"), Node::Hardlink { target })
            .unwrap();
        assert!(matches!(
            outline.check(&asked()),
            Err(OutlineError::Dangling { .. })
        ));
        assert_eq!(
            build().add(path("bin/python3.11"), Node::Directory),
            Err(OutlineError::Duplicate(path("bin/python3.11")))
        );
    }
}
