//! The tools of a project: what `.dhtconfig` asks for, what `.dht/tools.lock` says of it, and where
//! each goes.

use std::collections::BTreeMap;
use std::path::Path;

use uv_normalize::PackageName;
use uv_pep440::Version;

use super::spec::Spec;
use crate::env::select::{SelectError, select};
use crate::model::groups::GroupRequest;
use crate::model::placement::{Placement, PlacementError, WantedTool, place};
use crate::model::pylock::{LockOrigin, LockPolicy, Pylock};
use crate::model::selection::{Selection, Source};
use crate::model::target::Target;
use crate::model::tool_lock::{LockedTool, MAX_BYTES, TOOL_LOCK, ToolLock, ToolLockError};

/// What a project asks for, and what is locked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tools {
    /// The exact versions.
    pub wanted: BTreeMap<PackageName, Version>,
    /// The lock; empty where there is none.
    pub lock: ToolLock,
}

/// Why the tools of a project cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The file cannot be read.
    #[error("could not read `{TOOL_LOCK}`")]
    Read(#[source] std::io::Error),
    /// The file is refused.
    #[error(transparent)]
    Lock(#[from] ToolLockError),
    /// The file locks another version than `.dhtconfig` asks for.
    #[error("the tool `{name}` is asked for in version {wanted}, and `{TOOL_LOCK}` locks {locked}")]
    Stale {
        /// The tool.
        name: PackageName,
        /// What `.dhtconfig` says.
        wanted: Version,
        /// What the file says.
        locked: Version,
    },
    /// There is nothing of it for this target.
    #[error("cannot install the tool `{name}`")]
    Select {
        /// The tool.
        name: PackageName,
        /// Why.
        #[source]
        source: Box<SelectError>,
    },
    /// It needs a folder, which is no version.
    #[error("the tool `{name}` needs `{package}` from a folder, and tools come from an index")]
    Folder {
        /// The tool.
        name: PackageName,
        /// What it needs.
        package: PackageName,
    },
    /// It has no place.
    #[error(transparent)]
    Place(#[from] PlacementError),
}

/// Reads the lock of the tools of the project in `folder`; an empty one where there is none.
///
/// # Errors
///
/// When it cannot be read, or is refused.
pub fn read_lock(folder: &Path) -> Result<ToolLock, ToolError> {
    let path = folder.join(TOOL_LOCK);
    let text = match dht_store::fs::read_plain(&path, MAX_BYTES) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|error| {
            ToolError::Read(std::io::Error::new(std::io::ErrorKind::InvalidData, error))
        })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(ToolError::Read(error)),
    };
    Ok(ToolLock::parse(&text)?)
}

impl Tools {
    /// Adds everything that decides which tools are installed.
    pub(super) fn digest(&self, add: &mut dyn FnMut(&str, &[u8])) {
        for (name, version) in &self.wanted {
            add("tool", format!("{name} {version}").as_bytes());
            if let Some(tool) = self.lock.tools.get(name) {
                let text = format!("{}\n{}", tool.version, tool.pylock_text());
                add("tool lock", text.as_bytes());
            }
        }
    }

    /// Places the tools beside what the project's lock selects for `target`.
    ///
    /// # Errors
    ///
    /// When one is not locked, is locked in another version, or has no file for the target.
    pub(super) fn place(
        &self,
        spec: &Spec,
        target: &Target,
        policy: &LockPolicy,
        project: Selection,
    ) -> Result<Placement, ToolError> {
        let mut tools = Vec::with_capacity(self.wanted.len());
        for (name, version) in &self.wanted {
            let locked = self.lock.tools.get(name);
            let is_there = project.packages.iter().any(|package| package.name == *name);
            let closure = match locked {
                _ if is_there => None,
                Some(locked) if locked.version == *version => {
                    let lock = lock_of(&spec.root.folder, name, locked, policy)?;
                    Some(closure(name, &lock, target)?)
                }
                Some(locked) => {
                    return Err(ToolError::Stale {
                        name: name.clone(),
                        wanted: version.clone(),
                        locked: locked.version.clone(),
                    });
                }
                None => None,
            };
            tools.push(WantedTool {
                name: name.clone(),
                version: version.clone(),
                closure,
            });
        }
        Ok(place(project, tools)?)
    }
}

/// Reads the lock of one tool.
pub(super) fn lock_of(
    folder: &Path,
    name: &PackageName,
    locked: &LockedTool,
    policy: &LockPolicy,
) -> Result<Pylock, ToolError> {
    let origin = LockOrigin {
        file: folder.join(TOOL_LOCK),
        folder: folder.to_owned(),
    };
    Ok(locked.pylock(name, &origin, policy)?)
}

fn closure(name: &PackageName, lock: &Pylock, target: &Target) -> Result<Selection, ToolError> {
    let found = select(lock, target, &GroupRequest::default());
    let found = found.map_err(|source| ToolError::Select {
        name: name.clone(),
        source: Box::new(source),
    })?;
    let folder = |source: &Source| matches!(source, Source::Directory { .. });
    if let Some(package) = found
        .packages
        .iter()
        .find(|package| folder(&package.source))
    {
        return Err(ToolError::Folder {
            name: name.clone(),
            package: package.name.clone(),
        });
    }
    Ok(found)
}
