//! A tree on disk, for tests that run what stands in it.
#![expect(
    clippy::disallowed_methods,
    reason = "tests look for the pyenv of the machine that they run on"
)]

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use dht_store::sink::MemorySink;
use dht_store::{Digest, Manifest, SinkError, TreePath, TreeSink};

use super::build::pyenv;
use crate::model::python::{Implementation, PythonRequest};

/// Writes a tree below a folder, and keeps its manifest.
pub struct DiskSink {
    root: PathBuf,
    memory: MemorySink,
}

impl DiskSink {
    /// Writes below `root`, which need not exist.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            memory: MemorySink::default(),
        }
    }

    /// Gives every file its content-derived time, and returns the manifest.
    pub fn finish(self) -> Manifest {
        let (manifest, content) = self.memory.finish().unwrap();
        for (path, bytes) in &content {
            let seconds = u64::try_from(Digest::of(bytes).mtime()).unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            let file = fs::File::options()
                .append(true)
                .open(self.root.join(path.as_str()))
                .unwrap();
            file.set_modified(time).unwrap();
        }
        manifest
    }

    fn place(&self, path: &TreePath) -> PathBuf {
        let place = self.root.join(path.as_str());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        place
    }
}

impl TreeSink for DiskSink {
    fn file(&self, path: &TreePath, executable: bool, content: &[u8]) -> Result<Digest, SinkError> {
        let place = self.place(path);
        fs::write(&place, content).unwrap();
        let mode = if executable { 0o755 } else { 0o644 };
        fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
        self.memory.file(path, executable, content)
    }

    fn stream(
        &self,
        path: &TreePath,
        executable: bool,
        content: &mut dyn Read,
    ) -> Result<(Digest, u64), SinkError> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).unwrap();
        Ok((self.file(path, executable, &bytes)?, bytes.len() as u64))
    }

    fn symlink(&self, path: &TreePath, target: &str) -> Result<(), SinkError> {
        symlink(target, self.place(path)).unwrap();
        self.memory.symlink(path, target)
    }

    fn directory(&self, path: &TreePath) -> Result<(), SinkError> {
        fs::create_dir_all(self.root.join(path.as_str())).unwrap();
        self.memory.directory(path)
    }
}

/// The CPython of this version.
pub fn request(version: &str) -> PythonRequest {
    PythonRequest {
        implementation: Implementation::CPython,
        version: version.parse().unwrap(),
    }
}

/// Returns pyenv's build of this version, or says that the test is skipped.
pub fn pyenv_build(version: &str) -> Option<PathBuf> {
    let home = std::env::home_dir();
    let root = std::env::var_os("PYENV_ROOT");
    let folder = pyenv::folder(&request(version), root, home.as_deref())?;
    if folder.join("bin/python3").exists() {
        return Some(folder);
    }
    eprintln!("skipped: pyenv has no {version} here");
    None
}
