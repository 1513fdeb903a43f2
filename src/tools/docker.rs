//! docker or podman: building an image, and running a program in it.
//!
//! Neither is ever fetched or started by itself: a program of that name on `PATH` whose server answers
//! is used. What is run in the container is always `dhtl`, with the folders that it needs and as the
//! user who asked.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::runner::{Call, Cancel, RunError, find_program};

/// How long an image may take to be built.
const BUILD_TIMEOUT: Duration = Duration::from_secs(3600);
/// How long a server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// The programs, in the order in which they are asked.
pub const PROGRAMS: [&str; 2] = ["docker", "podman"];

/// A program that runs containers, and that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine(PathBuf);

/// What is run in a container.
#[derive(Debug, Clone)]
pub struct ContainerRun<'a> {
    /// The image.
    pub image: &'a str,
    /// Folders and files of this machine that are at the same place in the container; the second says
    /// whether they can be written.
    pub mounts: &'a [(PathBuf, bool)],
    /// Where `dhtl` is on this machine.
    pub program: &'a Path,
    /// The folder that it starts in.
    pub folder: &'a Path,
    /// Environment variables.
    pub variables: &'a [(&'static str, OsString)],
    /// The arguments of `dhtl`.
    pub arguments: &'a [OsString],
}

/// Where `dhtl` is in the container.
const PROGRAM: &str = "/usr/local/bin/dhtl";

impl Engine {
    /// Finds the first program on `path`, outside of the project, whose server answers; otherwise tells
    /// what was found of each.
    pub fn find(path: &OsStr, project: &Path, cancel: &Cancel) -> Result<Self, Vec<String>> {
        let mut tried = Vec::new();
        for name in PROGRAMS {
            let Some(program) = find_program(name, path, &[project]) else {
                tried.push(format!("`{name}` is not on PATH"));
                continue;
            };
            let call = Call::new(&program)
                .args(["version", "--format", "{{.Server.Version}}"])
                .timeout(ANSWER_TIMEOUT);
            match call.run(cancel) {
                Ok(_) => return Ok(Self(program)),
                Err(error) => tried.push(error.to_string()),
            }
        }
        Err(tried)
    }

    /// Builds the image that `file` describes; it needs no file beside.
    ///
    /// # Errors
    ///
    /// When the program fails.
    pub fn build(&self, file: &Path, image: &str, cancel: &Cancel) -> Result<(), RunError> {
        let empty = tempfile::tempdir().map_err(|source| RunError::Start {
            command: self.0.display().to_string(),
            source,
        })?;
        let call = Call::new(&self.0)
            .args(["build", "--tag", image, "--file"])
            .arg(file)
            .arg(empty.path())
            .timeout(BUILD_TIMEOUT);
        call.run(cancel).map(drop)
    }

    /// Gives the terminal to `dhtl` in a container; on POSIX this returns only an error.
    ///
    /// # Errors
    ///
    /// When the program cannot be started.
    pub fn hand_over(&self, run: &ContainerRun<'_>) -> Result<i32, RunError> {
        run.call(&self.0).hand_over()
    }
}

impl ContainerRun<'_> {
    /// Returns the command line, for people, with `engine` as the program.
    pub fn shown(&self, engine: &str) -> String {
        self.call(Path::new(engine)).shown()
    }

    fn call(&self, engine: &Path) -> Call {
        let mut call = Call::new(engine).args(["run", "--rm"]);
        for (path, is_writable) in self.mounts {
            let mut mount = OsString::from("type=bind,source=");
            mount.push(path);
            mount.push(",target=");
            mount.push(path);
            if !is_writable {
                mount.push(",readonly");
            }
            call = call.arg("--mount").arg(mount);
        }
        let mut program = OsString::from("type=bind,source=");
        program.push(self.program);
        program.push(format!(",target={PROGRAM},readonly"));
        call = call.arg("--mount").arg(program);
        if let Some(user) = user() {
            call = call.arg("--user").arg(user);
        }
        for (name, value) in self.variables {
            let mut variable = OsString::from(name);
            variable.push("=");
            variable.push(value);
            call = call.arg("--env").arg(variable);
        }
        call.arg("--workdir")
            .arg(self.folder)
            .arg(self.image)
            .arg(PROGRAM)
            .args(self.arguments)
    }
}

#[cfg(unix)]
fn user() -> Option<String> {
    let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
    Some(format!("{}:{}", user.as_raw(), group.as_raw()))
}

#[cfg(not(unix))]
const fn user() -> Option<String> {
    None
}
