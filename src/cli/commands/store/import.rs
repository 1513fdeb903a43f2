//! `dhtl store import`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use dht_store::archive::{ImportOptions, Incoming, Source};
use dht_store::{Digest, Fingerprint};

use super::export::fingerprint;
use crate::cli::failure::{Failure, Kind};
use crate::cli::session::{Open, Session};
use crate::env::fetch::Quiet;
use crate::model::location::{CleanUrl, Location};
use crate::model::progress::Stage;
use crate::model::selection::Archive;
use crate::project::{archive_file, shipment};
use crate::report::archive::{ArchiveReport, ImportedReport};

/// Brings environments from an archive into the store.
///
/// Every byte is checked, and nothing is in the store before all of it was. What an archive says
/// about inputs (that this lock gives that environment), and its bytecode, cannot be checked: import
/// only what comes from somebody whose code you would run, or name the environment or the archive
/// that you mean, by what its maker told you.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl store import env.tar.zst
  dhtl store import env.tar.zst --environment blake3:75d6…   # nothing but what this proves
  dhtl store import --list env.tar.zst")]
pub struct ImportArgs {
    /// The archive: a file, an address, or `-` for stdin.
    #[arg(value_name = "FILE|URL|-")]
    archive: String,
    /// Takes this environment alone, and nothing that its fingerprint does not prove: no bytecode, and
    /// nothing that is said of other inputs.
    #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint)]
    environment: Option<Fingerprint>,
    /// Refuses every archive but this one; its name was told when it was exported.
    #[arg(long, value_name = "ARCHIVE", value_parser = digest)]
    id: Option<Digest>,
    /// Tells what the archive holds, and imports nothing.
    #[arg(long)]
    list: bool,
}

fn digest(text: &str) -> Result<Digest, String> {
    fingerprint(text).map(|fingerprint| fingerprint.0)
}

impl ImportArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let open = session.open(&session.folder)?;
        let (incoming, fetched) = self.incoming(session, &open)?;
        let done = if self.list {
            list(session, &incoming)
        } else {
            self.import(session, &open, incoming)
        };
        if let Some(path) = fetched {
            // A download that stays costs space only.
            let _ = std::fs::remove_file(path);
        }
        done.map(|()| ExitCode::SUCCESS)
    }

    fn incoming(
        &self,
        session: &Session,
        open: &Open<'_>,
    ) -> Result<(Incoming, Option<PathBuf>), Failure> {
        if self.archive == "-" {
            let source = Source::Stream(Box::new(std::io::stdin()));
            return Ok((source.open()?, None));
        }
        let Some(url) = address(&self.archive) else {
            let path = session.folder.join(&self.archive);
            return Ok((from_path(&path)?.open()?, None));
        };
        let archive = Archive {
            filename: file_name(&url),
            location: Location::Url(url),
            sha256: None,
            also: Vec::new(),
            size: None,
        };
        let file = open.context().fetcher.fetch(&archive, &Quiet)?;
        let source = from_path(&file.path)?;
        Ok((source.open()?, Some(file.path)))
    }

    fn import(
        &self,
        session: &Session,
        open: &Open<'_>,
        incoming: Incoming,
    ) -> Result<(), Failure> {
        let progress = open.context().progress;
        let head = incoming.head().clone();
        progress.begin(Stage::Import, head.unpacked());
        let kinds = shipment::kinds();
        let done = incoming.import(
            &open.store,
            &ImportOptions {
                id: self.id,
                environment: self.environment,
                kinds: &kinds,
                progress: &|bytes| progress.advance(Stage::Import, bytes),
            },
        );
        progress.finish(Stage::Import);
        let report = ImportedReport::new(&head, &done?);
        if session.globals.json {
            session.ui.json("store-import", 1, &report)?;
        } else {
            report.tell(&session.ui);
        }
        Ok(())
    }
}

fn list(session: &Session, incoming: &Incoming) -> Result<(), Failure> {
    let report = ArchiveReport::new(incoming.head(), None);
    if session.globals.json {
        session.ui.json("store-import-list", 1, &report)?;
    } else {
        session.ui.data(report.listing())?;
    }
    Ok(())
}

/// A file is read in any order, a pipe from its beginning to its end.
fn from_path(path: &std::path::Path) -> Result<Source, Failure> {
    let file = archive_file::open(path)?;
    let is_file = file.metadata()?.is_file();
    if is_file {
        Ok(Source::File(file))
    } else if path.is_dir() {
        let refused = format!("`{}` is a folder, not an archive", path.display());
        Err(Failure::new(Kind::Usage, refused))
    } else {
        Ok(Source::Stream(Box::new(file)))
    }
}

fn address(text: &str) -> Option<CleanUrl> {
    let url: url::Url = text.parse().ok()?;
    matches!(url.scheme(), "https" | "http").then(|| CleanUrl::new(url))
}

fn file_name(url: &CleanUrl) -> String {
    let segments = url.as_url().path_segments();
    let last = segments.and_then(Iterator::last).unwrap_or_default();
    let name: String = last
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || "._-".contains(*letter))
        .collect();
    if name.trim_matches('.').is_empty() {
        "archive.tar.zst".to_owned()
    } else {
        name
    }
}
