//! `dhtl why`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::{Failure, Kind};
use crate::cli::session::Session;
use crate::project::spec::{Spec, Wishes};
use crate::project::why::why;
use crate::report::why::WhyReport;

/// Says why a package or a file is in `.venv`.
///
/// Of a package: its entry in the store, and the ways that lead to it, as far as the lock says who needs
/// whom. Of a file: the package that it belongs to, the digest that it must have, packages that have
/// another file at its path, and whether it is intact; a file that is not makes the exit code 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl why urllib3
  dhtl why .venv/lib/python3.11/site-packages/six.py
  dhtl why bin/pytest                # a path in `.venv`")]
pub struct WhyArgs {
    /// The name of a package, or the path of a file in `.venv`.
    #[arg(value_name = "PACKAGE|FILE")]
    target: String,
}

impl WhyArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let root = session.project()?;
        let open = session.open(&root.folder)?;
        let spec = Spec::read(&root, &Wishes::default())?;
        let context = open.context();
        let found = why(&context, &spec, &session.folder, &self.target)?;
        let report = WhyReport { found };
        if session.globals.json {
            session.ui.json("why", 1, &report)?;
        } else {
            report.tell(&session.ui)?;
        }
        Ok(if report.is_right() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(Kind::Work.exit_code())
        })
    }
}
