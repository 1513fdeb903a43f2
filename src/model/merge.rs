//! Several locks of one project as one.
//!
//! The law: the first lock wins, what only a later one has is added, and a contradiction is an error
//! that names the package, both versions and both files. Two locks contradict each other where, in
//! one environment, they ask for different versions or for files that have no digest in common.

use std::collections::BTreeSet;
use std::path::PathBuf;

use uv_pep440::VersionSpecifiers;
use uv_pep508::MarkerTree;

use super::location::Location;
use super::pylock::{LockedPackage, PackageSource, Pylock};
use super::selection::{Archive, Sha256};

/// A lock and its file.
#[derive(Debug, Clone)]
pub struct NamedLock {
    /// The file, for messages.
    pub file: PathBuf,
    /// What it says.
    pub lock: Pylock,
}

/// Two locks contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot merge locks: `{}` has `{package}` {left}, and `{}` has {right}",
    first.display(), second.display()
)]
pub struct Contradiction {
    /// The package.
    pub package: String,
    /// The lock that goes first.
    pub first: PathBuf,
    /// What it says.
    pub left: String,
    /// The other lock.
    pub second: PathBuf,
    /// What that one says.
    pub right: String,
}

/// Merges locks, the most important one first; `None` when there is none.
///
/// # Errors
///
/// The first contradiction, by the name of the package.
pub fn merge(locks: Vec<NamedLock>) -> Result<Option<Pylock>, Box<Contradiction>> {
    let mut locks = locks.into_iter();
    let Some(first) = locks.next() else {
        return Ok(None);
    };
    let mut merged = first.lock;
    // Which file each package came from, in the order of the packages.
    let mut files: Vec<PathBuf> = vec![first.file; merged.packages.len()];
    for NamedLock { file, lock } in locks {
        let known = merged.packages.len();
        for package in lock.packages {
            let mut left = package.marker;
            for (index, other) in merged.packages[..known].iter().enumerate() {
                if other.name != package.name || other.marker.is_disjoint(package.marker) {
                    continue;
                }
                if let Some((one, two)) = contradiction(other, &package) {
                    return Err(Box::new(Contradiction {
                        package: package.name.to_string(),
                        first: files[index].clone(),
                        left: one,
                        second: file,
                        right: two,
                    }));
                }
                left = left.and(other.marker.negate());
            }
            if !left.is_false() {
                files.push(file.clone());
                merged.packages.push(LockedPackage {
                    marker: left,
                    ..package
                });
            }
        }
        merged.requires_python = both(merged.requires_python, lock.requires_python);
        merged.environments = shared(&merged.environments, &lock.environments);
        merged.extras.extend(lock.extras);
        merged.dependency_groups.extend(lock.dependency_groups);
        merged.default_groups.extend(lock.default_groups);
    }
    merged
        .packages
        .sort_by(|left, right| left.name.cmp(&right.name));
    Ok(Some(merged))
}

fn both(
    one: Option<VersionSpecifiers>,
    other: Option<VersionSpecifiers>,
) -> Option<VersionSpecifiers> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => {
            Some(one.iter().chain(other.iter()).cloned().collect())
        }
        (one, other) => one.or(other),
    }
}

/// Returns the environments that both lists have; an empty list has all.
fn shared(one: &[MarkerTree], other: &[MarkerTree]) -> Vec<MarkerTree> {
    if one.is_empty() || other.is_empty() {
        return [one, other].concat();
    }
    let pairs = one
        .iter()
        .flat_map(|left| other.iter().map(|right| left.and(*right)));
    pairs.filter(|marker| !marker.is_false()).collect()
}

/// Says what two entries of one package have that cannot both be, if anything.
fn contradiction(one: &LockedPackage, other: &LockedPackage) -> Option<(String, String)> {
    if let (Some(left), Some(right)) = (&one.version, &other.version)
        && left != right
    {
        return Some((left.to_string(), right.to_string()));
    }
    let agree = match (&one.source, &other.source) {
        (PackageSource::Files { .. }, PackageSource::Files { .. })
        | (PackageSource::Archive { .. }, PackageSource::Archive { .. }) => {
            files_agree(&one.source, &other.source)
        }
        (
            PackageSource::Git { url, commit, .. },
            PackageSource::Git {
                url: other_url,
                commit: other_commit,
                ..
            },
        ) => (url, commit) == (other_url, other_commit),
        (
            PackageSource::Directory { path, .. },
            PackageSource::Directory {
                path: other_path, ..
            },
        ) => path == other_path,
        // The same bytes may come from an index here and from their address there.
        (PackageSource::Files { .. }, PackageSource::Archive { .. })
        | (PackageSource::Archive { .. }, PackageSource::Files { .. }) => {
            !digests(&one.source).is_disjoint(&digests(&other.source))
        }
        _ => false,
    };
    (!agree).then(|| (told(one), told(other)))
}

fn files_agree(one: &PackageSource, other: &PackageSource) -> bool {
    let (left, right) = (digests(one), digests(other));
    left.is_empty() || right.is_empty() || !left.is_disjoint(&right)
}

fn archives(source: &PackageSource) -> Vec<&Archive> {
    match source {
        PackageSource::Files { sdist, wheels } => sdist
            .iter()
            .chain(wheels.iter().map(|wheel| &wheel.archive))
            .collect(),
        PackageSource::Archive { archive, .. } => vec![archive],
        PackageSource::Git { .. } | PackageSource::Directory { .. } => Vec::new(),
    }
}

fn digests(source: &PackageSource) -> BTreeSet<Sha256> {
    archives(source)
        .into_iter()
        .filter_map(|archive| archive.sha256)
        .collect()
}

fn told(package: &LockedPackage) -> String {
    let version = package
        .version
        .as_ref()
        .map_or_else(String::new, |version| format!("{version} "));
    match &package.source {
        PackageSource::Files { .. } => {
            format!(
                "{version}with {} other files",
                digests(&package.source).len()
            )
        }
        PackageSource::Archive { archive, .. } => match &archive.location {
            Location::Url(url) => format!("{version}from `{url}`"),
            Location::File(path) => format!("{version}from `{}`", path.display()),
        },
        PackageSource::Git { url, commit, .. } => format!("{version}from `{url}` at {commit}"),
        PackageSource::Directory { path, .. } => format!("{version}from `{}`", path.display()),
    }
}

#[cfg(test)]
mod tests;
