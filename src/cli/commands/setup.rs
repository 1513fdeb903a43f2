//! `dhtl setup`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::failure::{Failure, Kind};
use crate::cli::python_strategy::PythonStrategyArgs;
use crate::cli::selection_args::{PlatformArg, platforms};
use crate::cli::session::Session;
use crate::cli::vars;
use crate::model::config::Strategy;
use crate::model::config::text::Timestamp;
use crate::model::moment::timestamp;
use crate::project::regenerate::RegenerateError;
use crate::project::setup::SetupError;
use crate::project::setup::apply::SetupOptions;
use crate::project::setup::plan::{SetupWishes, plan};
use crate::project::setup::tools::ToolWish;
use crate::report::setup::SetupReport;

/// Captures the project's environment in `.dhtconfig`, so that others get the same.
///
/// Locks the dependencies with uv where there is no lock, or a stale one that uv made: `pyproject.toml` into
/// `uv.lock`; requirements files, `setup.py` or `setup.cfg` into `requirements.lock`, with hashes. Makes `.venv`, and
/// writes down the exact Python, the lock, and what the project's files tell: the names of environment
/// variables (sources, `.env.example`, `Dockerfile`), system packages (`Dockerfile`, known packages and
/// imports), programs (`.nvmrc`, `rust-toolchain`, `.tool-versions`, `package.json`), hooks, submodules, large
/// files, and the checksums that `dhtl regenerate` compares with. What stands in `.dhtconfig` already stays,
/// comments included; a second run changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl setup                      # then commit `.dhtconfig` and the lock
  dhtl setup --dry-run            # what would be done?
  dhtl setup --python 3.12.4      # another Python than the project names
  dhtl setup --platform all       # also for the machines of others
  dhtl setup --tool ruff --tool mypy==1.5.0")]
pub struct SetupArgs {
    /// The Python, such as 3.11.7 or 3.12.
    #[arg(short, long, env = vars::DHT_PYTHON, value_name = "VERSION")]
    python: Option<String>,
    #[command(flatten)]
    python_strategy: PythonStrategyArgs,
    /// Who locks the dependencies.
    #[arg(long, value_name = "STRATEGY")]
    strategy: Option<Locker>,
    /// Has activation warn when the environment is not what it was made to be any more.
    ///
    /// Sets `assembly.activation_hook`, so that everyone's environment does it: its activation scripts for sh,
    /// bash, zsh, fish, csh, PowerShell and cmd run `dhtl validate-env --quick --quiet`, where dhtl is on PATH.
    #[arg(long)]
    hook: bool,
    /// Also computes the fingerprint for another platform here: a platform's name, or `all` for Linux and macOS
    /// on x86_64 and ARM and Windows on x86_64. What a platform lacks is named, and the exit code is 1 then.
    #[arg(long = "platform", value_name = "PLATFORM")]
    platforms: Vec<PlatformArg>,
    /// Writes down a tool, in the version that the lock has, or in this one: `ruff==0.4.0`.
    #[arg(long = "tool", value_name = "NAME[==VERSION]")]
    tools: Vec<ToolWish>,
    /// Changes nothing; exits with 1 if something would be changed.
    #[arg(long)]
    check: bool,
    /// Changes nothing; tells what would be done.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Locker {
    /// uv; a missing or stale `uv.lock` is made.
    Uv,
    /// pip-tools or the like; requirements files with hashes are taken as they are, others are locked with uv.
    PipTools,
    /// Poetry; `poetry.lock` is taken as it is.
    Poetry,
}

impl From<Locker> for Strategy {
    fn from(locker: Locker) -> Self {
        match locker {
            Locker::Uv => Self::Uv,
            Locker::PipTools => Self::PipTools,
            Locker::Poetry => Self::Poetry,
        }
    }
}

/// Returns the time, as `.dhtconfig` keeps it.
pub fn now() -> Option<Timestamp> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| timestamp(since.as_secs()))
}

impl SetupArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let root = session.unlocked_project()?;
        let open = session.open(&root.folder)?;
        let platform = session.platform(None)?;
        let wishes = SetupWishes {
            python: self.python.clone(),
            strategy: self.strategy.map(Strategy::from),
            tools: self.tools.clone(),
            hook: self.hook,
        };
        let strategy = self.python_strategy;
        let python = self.python.as_ref();
        if let Some(code) = strategy.in_container(session, &open, &root, python)? {
            return Ok(code);
        }
        let context = strategy.apply(open.context());
        let mut plan = plan(&context, &root, platform, &wishes)?;
        let mut options = SetupOptions {
            dry_run: self.check || self.dry_run,
            replace_foreign: session.globals.yes,
            platforms: platforms(&self.platforms),
            now: now(),
        };
        let done = match plan.apply(&context, &options) {
            Err(SetupError::Regenerate(RegenerateError::Foreign(folder)))
                if session.ui.confirm(&format!(
                    "`{}` was not made by dhtl. Replace it?",
                    folder.display()
                )) =>
            {
                options.replace_foreign = true;
                plan.apply(&context, &options)
            }
            other => other,
        }?;
        let report = SetupReport::new(&plan, &done, options.dry_run);
        if session.globals.json {
            session.ui.json("setup", 1, &report)?;
        } else {
            for warning in &done.warnings {
                session.ui.warning(warning);
            }
            report.tell(&session.ui);
            if !plan.has_hook() {
                session
                    .ui
                    .hint("run `dhtl setup --hook` to have activation warn of drift");
            }
        }
        if self.check && report.has_changed() && !session.globals.json {
            session
                .ui
                .failed("Check: the project is not set up as it would be now");
            session.ui.hint("run `dhtl setup`");
        }
        if !report.lacking.is_empty() || (self.check && report.has_changed()) {
            return Ok(ExitCode::from(Kind::Work.exit_code()));
        }
        Ok(ExitCode::SUCCESS)
    }
}
