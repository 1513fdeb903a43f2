//! What `dhtl fingerprint` tells.

use dht_store::Fingerprint;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::platform::Platform;

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
