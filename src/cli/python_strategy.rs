//! `--python-strategy`: where the Python comes from, and the way into a container.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::failure::{Failure, Kind};
use super::session::{Open, Session};
use super::vars;
use crate::env::context::Context;
use crate::model::config::Config;
use crate::project::container;
use crate::project::discover::ProjectRoot;
use crate::project::spec::{self, SpecError, Wishes};
use crate::python::build::Strategy;

/// Where the Python comes from.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct PythonStrategyArgs {
    /// The only source of the Python; otherwise uv, pyenv and system are tried in this order.
    #[arg(long = "python-strategy", env = vars::DHT_PYTHON_STRATEGY, value_name = "SOURCE")]
    source: Option<Source>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Source {
    /// A build that uv names, fetched into the store.
    Uv,
    /// A build that pyenv made on this machine, brought into the store.
    Pyenv,
    /// An interpreter on PATH, used where it is.
    System,
    /// An image: a `Dockerfile` is written, built with docker or podman, and dhtl runs in it.
    Docker,
}

/// Options whose value belongs to this machine, or to this run of dhtl alone.
const OURS: [&str; 5] = [
    "--python-strategy",
    "--directory",
    "-C",
    "--store",
    "--home",
];

impl PythonStrategyArgs {
    /// Returns the context in which only that source counts.
    pub fn apply<'a>(&self, context: Context<'a>) -> Context<'a> {
        let python_strategy = match self.source {
            Some(Source::Uv) => Some(Strategy::Uv),
            Some(Source::Pyenv) => Some(Strategy::Pyenv),
            Some(Source::System) => Some(Strategy::System),
            Some(Source::Docker) | None => None,
        };
        Context {
            python_strategy,
            ..context
        }
    }

    /// Does the work in a container where that is asked for; `None` where it is to be done here.
    pub fn in_container(
        &self,
        session: &Session,
        open: &Open<'_>,
        root: &ProjectRoot,
        python: Option<&String>,
    ) -> Result<Option<ExitCode>, Failure> {
        if self.source != Some(Source::Docker) {
            return Ok(None);
        }
        let config = match &root.config {
            Some(path) => spec::read_config(path)?,
            None => Config::default(),
        };
        let facts = root.facts().map_err(SpecError::from)?;
        let wishes = Wishes {
            python: python.cloned(),
            ..Wishes::default()
        };
        let wish = spec::python_wish(&wishes, &config, facts.python, &facts.pyproject)?;
        let (file, text) = container::write(&root.folder, &config, &wish)?;
        session.ui.done(format!(
            "Python: from the image that `{}` describes",
            file.file_name().unwrap_or_default().to_string_lossy()
        ));
        let program = std::env::current_exe()?;
        let mut arguments = passed_on(std::env::args_os().skip(1));
        arguments.extend(["--python-strategy".into(), "system".into()]);
        let code = container::run(&open.context(), (&file, &text), &program, &arguments)?;
        let code = u8::try_from(code).unwrap_or_else(|_| Kind::Tool.exit_code());
        Ok(Some(ExitCode::from(code)))
    }
}

/// Returns the arguments that mean the same in a container.
fn passed_on(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments = arguments.peekable();
    let mut kept = Vec::new();
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        let name = text.split('=').next().unwrap_or_default();
        if !OURS.contains(&name) {
            kept.push(argument);
        } else if !text.contains('=') {
            arguments.next();
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_this_machine_stays_here() {
        let given = "-C x regenerate --python-strategy docker --group=dev --store=/s --check --python 3.11.7";
        let kept = passed_on(given.split(' ').map(OsString::from));
        assert_eq!(
            kept,
            ["regenerate", "--group=dev", "--check", "--python", "3.11.7"]
        );
    }
}
