//! `dhtl fingerprint`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::{Failure, Kind};
use crate::cli::selection_args::{GroupArgs, PlatformArg, platforms};
use crate::cli::session::Session;
use crate::cli::vars;
use crate::env::context::Context;
use crate::model::config::Config;
use crate::model::groups::GroupRequest;
use crate::model::platform::Platform;
use crate::project::checksum;
use crate::project::platforms::compute;
use crate::project::resolve::resolve;
use crate::project::spec::{Spec, Wishes, read_config};
use crate::report::fingerprint::{
    AskedReport, FingerprintReport, FingerprintsReport, tell_lacking,
};

/// Prints the fingerprint of the environment that the project asks for.
///
/// For another platform it is computed here: its Python and its wheels are brought into the store, and
/// nothing of them is run. What a platform lacks is named, and the exit code is 1 then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl fingerprint
  dhtl fingerprint --platform darwin-arm64    # what a colleague's machine should print
  dhtl fingerprint --platform all             # Linux, macOS and Windows, a line each
  dhtl fingerprint --asked                    # of what is asked for, the same on every platform")]
pub struct FingerprintArgs {
    /// The platform, such as linux-x86_64, darwin-arm64 or windows-x86_64, or `all` for five common
    /// ones; may be repeated [default: this machine's].
    #[arg(long = "platform", value_name = "PLATFORM")]
    platforms: Vec<PlatformArg>,
    /// Prints the checksum of what is asked for, which needs neither network nor store.
    #[arg(long, conflicts_with = "platforms")]
    asked: bool,
    /// The Python, such as 3.11.7, 3.12 or pypy@3.10.
    #[arg(short, long, env = vars::DHT_PYTHON, value_name = "VERSION")]
    python: Option<String>,
    #[command(flatten)]
    groups: GroupArgs,
}

impl FingerprintArgs {
    fn print_asked(&self, session: &Session, spec: &Spec) -> Result<ExitCode, Failure> {
        let config = match &spec.root.config {
            Some(path) => read_config(path)?,
            None => Config::default(),
        };
        let checksum = checksum::asked(spec, &config)?.checksum();
        if session.globals.json {
            let report = AskedReport { checksum };
            session.ui.json("fingerprint-asked", 1, &report)?;
        } else {
            session.ui.data(checksum)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let root = session.project()?;
        let open = session.open(&root.folder)?;
        let wishes = Wishes {
            python: self.python.clone(),
            groups: GroupRequest::from(&self.groups),
            ..Wishes::default()
        };
        let spec = Spec::read(&root, &wishes)?;
        let context = open.context();
        if self.asked {
            return self.print_asked(session, &spec);
        }
        context.store.enter()?;
        let asked = platforms(&self.platforms);
        if asked.len() > 1 {
            return print_all(session, &context, &spec, &asked);
        }
        let platform = session.platform(asked.first().copied())?;
        let resolved = resolve(&context, &spec, platform, false)?;
        let fingerprint = resolved.fingerprint;
        if session.globals.json {
            let packages = resolved.environment.packages.len();
            let report = FingerprintReport {
                fingerprint,
                platform,
                packages,
            };
            session.ui.json("fingerprint", 1, &report)?;
        } else {
            session.ui.data(format!("blake3:{fingerprint}"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print_all(
    session: &Session,
    context: &Context<'_>,
    spec: &Spec,
    asked: &[Platform],
) -> Result<ExitCode, Failure> {
    let (computed, lacking) = compute(context, spec, asked);
    let report = FingerprintsReport { computed, lacking };
    if session.globals.json {
        session.ui.json("fingerprints", 1, &report)?;
    } else {
        for line in report.lines() {
            session.ui.data(line)?;
        }
        tell_lacking(&report.lacking, &session.ui);
    }
    Ok(if report.lacking.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(Kind::Work.exit_code())
    })
}
