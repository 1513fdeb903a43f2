//! `.dhtconfig`, format 2.0: what an author commits so that others get the same environment.
//!
//! The law: a file is read whole or refused with its line and key; nothing is guessed, no unknown
//! key is skipped, no value is repaired. Names that reach a package manager or a shell-less command
//! line are checked here, once, so that no later room has to. The types below are the schema:
//! `schemas/dhtconfig.schema.json` is generated from them.

pub mod checksum;
pub mod edit;
#[cfg(test)]
mod edit_tests;
pub mod error;
mod explain;
mod nearest;
pub mod packages;
mod read;
pub mod sections;
mod structure;
#[cfg(test)]
mod tests;
pub mod text;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uv_normalize::PackageName;
use uv_pep440::Version;

pub use error::{ConfigError, Refusal, Snippet};
pub use read::{MAX_SIZE, as_written, read};
pub use sections::{
    Assembly, Binaries, Binary, Conflicts, Dependencies, EnvTemplate, FingerprintSection, Git,
    Hooks, Installer, LinkMode, PlatformDeps, Python, Strategy, Validation,
};
pub use text::{DhtVersion, FormatVersion};

/// The name of the file, at the root of a project.
pub const FILE_NAME: &str = ".dhtconfig";

/// The specification of a development environment. Only `version` must be written; what is absent
/// is inferred from the project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = ".dhtconfig 2.0")]
pub struct Config {
    /// The format of this file: "2.0".
    pub version: FormatVersion,
    /// The oldest dhtl that may work with this project; an older one stops and says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dht_version: Option<DhtVersion>,
    /// Where and when this file was written; for reference, never compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<FingerprintSection>,
    /// The Python of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<Python>,
    /// Which lock files say what is installed, and what of them.
    #[serde(default)]
    pub dependencies: Dependencies,
    /// What the platform's own package managers provide.
    #[serde(default)]
    pub platform_deps: PlatformDeps,
    /// Programs that are not Python packages.
    #[serde(default)]
    pub binaries: Binaries,
    /// Development tools with their exact versions, such as `pytest: "7.4.0"`.
    #[serde(default, deserialize_with = "structure::unique_map")]
    #[schemars(schema_with = "tools_schema")]
    pub tools: BTreeMap<PackageName, Version>,
    /// The environment variables that the project reads; names only, never values.
    #[serde(default)]
    pub env_template: EnvTemplate,
    /// What git does in a clone of this project.
    #[serde(default)]
    pub git: Git,
    /// How the environment is put together.
    #[serde(default)]
    pub assembly: Assembly,
    /// What the environment must come out as.
    #[serde(default)]
    pub validation: Validation,
}

fn tools_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "propertyNames": { "pattern": "^([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9])$" },
        "additionalProperties": {
            "type": "string",
            "pattern": r"^v?([0-9]+!)?[0-9]+(\.[0-9]+)*[-._A-Za-z0-9]*(\+[A-Za-z0-9._-]+)?$"
        }
    })
}

/// Returns the JSON Schema of `.dhtconfig`, as `schemas/dhtconfig.schema.json` holds it.
pub fn schema() -> schemars::Schema {
    let mut schema = schemars::schema_for!(Config);
    structure::forbid_null(&mut schema);
    schema.insert(
        "$id".to_owned(),
        serde_json::json!("urn:dhtl:schema:dhtconfig:2.0"),
    );
    schema
}
