//! A home, a temporary folder and a work folder of a test's own.
//!
//! A program started here sees an environment that was built from nothing: `HOME`, `TMPDIR`, a fixed locale and time
//! zone, and a `PATH` that holds only what the test put on it. Whatever it finds, the test gave it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::host::host_program;
use crate::normalise::Normaliser;
use crate::output::Output;
use crate::project::ProjectBuilder;
use crate::run::Run;

/// Where the programs of one test live and run. Removed when dropped.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
    root: PathBuf,
    program: PathBuf,
    pub(crate) path: Vec<PathBuf>,
    pub(crate) vars: BTreeMap<OsString, OsString>,
}

/// What the host needs to reach its package index: certificates and proxies, no credentials.
const NETWORK_VARS: [&str; 10] = [
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

impl Sandbox {
    /// Makes a sandbox for a program: `Sandbox::new(env!("CARGO_BIN_EXE_dhtl"))`.
    ///
    /// # Panics
    ///
    /// When no temporary folder can be made.
    #[must_use]
    pub fn new(program: impl AsRef<Path>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("dhtl-test-")
            .tempdir()
            .expect("because tests run where a temporary folder can be made");
        let root = folder
            .path()
            .canonicalize()
            .expect("because it was just made");
        for name in ["home", "tmp", "work", "bin"] {
            fs::create_dir(root.join(name)).expect("because the folder is new");
        }
        let path = vec![root.join("bin")];
        Self {
            folder,
            root,
            program: program.as_ref().to_path_buf(),
            path,
            vars: BTreeMap::new(),
        }
    }

    /// The folder of everything.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `HOME`.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// Where programs start, and projects are made.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// `TMPDIR`.
    #[must_use]
    pub fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Adds a folder to the end of `PATH`, which starts with only the sandbox's own `bin`.
    #[must_use]
    pub fn with_path(mut self, folder: impl Into<PathBuf>) -> Self {
        self.path.push(folder.into());
        self
    }

    /// Puts one program of the host on `PATH`, found on the host's own `PATH`, and nothing beside it.
    ///
    /// # Panics
    ///
    /// When the host has no such program: a test that needs it cannot say anything without it.
    #[must_use]
    pub fn with_host_program(self, name: &str) -> Self {
        let found =
            host_program(name).unwrap_or_else(|| panic!("this test needs `{name}` on PATH"));
        link_program(
            &found,
            &self
                .root
                .join("bin")
                .join(found.file_name().expect("because it is a file")),
        );
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn with_var(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.vars.insert(name.into(), value.into());
        self
    }

    /// Hands on the host's certificates and proxies, for tests that reach the package index.
    #[must_use]
    pub fn with_network(mut self) -> Self {
        for name in NETWORK_VARS {
            if let Some(value) = std::env::var_os(name) {
                self.vars.insert(name.into(), value);
            }
        }
        self
    }

    /// Gives everything in the sandbox to another user, who can then work in it through [`Run::as_user`] (Unix, as root).
    ///
    /// # Panics
    ///
    /// When a file cannot be given away.
    pub fn give_to(&self, uid: u32) {
        give_tree(&self.root, uid);
    }

    /// Starts a project in `work/NAME`.
    pub fn project(&self, name: &str) -> ProjectBuilder {
        ProjectBuilder::at(self.work().join(name))
    }

    /// Runs the program with arguments, in the work folder.
    pub fn dhtl<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.run(&self.program).args(args).output()
    }

    /// Prepares a run of any program, with the sandbox's environment.
    pub fn run(&self, program: impl AsRef<OsStr>) -> Run<'_> {
        Run::new(self, program.as_ref())
    }

    /// Prepares a run of the sandbox's own program.
    pub fn dhtl_run(&self) -> Run<'_> {
        self.run(&self.program)
    }

    /// Replaces what differs from run to run: see [`Normaliser`].
    #[must_use]
    pub fn normalised(&self, text: &str) -> String {
        Normaliser::new()
            .path(&self.home(), "[HOME]")
            .path(&self.work(), "[WORK]")
            .path(&self.tmp(), "[TMP]")
            .path(&self.root, "[ROOT]")
            .apply(text)
    }

    /// Keeps the folder after the test, and says where it is; for looking into a failure by hand.
    #[must_use]
    pub fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.root.clone()
    }
}

#[cfg(unix)]
fn give_tree(path: &Path, uid: u32) {
    std::os::unix::fs::lchown(path, Some(uid), Some(uid)).expect("because root gives files away");
    let stat = fs::symlink_metadata(path).expect("because it was just given away");
    if stat.is_dir() {
        let listing = fs::read_dir(path).expect("because root reads every folder");
        for child in listing {
            give_tree(&child.expect("because the listing was opened").path(), uid);
        }
    }
}

#[cfg(not(unix))]
fn give_tree(_path: &Path, _uid: u32) {
    panic!("only Unix can give a file to another user");
}

#[cfg(unix)]
fn link_program(from: &Path, to: &Path) {
    std::os::unix::fs::symlink(from, to).expect("because a test owns its sandbox");
}

#[cfg(not(unix))]
fn link_program(from: &Path, to: &Path) {
    fs::copy(from, to).expect("because a test owns its sandbox");
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn programs_see_only_what_they_were_given() {
        let sandbox = Sandbox::new("/usr/bin/env").with_var("GIVEN", "yes");
        let seen = sandbox.dhtl::<&str>([]).success().says("GIVEN=yes").stdout;
        let mut names: Vec<&str> = seen.lines().filter_map(|l| l.split('=').next()).collect();
        names.sort_unstable();
        assert_eq!(names, ["GIVEN", "HOME", "LC_ALL", "PATH", "TMPDIR", "TZ"]);
        assert!(seen.contains(&format!("HOME={}", sandbox.home().display())));
    }

    #[test]
    fn a_run_reports_its_code_and_both_streams() {
        let sandbox = Sandbox::new("/bin/sh");
        let output = sandbox.dhtl(["-c", "echo data; echo trouble >&2; exit 3"]);
        let output = output
            .code(3)
            .says("data")
            .warns("trouble")
            .never_says("secret");
        assert_eq!(output.stdout, "data\n");
    }

    #[test]
    fn output_is_normalised_by_the_sandbox() {
        let sandbox = Sandbox::new("/bin/sh");
        let output = sandbox.dhtl(["-c", "echo $HOME/.dht; pwd"]).success();
        assert_eq!(sandbox.normalised(&output.stdout), "[HOME]/.dht\n[WORK]\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    #[ignore = "network: needs root and network namespaces"]
    fn a_run_without_network_cannot_reach_loopback() {
        let listener =
            std::net::TcpListener::bind(("127.0.0.1", 0)).expect("because loopback can be bound");
        let port = listener.local_addr().expect("because it is bound").port();
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
        let sandbox = Sandbox::new("/bin/bash");
        let _ = sandbox.dhtl(["-c", &script]).success();
        let cut_off = sandbox
            .dhtl_run()
            .args(["-c", &script])
            .without_network()
            .output();
        let _ = cut_off.code(1);
    }

    #[test]
    #[ignore = "network: needs root to become another user"]
    fn a_run_as_another_user_is_bound_by_modes() {
        let sandbox = Sandbox::new("/bin/sh");
        let locked = sandbox
            .project("p")
            .file("locked", "")
            .build()
            .join("locked");
        sandbox.give_to(65_534);
        let mut modes = fs::metadata(&locked)
            .expect("because it was made")
            .permissions();
        modes.set_readonly(true);
        fs::set_permissions(&locked, modes).expect("because root may");
        let script = "id -u; touch made && echo >>p/locked";
        let run = || {
            sandbox
                .dhtl_run()
                .args(["-c", script])
                .var("PATH", "/usr/bin:/bin")
        };
        let refused = run().as_user(65_534).output();
        assert_ne!(refused.code, Some(0), "{refused}");
        let _ = refused.says("65534").warns("ermission denied");
        let _ = run().output().success().says("0");
    }
}
