//! One program, started with the environment of a sandbox.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::host::host_program;
use crate::output::Output;
use crate::sandbox::Sandbox;

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

impl<'a> Run<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox, program: &OsStr) -> Self {
        Run {
            sandbox,
            program: program.to_os_string(),
            args: Vec::new(),
            vars: BTreeMap::new(),
            folder: sandbox.work(),
            home: sandbox.home(),
            isolation: Isolation::None,
        }
    }

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
