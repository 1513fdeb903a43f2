//! `dhtl run`.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::{Failure, Kind, io_cause};
use crate::cli::session::Session;
use crate::cli::vars;
use crate::env::assemble::{Standing, standing};
use crate::model::platform::{Layout, Platform};
use crate::project::regenerate::VENV;
use crate::python::venv::{self, interpreter_path};
use crate::tools::runner::{Call, find_program};

/// Runs a program in the project's environment.
///
/// The environment's programs come first on PATH, and everything after the program's name is the
/// program's own. The environment is used as it stands: it is neither made nor checked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl run pytest -q
  dhtl run -- python -c 'import sys; print(sys.prefix)'
  dhtl -C service run uvicorn app:app")]
pub struct RunArgs {
    /// The program and its arguments.
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    command: Vec<OsString>,
}

impl RunArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let root = session.project()?;
        let folder = root.folder.join(VENV);
        if matches!(standing(&folder), Standing::Nothing | Standing::Empty) {
            return Err(Failure::new(
                Kind::Work,
                format!("there is no environment at `{}`", folder.display()),
            )
            .hint("run `dhtl regenerate` first"));
        }
        let platform = Platform::host();
        // Without this a program of the same name would be found further down on PATH.
        if let Some(platform) = platform {
            let python = folder.join(interpreter_path(platform).as_str());
            if !python.is_file() {
                return Err(Failure::new(
                    Kind::Work,
                    format!(
                        "the environment has no interpreter at `{}`",
                        python.display()
                    ),
                )
                .hint("run `dhtl regenerate` to make the environment whole"));
            }
        }
        let layout = platform.map_or(Layout::Posix, Platform::layout);
        let programs = folder.join(venv::programs(layout));
        let former = vars::read(vars::PATH).unwrap_or_default();
        let folders = std::iter::once(programs).chain(std::env::split_paths(&former));
        let path =
            std::env::join_paths(folders).map_err(|error| Failure::new(Kind::Work, error))?;
        let (program, arguments) = self
            .command
            .split_first()
            .ok_or_else(|| Failure::new(Kind::Usage, "no command was given"))?;
        let found = Self::locate(session, program, &path).ok_or_else(|| {
            let name = program.to_string_lossy();
            Failure::new(
                Kind::NoProgram,
                format!("found no program `{name}` in the environment or on PATH"),
            )
        })?;
        let call = Call::new(&found)
            .args(arguments)
            .folder(&session.folder)
            .env("VIRTUAL_ENV", &folder)
            .env("PATH", &path)
            .without_env(["PYTHONHOME"]);
        let code = call.hand_over().map_err(|error| {
            let not_allowed = io_cause(&error)
                .is_some_and(|cause| cause.kind() == std::io::ErrorKind::PermissionDenied);
            let kind = if not_allowed {
                Kind::NotRunnable
            } else {
                Kind::Tool
            };
            Failure::new(kind, error)
        })?;
        Ok(ExitCode::from(
            u8::try_from(code).unwrap_or(Kind::Work.exit_code()),
        ))
    }

    fn locate(
        session: &Session,
        program: &OsString,
        path: &OsString,
    ) -> Option<std::path::PathBuf> {
        let given = std::path::Path::new(program);
        if given.components().count() > 1 || given.is_absolute() {
            let found = std::path::absolute(session.folder.join(given)).ok()?;
            return found.exists().then_some(found);
        }
        find_program(program.to_str()?, path, &[])
    }
}
