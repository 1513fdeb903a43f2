//! From a lock to what one target installs.
//!
//! Pure: markers, versions and tags decide, never the machine. A package that applies and has no
//! file that fits is an error that names what there is and what was wanted; no other version, and
//! no file that only looks similar, is ever taken instead.

use std::collections::BTreeSet;

use uv_distribution_filename::WheelFilename;
use uv_normalize::PackageName;
use uv_platform_tags::{TagCompatibility, Tags};

use crate::model::groups::{GroupRequest, UnknownName};
use crate::model::pylock::{LockedPackage, LockedWheel, PackageSource, Pylock};
use crate::model::selection::{SelectedPackage, Selection, Source};
use crate::model::target::{Levels, Target};

/// How many tags an error lists.
const LISTED_TAGS: usize = 12;

/// A lock offers nothing for a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// The lock was made for other versions of Python.
    #[error("cannot select packages for {target}: the lock requires Python {requires}")]
    Python {
        /// What was selected for.
        target: String,
        /// The lock's `requires-python`.
        requires: String,
    },
    /// The lock was made for other environments.
    #[error("cannot select packages for {target}: the lock was made for {environments} only")]
    Environment {
        /// What was selected for.
        target: String,
        /// The lock's `environments`.
        environments: String,
    },
    /// A group or extra does not exist.
    #[error("cannot select packages as asked")]
    Unknown(#[from] UnknownName),
    /// `--only-group`, for a lock whose groups cannot be told from the project.
    #[error(
        "cannot select a group alone: a `pylock.toml` does not tell its packages from the project's"
    )]
    Only,
    /// A package does not work with the Python.
    #[error("cannot select `{package}` for {target}: it requires Python {requires}")]
    PackagePython {
        /// Name and version.
        package: String,
        /// What was selected for.
        target: String,
        /// Its `requires-python`.
        requires: String,
    },
    /// No wheel fits and there is no source.
    #[error(
        "cannot select a file of `{package}` for {target}: it has no source archive that may be built, \
         and {found}; wanted is {wanted} or a more general tag"
    )]
    NoFile {
        /// Name and version.
        package: String,
        /// What was selected for.
        target: String,
        /// The tags that there are.
        found: String,
        /// The best tag that would fit.
        wanted: String,
    },
    /// Several packages have no file that fits: the error of each.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    NoFiles(Vec<Self>),
    /// Two entries of one package apply at once.
    #[error("cannot select `{package}` for {target}: two entries of the lock apply")]
    Twice {
        /// Its name.
        package: String,
        /// What was selected for.
        target: String,
    },
}

/// Selects what `target` installs from `lock`.
///
/// For a lock that was exported for one request already, as uv does, `request` is the default one.
///
/// # Errors
///
/// When the lock is not for this target, or a package has no file that fits.
pub fn select(
    lock: &Pylock,
    target: &Target,
    request: &GroupRequest,
) -> Result<Selection, SelectError> {
    let markers = target.marker_environment();
    let python = target.python_release();
    if let Some(requires) = &lock.requires_python
        && !requires.contains(&python)
    {
        return Err(SelectError::Python {
            target: target.to_string(),
            requires: requires.to_string(),
        });
    }
    if !lock.environments.is_empty()
        && !lock
            .environments
            .iter()
            .any(|marker| marker.evaluate(&markers, &[]))
    {
        let environments = lock
            .environments
            .iter()
            .filter_map(|marker| marker.try_to_string());
        return Err(SelectError::Environment {
            target: target.to_string(),
            environments: environments.collect::<Vec<_>>().join(" or "),
        });
    }
    let (extras, groups) = asked(lock, request)?;
    let levels = target.levels();
    let mut packages: Vec<SelectedPackage> = Vec::new();
    let mut missing = Vec::new();
    for package in &lock.packages {
        if !package.marker.evaluate_pep751(&markers, &extras, &groups) {
            continue;
        }
        if let Some(requires) = &package.requires_python
            && !requires.contains(&python)
        {
            return Err(SelectError::PackagePython {
                package: title(package),
                target: target.to_string(),
                requires: requires.to_string(),
            });
        }
        if packages
            .last()
            .is_some_and(|last| last.name == package.name)
        {
            return Err(SelectError::Twice {
                package: package.name.to_string(),
                target: target.to_string(),
            });
        }
        match select_one(package, target, &levels) {
            Ok(selected) => packages.push(selected),
            Err(error) => missing.push(error),
        }
    }
    match missing.len() {
        0 => Ok(Selection { packages }),
        1 => Err(missing.remove(0)),
        _ => Err(SelectError::NoFiles(missing)),
    }
}

type Asked = (Vec<uv_normalize::ExtraName>, Vec<uv_normalize::GroupName>);

fn asked(lock: &Pylock, request: &GroupRequest) -> Result<Asked, SelectError> {
    if request.only() {
        return Err(SelectError::Only);
    }
    // Default groups may be synthetic: names that cannot be asked for (PEP 751, `default-groups`).
    let synthetic = lock.default_groups.difference(&lock.dependency_groups);
    let mut groups = request.groups_of(&lock.dependency_groups, &lock.default_groups)?;
    if !request.no_default_groups {
        groups.extend(synthetic.cloned());
    }
    let extras = request.extras_of(&lock.extras)?;
    Ok((extras.into_iter().collect(), groups.into_iter().collect()))
}

fn select_one(
    package: &LockedPackage,
    target: &Target,
    levels: &Levels,
) -> Result<SelectedPackage, SelectError> {
    let no_file = |found: Vec<&WheelFilename>| SelectError::NoFile {
        package: title(package),
        target: target.to_string(),
        found: listed(&found),
        wanted: wanted(levels),
    };
    let mut version = package.version.clone();
    let (source, direct) = match &package.source {
        PackageSource::Files { sdist, wheels } => {
            let found = best(wheels, &levels.preferred);
            let source = match (found, sdist) {
                (None, Some(archive)) => Source::Sdist {
                    archive: archive.clone(),
                    subdirectory: None,
                },
                (found, _) => {
                    let wheel = found
                        .or_else(|| best(wheels, &levels.last_resort))
                        .ok_or_else(|| no_file(wheels.iter().map(|w| &w.filename).collect()))?;
                    version.get_or_insert_with(|| wheel.filename.version.clone());
                    Source::Wheel(wheel.archive.clone())
                }
            };
            (source, false)
        }
        PackageSource::Archive {
            archive,
            wheel: Some(wheel),
            ..
        } => {
            let mut tags = levels.preferred.iter().chain(&levels.last_resort);
            if !tags.any(|tags| wheel.is_compatible(tags)) {
                return Err(no_file(vec![wheel]));
            }
            version.get_or_insert_with(|| wheel.version.clone());
            (Source::Wheel(archive.clone()), true)
        }
        PackageSource::Archive {
            archive,
            subdirectory,
            ..
        } => {
            let source = Source::Sdist {
                archive: archive.clone(),
                subdirectory: subdirectory.clone(),
            };
            (source, true)
        }
        PackageSource::Git {
            url,
            commit,
            requested_revision,
            subdirectory,
        } => {
            let source = Source::Git {
                url: url.clone(),
                commit: commit.clone(),
                requested_revision: requested_revision.clone(),
                subdirectory: subdirectory.clone(),
            };
            (source, true)
        }
        PackageSource::Directory { path, editable } => {
            let source = Source::Directory {
                path: path.clone(),
                editable: *editable,
            };
            (source, true)
        }
    };
    Ok(SelectedPackage {
        name: package.name.clone(),
        version,
        source,
        direct,
    })
}

/// Finds the wheel with the best tag; of equal tags the higher build number, then the first.
fn best<'a>(wheels: &'a [LockedWheel], levels: &[Tags]) -> Option<&'a LockedWheel> {
    levels.iter().find_map(|tags| {
        let mut found = None;
        for wheel in wheels {
            if let TagCompatibility::Compatible(priority) = wheel.filename.compatibility(tags) {
                let rank = (priority, wheel.filename.build_tag());
                if found.as_ref().is_none_or(|(best, _)| rank > *best) {
                    found = Some((rank, wheel));
                }
            }
        }
        found.map(|(_, wheel)| wheel)
    })
}

fn title(package: &LockedPackage) -> String {
    let name: &PackageName = &package.name;
    package
        .version
        .as_ref()
        .map_or_else(|| name.to_string(), |version| format!("{name} {version}"))
}

fn listed(wheels: &[&WheelFilename]) -> String {
    let tags: BTreeSet<String> = wheels
        .iter()
        .map(|wheel| {
            let join = |tags: Vec<String>| tags.join(".");
            let python = join(
                wheel
                    .python_tags()
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            );
            let abi = join(wheel.abi_tags().iter().map(ToString::to_string).collect());
            let platform = join(
                wheel
                    .platform_tags()
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            );
            format!("{python}-{abi}-{platform}")
        })
        .collect();
    if tags.is_empty() {
        return "no wheel that may be used".to_owned();
    }
    let more = tags.len().saturating_sub(LISTED_TAGS);
    let mut text: Vec<String> = tags.into_iter().take(LISTED_TAGS).collect();
    if more > 0 {
        text.push(format!("{more} more"));
    }
    format!("wheels for {} only", text.join(", "))
}

fn wanted(levels: &Levels) -> String {
    let Some(tags) = levels.preferred.first() else {
        return String::new();
    };
    let part = |text: Option<String>| text.unwrap_or_default();
    format!(
        "{}-{}-{}",
        part(tags.python_tag().map(|tag| tag.to_string())),
        part(tags.abi_tag().map(|tag| tag.to_string())),
        part(tags.platform_tag().map(ToString::to_string)),
    )
}

#[cfg(test)]
mod tests;
