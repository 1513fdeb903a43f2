//! `dhtl diff`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::{Failure, Kind};
use crate::cli::session::Session;
use crate::model::platform::Platform;
use crate::project::diff::{diff, sides};
use crate::report::diff::DiffReport;

/// Says what differs between two environments, projects, locks or revisions.
///
/// Each side is a folder with an environment, a project's folder, a lock file, a fingerprint that the
/// store knows, or a revision of the project's repository. Two sides that both say what is asked for are
/// compared by that, for all platforms; where one is an environment, packages are compared with what the
/// other makes on this platform. Exits with 0 if nothing differs, with 1 if anything does.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl diff                          # `.venv`, or else HEAD, and the project now
  dhtl diff HEAD~1                   # what the last commit and later edits changed
  dhtl diff v1.0 v2.0                # between two releases
  dhtl diff ../other/.venv .venv --files
  dhtl diff uv.lock ../other/uv.lock")]
pub struct DiffArgs {
    /// What to compare [default: `.venv` where it stands, else HEAD].
    #[arg(value_name = "A")]
    before: Option<String>,
    /// With what [default: the project as it is now].
    #[arg(value_name = "B")]
    after: Option<String>,
    /// Also tells which files differ, by the manifests of environments in the store.
    #[arg(long)]
    files: bool,
    /// The platform whose environments are meant, such as darwin-arm64 [default: this machine's].
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Platform>,
}

impl DiffArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        // Two environments can be compared outside of any project.
        let root = session.project().ok();
        let place = root.as_ref().map_or(&session.folder, |root| &root.folder);
        let open = session.open(place)?;
        let context = open.context();
        let platform = session.platform(self.platform)?;
        let named: Vec<String> = [&self.before, &self.after]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let (before, after) = sides(&context, root.as_ref(), &session.folder, &named)?;
        let found = diff(&context, (&before, &after), platform, self.files)?;
        let report = DiffReport::new(found);
        if session.globals.json {
            session.ui.json("diff", 1, &report)?;
        } else {
            report.tell(&session.ui)?;
        }
        Ok(if report.same {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(Kind::Work.exit_code())
        })
    }
}
