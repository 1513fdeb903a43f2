//! `dhtl sbom`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::failure::{Failure, Kind};
use crate::cli::session::Session;
use crate::project::sbom::inventory;
use crate::report::sbom::{cyclonedx, spdx};

/// A form of inventories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// CycloneDX 1.6.
    Cyclonedx,
    /// SPDX 2.3.
    Spdx,
}

/// Prints an inventory of the environment that stands: packages, licences and hashes.
///
/// It is read from the store and holds no time of making: the same environment gives the same bytes on
/// every machine. Its subject is the environment's fingerprint, and the hash of each package covers
/// all of its files.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl sbom > sbom.cdx.json
  dhtl sbom --format spdx > sbom.spdx.json")]
pub struct SbomArgs {
    /// The form of the document.
    #[arg(long, value_enum, default_value_t = Form::Cyclonedx, value_name = "FORM")]
    format: Form,
}

impl SbomArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let root = session.unlocked_project()?;
        let open = session.open(&root.folder)?;
        let inventory = inventory(&open.store, &root)?;
        let document = match self.format {
            Form::Cyclonedx => cyclonedx(&inventory),
            Form::Spdx => spdx(&inventory),
        };
        let text = serde_json::to_string_pretty(&document)
            .map_err(|error| Failure::new(Kind::Internal, error))?;
        session.ui.data(text)?;
        Ok(ExitCode::SUCCESS)
    }
}
