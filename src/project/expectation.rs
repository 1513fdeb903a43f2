//! Whether a project came out as its `.dhtconfig` says it must: the checksums under `validation`.

use std::collections::{BTreeMap, BTreeSet};

use dht_store::fs::{FsError, read_plain};
use dht_store::{Base, Environment};
use schemars::JsonSchema;
use serde::Serialize;

use super::discover::{CONFIG_FILE, ProjectRoot};
use super::lock;
use crate::env::context::Context;
use crate::model::checksum::Canonical;
use crate::model::config::checksum::Checksum;
use crate::model::config::text::ProjectPath;
use crate::model::config::{self, Config, ConfigError};
use crate::model::platform::Platform;
use crate::model::pylock;

/// The configuration of the hooks.
pub const HOOKS_FILE: &str = ".pre-commit-config.yaml";

/// Why the checksums cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum ExpectationError {
    /// `.dhtconfig` is refused.
    #[error("the configuration is refused")]
    Config(#[source] Box<ConfigError>),
    /// A file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// A checksum that is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Mismatch {
    /// What it must be.
    pub expected: Checksum,
    /// What it is.
    pub found: Checksum,
    /// What differs, as far as it can be told.
    pub differences: Vec<String>,
}

/// What was found of the checksums in `.dhtconfig`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verdict {
    /// The environment fingerprint that `.dhtconfig` has for this platform, when it is the one found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<Checksum>,
    /// The environment fingerprint, when it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Mismatch>,
    /// The checksum of the configuration, when it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Mismatch>,
}

impl Verdict {
    /// Tells whether nothing contradicts `.dhtconfig`.
    pub fn holds(&self) -> bool {
        self.environment.is_none() && self.configuration.is_none()
    }
}

/// Compares what was found with what the `.dhtconfig` of `root` says. An environment is compared
/// when it is given: one with other groups or another Python than the project's is not meant.
pub fn compare(
    context: &Context<'_>,
    root: &ProjectRoot,
    platform: Platform,
    environment: Option<&Environment>,
) -> Result<Verdict, ExpectationError> {
    let mut verdict = Verdict::default();
    let Some(path) = &root.config else {
        return Ok(verdict);
    };
    let bytes = read_plain(path, config::MAX_SIZE).map_err(FsError::at("read", path))?;
    let refused = |error| ExpectationError::Config(Box::new(error));
    let config = config::read(CONFIG_FILE, &bytes).map_err(refused)?;
    if let Some(expected) = &config.validation.config_checksum {
        let files = covered(root, &config)?;
        let canonical = Canonical::new(&bytes, &files).map_err(refused)?;
        if canonical.agrees_with(expected) == Some(false) {
            let names = files.keys().map(ToString::to_string);
            let names: Vec<String> = std::iter::once(CONFIG_FILE.to_owned())
                .chain(names)
                .collect();
            verdict.configuration = Some(Mismatch {
                expected: expected.clone(),
                found: canonical.checksum(),
                differences: vec![format!("one of these changed: {}", names.join(", "))],
            });
        }
    }
    if let (Some(environment), Some(expected)) =
        (environment, config.validation.environments.get(&platform))
    {
        judge(context, environment, expected, &mut verdict);
    }
    Ok(verdict)
}

fn judge(
    context: &Context<'_>,
    environment: &Environment,
    expected: &Checksum,
    verdict: &mut Verdict,
) {
    let fingerprint = environment.fingerprint();
    let found = Checksum::Blake3(*fingerprint.0.as_bytes());
    match expected {
        Checksum::Blake3(_) if found == *expected => verdict.matched = Some(found),
        Checksum::Blake3(digest) => {
            let former = dht_store::Fingerprint(dht_store::Digest::from_bytes(*digest));
            let former = context.store.environment(former).ok().flatten();
            verdict.environment = Some(Mismatch {
                expected: expected.clone(),
                found,
                differences: differences(former.as_ref(), environment),
            });
        }
        // A fingerprint is BLAKE3, and a placeholder says nothing.
        Checksum::Sha256(_) | Checksum::Placeholder(_) => {}
    }
}

/// Returns what is another between two environments; without the former, what may be.
fn differences(former: Option<&Environment>, found: &Environment) -> Vec<String> {
    let mut told = Vec::new();
    let base = |environment: &Environment| match &environment.base {
        Base::Entry(entry) => format!("{} {} ({})", entry.name, entry.version, entry.entry),
        Base::External {
            name,
            version,
            digest,
        } => format!("the system's {name} {version} ({digest})"),
    };
    let Some(former) = former else {
        if matches!(found.base, Base::External { .. }) {
            told.push(format!(
                "the Python is {}, which other machines do not have",
                base(found)
            ));
        }
        told.push(
            "the environment that was expected is not in this store, so that files cannot be compared".to_owned(),
        );
        return told;
    };
    if former.base != found.base {
        told.push(format!(
            "Python: expected {}, found {}",
            base(former),
            base(found)
        ));
    }
    let packages = |environment: &Environment| -> BTreeMap<String, (String, String)> {
        let packages = environment.packages.iter();
        packages
            .map(|it| (it.name.clone(), (it.version.clone(), it.entry.to_string())))
            .collect()
    };
    let (former, found) = (packages(former), packages(found));
    let names: BTreeSet<&String> = former.keys().chain(found.keys()).collect();
    for name in names {
        match (former.get(name), found.get(name)) {
            (Some((version, _)), None) => told.push(format!("{name} {version} is missing")),
            (None, Some((version, _))) => told.push(format!("{name} {version} was not expected")),
            (Some((old, _)), Some((new, _))) if old != new => {
                told.push(format!("{name}: expected {old}, found {new}"));
            }
            (Some((version, old)), Some((_, new))) if old != new => {
                told.push(format!(
                    "{name} {version}: other files ({old}, found {new})"
                ));
            }
            _ => {}
        }
    }
    told
}

/// Returns the files that the checksum of the configuration covers, beside `.dhtconfig`.
pub fn covered(
    root: &ProjectRoot,
    config: &Config,
) -> Result<BTreeMap<ProjectPath, Vec<u8>>, FsError> {
    let mut names = config.dependencies.lock_files.clone();
    if names.is_empty() {
        let found = lock::usual_file(root, config.dependencies.strategy);
        names.extend(found.and_then(|name| ProjectPath::new(name).ok()));
    }
    names.extend(ProjectPath::new(HOOKS_FILE).ok());
    let mut files = BTreeMap::new();
    for name in names {
        let path = root.folder.join(name.as_str());
        match read_plain(&path, pylock::MAX_BYTES) {
            Ok(bytes) => {
                files.insert(name, bytes);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(FsError::at("read", &path)(error)),
        }
    }
    Ok(files)
}
