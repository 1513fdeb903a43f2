//! What differs between two environments, projects, locks or revisions.
//!
//! Two sides that both say what is asked for are compared by that, for all platforms at once: no
//! network, no resolving. Where one side is an environment, the other is taken as the environment
//! that it makes on this platform. Nothing is changed on either side.

mod files;
mod side;

use std::collections::{BTreeMap, BTreeSet};

use dht_store::{EntryId, Environment, StoreError};
use schemars::JsonSchema;
use serde::Serialize;

use super::checksum::AskedError;
use super::discover::{DiscoverError, ProjectRoot};
use super::history::HistoryError;
use super::resolve::ResolveError;
use super::spec::SpecError;
use crate::env::context::Context;
use crate::model::asked::{Change, ChangeKind, Component, changes};
use crate::model::platform::Platform;

pub use files::{FileChange, PackageFiles};
pub use side::Side;

/// Why two things cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// It is none of the things that can be compared.
    #[error("`{0}` is no environment, project, lock, fingerprint in the store, or revision")]
    Unknown(String),
    /// A revision cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// There is no project.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// The project's files are refused.
    #[error("cannot read what {shown} asks for")]
    Spec {
        /// The side.
        shown: String,
        /// What is wrong.
        source: Box<SpecError>,
    },
    /// A side has no lock.
    #[error("{0} has no lock that can be used")]
    NoLock(String),
    /// The same.
    #[error(transparent)]
    Asked(#[from] AskedError),
    /// It cannot be told which environment a side makes.
    #[error("cannot tell which environment {shown} makes")]
    Resolve {
        /// The side.
        shown: String,
        /// What is wrong.
        source: Box<ResolveError>,
    },
    /// Files are known of environments in the store alone.
    #[error("the files of {0} are not known: it was never made on this machine")]
    NoFiles(String),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// By what two sides were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// By what they ask for, on all platforms.
    Asked,
    /// By the environments that they are.
    Environment,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// What was compared.
    pub before: String,
    /// With what.
    pub after: String,
    /// By what.
    pub level: Level,
    /// What differs, Python first.
    pub changes: Vec<Change>,
    /// The files that differ, by package, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<PackageFiles>>,
}

impl Difference {
    /// Tells whether nothing differs.
    pub fn is_same(&self) -> bool {
        let none = |files: &Vec<PackageFiles>| files.is_empty();
        self.changes.is_empty() && self.files.as_ref().is_none_or(none)
    }
}

/// The two sides that are meant: those that are named, or else what stands and what the project says.
pub fn sides(
    context: &Context<'_>,
    root: Option<&ProjectRoot>,
    folder: &std::path::Path,
    named: &[String],
) -> Result<(Side, Side), DiffError> {
    let project = || match root {
        Some(root) => Side::project(root),
        None => Err(DiffError::Unknown(folder.display().to_string())),
    };
    match named {
        [] => {
            let root = root.ok_or_else(|| DiffError::Unknown(folder.display().to_string()))?;
            let standing = root.folder.join(super::regenerate::VENV);
            let before = match Side::environment(context, &standing)? {
                Some(side) => side,
                None => Side::revision(context, &root.folder, "HEAD")?,
            };
            Ok((before, project()?))
        }
        [before] => Ok((Side::find(context, root, folder, before)?, project()?)),
        [before, after, ..] => Ok((
            Side::find(context, root, folder, before)?,
            Side::find(context, root, folder, after)?,
        )),
    }
}

/// Compares two sides; with `files`, also the files of packages that differ.
pub fn diff(
    context: &Context<'_>,
    (before, after): (&Side, &Side),
    platform: Platform,
    with_files: bool,
) -> Result<Difference, DiffError> {
    let found = |level, changes, files| Difference {
        before: before.shown.clone(),
        after: after.shown.clone(),
        level,
        changes,
        files,
    };
    if let (Some(old), Some(new), false) = (&before.asked, &after.asked, with_files) {
        let mut changes = changes(old, new);
        changes.sort_by_key(|change| change.component != Component::Python);
        return Ok(found(Level::Asked, changes, None));
    }
    let (old, new) = (
        before.installed(context, platform)?,
        after.installed(context, platform)?,
    );
    let files = match with_files {
        false => None,
        true => {
            let known = |side: &Side, installed: &Installed| {
                let environment = installed.environment.clone();
                environment.ok_or_else(|| DiffError::NoFiles(side.shown.clone()))
            };
            let environments = (known(before, &old)?, known(after, &new)?);
            Some(files::changed(
                context.store,
                &environments.0,
                &environments.1,
            )?)
        }
    };
    Ok(found(
        Level::Environment,
        installed_changes(&old, &new),
        files,
    ))
}

/// What an environment consists of, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Installed {
    /// The Python.
    pub python: Option<String>,
    /// The platform.
    pub platform: Option<String>,
    /// The packages: version, and which files those are.
    pub packages: BTreeMap<String, (String, Option<EntryId>)>,
    /// The document.
    pub environment: Option<Environment>,
}

fn installed_changes(old: &Installed, new: &Installed) -> Vec<Change> {
    let mut found = Vec::new();
    let mut value = |name: &str, before: &Option<String>, after: &Option<String>| {
        if let (Some(before), Some(after)) = (before, after)
            && before != after
        {
            found.push(Change {
                component: Component::Python,
                name: name.to_owned(),
                kind: ChangeKind::Changed,
                before: Some(before.clone()),
                after: Some(after.clone()),
            });
        }
    };
    value("version", &old.python, &new.python);
    value("platform", &old.platform, &new.platform);
    let names: BTreeSet<&String> = old.packages.keys().chain(new.packages.keys()).collect();
    for name in names {
        let (before, after) = (old.packages.get(name), new.packages.get(name));
        let kind = match (before, after) {
            (Some((old, _)), Some((new, _)))
                if old != new && !old.is_empty() && !new.is_empty() =>
            {
                ChangeKind::Changed
            }
            (Some((_, Some(old))), Some((_, Some(new)))) if old != new => ChangeKind::Content,
            (Some(_), Some(_)) => continue,
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
        };
        let version = |side: Option<&(String, Option<EntryId>)>| side.map(|(it, _)| it.clone());
        found.push(Change {
            component: Component::Packages,
            name: name.clone(),
            kind,
            before: version(before),
            after: version(after),
        });
    }
    found
}
