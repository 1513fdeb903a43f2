//! `dhtl generations` and `dhtl rollback`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::project::generations::generations;
use crate::project::regenerate::VENV;
use crate::project::rollback::rollback;
use crate::report::generations::{GenerationsReport, RollbackReport};

/// Lists the environments that stood in the project before and can be brought back.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl generations
  dhtl rollback 3")]
pub struct GenerationsArgs {}

impl GenerationsArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let root = session.unlocked_project()?;
        let open = session.open(&root.folder)?;
        let report = GenerationsReport {
            path: root.folder.join(VENV),
            generations: generations(&open.store, &root.folder)?,
        };
        if session.globals.json {
            session.ui.json("generations", 1, &report)?;
        } else if !report.generations.is_empty() {
            session.ui.data(report.table())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Brings back an environment that stood in the project before.
///
/// It is assembled from the store: nothing is resolved, fetched or built. The lock stays as it is,
/// so the next `dhtl regenerate` makes what the lock says. What stood until now becomes a generation
/// itself: a second `dhtl rollback` returns to it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl rollback            # to what stood before
  dhtl rollback 3          # to generation 3 of `dhtl generations`")]
pub struct RollbackArgs {
    /// The number of the generation [default: the one that stood last].
    generation: Option<u32>,
}

impl RollbackArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let root = session.unlocked_project()?;
        let open = session.open(&root.folder)?;
        let done = rollback(&open.context(), &root.folder, self.generation)?;
        let report = RollbackReport::new(&done);
        if session.globals.json {
            session.ui.json("rollback", 1, &report)?;
        } else {
            report.tell(&session.ui);
        }
        Ok(ExitCode::SUCCESS)
    }
}
