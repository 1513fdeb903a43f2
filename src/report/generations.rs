//! What `dhtl generations` and `dhtl rollback` tell.

use std::path::PathBuf;

use dht_store::Fingerprint;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::moment;
use crate::project::generations::{Changes, GenerationLine};
use crate::project::rollback::RolledBack;
use crate::ui::Ui;
use crate::ui::table::{Align, Table};
use crate::ui::words::counted;

/// What `dhtl generations` lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GenerationsReport {
    /// The environment's folder.
    pub path: PathBuf,
    /// What stands and what can be brought back, the latest first.
    pub generations: Vec<GenerationLine>,
}

/// What `dhtl rollback` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RollbackReport {
    /// Which generation was brought back.
    pub generation: u32,
    /// What stands now.
    pub fingerprint: Fingerprint,
    /// How many paths were changed.
    pub changed: u64,
    /// How many went away.
    pub removed: u64,
}

impl GenerationsReport {
    /// Returns the table.
    pub fn table(&self) -> Table {
        let mut table = Table::new([
            ("GENERATION", Align::Right),
            ("ENVIRONMENT", Align::Left),
            ("PYTHON", Align::Left),
            ("PACKAGES", Align::Right),
            ("COMPARED WITH NOW", Align::Left),
            ("UNTIL", Align::Left),
        ]);
        for line in &self.generations {
            let until = line.left.and_then(|left| u64::try_from(left).ok());
            let until = until.and_then(moment::timestamp);
            table.row([
                line.generation.to_string(),
                line.environment.to_string()[..12].to_owned(),
                line.python.clone(),
                line.packages.to_string(),
                if line.current {
                    "stands".to_owned()
                } else {
                    compared(line.changes)
                },
                until.map_or_else(String::new, |it| it.as_str().to_owned()),
            ]);
        }
        table
    }
}

fn compared(changes: Changes) -> String {
    let Changes { more, fewer, other } = changes;
    if changes == Changes::default() {
        return "the same packages".to_owned();
    }
    format!("{other} other, {more} more, {fewer} fewer")
}

impl RollbackReport {
    /// Makes the report of what was done.
    pub fn new(done: &RolledBack) -> Self {
        Self {
            generation: done.generation.generation,
            fingerprint: done.generation.environment,
            changed: done.assembled.changed,
            removed: done.assembled.removed,
        }
    }

    /// Tells a person.
    pub fn tell(&self, ui: &Ui) {
        ui.done(format!(
            "Back to generation {}: {} changed, {} removed",
            self.generation,
            counted(self.changed, "path"),
            self.removed
        ));
        ui.done(format!(
            "Environment fingerprint: blake3:{}",
            self.fingerprint
        ));
        ui.hint("the lock was left as it is: `dhtl regenerate` makes what it says");
    }
}
