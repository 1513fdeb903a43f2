//! What `dhtl regenerate` tells.

use std::path::Path;

use dht_store::check::{Problem, ProblemKind};
use dht_store::{Base, Fingerprint, LinkMode};
use schemars::JsonSchema;
use serde::Serialize;

use super::tools::{self, ToolReport};
use crate::project::expectation::Verdict;
use crate::project::regenerate::{ConflictNames, Regenerated};
use crate::ui::Ui;
use crate::ui::words::counted;

/// The Python of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PythonReport {
    /// `cpython` or `pypy`.
    pub implementation: String,
    /// The exact version.
    pub version: String,
    /// Whether it is a program outside of the store, known by its digest only.
    pub external: bool,
    /// Where it came from, if it was brought into the store now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Which source served, where that was noted: `uv`, `pyenv` or `system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// What it was chosen for, as the newest that fits, where the project names no exact version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen_for: Option<String>,
}

/// Why files could not be linked in the wanted way, and how many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fallback {
    /// Why.
    pub reason: String,
    /// How many files.
    pub files: u64,
}

/// A damaged entry of the store that was put right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Restored {
    /// Name and version.
    pub entry: String,
    /// Paths that were damaged or missing.
    pub paths: Vec<String>,
    /// Paths that did not belong there and are gone.
    pub unexpected: Vec<String>,
    /// Paths whose bytes were right and whose mode or time was not.
    pub healed: Vec<String>,
}

/// What `dhtl regenerate` did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RegenerateReport {
    /// The environment's fingerprint.
    pub fingerprint: Fingerprint,
    /// The platform.
    pub platform: String,
    /// The Python.
    pub python: PythonReport,
    /// How many packages the environment has.
    pub packages: usize,
    /// The development tools.
    pub tools: Vec<ToolReport>,
    /// How many archives were fetched and unpacked.
    pub unpacked: usize,
    /// How many packages were built from their sources.
    pub built: usize,
    /// How many modules were compiled.
    pub compiled: usize,
    /// Whether nothing was changed because that was asked for.
    pub dry_run: bool,
    /// Whether the environment was made anew.
    pub created: bool,
    /// How many files or folders were put in place of others.
    pub changed: u64,
    /// How many went away.
    pub removed: u64,
    /// How many files it has; nothing where a quick look found no folder changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// How they are linked.
    pub link_mode: LinkMode,
    /// Where that was not possible.
    pub fallbacks: Vec<Fallback>,
    /// Where packages disagree.
    pub conflicts: Vec<ConflictNames>,
    /// Modules of packages that the standard library has too: package, module.
    pub shadows: Vec<(String, String)>,
    /// What was damaged in the store.
    pub restored: Vec<Restored>,
    /// The folder in which what did not belong to an entry of the store is kept.
    pub kept_in: String,
    /// Where damaged entries are kept.
    pub quarantine: Vec<String>,
    /// Files of new packages that run whenever Python starts: package, path.
    pub startup_code: Vec<(String, String)>,
    /// What stands in the environment beside its packages.
    pub added: Vec<String>,
    /// How long the disk took to make new entries durable, in milliseconds.
    pub sync_milliseconds: u64,
    /// Whether this is what `.dhtconfig` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Verdict>,
}

impl RegenerateReport {
    /// Makes the report of what was done.
    pub fn new(done: &Regenerated, dry_run: bool) -> Self {
        let realised = &done.resolved.realised;
        let fallbacks = done.assembled.fallbacks.iter();
        Self {
            fingerprint: done.fingerprint,
            platform: done.environment.platform.clone(),
            python: PythonReport {
                origin: done.interpreter.origin.clone(),
                strategy: done.interpreter.served.map(|it| it.word().to_owned()),
                chosen_for: done.resolved.python_for.clone(),
                ..python_report(&done.environment.base)
            },
            packages: done.environment.packages.len(),
            tools: tools::reports(&done.environment),
            unpacked: realised.unpacked,
            built: done.resolved.built,
            compiled: done.compiled,
            dry_run,
            created: done.created,
            changed: done.assembled.changed,
            removed: done.assembled.removed,
            files: (!done.folders_only).then_some(done.assembled.files),
            link_mode: done.link_mode,
            fallbacks: fallbacks
                .map(|(reason, files)| Fallback {
                    reason: (*reason).to_owned(),
                    files: *files,
                })
                .collect(),
            conflicts: done.conflicts.clone(),
            shadows: done.shadows.clone(),
            restored: restored(done),
            kept_in: done.kept_in.display().to_string(),
            quarantine: realised
                .quarantined
                .iter()
                .map(|(_, path)| path.display().to_string())
                .collect(),
            startup_code: realised.startup_code.clone(),
            added: done
                .assembled
                .added
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
            sync_milliseconds: u64::try_from(realised.sync_time.as_millis()).unwrap_or(u64::MAX),
            validation: None,
        }
    }

    /// Tells a person.
    pub fn tell(&self, ui: &Ui) {
        self.tell_inputs(ui);
        self.tell_oddities(ui);
        self.tell_state(ui);
        ui.done(format!(
            "Environment fingerprint: blake3:{}",
            self.fingerprint
        ));
        if let Some(verdict) = &self.validation {
            super::expectation::tell(verdict, ui);
        }
    }

    fn tell_state(&self, ui: &Ui) {
        let has_changed = self.created || self.changed + self.removed > 0;
        let (changed, removed) = (counted(self.changed, "path"), self.removed);
        match (self.dry_run && has_changed, self.created) {
            (true, true) => ui.status("  Environment: would be made"),
            (true, false) => ui.status(format!(
                "  Environment: {changed} would change, {removed} would go"
            )),
            (false, is_new) => {
                let state = match (is_new, has_changed) {
                    (true, _) => "made".to_owned(),
                    (false, true) => format!("{changed} changed, {removed} removed"),
                    (false, false) => "unchanged".to_owned(),
                };
                let files = match self.files {
                    Some(files) => counted(files, "file"),
                    None => "inputs and folders looked at".to_owned(),
                };
                let mode = mode(self.link_mode);
                ui.done(format!("Environment: {state} ({files}, {mode})"));
            }
        }
    }

    fn tell_inputs(&self, ui: &Ui) {
        let PythonReport {
            implementation,
            version,
            external,
            origin,
            strategy,
            chosen_for,
        } = &self.python;
        let from = match (external, origin) {
            (true, _) => " (the system's own, not kept in the store)".to_owned(),
            (false, Some(origin)) => format!(" (from {origin})"),
            (false, None) => match strategy {
                Some(strategy) => format!(" (by {strategy})"),
                None => String::new(),
            },
        };
        ui.done(format!("Python: {implementation} {version}{from}"));
        if let Some(wish) = chosen_for {
            ui.status(format!(
                "    the newest found for `{wish}`; name an exact version, so that others get the same"
            ));
        }
        let mut what = format!("Packages: {}", self.packages);
        if self.unpacked > 0 {
            what.push_str(&format!(", {} fetched", self.unpacked));
        }
        if self.built > 0 {
            what.push_str(&format!(", {} built", self.built));
        }
        if self.compiled > 0 {
            what.push_str(&format!(
                ", {} compiled",
                counted(self.compiled as u64, "module")
            ));
        }
        ui.done(what);
        if !self.tools.is_empty() {
            ui.done(format!("Tools: {}", tools::listed(&self.tools)));
        }
        for tool in self.tools.iter().filter(|tool| !tool.needs.is_empty()) {
            let ToolReport { name, needs, .. } = tool;
            ui.detail(
                1,
                format!("{name} is isolated: it needs {}", needs.join("; ")),
            );
        }
    }

    /// Tells of what is unusual.
    pub(super) fn tell_oddities(&self, ui: &Ui) {
        for Restored {
            entry,
            paths,
            unexpected,
            healed,
        } in &self.restored
        {
            if !unexpected.is_empty() {
                let bytecode = |path: &String| dht_store::is_bytecode_path(Path::new(path));
                let kept = match unexpected.iter().all(bytecode) {
                    true => String::new(),
                    false => format!(" (what is not bytecode is kept in `{}`)", self.kept_in),
                };
                ui.warning(format!(
                    "did not belong to {entry} in the store and is removed from there: {}{kept}",
                    shortened(unexpected)
                ));
            }
            for path in paths {
                ui.warning(format!(
                    "`{path}` of {entry} was damaged in the store and is restored"
                ));
            }
            for path in healed {
                ui.warning(format!(
                    "`{path}` of {entry} had another mode or time in the store"
                ));
            }
        }
        for path in &self.quarantine {
            ui.warning(format!("the damaged files are kept in `{path}`"));
        }
        for Fallback { reason, files } in &self.fallbacks {
            let were = if *files == 1 { "was" } else { "were" };
            let files = counted(*files, "file");
            ui.warning(format!("{files} {were} copied: {reason}"));
        }
        for ConflictNames {
            path,
            winner,
            loser,
        } in &self.conflicts
        {
            let winner = winner.as_deref().unwrap_or("the environment itself");
            ui.warning(format!(
                "`{path}` is in {winner} and in {loser}; {winner}'s is used"
            ));
        }
        for (package, module) in &self.shadows {
            ui.warning(format!(
                "{package} has a module `{module}`, and so has the standard library, which Python finds first"
            ));
        }
        for (package, path) in &self.startup_code {
            ui.warning(format!(
                "{package} runs code whenever Python starts: `{path}`"
            ));
        }
        if !self.added.is_empty() {
            ui.warning(format!(
                "not from the lock, and kept: {}",
                shortened(&self.added)
            ));
        }
    }
}

/// Names the first of several paths.
fn shortened(paths: &[String]) -> String {
    let shown: Vec<String> = paths
        .iter()
        .take(3)
        .map(|path| format!("`{path}`"))
        .collect();
    let more = paths.len().saturating_sub(shown.len());
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    shown.join(", ") + &more
}

fn restored(done: &Regenerated) -> Vec<Restored> {
    done.repaired
        .iter()
        .map(|(entry, report)| {
            let problems = report.repaired.iter().chain(&report.remaining);
            let (unexpected, damaged): (Vec<_>, Vec<_>) =
                problems.partition(|problem| problem.kind == ProblemKind::Unexpected);
            let paths = |problems: Vec<&Problem>| {
                let paths = problems.into_iter().map(|problem| problem.path.clone());
                paths.collect::<Vec<_>>()
            };
            Restored {
                entry: entry.clone(),
                paths: paths(damaged),
                unexpected: paths(unexpected),
                healed: report.healed.clone(),
            }
        })
        .filter(|restored| {
            !restored.paths.is_empty()
                || !restored.unexpected.is_empty()
                || !restored.healed.is_empty()
        })
        .collect()
}

/// Returns what a report says of an interpreter.
pub fn python_report(base: &Base) -> PythonReport {
    let (implementation, version, external) = match base {
        Base::Entry(entry) => (&entry.name, &entry.version, false),
        Base::External { name, version, .. } => (name, version, true),
    };
    PythonReport {
        implementation: implementation.clone(),
        version: version.clone(),
        external,
        origin: None,
        strategy: None,
        chosen_for: None,
    }
}

const fn mode(mode: LinkMode) -> &'static str {
    match mode {
        LinkMode::Auto => "linked as the file system allows",
        LinkMode::Hardlink => "hardlinks",
        LinkMode::Symlink => "symbolic links",
        LinkMode::Clone => "clones",
        LinkMode::Copy => "copies",
    }
}
