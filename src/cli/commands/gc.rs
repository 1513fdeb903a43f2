//! `dhtl gc`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use dht_store::gc::{Collected, Options, Prepared};

use super::store::find;
use crate::cli::failure::Failure;
use crate::cli::session::{Open, Session};
use crate::cli::vars;
use crate::model::amount::{Age, Bytes};
use crate::project::gc::{survey, with_own};
use crate::report::gc::{GcReport, WhyReport};

/// Removes from the store what no environment needs.
///
/// Kept is what environments are made of, a few former ones of each project, and what commands use
/// that run at the same time; they are not kept waiting. A project counts as long as its environment
/// exists: moved ones still do, deleted ones do not, and one on a disk that is not mounted does
/// until it is forgotten. Without a limit everything else goes; what is needed again is fetched again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl gc --dry-run                  # what would go, and what is kept by what
  dhtl gc --max-age 30d              # keep what was used within a month
  dhtl gc --max-size 20GiB           # the oldest first, until the store is that small
  dhtl gc --why torch                # who needs it?
  dhtl gc --forget /mnt/old/app/.venv")]
pub struct GcArgs {
    /// Keeps what was used last, as long as the store is not larger than this.
    #[arg(long, value_name = "SIZE")]
    max_size: Option<Bytes>,
    /// Keeps what was used within this time, such as 30d.
    #[arg(long, value_name = "TIME")]
    max_age: Option<Age>,
    /// How many former environments of each project are kept.
    #[arg(long, value_name = "COUNT", env = vars::DHT_KEEP_GENERATIONS, default_value_t = dht_store::gc::GENERATIONS)]
    keep_generations: usize,
    /// Changes nothing; tells what would be done.
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Tells what keeps an entry, named by its name or the beginning of its identifier, and changes
    /// nothing.
    #[arg(long, value_name = "ENTRY")]
    why: Option<String>,
    /// Gives up an environment that cannot be looked at, such as one on a disk that is gone.
    #[arg(long, value_name = "FOLDER")]
    forget: Vec<PathBuf>,
}

impl GcArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let open = session.open(&session.folder)?;
        let options = Options {
            generations: self.keep_generations,
            max_age: self.max_age.map(|age| age.0),
            max_size: self.max_size.map(|size| size.0),
            forget: self
                .forget
                .iter()
                .map(|path| session.folder.join(path))
                .collect(),
            ..Options::default()
        };
        let options = with_own(&open.context(), options);
        let prepared = open.store.plan_gc(&options, &survey)?;
        if let Some(prefix) = &self.why {
            return self.explain(session, &open, &prepared, prefix);
        }
        let done = if self.dry_run {
            None
        } else {
            Some(open.store.gc(&prepared, &survey, &|_| {})?)
        };
        let report = GcReport::new(&prepared, done);
        if session.globals.json {
            session.ui.json("gc", 1, &report)?;
        } else {
            report.tell(&session.ui);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn explain(
        &self,
        session: &Session,
        open: &Open<'_>,
        prepared: &Prepared,
        prefix: &str,
    ) -> Result<ExitCode, Failure> {
        let entry = find(&open.store, prefix)?;
        let keepers = prepared.plan.keepers.get(&entry.entry);
        let report = WhyReport {
            kept: keepers.is_some(),
            keepers: keepers.into_iter().flatten().cloned().collect(),
            entry,
        };
        if session.globals.json {
            session.ui.json("gc-why", 1, &report)?;
        } else {
            report.tell(&session.ui);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Collects garbage down to the user's size, after a command that brought something in.
///
/// What that command made is kept: it is in use. A failure is told of and changes nothing else.
pub fn within_budget(session: &Session, open: &Open<'_>) {
    let size = vars::read(vars::DHT_STORE_MAX_SIZE);
    let Some(size) = size.and_then(|size| size.into_string().ok()) else {
        return;
    };
    let collect = || -> Result<Option<Collected>, Failure> {
        let size: Bytes = size
            .parse()
            .map_err(|error| Failure::new(crate::cli::failure::Kind::Usage, error))?;
        let generations = vars::read(vars::DHT_KEEP_GENERATIONS)
            .and_then(|count| count.to_str()?.parse().ok())
            .unwrap_or(dht_store::gc::GENERATIONS);
        if open.store.usage()?.total() <= size.0 {
            return Ok(None);
        }
        let options = Options {
            generations,
            max_size: Some(size.0),
            ..Options::default()
        };
        let options = with_own(&open.context(), options);
        let prepared = open.store.plan_gc(&options, &survey)?;
        Ok(Some(open.store.gc(&prepared, &survey, &|_| {})?))
    };
    match collect() {
        Ok(None) => {}
        Ok(Some(done)) => session.ui.status(format!(
            "store: {} entries collected, {} freed",
            done.entries.len(),
            Bytes(done.freed)
        )),
        Err(failure) => {
            session
                .ui
                .warning("the store could not be collected down to DHT_STORE_MAX_SIZE:");
            session.ui.error(&*failure.error, &failure.hints);
        }
    }
}
