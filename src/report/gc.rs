//! What `dhtl gc` tells.

use std::path::PathBuf;

use dht_store::EntryRef;
use dht_store::gc::{Collected, Keeper, Prepared, Presence, SizedEntry};
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::amount::Bytes;
use crate::ui::Ui;

/// How many of the largest entries that are kept are told of.
const LARGEST: usize = 5;
/// How many lines of what goes are shown to a person before the rest is counted.
const SHOWN: usize = 20;
/// How many keepers of one entry are named to a person.
const NAMED: usize = 3;

/// An entry that stays, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KeptEntry {
    /// The entry.
    #[serde(flatten)]
    pub entry: SizedEntry,
    /// What keeps it.
    pub keepers: Vec<Keeper>,
}

/// A root whose environment is not where it was made, or cannot be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UncertainRoot {
    /// Where it was made.
    pub path: PathBuf,
    /// What is known.
    pub presence: Presence,
}

/// What `dhtl gc` did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GcReport {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// What went, or would.
    #[serde(flatten)]
    pub collected: Collected,
    /// Roots that are kept although their environment does not stand where it was made.
    pub uncertain: Vec<UncertainRoot>,
    /// How many entries stay.
    pub kept: usize,
    /// The largest of them, and why.
    pub largest: Vec<KeptEntry>,
}

/// Why an entry stays, or that it does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WhyReport {
    /// The entry.
    pub entry: EntryRef,
    /// Whether `dhtl gc` with these options would keep it.
    pub kept: bool,
    /// What keeps it.
    pub keepers: Vec<Keeper>,
}

impl GcReport {
    /// Makes the report of a plan, or of what was done.
    pub fn new(prepared: &Prepared, done: Option<Collected>) -> Self {
        let dry_run = done.is_none();
        let kept = prepared.kept();
        let uncertain = prepared.facts.roots.iter().filter(|root| {
            let presence = root.presence;
            ![Presence::Standing, Presence::Gone].contains(&presence)
        });
        Self {
            dry_run,
            collected: done.unwrap_or_else(|| prepared.preview()),
            uncertain: uncertain
                .map(|root| UncertainRoot {
                    path: root.root.path.clone(),
                    presence: root.presence,
                })
                .collect(),
            kept: kept.len(),
            largest: kept
                .into_iter()
                .take(LARGEST)
                .map(|(entry, keepers)| KeptEntry { entry, keepers })
                .collect(),
        }
    }

    /// Tells a person.
    pub fn tell(&self, ui: &Ui) {
        let collected = &self.collected;
        for path in &collected.roots {
            ui.status(format!("no environment any more: {}", path.display()));
        }
        for SizedEntry { entry, bytes } in collected.entries.iter().take(SHOWN) {
            ui.status(format!(
                "{}: {} {} ({})",
                if self.dry_run { "would go" } else { "gone" },
                entry.name,
                entry.version,
                Bytes(*bytes)
            ));
        }
        if let Some(more) = collected.entries.len().checked_sub(SHOWN + 1) {
            ui.status(format!("and {} more entries", more + 1));
        }
        for root in &self.uncertain {
            tell_uncertain(ui, root);
        }
        if !self.largest.is_empty() {
            ui.status(format!("kept: {} entries; the largest:", self.kept));
        }
        for KeptEntry { entry, keepers } in &self.largest {
            let SizedEntry { entry, bytes } = entry;
            let (name, version) = (&entry.name, &entry.version);
            let why = named(keepers);
            ui.status(format!("  {name} {version} ({}): {why}", Bytes(*bytes)));
        }
        let what = format!(
            "{} entries, {} environments, {} places",
            collected.entries.len(),
            collected.environments,
            collected.roots.len()
        );
        let freed = Bytes(collected.freed);
        if self.dry_run {
            ui.done(format!("Would remove: {what}; about {freed}"));
        } else {
            ui.done(format!("Removed: {what}; {freed} freed"));
        }
    }
}

fn tell_uncertain(ui: &Ui, root: &UncertainRoot) {
    let path = root.path.display();
    match root.presence {
        Presence::Moved => ui.status(format!(
            "kept: the environment of `{path}` was moved; `dhtl regenerate` in its new place says where"
        )),
        Presence::Unmounted => {
            ui.warning(format!(
                "`{path}` is on a disk that is not mounted, and is kept"
            ));
            ui.hint(format!("`dhtl gc --forget {path}` gives it up"));
        }
        Presence::Unclear => {
            ui.warning(format!("`{path}` cannot be read, and is kept"));
            ui.hint(format!("`dhtl gc --forget {path}` gives it up"));
        }
        Presence::Standing | Presence::Gone => {}
    }
}

impl WhyReport {
    /// Tells a person.
    pub fn tell(&self, ui: &Ui) {
        let EntryRef { name, version, .. } = &self.entry;
        if !self.kept {
            ui.done(format!("{name} {version} would go: nothing needs it"));
            return;
        }
        ui.done(format!("{name} {version} is kept by:"));
        for keeper in &self.keepers {
            ui.status(format!("  {}", sentence(keeper)));
        }
    }
}

fn named(keepers: &[Keeper]) -> String {
    let mut text: Vec<String> = keepers.iter().take(NAMED).map(sentence).collect();
    if keepers.len() > NAMED {
        text.push(format!("{} more", keepers.len() - NAMED));
    }
    text.join(", ")
}

/// Says of a keeper in words what it is.
pub fn sentence(keeper: &Keeper) -> String {
    match keeper {
        Keeper::Root { path, presence } => {
            let note = match presence {
                Presence::Standing => "",
                Presence::Moved => " (moved)",
                Presence::Unmounted => " (not mounted)",
                Presence::Unclear | Presence::Gone => " (unreadable)",
            };
            format!("{}{note}", path.display())
        }
        Keeper::Generation { path, generation } => {
            format!("{}, generation {generation}", path.display())
        }
        Keeper::Running => "a command that runs".to_owned(),
        Keeper::Own => "dhtl itself".to_owned(),
        Keeper::Recent => "recent use".to_owned(),
        Keeper::Room => "there is room for it".to_owned(),
    }
}
