//! `dhtl store`: looking into the store.

mod export;
mod import;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use dht_store::check::{EntryReport, Problem, ProblemKind};
use dht_store::format::store_json::Access;
use dht_store::gc::Options;
use dht_store::{EntryRef, NodeKind, RepairReport, Store, StoreError};
use rayon::prelude::*;

use crate::cli::failure::{Failure, Kind};
use crate::cli::session::Session;
use crate::model::amount::Bytes;
use crate::project::gc::{survey, with_own};
use crate::report::store::{
    DamagedEntry, EntryInfo, EntryLine, PathReport, StoreInfo, StoreListing, VerifyReport,
};
use crate::report::store_du::DuReport;
use crate::ui::table::{Align, Table};
use crate::ui::words::counted;

/// Looks into the store, and checks it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl store ls
  dhtl store path requests              # an entry by name, or by the beginning of its identifier
  dhtl store verify --repair
  dhtl store export -o env.tar.zst      # on a machine with network
  dhtl store import env.tar.zst         # on one without, and then `dhtl regenerate --offline`")]
pub struct StoreArgs {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    /// Prints the folder of the store, or of an entry.
    Path {
        /// The beginning of an entry's identifier, or its name.
        entry: Option<String>,
    },
    /// Lists the entries.
    Ls,
    /// Tells what the store holds, or what an entry is.
    Info {
        /// The beginning of an entry's identifier, or its name.
        entry: Option<String>,
    },
    /// Tells what the store takes of the disk, what is shared, and what keeps each entry.
    Du,
    /// Checks every byte of entries against their manifests.
    Verify {
        /// The beginnings of entries' identifiers, or their names [default: all].
        entries: Vec<String>,
        /// Compares by stat, and reads only files whose stat differs.
        #[arg(long)]
        quick: bool,
        /// Repairs what the store can repair by itself.
        #[arg(long)]
        repair: bool,
    },
    Export(export::ExportArgs),
    Import(import::ImportArgs),
}

impl StoreArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        match &self.command {
            StoreCommand::Export(args) => return args.run(session),
            StoreCommand::Import(args) => return args.run(session),
            _ => {}
        }
        let open = session.open(&session.folder)?;
        let store = &open.store;
        store.enter()?;
        match &self.command {
            StoreCommand::Path { entry } => path(session, store, entry.as_deref())?,
            StoreCommand::Ls => list(session, store)?,
            StoreCommand::Du => {
                let prepared =
                    store.plan_gc(&with_own(&open.context(), Options::default()), &survey)?;
                let report = DuReport::new(&prepared, store.usage()?);
                if session.globals.json {
                    session.ui.json("store-du", 1, &report)?;
                } else {
                    session.ui.data(report.lines())?;
                }
            }
            StoreCommand::Info { entry } => info(session, store, entry.as_deref())?,
            StoreCommand::Verify {
                entries,
                quick,
                repair,
            } => {
                return verify(session, store, entries, !quick, *repair);
            }
            StoreCommand::Export(_) | StoreCommand::Import(_) => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Finds the one entry that a prefix or a name means.
pub(super) fn find(store: &Store, prefix: &str) -> Result<EntryRef, Failure> {
    let mut found: Vec<EntryRef> = store
        .entries()?
        .into_iter()
        .filter(|entry| {
            entry.name == prefix
                || format!("{}-{}", entry.name, entry.version) == prefix
                || (prefix.len() >= 4 && entry.entry.to_string().starts_with(prefix))
        })
        .collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(
            Failure::new(Kind::Work, format!("the store holds no entry `{prefix}`"))
                .hint("`dhtl store ls` lists what it holds"),
        ),
        count => {
            let names: Vec<String> = found.iter().take(5).map(EntryRef::folder).collect();
            Err(
                Failure::new(Kind::Usage, format!("`{prefix}` means {count} entries"))
                    .hint(format!("say more of it: {}", names.join(", "))),
            )
        }
    }
}

fn lines(store: &Store) -> Result<Vec<EntryLine>, Failure> {
    let mut entries = store.pinned_entries()?;
    // `verify` names the others.
    entries.retain(|entry| store.has_entry(entry));
    Ok(entries
        .par_iter()
        .map(|entry| {
            let manifest = store.manifest(entry.entry)?;
            let is_file = |node: &&dht_store::Node| matches!(node.kind, NodeKind::File { .. });
            Ok(EntryLine {
                entry: entry.entry,
                name: entry.name.clone(),
                version: entry.version.clone(),
                files: manifest.nodes().iter().filter(is_file).count(),
                bytes: manifest.content_size(),
            })
        })
        .collect::<Result<_, StoreError>>()?)
}

fn list(session: &Session, store: &Store) -> Result<(), Failure> {
    let lines = lines(store)?;
    if session.globals.json {
        return Ok(session
            .ui
            .json("store-ls", 1, &StoreListing { entries: lines })?);
    }
    let mut table = Table::new([
        ("ENTRY", Align::Left),
        ("NAME", Align::Left),
        ("VERSION", Align::Left),
        ("FILES", Align::Right),
        ("BYTES", Align::Right),
    ]);
    for line in &lines {
        table.row([
            line.entry.to_string()[..12].to_owned(),
            line.name.clone(),
            line.version.clone(),
            line.files.to_string(),
            line.bytes.to_string(),
        ]);
    }
    if !table.is_empty() {
        session.ui.data(table)?;
    }
    Ok(())
}

fn path(session: &Session, store: &Store, entry: Option<&str>) -> Result<(), Failure> {
    let path = match entry {
        Some(prefix) => store.entry_path(&find(store, prefix)?),
        None => store.path().to_owned(),
    };
    if session.globals.json {
        let path = path.display().to_string();
        return Ok(session.ui.json("store-path", 1, &PathReport { path })?);
    }
    Ok(session.ui.data(path.display())?)
}

fn info(session: &Session, store: &Store, entry: Option<&str>) -> Result<(), Failure> {
    if let Some(prefix) = entry {
        return info_of(session, store, &find(store, prefix)?);
    }
    let lines = lines(store)?;
    let objects = store.path().join("objects");
    let info = StoreInfo {
        path: store.path().display().to_string(),
        writable: store.access() == Access::ReadWrite,
        entries: lines.len(),
        bytes: lines.iter().map(|line| line.bytes).sum(),
        distinct: fs_extra::dir::get_size(&objects).unwrap_or_default(),
        roots: store.roots()?.len(),
    };
    if session.globals.json {
        return Ok(session.ui.json("store-info", 1, &info)?);
    }
    let access = match info.writable {
        true => "read and write",
        false => "read only",
    };
    let (bytes, distinct) = (Bytes(info.bytes), Bytes(info.distinct));
    session.ui.data(format!("path     {}", info.path))?;
    session.ui.data(format!("access   {access}"))?;
    session.ui.data(format!("entries  {}", info.entries))?;
    session
        .ui
        .data(format!("size     {bytes} in entries, {distinct} distinct"))?;
    session.ui.data(format!("roots    {}", info.roots))?;
    Ok(())
}

fn info_of(session: &Session, store: &Store, entry: &EntryRef) -> Result<(), Failure> {
    let manifest = store.manifest(entry.entry)?;
    let info = EntryInfo {
        entry: entry.entry,
        name: entry.name.clone(),
        version: entry.version.clone(),
        path: store.entry_path(entry).display().to_string(),
        nodes: manifest.nodes().len(),
        bytes: manifest.content_size(),
    };
    if session.globals.json {
        return Ok(session.ui.json("store-entry", 1, &info)?);
    }
    session.ui.data(format!("entry    {}", info.entry))?;
    session
        .ui
        .data(format!("name     {} {}", info.name, info.version))?;
    session.ui.data(format!("path     {}", info.path))?;
    session.ui.data(format!("nodes    {}", info.nodes))?;
    session.ui.data(format!("size     {}", Bytes(info.bytes)))?;
    Ok(())
}

/// Checks an entry. One whose manifest is gone or another one is damaged too, as a whole.
fn check(store: &Store, entry: &EntryRef, every_byte: bool) -> Result<EntryReport, StoreError> {
    let without = |kind| EntryReport {
        problems: vec![Problem {
            path: format!("manifests/{}", entry.entry),
            kind,
        }],
        ..EntryReport::default()
    };
    match store.check_entry(entry, every_byte) {
        Err(StoreError::MissingEntry { .. }) => Ok(without(ProblemKind::Missing)),
        Err(StoreError::Mismatch { .. }) => Ok(without(ProblemKind::Modified)),
        other => other,
    }
}

fn verify(
    session: &Session,
    store: &Store,
    prefixes: &[String],
    every_byte: bool,
    repair: bool,
) -> Result<ExitCode, Failure> {
    let entries = if prefixes.is_empty() {
        store.pinned_entries()?
    } else {
        prefixes
            .iter()
            .map(|prefix| find(store, prefix))
            .collect::<Result<_, _>>()?
    };
    let checked: Vec<(EntryRef, EntryReport)> = entries
        .par_iter()
        .map(|entry| Ok((entry.clone(), check(store, entry, every_byte)?)))
        .collect::<Result<_, StoreError>>()?;
    let bytes_read = checked.iter().map(|(_, report)| report.bytes_read).sum();
    let mut damaged: Vec<DamagedEntry> = Vec::new();
    let mut repaired = 0;
    for (entry, report) in checked {
        if report.problems.is_empty() {
            continue;
        }
        let RepairReport {
            repaired: done,
            remaining,
            ..
        } = if repair && store.manifest(entry.entry).is_ok() {
            store.repair_entry(&entry, every_byte)?
        } else {
            RepairReport {
                remaining: report.problems.clone(),
                ..RepairReport::default()
            }
        };
        repaired += done.len();
        if !remaining.is_empty() {
            damaged.push(DamagedEntry {
                entry,
                report: EntryReport {
                    problems: remaining,
                    ..report
                },
            });
        }
    }
    let report = VerifyReport {
        entries: entries.len(),
        bytes_read,
        damaged,
        repaired,
    };
    tell(session, &report)?;
    let code = if report.damaged.is_empty() {
        0
    } else {
        Kind::Integrity.exit_code()
    };
    Ok(ExitCode::from(code))
}

fn tell(session: &Session, report: &VerifyReport) -> Result<(), Failure> {
    if session.globals.json {
        return Ok(session.ui.json("store-verify", 1, report)?);
    }
    for DamagedEntry { entry, report } in &report.damaged {
        for problem in &report.problems {
            session.ui.failed(format!(
                "{} {}: {} `{}`",
                entry.name,
                entry.version,
                word(problem.kind),
                problem.path
            ));
        }
    }
    if report.repaired > 0 {
        session.ui.done(format!(
            "Repaired: {}",
            counted(report.repaired as u64, "path")
        ));
    }
    if report.damaged.is_empty() {
        session.ui.done(format!(
            "Store: {} entries, all intact ({} read)",
            report.entries,
            Bytes(report.bytes_read)
        ));
    } else {
        session.ui.hint("`dhtl store verify --repair` restores what the store can; `dhtl regenerate` fetches the rest anew");
    }
    Ok(())
}

const fn word(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Missing => "missing",
        ProblemKind::Modified => "modified",
        ProblemKind::WrongKind => "of another kind",
        ProblemKind::Retargeted => "retargeted",
        ProblemKind::Unexpected => "unexpected",
        ProblemKind::Unreadable => "unreadable",
    }
}
