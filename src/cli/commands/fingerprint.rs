//! `dhtl fingerprint`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::selection_args::GroupArgs;
use crate::cli::session::Session;
use crate::cli::vars;
use crate::model::groups::GroupRequest;
use crate::model::platform::Platform;
use crate::project::resolve::resolve;
use crate::project::spec::{Spec, Wishes};
use crate::report::fingerprint::FingerprintReport;

/// Prints the fingerprint of the environment that the project asks for.
///
/// For another platform it is computed here: its wheels are brought into the store, and nothing of
/// them is run.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl fingerprint
  dhtl fingerprint --platform darwin-arm64    # what a colleague's machine should print")]
pub struct FingerprintArgs {
    /// The platform, such as linux-x86_64, darwin-arm64 or windows-x86_64 [default: this machine's].
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Platform>,
    /// The Python, such as 3.11.7, 3.12 or pypy@3.10.
    #[arg(short, long, env = vars::DHT_PYTHON, value_name = "VERSION")]
    python: Option<String>,
    #[command(flatten)]
    groups: GroupArgs,
}

impl FingerprintArgs {
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
        let platform = session.platform(self.platform)?;
        let context = open.context();
        context.store.enter()?;
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
