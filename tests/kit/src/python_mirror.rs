//! A mirror of Python builds on the loopback address: pyenv builds of this host, packed as uv's builds are packed.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::host::pyenv_build;
use crate::index::LoopbackIndex;

/// A running mirror. It stops when dropped.
#[derive(Debug)]
pub struct PythonMirror {
    index: LoopbackIndex,
    folder: TempDir,
}

impl PythonMirror {
    /// Packs the pyenv builds of exact versions (a few seconds each) and serves them.
    ///
    /// # Panics
    ///
    /// When pyenv has no such build here, or it cannot be packed: a test that needs it cannot say anything without it.
    #[must_use]
    pub fn of(versions: &[&str]) -> Self {
        let folder =
            tempfile::tempdir().expect("because tests run where a temporary folder can be made");
        let index = LoopbackIndex::serve(folder.path());
        for version in versions {
            let build = pyenv_build(version)
                .unwrap_or_else(|| panic!("this test needs a pyenv build of {version}"));
            pack(&build, folder.path(), &index.url(), None);
        }
        Self { index, folder }
    }

    /// Also serves made builds of a version for other platforms, such as `darwin-arm64`: they have the layout of
    /// real ones, and no program that runs.
    ///
    /// # Panics
    ///
    /// As [`PythonMirror::of`].
    #[must_use]
    pub fn and_made(self, version: &str, platforms: &[&str]) -> Self {
        let build = pyenv_build(version)
            .unwrap_or_else(|| panic!("this test needs a pyenv build of {version}"));
        for platform in platforms {
            pack(
                &build,
                self.folder.path(),
                &self.index.url(),
                Some(platform),
            );
        }
        self
    }

    /// The value of `UV_PYTHON_DOWNLOADS_JSON_URL`: a list of exactly these builds.
    #[must_use]
    pub fn downloads_json_url(&self) -> String {
        format!("{}/downloads.json", self.index.url())
    }

    /// The value of `UV_PYTHON_INSTALL_MIRROR`: what stands before `TAG/FILE` of each build.
    #[must_use]
    pub fn install_mirror_url(&self) -> String {
        self.index.url()
    }

    /// Where the archives and `downloads.json` lie, for tests that break them.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Every request so far, as `GET /path`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.index.requests()
    }
}

fn pack(build: &Path, out: &Path, url: &str, made: Option<&str>) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/pack-python");
    let packed = Command::new(build.join("bin/python3"))
        .args(["-I", "-S", "-B"])
        .arg(fs::canonicalize(script).expect("because the packer is committed"))
        .arg(build)
        .arg(out)
        .args(["--url", url])
        .args(made.map(|platform| format!("--made={platform}")))
        .output()
        .expect("because the build's interpreter starts");
    let said = String::from_utf8_lossy(&packed.stderr);
    assert!(
        packed.status.success(),
        "`{}` is packed: {said}",
        build.display()
    );
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::sandbox::Sandbox;

    #[test]
    #[ignore = "network: needs a pyenv build and uv"]
    fn uv_installs_a_python_from_the_mirror() {
        let mirror = PythonMirror::of(&["3.11.7"]);
        let sandbox = Sandbox::new("uv").with_host_program("uv");
        let uv = sandbox.root().join("bin/uv");
        let pythons = sandbox.home().join("pythons");
        let _ = sandbox
            .run(uv)
            .args(["python", "install", "--no-bin", "3.11.7"])
            .var("UV_PYTHON_DOWNLOADS_JSON_URL", mirror.downloads_json_url())
            .var("UV_PYTHON_INSTALL_DIR", &pythons)
            .output()
            .success();
        assert!(
            mirror
                .requests()
                .iter()
                .any(|r| r.ends_with("install_only.tar.gz")),
            "{:?}",
            mirror.requests()
        );
        let installed = fs::read_dir(&pythons)
            .expect("because uv made it")
            .map(|child| {
                child
                    .expect("because it is listed")
                    .path()
                    .join("bin/python3")
            })
            .find(|python| python.exists())
            .expect("because uv installed one");
        let asked = sandbox
            .run(installed)
            .args(["-c", "import sys; print(sys.version.split()[0])"])
            .output();
        assert_eq!(asked.success().stdout, "3.11.7\n");
    }
}
