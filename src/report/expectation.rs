//! What a person reads of the checksums in `.dhtconfig`.

use crate::project::expectation::{Mismatch, Verdict};
use crate::ui::Ui;

/// How many differences are shown before the rest is counted.
const SHOWN: usize = 20;

/// Tells whether the environment is what `.dhtconfig` says, and what differs otherwise.
pub fn tell(verdict: &Verdict, ui: &Ui) {
    let failed = |what: &str, mismatch: &Mismatch| {
        let Mismatch {
            expected,
            found,
            differences,
        } = mismatch;
        ui.failed(format!(
            "{what}: {found} ✗ DIFFERS from .dhtconfig, which says {expected}"
        ));
        for difference in differences.iter().take(SHOWN) {
            ui.status(format!("    {difference}"));
        }
        if differences.len() > SHOWN {
            ui.status(format!("    and {} more", differences.len() - SHOWN));
        }
    };
    if let Some(mismatch) = &verdict.configuration {
        failed("Configuration", mismatch);
    }
    if let Some(mismatch) = &verdict.asked {
        failed("Environment asked for", mismatch);
    }
    if let Some(mismatch) = &verdict.environment {
        failed("Environment", mismatch);
    }
    if !verdict.own.is_empty() {
        ui.warning(format!(
            "{}: what the project says of itself changed since `dhtl setup`; everything else is as it was",
            verdict.own.join(", ")
        ));
    }
    if let (Some(matched), true) = (&verdict.matched, verdict.holds()) {
        ui.done(format!("Environment validated: {matched} ✓ MATCH"));
    }
    if !verdict.holds() {
        ui.hint("if the change is meant, run `dhtl setup` and commit `.dhtconfig` and the lock; otherwise restore them");
    }
}
