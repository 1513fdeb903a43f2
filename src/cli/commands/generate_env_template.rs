//! `dhtl generate-env-template`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::{Failure, Kind};
use crate::cli::session::Session;
use crate::model::config::text::ProjectPath;
use crate::project::env_vars;
use crate::report::env_vars::EnvTemplateReport;

/// Lists the environment variables that the project reads in a file to fill in.
///
/// Names that the file has already, with a value, without one or commented out, stay as they are; the
/// others are added at its end, without a value.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl generate-env-template                  # `.env.example`, to commit
  dhtl generate-env-template --output .env    # `.env`, to fill in and keep to yourself
  dhtl generate-env-template --check          # in CI: is `.env.example` complete?")]
pub struct GenerateEnvTemplateArgs {
    /// The file, relative to the project.
    #[arg(short, long, value_name = "FILE", default_value = ".env.example", value_parser = project_path)]
    output: ProjectPath,
    /// Changes nothing; exits with 1 if something would be added.
    #[arg(long)]
    check: bool,
    /// Changes nothing; tells what would be added.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

fn project_path(text: &str) -> Result<ProjectPath, String> {
    ProjectPath::new(text).map_err(|error| error.to_string())
}

impl GenerateEnvTemplateArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let root = session.unlocked_project()?;
        let path = root.folder.join(self.output.as_str());
        let plan = env_vars::plan_template(&path, &env_vars::find(&root)?)?;
        let dry_run = self.check || self.dry_run;
        if !dry_run {
            plan.apply()?;
        }
        let report = EnvTemplateReport::new(&plan, self.output.as_str(), dry_run);
        if session.globals.json {
            session.ui.json("generate-env-template", 1, &report)?;
        } else {
            report.tell(&session.ui);
        }
        if self.check && !report.added.is_empty() {
            return Ok(ExitCode::from(Kind::Work.exit_code()));
        }
        Ok(ExitCode::SUCCESS)
    }
}
