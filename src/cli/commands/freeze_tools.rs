//! `dhtl freeze-tools`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::{Failure, Kind};
use crate::cli::session::Session;
use crate::cli::vars;
use crate::project::freeze::{self, FreezeOptions};
use crate::project::spec::{Spec, Wishes};
use crate::report::freeze_tools::FreezeReport;

/// Locks the tools of `.dhtconfig` with everything that they need, for every platform.
///
/// Prints the lock; `.dht/tools.lock` is where it belongs, and what others commit and follow. What is
/// locked stays as it is while the tool's version stays. The builds of the project's Python and uv are
/// pinned too, by address and hash.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl freeze-tools --write                # writes `.dht/tools.lock`
  dhtl freeze-tools > .dht/tools.lock      # the same
  dhtl freeze-tools --check                # in CI: is it what `.dhtconfig` asks for?
  dhtl freeze-tools --write --upgrade      # newer versions of what the tools need")]
pub struct FreezeToolsArgs {
    /// Writes `.dht/tools.lock` instead of printing it.
    #[arg(short, long, conflicts_with = "check")]
    write: bool,
    /// Changes nothing and prints nothing; exits with 1 if the file would be changed.
    #[arg(long)]
    check: bool,
    /// Locks everything anew, with the newest versions that fit.
    #[arg(short = 'U', long)]
    upgrade: bool,
    /// The Python, such as 3.11.7 or 3.12.
    #[arg(short, long, env = vars::DHT_PYTHON, value_name = "VERSION")]
    python: Option<String>,
}

impl FreezeToolsArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let root = session.project()?;
        let open = session.open(&root.folder)?;
        let wishes = Wishes {
            python: self.python.clone(),
            ..Wishes::default()
        };
        let spec = Spec::read(&root, &wishes)?;
        let platform = session.platform(None)?;
        let context = open.context();
        context.store.enter()?;
        let options = FreezeOptions {
            upgrade: self.upgrade,
        };
        let frozen = freeze::freeze(&context, &spec, platform, options)?;
        let report = FreezeReport::new(&frozen, &root.folder);
        if self.write && report.changed {
            freeze::write(&root.folder, &report.lock)?;
        }
        for warning in &frozen.warnings {
            session.ui.warning(warning);
        }
        if session.globals.json {
            session.ui.json("freeze-tools", 1, &report)?;
        } else {
            report.tell(&session.ui, self.write);
            if !self.write && !self.check {
                session.ui.data(&report.lock)?;
            }
        }
        if self.check && report.changed {
            return Ok(ExitCode::from(Kind::Work.exit_code()));
        }
        Ok(ExitCode::SUCCESS)
    }
}
