//! The tools of a project, taken over into its configuration, and locked.
//!
//! A tool that the project's own lock has follows that lock; what pre-commit runs comes next; what is
//! in `.dhtconfig` already stays, unless the lock contradicts it.

use std::collections::BTreeSet;
use std::str::FromStr;

use uv_normalize::PackageName;
use uv_pep440::Version;

use super::apply::ConfigStep;
use super::machine::Found;
use super::{SetupError, capture, files};
use crate::env::base::{self, BaseError};
use crate::env::context::Context;
use crate::model::clues::dev_tools;
use crate::model::config::Config;
use crate::model::platform::Platform;
use crate::model::tool_lock::{TOOL_LOCK, ToolLock};
use crate::project::discover::{PYPROJECT, ProjectRoot};
use crate::project::expectation::HOOKS_FILE;
use crate::project::freeze::{self, FreezeOptions};
use crate::project::lock::{Lock, LockKind};
use crate::project::resolve;
use crate::project::spec::Spec;
use crate::project::tools::Tools;

/// A tool that the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolWish {
    /// Its name.
    pub name: PackageName,
    /// Its version; that of the lock when absent.
    pub version: Option<Version>,
}

impl FromStr for ToolWish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, version) = match text.split_once("==") {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        let version = version.map(|version| version.trim().parse::<Version>());
        Ok(Self {
            name: name.trim().parse().map_err(|error| format!("{error}"))?,
            version: version.transpose().map_err(|error| error.to_string())?,
        })
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Captured {
    pub found: Vec<Found>,
    pub remarks: Vec<String>,
}

/// Adds the tools that the command line and the project's files name.
pub(super) fn capture(
    root: &ProjectRoot,
    locks: &[Lock],
    wishes: &[ToolWish],
    config: &mut Config,
) -> Result<Captured, SetupError> {
    let mut captured = Captured::default();
    for wish in wishes {
        let version = wish.version.clone().or_else(|| locked(locks, &wish.name));
        let version = version.ok_or_else(|| SetupError::NoTool(wish.name.clone()))?;
        config.tools.insert(wish.name.clone(), version);
    }
    for name in asked(root, locks)? {
        if let Some(version) = locked(locks, &name)
            && !config.tools.contains_key(&name)
        {
            captured.add(&name, &version, "the project's own dependencies");
            config.tools.insert(name, version);
        }
    }
    let hooks = files::read(&root.folder.join(HOOKS_FILE))?.unwrap_or_default();
    for (name, version) in dev_tools::of_hooks(&hooks) {
        let there = config.tools.get(&name).cloned();
        let used = there.clone().or_else(|| locked(locks, &name));
        let used = used.unwrap_or_else(|| version.clone());
        if used != version {
            captured.remarks.push(format!(
                "{HOOKS_FILE} runs {name} {version}, and the project has {used}"
            ));
        }
        if there.is_none() {
            captured.add(&name, &used, HOOKS_FILE);
            config.tools.insert(name, used);
        }
    }
    let is_wished = |name: &PackageName| wishes.iter().any(|wish| wish.name == *name);
    for (name, version) in &mut config.tools {
        if let Some(locked) = locked(locks, name).filter(|it| it != version)
            && !is_wished(name)
        {
            captured.remarks.push(format!(
                "{name} follows the lock: {version} becomes {locked}"
            ));
            *version = locked;
        }
    }
    Ok(captured)
}

impl Captured {
    fn add(&mut self, name: &PackageName, version: &Version, from: &str) {
        self.found.push(Found {
            key: "tools".to_owned(),
            value: format!("{name} {version}"),
            from: from.to_owned(),
        });
    }
}

/// Returns the version that the first lock that has a tool gives it.
fn locked(locks: &[Lock], name: &PackageName) -> Option<Version> {
    let mut versions = locks.iter().map(|lock| capture::tool_version(lock, name));
    versions.find_map(|version| version)
}

/// Returns the tools that the project itself asks for, not those that only another package needs.
fn asked(root: &ProjectRoot, locks: &[Lock]) -> Result<BTreeSet<PackageName>, SetupError> {
    let text = files::read(&root.folder.join(PYPROJECT))?;
    let mut names = text.map(|text| dev_tools::asked(&text)).unwrap_or_default();
    for lock in locks {
        if let LockKind::Requirements(_) = lock.kind {
            let source = lock.path.with_extension("in");
            let text = files::read(&source)?;
            names.extend(text.iter().flat_map(|text| dev_tools::asked_in_lines(text)));
        }
    }
    Ok(names)
}

/// What becomes of the lock of the tools.
#[derive(Debug, Default)]
pub(super) struct Frozen {
    /// The lock.
    pub lock: ToolLock,
    /// What becomes of the file; none where there is nothing to write down.
    pub step: Option<ConfigStep>,
    /// What a user should know.
    pub warnings: Vec<String>,
}

/// Locks the tools in `config`, and pins Python and uv; writes the file unless that is not wanted.
pub(super) fn freeze(
    context: &Context<'_>,
    spec: &Spec,
    platform: Platform,
    dry_run: bool,
) -> Result<Frozen, SetupError> {
    let mut frozen = Frozen::default();
    let done = match freeze::freeze(context, spec, platform, FreezeOptions::default()) {
        Ok(done) => done,
        Err(error) if is_in_lock(spec) => {
            // Each is among the project's packages, so nothing is missing here.
            frozen.lock = spec.tools.lock.clone();
            let why = crate::env::builds::chain(&error);
            frozen
                .warnings
                .push(format!("`{TOOL_LOCK}` is not written: {why}"));
            return Ok(frozen);
        }
        Err(error) => return Err(error.into()),
    };
    frozen.lock = done.lock;
    frozen.warnings = done.warnings;
    check_pins(context, spec, platform, &mut frozen)?;
    if frozen.lock.tools.is_empty() && frozen.lock.pins.python.is_none() {
        return Ok(frozen);
    }
    let path = spec.root.folder.join(TOOL_LOCK);
    let text = frozen.lock.to_text();
    let step = match files::read(&path)? {
        None => ConfigStep::Made,
        Some(kept) if kept == text => ConfigStep::Kept,
        Some(_) => ConfigStep::Changed,
    };
    if step != ConfigStep::Kept && !dry_run {
        freeze::write(&spec.root.folder, &text)?;
    }
    frozen.step = Some(step);
    Ok(frozen)
}

/// Tells whether the project's own locks have every tool in its version.
fn is_in_lock(spec: &Spec) -> bool {
    let Tools { wanted, .. } = &spec.tools;
    wanted
        .iter()
        .all(|(name, version)| locked(&spec.locks, name).as_ref() == Some(version))
}

/// Leaves out a pin that is new and cannot be followed from here.
fn check_pins(
    context: &Context<'_>,
    spec: &Spec,
    platform: Platform,
    frozen: &mut Frozen,
) -> Result<(), SetupError> {
    if frozen.lock.pins.python == context.pins.python {
        return Ok(());
    }
    let python = resolve::choose_python(context, &spec.python, platform)?;
    let pinned = Context {
        pins: &frozen.lock.pins,
        ..*context
    };
    match base::provide(&pinned, &python, platform) {
        Err(BaseError::Pinned(why)) => {
            frozen.lock.pins.python = context.pins.python.clone();
            frozen
                .warnings
                .push(format!("the builds of {python} are not pinned: {why}"));
            Ok(())
        }
        other => Ok(other.map(drop)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_a_name_or_a_name_with_a_version() {
        let wish = |text: &str| text.parse::<ToolWish>();
        assert_eq!(wish("Ruff").unwrap().name.as_ref(), "ruff");
        assert_eq!(wish("ruff==0.4.0").unwrap().version, "0.4.0".parse().ok());
        assert!(wish("ruff==new").is_err());
        assert!(wish("ruff>=1").is_err());
    }
}
