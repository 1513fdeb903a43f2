//! `dhtl store export`.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use dht_store::archive::{DEFAULT_LEVEL, ExportReport, LEVELS, Plan, Source};
use dht_store::{Fingerprint, Store};

use crate::cli::failure::{Failure, Kind};
use crate::cli::selection_args::GroupArgs;
use crate::cli::session::{Open, Session};
use crate::cli::vars;
use crate::model::groups::GroupRequest;
use crate::model::platform::Platform;
use crate::model::progress::Stage;
use crate::project::archive_file;
use crate::project::discover::discover;
use crate::project::shipment::{self, Extras, Shipment};
use crate::project::spec::{Spec, Wishes};
use crate::report::archive::ArchiveReport;

/// Writes environments to an archive: everything that `regenerate --offline` needs elsewhere.
///
/// The archive is a plain `.tar.zst`. The same content gives the same bytes on every machine.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl store export -o env.tar.zst
  dhtl store export --platform linux-arm64 --platform darwin-arm64 -o env.tar.zst
  dhtl store export -o - | ssh host dhtl store import -")]
pub struct ExportArgs {
    /// The project whose environment is exported [default: that of the current folder].
    #[arg(long, value_name = "FOLDER")]
    project: Option<PathBuf>,
    /// An environment that the store holds, by its fingerprint.
    #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint, conflicts_with_all = ["project", "all", "platform"])]
    environment: Option<Fingerprint>,
    /// Everything that the store holds and remembers.
    #[arg(long, conflicts_with_all = ["project", "platform"])]
    all: bool,
    /// A platform, such as linux-x86_64 or darwin-arm64; several may be named [default: this machine's].
    #[arg(long, value_name = "PLATFORM", value_delimiter = ',')]
    platform: Vec<Platform>,
    /// Leaves out what this environment, or this archive, has.
    #[arg(long, value_name = "FINGERPRINT|ARCHIVE")]
    since: Option<String>,
    /// Where the archive goes: a file, or `-` for stdout.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// How hard to compress, from 1 to 19.
    #[arg(long, env = vars::DHT_EXPORT_LEVEL, value_name = "N", default_value_t = DEFAULT_LEVEL, value_parser = level)]
    level: i32,
    /// Leaves out bytecode: it is compiled again where it is needed.
    #[arg(long)]
    no_bytecode: bool,
    /// Leaves out uv: it is needed only where the lock changes.
    #[arg(long)]
    no_uv: bool,
    #[command(flatten)]
    groups: GroupArgs,
}

/// Reads a fingerprint, with or without the name of its hash.
pub fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    let digits = text.strip_prefix("blake3:").unwrap_or(text);
    digits
        .parse()
        .map_err(|error: dht_store::id::ParseDigestError| error.to_string())
}

fn level(text: &str) -> Result<i32, String> {
    let level = text.parse().ok().filter(|level| LEVELS.contains(level));
    level.ok_or_else(|| format!("not a number from {} to {}", LEVELS.start(), LEVELS.end()))
}

impl ExportArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let to_stdout = self.output == Path::new("-");
        if to_stdout && std::io::stdout().is_terminal() {
            let refused = "an archive is no text for a terminal";
            return Err(Failure::new(Kind::Usage, refused).hint("name a file with `-o`"));
        }
        if to_stdout && session.globals.json {
            let refused = "the archive and the report cannot both go to stdout";
            return Err(Failure::new(Kind::Usage, refused).hint("name a file with `-o`"));
        }
        let folder = match &self.project {
            Some(project) => session.folder.join(project),
            None => session.folder.clone(),
        };
        let from_store = self.all || self.environment.is_some();
        let root = (!from_store).then(|| discover(&folder)).transpose()?;
        let home = root.as_ref().map_or(&folder, |root| &root.folder);
        let open = session.open(home)?;
        let extras = Extras {
            bytecode: !self.no_bytecode,
            uv: !self.no_uv,
        };
        let mut shipment = match (&root, self.environment) {
            (Some(root), _) => {
                let wishes = Wishes {
                    groups: GroupRequest::from(&self.groups),
                    ..Wishes::default()
                };
                let spec = Spec::read(root, &wishes)?;
                let platforms = self.platforms(session)?;
                shipment::of_project(&open.context(), &spec, &platforms, extras)?
            }
            (None, Some(asked)) => shipment::of_environment(&open.store, asked, extras)?,
            (None, None) => shipment::of_store(&open.store, extras)?,
        };
        self.leave_out(session, &open.store, &mut shipment)?;
        for (fingerprint, reason) in &shipment.left_out {
            let left_out = format!("the environment `{fingerprint}` is left out: {reason}");
            session.ui.warning(left_out);
        }
        let plan = Plan::draw(&open.store, &shipment.wanted)?;
        let done = self.write(session, &open, &plan)?;
        let report = ArchiveReport::new(plan.head(), Some(done.written));
        if session.globals.json {
            session.ui.json("store-export", 1, &report)?;
        } else {
            report.tell_export(&session.ui, &shipment.environments);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn platforms(&self, session: &Session) -> Result<BTreeSet<Platform>, Failure> {
        if self.platform.is_empty() {
            return Ok([session.platform(None)?].into());
        }
        Ok(self.platform.iter().copied().collect())
    }

    fn leave_out(
        &self,
        session: &Session,
        store: &Store,
        shipment: &mut Shipment,
    ) -> Result<(), Failure> {
        let Some(since) = &self.since else {
            return Ok(());
        };
        if let Ok(known) = fingerprint(since) {
            return Ok(shipment.since(store, known)?);
        }
        let file = archive_file::open(&session.folder.join(since))?;
        let incoming = Source::File(file).open()?;
        let head = incoming.head();
        let held = head.entries.iter().map(|part| part.entry.clone());
        let had = held.chain(head.needs.iter().cloned());
        shipment.wanted.had.extend(had);
        Ok(())
    }

    fn write(
        &self,
        session: &Session,
        open: &Open<'_>,
        plan: &Plan,
    ) -> Result<ExportReport, Failure> {
        let context = open.context();
        let progress = context.progress;
        progress.begin(Stage::Export, plan.unpacked());
        let advance = |bytes| progress.advance(Stage::Export, bytes);
        let done = if self.output == Path::new("-") {
            let mut out = std::io::stdout();
            plan.write(&open.store, &mut out, self.level, &advance)
                .and_then(|done| {
                    out.flush().map_err(dht_store::ArchiveError::Write)?;
                    Ok(done)
                })
        } else {
            archive_file::write(&session.folder.join(&self.output), |out| {
                plan.write(&open.store, out, self.level, &advance)
            })
        };
        progress.finish(Stage::Export);
        Ok(done?)
    }
}
