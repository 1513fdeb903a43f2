//! What `dhtl diff` tells.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::asked::{Change, ChangeKind, Component};
use crate::project::diff::Difference;
use crate::ui::Ui;
use crate::ui::output::OutputError;

/// What `dhtl diff` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiffReport {
    /// Whether nothing differs.
    pub same: bool,
    /// What differs.
    #[serde(flatten)]
    pub difference: Difference,
}

impl DiffReport {
    /// Makes the report of what was found.
    pub fn new(difference: Difference) -> Self {
        Self {
            same: difference.is_same(),
            difference,
        }
    }

    /// Tells a person: a line for each thing that differs, the sum on standard error.
    pub fn tell(&self, ui: &Ui) -> Result<(), OutputError> {
        let Difference {
            before,
            after,
            changes,
            files,
            ..
        } = &self.difference;
        for change in changes {
            ui.data(line(change))?;
        }
        let mut count = 0;
        for package in files.iter().flatten() {
            ui.data(format!("{}:", package.package))?;
            for file in &package.files {
                ui.data(format!("  {} {}", sign(file.kind), file.path))?;
            }
            count += package.files.len();
        }
        if self.same {
            ui.status(format!("{before} and {after} are the same"));
            return Ok(());
        }
        let of = |kind| changes.iter().filter(|change| change.kind == kind).count();
        let files = match files {
            Some(_) => format!(", {count} files"),
            None => String::new(),
        };
        ui.status(format!(
            "{before} → {after}: {} added, {} removed, {} changed{files}",
            of(ChangeKind::Added),
            of(ChangeKind::Removed),
            of(ChangeKind::Changed) + of(ChangeKind::Content),
        ));
        Ok(())
    }
}

const fn sign(kind: ChangeKind) -> char {
    match kind {
        ChangeKind::Added => '+',
        ChangeKind::Removed => '-',
        ChangeKind::Changed | ChangeKind::Content => '~',
    }
}

fn line(change: &Change) -> String {
    let Change {
        component,
        name,
        kind,
        before,
        after,
    } = change;
    let what = match component {
        Component::Packages => name.clone(),
        other => format!("{other}: {name}"),
    };
    let known = |value: &Option<String>| match value.as_deref() {
        None | Some("") => String::new(),
        Some(value) => format!(" {value}"),
    };
    let sign = sign(*kind);
    match kind {
        ChangeKind::Added => format!("{sign} {what}{}", known(after)),
        ChangeKind::Removed => format!("{sign} {what}{}", known(before)),
        ChangeKind::Changed => format!("{sign} {what}{} →{}", known(before), known(after)),
        ChangeKind::Content if *component == Component::Packages => {
            format!(
                "{sign} {what}{} (other files, conditions or dependencies)",
                known(after)
            )
        }
        ChangeKind::Content => format!("{sign} {what}"),
    }
}
