//! What a project asks for, whatever the platform, read from its files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use dht_store::fs::read_plain;
use dht_store::{Digest, RealisationKind, StoreError};
use serde_json::{Map, Value, json};

use super::discover::{self, DiscoverError, ProjectRoot};
use super::lock::{Lock, LockKind};
use super::spec::{PythonWish, Spec};
use crate::env::context::Context;
use crate::model::asked::{self, Asked, Component, FolderFiles, LockForm};
use crate::model::canonical::{self, with_plain_line_ends};
use crate::model::config::Config;
use crate::model::config::checksum::Checksum;
use crate::model::pyproject;

/// The lock of the tools.
pub const TOOLS_LOCK: &str = ".dht/tools.lock";

/// What was asked for, by its checksum.
const ASKED: RealisationKind = RealisationKind("asked");
/// The checksum of what was asked for, by what it was made of.
const CHECKSUM: RealisationKind = RealisationKind("asked-checksum");

/// Why it cannot be told what a project asks for.
#[derive(Debug, thiserror::Error)]
pub enum AskedError {
    /// A file cannot be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file of the project is refused.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// A lock is no TOML.
    #[error("cannot use `{}`: {problem}", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// Where it is wrong.
        problem: String,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Returns what the project asks for. `spec` must be read without wishes of the command line.
pub fn asked(spec: &Spec, config: &Config) -> Result<Asked, AskedError> {
    let mut locks = Vec::with_capacity(spec.locks.len());
    let mut folders = BTreeSet::from([".".to_owned()]);
    for lock in &spec.locks {
        let said = asked::lock(form(lock), own_text(lock)).map_err(|problem| AskedError::Lock {
            path: lock.path.clone(),
            problem,
        })?;
        locks.push(said);
        folders.extend(lock.folders());
    }
    let mut project = Vec::new();
    for folder in folders {
        let said = read_folder(&spec.root, &folder)?;
        if !said.is_null() {
            project.push(said);
        }
    }
    Ok(Asked::new(BTreeMap::from([
        (Component::Configuration, configuration(config)),
        (Component::Packages, Value::Array(locks)),
        (Component::PlatformPackages, platform_packages(config)),
        (Component::Programs, programs(config)),
        (Component::Project, Value::Array(project)),
        (Component::Python, python(&spec.python)),
        (Component::Tools, tools(&spec.root, config)?),
    ])))
}

/// The same as [`asked()`], remembered in the store, so that it can be told later what was another.
pub fn keep(context: &Context<'_>, asked: &Asked) -> Result<(), AskedError> {
    if context.store.ensure_writable().is_err() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&asked.to_bytes()).into_owned();
    let checksum = asked.checksum().to_string();
    Ok(context
        .store
        .realise_text(ASKED, checksum.as_bytes(), &text)?)
}

/// Returns what had this checksum, if the store remembers it.
pub fn kept(context: &Context<'_>, checksum: &Checksum) -> Option<Asked> {
    let checksum = checksum.to_string();
    let text = context.store.realised_text(ASKED, checksum.as_bytes())?;
    Asked::parse(text.as_bytes())
}

/// Returns the checksum of what the project asks for, worked out once for the same files;
/// `dhtconfig` is what `.dhtconfig` holds.
pub fn checksum(
    context: &Context<'_>,
    spec: &Spec,
    config: &Config,
    dhtconfig: &[u8],
) -> Result<Checksum, AskedError> {
    let tools = tools_digest(&spec.root)?.unwrap_or_default();
    let input = format!(
        "form 1\n{}\n{}\n{}\n{tools}",
        spec.digest(),
        spec.python,
        Digest::of(dhtconfig)
    );
    let known = context.store.realised_text(CHECKSUM, input.as_bytes());
    if let Some(known) = known.and_then(|text| text.parse().ok()) {
        return Ok(known);
    }
    let asked = asked(spec, config)?;
    keep(context, &asked)?;
    let checksum = asked.checksum();
    if context.store.ensure_writable().is_ok() {
        let text = checksum.to_string();
        context
            .store
            .realise_text(CHECKSUM, input.as_bytes(), &text)?;
    }
    Ok(checksum)
}

/// Returns how a lock is written.
pub(super) fn form(lock: &Lock) -> LockForm {
    match lock.kind {
        LockKind::Uv => LockForm::Uv,
        LockKind::Pylock => LockForm::Pylock,
        LockKind::Requirements(_) => LockForm::Requirements,
        LockKind::Poetry { .. } => LockForm::Poetry,
    }
}

/// Returns the text of the lock itself.
pub(super) fn own_text(lock: &Lock) -> &str {
    match &lock.kind {
        // What the project says follows the lock there.
        LockKind::Poetry { length, .. } => &lock.text[..*length],
        _ => &lock.text,
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, AskedError> {
    match read_plain(path, pyproject::MAX_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        // A lock may also name files: archives have a digest of their own.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(source) => Err(AskedError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

fn read_folder(root: &ProjectRoot, folder: &str) -> Result<Value, AskedError> {
    let place = root.folder.join(folder);
    let pyproject = place.join(discover::PYPROJECT);
    let pyproject = if pyproject.is_file() {
        Some(discover::read_pyproject_text(&pyproject)?)
    } else {
        None
    };
    let setup_py = read(&place.join("setup.py"))?;
    let setup_cfg = read(&place.join("setup.cfg"))?;
    let files = FolderFiles {
        pyproject: pyproject.as_deref(),
        setup_py: setup_py.as_deref(),
        setup_cfg: setup_cfg.as_deref(),
    };
    Ok(asked::folder(folder, files))
}

fn configuration(config: &Config) -> Value {
    let dependencies = &config.dependencies;
    let mut said = Map::new();
    if let Some(groups) = &dependencies.groups {
        said.insert("groups".to_owned(), texts(groups.iter()));
    }
    if !dependencies.extras.is_empty() {
        said.insert("extras".to_owned(), texts(dependencies.extras.iter()));
    }
    if !dependencies.hash_validation {
        said.insert("hash_validation".to_owned(), false.into());
    }
    Value::Object(said)
}

fn texts<T: ToString>(items: impl Iterator<Item = T>) -> Value {
    let mut items: Vec<String> = items.map(|item| item.to_string()).collect();
    items.sort();
    json!(items)
}

fn platform_packages(config: &Config) -> Value {
    let said = serde_json::to_value(&config.platform_deps).unwrap_or_default();
    without_nothing(said)
}

/// Takes out what is empty, and sorts what is left.
fn without_nothing(value: Value) -> Value {
    match value {
        Value::Object(keys) => {
            let kept = keys.into_iter().filter_map(|(key, value)| {
                let value = without_nothing(value);
                let empty = value.as_object().is_some_and(Map::is_empty)
                    || value.as_array().is_some_and(Vec::is_empty);
                (!empty).then_some((key, value))
            });
            Value::Object(kept.collect())
        }
        Value::Array(mut items) => {
            items.sort_by_cached_key(canonical::json);
            Value::Array(items)
        }
        other => other,
    }
}

fn programs(config: &Config) -> Value {
    without_nothing(serde_json::to_value(&config.binaries.required).unwrap_or_default())
}

fn python(wish: &PythonWish) -> Value {
    match wish {
        PythonWish::Exact(python) => json!({
            "implementation": python.implementation.to_string(),
            "version": python.version.to_string(),
        }),
        PythonWish::Any {
            implementation,
            minor,
            requires,
        } => {
            let mut said = Map::new();
            said.insert(
                "implementation".to_owned(),
                implementation.to_string().into(),
            );
            if let Some((major, minor)) = minor {
                said.insert("minor".to_owned(), format!("{major}.{minor}").into());
            }
            if let Some(requires) = requires {
                said.insert("requires".to_owned(), requires.to_string().into());
            }
            Value::Object(said)
        }
    }
}

fn tools(root: &ProjectRoot, config: &Config) -> Result<Value, AskedError> {
    let mut said = Map::new();
    let versions: Map<String, Value> = config
        .tools
        .iter()
        .map(|(name, version)| (name.to_string(), version.to_string().into()))
        .collect();
    if !versions.is_empty() {
        said.insert("versions".to_owned(), Value::Object(versions));
    }
    if let Some(digest) = tools_digest(root)? {
        said.insert("lock".to_owned(), digest.into());
    }
    Ok(Value::Object(said))
}

fn tools_digest(root: &ProjectRoot) -> Result<Option<String>, AskedError> {
    let bytes = read(&root.folder.join(TOOLS_LOCK))?;
    Ok(bytes.map(|bytes| Digest::of(&with_plain_line_ends(&bytes)).to_string()))
}
