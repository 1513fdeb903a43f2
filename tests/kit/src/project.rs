//! Small projects, written file by file.

use std::fs;
use std::path::{Path, PathBuf};

/// A project folder that is being filled.
#[must_use = "call `build` to get the folder"]
#[derive(Debug)]
pub struct ProjectBuilder {
    root: PathBuf,
}

impl ProjectBuilder {
    /// Starts a project in a folder, which is created.
    ///
    /// # Panics
    ///
    /// When the folder cannot be created.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        fs::create_dir_all(&root).expect("because a test owns its sandbox");
        Self { root }
    }

    /// Writes one file; its folders are created, and a file of this name is replaced.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let target = self.root.join(path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).expect("because a test owns its sandbox");
        }
        fs::write(&target, content).expect("because a test owns its sandbox");
        self
    }

    /// Writes a `pyproject.toml` of a project that is not a package itself.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn pyproject(self, requires_python: &str, dependencies: &[&str]) -> Self {
        let dependencies: Vec<String> = dependencies
            .iter()
            .map(|d| format!("    \"{d}\",\n"))
            .collect();
        let text = format!(
            "[project]\nname = \"sample\"\nversion = \"0.1.0\"\nrequires-python = \"{requires_python}\"\n\
             dependencies = [\n{}]\n\n[tool.uv]\npackage = false\n",
            dependencies.concat()
        );
        self.file("pyproject.toml", text)
    }

    /// Copies a folder into the project: files, folders and, on Unix, symlinks as they are. `.venv` and caches stay behind.
    ///
    /// # Panics
    ///
    /// When something cannot be read or written.
    pub fn copy_of(self, source: &Path) -> Self {
        copy_tree(source, &self.root);
        self
    }

    /// The project's folder.
    pub fn build(self) -> PathBuf {
        self.root
    }
}

const LEFT_BEHIND: [&str; 6] = [
    ".venv",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".git",
];

fn copy_tree(source: &Path, target: &Path) {
    fs::create_dir_all(target).expect("because a test owns its sandbox");
    let listing =
        fs::read_dir(source).unwrap_or_else(|e| panic!("`{}` is read: {e}", source.display()));
    for child in listing {
        let child = child.expect("because the listing was opened");
        if LEFT_BEHIND.iter().any(|name| child.file_name() == *name) {
            continue;
        }
        let to = target.join(child.file_name());
        let kind = child
            .file_type()
            .expect("because the entry was just listed");
        if kind.is_dir() {
            copy_tree(&child.path(), &to);
        } else if kind.is_symlink() {
            copy_symlink(&child.path(), &to);
        } else {
            fs::copy(child.path(), &to).expect("because a test owns its sandbox");
        }
    }
}

#[cfg(unix)]
fn copy_symlink(from: &Path, to: &Path) {
    let target = fs::read_link(from).expect("because it is a symlink");
    std::os::unix::fs::symlink(target, to).expect("because a test owns its sandbox");
}

#[cfg(not(unix))]
fn copy_symlink(from: &Path, to: &Path) {
    fs::copy(from, to).expect("because a test owns its sandbox");
}
