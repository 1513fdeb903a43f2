//! The sections of the file, one type each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checksum::Checksum;
use super::packages::{
    ApkPackage, AptPackage, BrewFormula, ChocoPackage, GenericPackage, PacmanPackage, RpmPackage,
    WingetPackage,
};
use super::structure;
use super::text::{
    BinaryName, BinaryVersion, GroupName, ProjectPath, Timestamp, VariableName, Words,
};
use crate::model::asked::{Component, Mark};
use crate::model::platform::Platform;
use crate::model::python::{Implementation, PythonRequest, PythonVersion};

/// Where and when the file was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FingerprintSection {
    /// When, as RFC 3339 writes it: `2024-12-06T10:00:00Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// The program that wrote it: `DHT/0.1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Words>,
    /// The platform it was written on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// The Python of the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Python {
    /// The exact version, such as "3.11.7"; never a range.
    pub version: PythonVersion,
    /// Who implements the language.
    #[serde(default)]
    pub implementation: Implementation,
}

impl Python {
    /// Returns the interpreter that is asked for.
    pub fn request(&self) -> PythonRequest {
        PythonRequest {
            implementation: self.implementation,
            version: self.version.clone(),
        }
    }
}

/// Which program's lock files the project keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// `uv.lock`, or any lock that uv writes.
    Uv,
    /// Requirements files with hashes.
    PipTools,
    /// `poetry.lock`.
    Poetry,
}

/// Which lock files say what is installed, and what of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dependencies {
    /// Which program's lock files these are; told from the files when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// The lock files, the primary one first; found in the project when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lock_files: Vec<ProjectPath>,
    /// Whether a package without a hash is refused (`true`) or warned about (`false`).
    #[serde(default = "yes")]
    pub hash_validation: bool,
    /// The dependency groups that are installed; when absent, those that the lock calls default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<GroupName>>,
    /// The project's extras that are installed; none when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extras: Vec<GroupName>,
}

impl Default for Dependencies {
    fn default() -> Self {
        Self {
            strategy: None,
            lock_files: Vec::new(),
            hash_validation: true,
            groups: None,
            extras: Vec::new(),
        }
    }
}

const fn yes() -> bool {
    true
}

/// What the platform's own package managers provide.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlatformDeps {
    /// Names that dhtl translates for each package manager, such as `postgresql-client`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generic: Vec<GenericPackage>,
    /// macOS.
    #[serde(default)]
    pub darwin: DarwinDeps,
    /// Linux; of its package managers, the one that the machine has is served.
    #[serde(default)]
    pub linux: LinuxDeps,
    /// Windows.
    #[serde(default)]
    pub windows: WindowsDeps,
}

/// Packages of macOS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DarwinDeps {
    /// Homebrew formulas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brew: Vec<BrewFormula>,
    /// What the system itself must have; checked, never installed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<GenericPackage>,
}

/// Packages of Linux distributions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinuxDeps {
    /// Debian, Ubuntu.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apt: Vec<AptPackage>,
    /// CentOS 7, Amazon Linux 2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub yum: Vec<RpmPackage>,
    /// Fedora, RHEL and its rebuilds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dnf: Vec<RpmPackage>,
    /// Alpine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apk: Vec<ApkPackage>,
    /// Arch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pacman: Vec<PacmanPackage>,
    /// openSUSE, SLES.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zypper: Vec<RpmPackage>,
    /// What the system itself must have; checked, never installed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<GenericPackage>,
}

/// Packages of Windows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowsDeps {
    /// Chocolatey packages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choco: Vec<ChocoPackage>,
    /// winget package identifiers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub winget: Vec<WingetPackage>,
}

/// Programs that are not Python packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Binaries {
    /// The programs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<Binary>,
}

/// A program with its exact version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Binary {
    /// Its name, such as `node`.
    pub name: BinaryName,
    /// Its exact version, such as "18.17.0".
    pub version: BinaryVersion,
    /// Who provides it; chosen by its name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installer: Option<Installer>,
}

/// Who provides a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Installer {
    /// `uv tool install`: programs that PyPI distributes.
    #[serde(rename = "uv tool")]
    UvTool,
    /// nvm: Node.js.
    #[serde(rename = "nvm")]
    Nvm,
    /// rustup: Rust.
    #[serde(rename = "rustup")]
    Rustup,
    /// The machine has it already; checked, never installed.
    #[serde(rename = "system")]
    System,
}

/// The environment variables that the project reads. Values never belong here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvTemplate {
    /// Without these the project does not work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<VariableName>,
    /// These have a default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<VariableName>,
}

/// What git does in a clone of this project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Git {
    /// Which hooks are installed.
    #[serde(default)]
    pub hooks: Hooks,
    /// Whether large files are fetched through git-lfs.
    #[serde(default)]
    pub lfs: bool,
    /// The submodules that are checked out, by their path in the project.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub submodules: Vec<ProjectPath>,
}

/// The hooks that pre-commit installs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hooks {
    /// Before a commit is made.
    #[serde(default)]
    pub pre_commit: bool,
    /// When a commit message was written.
    #[serde(default)]
    pub commit_msg: bool,
}

/// How the environment is put together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assembly {
    /// How a file of the store becomes a file of the environment; the best that the machine can do
    /// when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_mode: Option<LinkMode>,
    /// Whether modules are compiled, once for each package, when the environment is made. Otherwise
    /// Python compiles them at the first import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytecode: Option<bool>,
    /// What happens when two packages hold the same file with other bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Conflicts>,
    /// Whether activating the environment warns when it is not what it was made to be any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_hook: Option<bool>,
}

/// How a file of the store becomes a file of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinkMode {
    /// A copy that shares its blocks until one side is written.
    Clone,
    /// The same file under another name.
    Hardlink,
    /// A symbolic link, to whole folders where one package owns them.
    Symlink,
    /// A copy.
    Copy,
}

impl From<LinkMode> for dht_store::LinkMode {
    fn from(mode: LinkMode) -> Self {
        match mode {
            LinkMode::Clone => Self::Clone,
            LinkMode::Hardlink => Self::Hardlink,
            LinkMode::Symlink => Self::Symlink,
            LinkMode::Copy => Self::Copy,
        }
    }
}

/// What happens when two packages hold the same file with other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Conflicts {
    /// One of them wins, always the same one, and the report names both.
    Allow,
    /// The environment is not made.
    Deny,
}

/// What the environment must come out as.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// The fingerprint of what was asked for; the same on every platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venv_checksum: Option<Checksum>,
    /// The checksum of this file, the lock files and the hook configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_checksum: Option<Checksum>,
    /// The environment fingerprint of each platform that was computed.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "structure::unique_map"
    )]
    #[schemars(schema_with = "environments_schema")]
    pub environments: BTreeMap<Platform, Checksum>,
    /// A mark of each of these environments without the packages that lie in the project.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "structure::unique_map"
    )]
    #[schemars(schema_with = "inputs_schema")]
    pub inputs: BTreeMap<Platform, Mark>,
    /// A mark of each part of what was asked for, so that it can be told which one differs.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "structure::unique_map"
    )]
    #[schemars(schema_with = "parts_schema")]
    pub parts: BTreeMap<Component, Mark>,
    /// A mark of each file that `config_checksum` covers.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "structure::unique_map"
    )]
    #[schemars(schema_with = "files_schema")]
    pub files: BTreeMap<ProjectPath, Mark>,
}

fn inputs_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let platform = generator.subschema_for::<Platform>();
    let mark = generator.subschema_for::<Mark>();
    schemars::json_schema!({
        "type": "object",
        "propertyNames": platform,
        "additionalProperties": mark
    })
}

fn parts_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let names = Component::ALL.map(Component::name);
    let mark = generator.subschema_for::<Mark>();
    schemars::json_schema!({
        "type": "object",
        "propertyNames": { "enum": names },
        "additionalProperties": mark
    })
}

fn files_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let path = generator.subschema_for::<ProjectPath>();
    let mark = generator.subschema_for::<Mark>();
    schemars::json_schema!({
        "type": "object",
        "propertyNames": path,
        "additionalProperties": mark
    })
}

fn environments_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let platform = generator.subschema_for::<Platform>();
    let checksum = generator.subschema_for::<Checksum>();
    schemars::json_schema!({
        "type": "object",
        "propertyNames": platform,
        "additionalProperties": checksum
    })
}
