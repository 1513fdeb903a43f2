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
mod tests {
    use super::*;
    use crate::model::pylock::{LockOrigin, LockPolicy};

    fn lock(file: &str, packages: &[(&str, &str, &str, char)]) -> NamedLock {
        let mut text = "lock-version = \"1.0\"\ncreated-by = \"test\"\n".to_owned();
        for (name, version, marker, digit) in packages {
            let digest = digit.to_string().repeat(64);
            text += &format!(
                "[[packages]]\nname = \"{name}\"\nversion = \"{version}\"\nmarker = \"{marker}\"\nwheels = \
                 [{{ url = \"https://h/{name}-{version}-py3-none-any.whl\", hashes = {{ sha256 = \"{digest}\" }} }}]\n"
            );
        }
        let origin = LockOrigin {
            file: file.into(),
            folder: std::env::temp_dir(),
        };
        NamedLock {
            file: file.into(),
            lock: Pylock::parse(
                &text.replace("marker = \"\"\n", ""),
                &origin,
                &LockPolicy::default(),
            )
            .unwrap(),
        }
    }

    fn shown(lock: &Pylock) -> Vec<String> {
        let package = |package: &LockedPackage| {
            let version = package.version.as_ref().unwrap();
            let marker = package.marker.try_to_string().unwrap_or_default();
            format!("{} {version} {marker}", package.name)
                .trim()
                .to_owned()
        };
        lock.packages.iter().map(package).collect()
    }

    #[test]
    fn the_first_lock_wins_and_the_others_add() {
        let primary = lock(
            "uv.lock",
            &[
                ("a", "1", "", '1'),
                ("b", "1", "sys_platform == 'win32'", '2'),
            ],
        );
        let other = lock(
            "requirements.txt",
            &[("b", "1", "", '2'), ("c", "3", "", '3')],
        );
        let merged = merge(vec![primary, other]).unwrap().unwrap();
        assert_eq!(
            shown(&merged),
            [
                "a 1",
                "b 1 sys_platform == 'win32'",
                "b 1 sys_platform != 'win32'",
                "c 3"
            ]
        );
        assert_eq!(merge(Vec::new()).unwrap(), None);
    }

    #[test]
    fn versions_may_differ_where_they_never_meet() {
        let primary = lock("uv.lock", &[("a", "1", "python_version < '3.10'", '1')]);
        let other = lock(
            "poetry.lock",
            &[("a", "2", "python_version >= '3.10'", '2')],
        );
        assert_eq!(
            merge(vec![primary, other]).unwrap().unwrap().packages.len(),
            2
        );
    }

    #[test]
    fn a_contradiction_names_package_versions_and_files() {
        let primary = lock("uv.lock", &[("a", "1", "", '1')]);
        let other = lock(
            "requirements.txt",
            &[("a", "2", "sys_platform == 'linux'", '1')],
        );
        assert_eq!(
            merge(vec![primary.clone(), other]).unwrap_err().to_string(),
            "cannot merge locks: `uv.lock` has `a` 1, and `requirements.txt` has 2"
        );
        let third = lock("poetry.lock", &[("a", "1", "", '2')]);
        let error = merge(vec![primary, third]).unwrap_err().to_string();
        assert!(
            error.contains("`uv.lock` has `a` 1 with 1 other files, and `poetry.lock`"),
            "{error}"
        );
    }

    /// A lock of one package `a`, whose table has these lines.
    fn one(file: &str, lines: &str) -> NamedLock {
        let text = format!(
            "lock-version = \"1.0\"\ncreated-by = \"test\"\n[[packages]]\nname = \"a\"\n{lines}\n"
        );
        let origin = LockOrigin {
            file: file.into(),
            folder: std::env::temp_dir(),
        };
        let lock = Pylock::parse(&text, &origin, &LockPolicy::default());
        NamedLock {
            file: file.into(),
            lock: lock.unwrap_or_else(|error| panic!("{error}\n{text}")),
        }
    }

    fn wheel(version: &str, digit: char) -> String {
        let digest = digit.to_string().repeat(64);
        format!(
            "version = \"{version}\"\nwheels = [{{ url = \"https://h/a-{version}-py3-none-any.whl\", hashes = {{ sha256 = \"{digest}\" }} }}]"
        )
    }

    fn archive(version: &str, digit: char) -> String {
        let digest = digit.to_string().repeat(64);
        format!(
            "version = \"{version}\"\narchive = {{ url = \"https://h/a-{version}.tar.gz\", hashes = {{ sha256 = \"{digest}\" }} }}"
        )
    }

    fn git(digit: char) -> String {
        let commit = digit.to_string().repeat(40);
        format!("vcs = {{ type = \"git\", url = \"https://h/a.git\", commit-id = \"{commit}\" }}")
    }

    fn folder(path: &str) -> String {
        format!("directory = {{ path = \"{path}\" }}")
    }

    fn marked(lines: &str, marker: &str) -> String {
        format!("marker = \"{marker}\"\n{lines}")
    }

    #[test]
    fn every_contradiction_names_what_both_files_say() {
        let python = "python_version < '3.12'";
        let linux = "sys_platform == 'linux'";
        let cases = [
            (wheel("1", '1'), wheel("2", '2'), "`a` 1, and", "has 2"),
            // The same bytes under two versions.
            (wheel("1", '1'), wheel("1.1", '1'), "`a` 1, and", "has 1.1"),
            (
                wheel("1", '1'),
                wheel("1", '2'),
                "`a` 1 with 1 other files",
                "has 1 with 1 other files",
            ),
            // They meet on Linux with an older Python.
            (
                marked(&wheel("1", '1'), python),
                marked(&wheel("2", '2'), linux),
                "`a` 1, and",
                "has 2",
            ),
            (
                wheel("1", '1'),
                archive("1", '2'),
                "`a` 1 with 1 other files",
                "has 1 from `https://h/a-1.tar.gz`",
            ),
            (
                archive("1", '1'),
                archive("1", '2'),
                "`a` 1 from `https://h/a-1.tar.gz`",
                "has 1 from `https://h/a-1.tar.gz`",
            ),
            (
                git('a'),
                git('b'),
                "from `https://h/a.git` at aaaa",
                "at bbbb",
            ),
            (
                git('a'),
                wheel("1", '1'),
                "at aaaa",
                "has 1 with 1 other files",
            ),
            (folder("one"), folder("two"), "one`", "two`"),
            (folder("one"), git('a'), "one`", "at aaaa"),
            (folder("one"), wheel("1", '1'), "one`", "has 1 with"),
        ];
        for (left, right, first, second) in cases {
            let locks = vec![one("uv.lock", &left), one("poetry.lock", &right)];
            let error = merge(locks).unwrap_err().to_string();
            for part in ["`uv.lock` has `a` ", "`poetry.lock` has ", first, second] {
                assert!(error.contains(part), "{part:?} in {error}");
            }
            // A third file is held against both.
            let other = lock("uv.lock", &[("b", "1", "", '3')]);
            let locks = vec![other, one("pylock.toml", &left), one("r.txt", &right)];
            let error = merge(locks).unwrap_err().to_string();
            assert!(error.contains("`pylock.toml` has `a` "), "{error}");
            assert!(error.contains("`r.txt` has "), "{error}");
        }
    }

    #[test]
    fn what_agrees_is_no_contradiction() {
        let windows = "sys_platform == 'win32'";
        let linux = "sys_platform == 'linux'";
        for (left, right) in [
            (wheel("1", '1'), wheel("1.0", '1')),
            (wheel("1", '1'), archive("1", '1')),
            (git('a'), git('a')),
            (folder("one"), folder("one")),
            (
                marked(&wheel("1", '1'), windows),
                marked(&wheel("2", '2'), linux),
            ),
            (marked(&folder("one"), windows), marked(&git('a'), linux)),
        ] {
            let locks = vec![one("uv.lock", &left), one("poetry.lock", &right)];
            assert!(merge(locks).is_ok(), "{left}\n{right}");
        }
    }
}
