//! What `dhtl fingerprint` tells.

use dht_store::Fingerprint;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::config::checksum::Checksum;
use crate::model::platform::Platform;
use crate::project::platforms::{Computed, Lacking};
use crate::ui::Ui;

/// What `dhtl fingerprint` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FingerprintReport {
    /// The fingerprint.
    pub fingerprint: Fingerprint,
    /// The platform.
    pub platform: Platform,
    /// How many packages the environment has.
    pub packages: usize,
}

/// What `dhtl fingerprint --asked` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AskedReport {
    /// The checksum of what is asked for, the same on every platform.
    pub checksum: Checksum,
}

/// What `dhtl fingerprint` prints of several platforms.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FingerprintsReport {
    /// What was computed.
    pub computed: Vec<Computed>,
    /// What could not be.
    pub lacking: Vec<Lacking>,
}

impl FingerprintsReport {
    /// Returns a line for each platform that was computed.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let computed = self.computed.iter();
        computed.map(|it| format!("{} blake3:{}", it.platform, it.fingerprint))
    }
}

/// Tells a person what platforms lack.
pub fn tell_lacking(lacking: &[Lacking], ui: &Ui) {
    for Lacking { platform, problems } in lacking {
        ui.failed(format!("{platform}: its environment cannot be computed"));
        for line in problems.iter().flat_map(|problem| problem.lines()) {
            ui.status(format!("    {line}"));
        }
    }
}
