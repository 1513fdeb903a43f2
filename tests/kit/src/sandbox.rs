//! A home, a temporary folder and a work folder of a test's own.
//!
//! A program started here sees an environment that was built from nothing: `HOME`, `TMPDIR`, a fixed locale and time
//! zone, and a `PATH` that holds only what the test put on it. Whatever it finds, the test gave it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::normalise::Normaliser;
use crate::output::Output;
use crate::project::ProjectBuilder;

/// Where the programs of one test live and run. Removed when dropped.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
    root: PathBuf,
    program: PathBuf,
    path: Vec<PathBuf>,
    vars: BTreeMap<OsString, OsString>,
}

/// What the host needs to reach its package index: certificates and proxies, no credentials.
const NETWORK_VARS: [&str; 9] = [
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
        Run {
            sandbox: self,
            program: program.as_ref().to_os_string(),
            args: Vec::new(),
            vars: BTreeMap::new(),
            folder: self.work(),
            home: self.home(),
            isolation: Isolation::None,
        }
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

/// How a run is cut off from its surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Isolation {
    None,
    /// A network namespace of its own, in which not even the loopback address answers.
    NoNetwork,
    /// Another user, without any group of this one.
    User(u32),
}

/// One program about to be started.
#[must_use = "nothing runs before `output` or `spawn`"]
#[derive(Debug)]
pub struct Run<'a> {
    sandbox: &'a Sandbox,
    program: OsString,
    args: Vec<OsString>,
    vars: BTreeMap<OsString, OsString>,
    folder: PathBuf,
    home: PathBuf,
    isolation: Isolation,
}

impl Run<'_> {
    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_os_string());
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args
            .extend(args.into_iter().map(|a| a.as_ref().to_os_string()));
        self
    }

    /// Sets a variable for this run alone.
    pub fn var(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.vars.insert(name.into(), value.into());
        self
    }

    /// Starts in another folder.
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// Uses another home, for what must not depend on it. It is created when it is not there.
    ///
    /// # Panics
    ///
    /// When it cannot be created.
    pub fn at_home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = home.into();
        fs::create_dir_all(&self.home).expect("because a test owns its sandbox");
        self
    }

    /// Runs where no address can be reached, loopback included (`unshare --net`; Linux, as root).
    pub fn without_network(mut self) -> Self {
        self.isolation = Isolation::NoNetwork;
        self
    }

    /// Runs as another user (Unix, as root): modes that do not bind root bind this one.
    pub fn as_user(mut self, uid: u32) -> Self {
        self.isolation = Isolation::User(uid);
        self
    }

    /// Runs to the end.
    ///
    /// # Panics
    ///
    /// When the program cannot be started.
    pub fn output(self) -> Output {
        let program = self.program.clone();
        let done = self
            .command()
            .output()
            .unwrap_or_else(|e| panic!("`{}` is started: {e}", program.display()));
        Output {
            code: done.status.code(),
            stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
        }
    }

    /// Starts the program and hands it over, for tests that kill it. Its output is dropped.
    ///
    /// # Panics
    ///
    /// When the program cannot be started.
    #[must_use]
    pub fn spawn(self) -> Child {
        let program = self.program.clone();
        self.command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("`{}` is started: {e}", program.display()))
    }

    fn command(self) -> Command {
        let mut command = match self.isolation {
            Isolation::NoNetwork => {
                let unshare = host_program("unshare")
                    .expect("because util-linux is on every Linux host of the tests");
                let mut command = Command::new(unshare);
                command.arg("--net").arg("--").arg(&self.program);
                command
            }
            Isolation::None | Isolation::User(_) => Command::new(&self.program),
        };
        if let Isolation::User(uid) = self.isolation {
            become_user(&mut command, uid);
        }
        command
            .args(&self.args)
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command.env_clear();
        set_base_environment(&mut command, self.sandbox, &self.home);
        command.envs(&self.sandbox.vars).envs(&self.vars);
        command
    }
}

fn set_base_environment(command: &mut Command, sandbox: &Sandbox, home: &Path) {
    let path = std::env::join_paths(&sandbox.path)
        .expect("because temporary folders hold no path separator");
    command
        .env("HOME", home)
        .env("TMPDIR", sandbox.tmp())
        .env("PATH", path)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC");
    if cfg!(windows) {
        command
            .env("USERPROFILE", home)
            .env("TEMP", sandbox.tmp())
            .env("TMP", sandbox.tmp());
        if let Some(root) = std::env::var_os("SystemRoot") {
            command.env("SystemRoot", root);
        }
    }
}

#[cfg(unix)]
fn become_user(command: &mut Command, uid: u32) {
    use std::os::unix::process::CommandExt as _;
    command.uid(uid).gid(uid);
}

#[cfg(not(unix))]
fn become_user(_command: &mut Command, _uid: u32) {
    panic!("only Unix can run a program as another user");
}

/// Finds a program on the host's own `PATH`.
#[must_use]
pub fn host_program(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(&file))
        .find(|candidate| candidate.is_file())
}

/// Finds a pyenv build of an exact CPython version on the host.
#[must_use]
pub fn pyenv_build(version: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("PYENV_ROOT") {
        Some(root) => PathBuf::from(root),
        None => std::env::home_dir()?.join(".pyenv"),
    };
    let build = root.join("versions").join(version);
    build.join("bin/python3").exists().then_some(build)
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
        let sandbox = Sandbox::new("/usr/bin/id");
        let output = sandbox
            .dhtl_run()
            .arg("-u")
            .in_folder("/")
            .as_user(65_534)
            .output();
        assert_eq!(output.success().stdout, "65534\n");
    }
}
