//! `dhtl env-setup`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::{Failure, Kind};
use crate::cli::session::Session;
use crate::cli::vars;
use crate::project::env_vars;
use crate::report::env_vars::EnvSetupReport;

/// Explains the environment variables that the project reads and that have no value yet.
///
/// They are known from `.dhtconfig`, from `.env.example`, and from the sources: `os.environ`,
/// `os.getenv` and settings classes of pydantic, those of tests left out. A variable has a value
/// when it is set here or in `.env`. No value is ever printed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl env-setup
  dhtl env-setup --check    # in CI: is everything set that the project needs?")]
pub struct EnvSetupArgs {
    /// Exits with 1 if a required variable is missing.
    #[arg(long)]
    check: bool,
}

impl EnvSetupArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let root = session.unlocked_project()?;
        let known = env_vars::find(&root)?;
        let is_set = |name: &str| vars::read(name).is_some();
        let report = EnvSetupReport {
            known: known.len(),
            missing: env_vars::missing(&root, &known, &is_set)?,
        };
        if session.globals.json {
            session.ui.json("env-setup", 1, &report)?;
        } else {
            let lines = report.lines();
            if !lines.is_empty() {
                session.ui.data(crate::ui::style::printable(&lines))?;
            }
            report.tell(&session.ui);
        }
        if self.check && report.lacks_required() {
            return Ok(ExitCode::from(Kind::Work.exit_code()));
        }
        Ok(ExitCode::SUCCESS)
    }
}
