//! Whether a project came out as its `.dhtconfig` says it must: the checksums under `validation`.

use std::collections::{BTreeMap, BTreeSet};

use dht_store::fs::{FsError, read_plain};
use dht_store::{Base, Environment};
use schemars::JsonSchema;
use serde::Serialize;

use super::checksum::{self, AskedError};
use super::discover::{CONFIG_FILE, ProjectRoot, requirements_texts};
use super::spec::Spec;
use super::{history, lock};
use crate::env::context::Context;
use crate::model::asked::{Asked, Component, Mark, changes};
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
    /// It cannot be told what the project asks for.
    #[error(transparent)]
    Asked(#[from] AskedError),
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
    /// The checksum that was met: of what is asked for, which is the same on every platform, or
    /// where `.dhtconfig` has none, the environment fingerprint of this platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<Checksum>,
    /// The checksum of what is asked for, when it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Mismatch>,
    /// Packages of the project itself whose metadata is another than it was, where nothing else is.
    pub own: Vec<String>,
    /// The environment fingerprint, when it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Mismatch>,
    /// The checksum of the configuration, when it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Mismatch>,
}

impl Verdict {
    /// Tells whether `.dhtconfig` records something else than the project's files say now.
    pub fn records_differ(&self) -> bool {
        self.asked.is_some() || self.configuration.is_some()
    }

    /// Tells whether nothing contradicts `.dhtconfig`.
    pub fn holds(&self) -> bool {
        self.asked.is_none() && self.environment.is_none() && self.configuration.is_none()
    }
}

/// Compares what was found with what the `.dhtconfig` of the project says. `spec` is read without
/// wishes of the command line. An environment is compared when it is given: one with other groups or
/// another Python than the project's is not meant.
pub fn compare(
    context: &Context<'_>,
    spec: &Spec,
    platform: Platform,
    environment: Option<&Environment>,
) -> Result<Verdict, ExpectationError> {
    let mut verdict = Verdict::default();
    let root = &spec.root;
    let Some(path) = &root.config else {
        return Ok(verdict);
    };
    let bytes = read_plain(path, config::MAX_SIZE).map_err(FsError::at("read", path))?;
    let refused = |error| ExpectationError::Config(Box::new(error));
    let config = config::read(CONFIG_FILE, &bytes).map_err(refused)?;
    let expected = &config.validation;
    if let Some(checksum) = &expected.config_checksum {
        let files = covered(root, &config)?;
        let canonical = Canonical::new(&bytes, &files).map_err(refused)?;
        if canonical.agrees_with(checksum) == Some(false) {
            verdict.configuration = Some(Mismatch {
                expected: checksum.clone(),
                found: canonical.checksum(),
                differences: changed_files(&expected.files, canonical.marks()),
            });
        }
    }
    if let (Some(environment), Some(expected)) = (environment, expected.environments.get(&platform))
    {
        let inputs = config.validation.inputs.get(&platform);
        judge(context, environment, (expected, inputs), &mut verdict);
    }
    if let Some(checksum) = &expected.venv_checksum {
        judge_asked(context, spec, (&config, &bytes), checksum, &mut verdict)?;
    }
    Ok(verdict)
}

/// Compares what the project asks for with `expected`.
fn judge_asked(
    context: &Context<'_>,
    spec: &Spec,
    (config, bytes): (&Config, &[u8]),
    expected: &Checksum,
    verdict: &mut Verdict,
) -> Result<(), ExpectationError> {
    let agrees = match expected {
        Checksum::Placeholder(_) => return Ok(()),
        Checksum::Blake3(_) => checksum::checksum(context, spec, config, bytes)? == *expected,
        Checksum::Sha256(_) => checksum::asked(spec, config)?.agrees_with(expected) == Some(true),
    };
    if agrees {
        verdict.matched = Some(expected.clone());
        return Ok(());
    }
    let found = checksum::asked(spec, config)?;
    let former = checksum::kept(context, expected).map(|asked| (asked, None));
    let former = former.or_else(|| {
        let (asked, commit) = history::with_checksum(context, &spec.root.folder, expected)?;
        Some((asked, Some(commit)))
    });
    let differences = match former {
        Some((former, commit)) => {
            let since = commit.map(|commit| format!("since commit {}:", &commit[..12]));
            let changes = changes(&former, &found);
            since
                .into_iter()
                .chain(changes.iter().map(ToString::to_string))
                .collect()
        }
        None => changed_parts(&config.validation.parts, &found),
    };
    verdict.asked = Some(Mismatch {
        expected: expected.clone(),
        found: found.checksum(),
        differences,
    });
    Ok(())
}

/// Returns which parts are others than those that were marked.
fn changed_parts(marked: &BTreeMap<Component, Mark>, found: &Asked) -> Vec<String> {
    if marked.is_empty() {
        return vec![
            "what was expected is neither in this store nor in the project's git history"
                .to_owned(),
        ];
    }
    let found = found.marks();
    let differing = Component::ALL
        .into_iter()
        .filter(|part| marked.get(part) != found.get(part));
    differing
        .map(|part| match (marked.get(&part), found.get(&part)) {
            (None, _) => format!("{part}: asked for now, and not before"),
            (_, None) => format!("{part}: asked for before, and not now"),
            _ => format!("{part}: others than before"),
        })
        .collect()
}

/// Returns which files are others than those that were marked.
fn changed_files(
    marked: &BTreeMap<ProjectPath, Mark>,
    found: &BTreeMap<ProjectPath, Mark>,
) -> Vec<String> {
    let names = |files: &BTreeMap<ProjectPath, Mark>| {
        let names: Vec<&str> = files.keys().map(ProjectPath::as_str).collect();
        names.join(", ")
    };
    if marked.is_empty() {
        return vec![format!("one of these changed: {}", names(found))];
    }
    let all: BTreeSet<&ProjectPath> = marked.keys().chain(found.keys()).collect();
    let differing = all
        .into_iter()
        .filter(|path| can_mark(path) && marked.get(path) != found.get(path));
    differing
        .map(|path| match (marked.get(path), found.get(path)) {
            (None, _) => format!("`{path}` is new"),
            (_, None) => format!("`{path}` is gone"),
            _ => format!("`{path}` changed"),
        })
        .collect()
}

/// Tells whether a path can be written as a key everywhere; others have no mark.
pub fn can_mark(path: &ProjectPath) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte);
    let first = path.as_str().as_bytes().first();
    path.as_str().bytes().all(plain) && first.is_some_and(|&it| it != b'-')
}

fn judge(
    context: &Context<'_>,
    environment: &Environment,
    (expected, inputs): (&Checksum, Option<&Mark>),
    verdict: &mut Verdict,
) {
    let fingerprint = environment.fingerprint();
    let found = Checksum::Blake3(*fingerprint.0.as_bytes());
    match expected {
        Checksum::Blake3(_) if found == *expected => verdict.matched = Some(found),
        // A release, or another README: what others have to install is the same.
        Checksum::Blake3(_) if inputs == Some(&inputs_mark(environment)) => {
            let own = environment.packages.iter().filter(|it| it.folder.is_some());
            verdict.own = own.map(|it| it.name.clone()).collect();
        }
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

/// Returns the mark of an environment without the packages that lie in the project: they hold what the
/// project says of itself, its description and its version.
pub fn inputs_mark(environment: &Environment) -> Mark {
    let mut inputs = environment.clone();
    inputs.packages.retain(|package| package.folder.is_none());
    Mark::of(&inputs.to_bytes())
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
        let folders = found.packages.iter().filter(|it| it.folder.is_some());
        for package in folders {
            told.push(format!(
                "{} is made here, of a folder or file of the project: what that says of itself may have changed",
                package.name
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
    let lists = names
        .iter()
        .filter(|name| lock::is_requirements(name.as_str()));
    let lists: Vec<_> = lists
        .flat_map(|name| requirements_texts(&root.folder, name.as_str()).into_keys())
        .collect();
    names.extend(lists.iter().filter_map(|name| ProjectPath::new(name).ok()));
    let more = [HOOKS_FILE, checksum::TOOLS_LOCK];
    names.extend(more.iter().filter_map(|name| ProjectPath::new(name).ok()));
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
