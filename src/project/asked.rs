//! Whether the groups and extras that are asked for are there. Said before anything is resolved, so
//! that a wrong name is told as what it is.

use std::collections::BTreeSet;

use serde::Deserialize;
use uv_normalize::{ExtraName, GroupName};

use super::lock::{Lock, LockKind};
use crate::model::groups::{GroupRequest, UnknownName};
use crate::model::pyproject::Pyproject;

/// What a `pylock.toml` offers (PEP 751).
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Offered {
    #[serde(default)]
    extras: BTreeSet<ExtraName>,
    #[serde(default)]
    dependency_groups: BTreeSet<GroupName>,
}

/// The names that a project offers.
#[derive(Debug, Default)]
pub(super) struct Names {
    groups: BTreeSet<GroupName>,
    extras: BTreeSet<ExtraName>,
}

impl Names {
    /// Collects what the locks of a project offer; `None` where that cannot be told from here: a
    /// workspace without a project of its own takes the names of its members, and a lock that is
    /// refused offers nothing.
    pub(super) fn of(locks: &[Lock], pyproject: &Pyproject) -> Option<Self> {
        let mut names = Self::default();
        for lock in locks {
            match (&lock.kind, lock.pins()) {
                (LockKind::Uv, _) => {
                    pyproject.name.as_ref()?;
                    names.groups.extend(pyproject.groups.iter().cloned());
                    names.extras.extend(pyproject.extras.iter().cloned());
                }
                (_, Some(pins)) => {
                    names.groups.extend(pins.groups.iter().cloned());
                    names.extras.extend(pins.extras.iter().cloned());
                }
                (_, None) => {
                    let offered: Offered = toml::from_str(&lock.text).ok()?;
                    names.groups.extend(offered.dependency_groups);
                    names.extras.extend(offered.extras);
                }
            }
        }
        Some(names)
    }

    /// Checks that everything that `request` names is there.
    ///
    /// # Errors
    ///
    /// The first name that is not.
    pub(super) fn check(&self, request: &GroupRequest) -> Result<(), UnknownName> {
        request.groups_of(&self.groups, &BTreeSet::new())?;
        request.extras_of(&self.extras)?;
        Ok(())
    }
}
