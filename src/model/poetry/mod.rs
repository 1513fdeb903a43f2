//! `poetry.lock`, forms 2.0 and 2.1, as pins.
//!
//! Reading is pure. Form 2.1 says of each package which groups it belongs to and under which
//! marker; form 2.0 does not, so the dependencies are followed from what `pyproject.toml` asks for.
//! The main dependencies apply always, a group where it is asked for (Poetry installs every group
//! that is not optional), and an extra likewise. The project itself is editable.
//!
//! <https://python-poetry.org/docs/basic-usage/#installing-with-poetrylock>

mod constraint;
mod content_hash;
mod error;
mod project;
mod raw;
mod reach;
mod spelling;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use toml::Spanned;
use url::Url;
use uv_normalize::{ExtraName, GroupName, PackageName};
use uv_pep440::Version;
use uv_pep508::MarkerTree;

use self::project::Project;
use self::raw::{Markers, RawLock, RawPackage, RawSource};
use super::location::CleanUrl;
use super::pins::{Pin, PinSource, Pins, Wanted};
use super::selection::Sha256;

pub use error::{Fault, PoetryError};

/// The largest lock that is read, in bytes.
pub const MAX_BYTES: usize = super::pylock::MAX_BYTES;

/// The texts of a project that Poetry keeps.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    /// The lock's name, for messages.
    pub file: &'a str,
    /// The text of the lock.
    pub lock: &'a str,
    /// The text of `pyproject.toml`.
    pub pyproject: &'a str,
}

/// A lock, and whether it still fits its project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The packages.
    pub pins: Pins,
    /// Whether `pyproject.toml` asks for something else than when the lock was made.
    pub stale: bool,
}

/// Reads a lock.
///
/// # Errors
///
/// When the lock or `pyproject.toml` is not what Poetry writes, or a package has no hash.
pub fn read(texts: Texts<'_>, allow_missing_hashes: bool) -> Result<Read, PoetryError> {
    let fail = |line, package, problem| PoetryError {
        file: texts.file.to_owned(),
        line,
        package,
        problem,
    };
    if texts.lock.len() > MAX_BYTES {
        return Err(fail(None, None, Fault::TooLarge(texts.lock.len())));
    }
    let lock: RawLock = toml::from_str(texts.lock).map_err(|error| {
        let line = error.span().map(|span| line_at(texts.lock, span.start));
        fail(
            line,
            None,
            Fault::Toml(error.message().chars().take(300).collect()),
        )
    })?;
    let grouped = match lock.metadata.lock_version.split_once('.') {
        Some(("2", "0")) => false,
        Some(("2", _)) => true,
        _ => {
            let version = lock.metadata.lock_version.clone();
            return Err(fail(None, None, Fault::LockVersion(version)));
        }
    };
    let project = Project::parse(texts.pyproject).map_err(|problem| fail(None, None, problem))?;
    let mut reader = Reader {
        lock: &lock,
        texts,
        allow_missing_hashes,
        warnings: Vec::new(),
    };
    let markers = if grouped {
        reader.said_markers()?
    } else {
        reach::markers(&lock, &project).map_err(|problem| fail(None, None, problem))?
    };
    let mut pins = Vec::with_capacity(lock.package.len());
    for (package, marker) in lock.package.iter().zip(markers) {
        if !marker.is_false() {
            pins.push(reader.pin(package, marker)?);
        }
    }
    pins.extend(reader.project(&project));
    let groups = reader.groups(&project);
    Ok(Read {
        pins: Pins {
            indexes: Vec::new(),
            requires_python: constraint::single(&lock.metadata.python_versions),
            extras: lock
                .extras
                .keys()
                .filter_map(|name| ExtraName::from_str(name).ok())
                .collect(),
            default_groups: groups
                .difference(&project.optional_groups)
                .cloned()
                .collect(),
            groups,
            pins,
            warnings: reader.warnings,
        },
        stale: !content_hash::fits(texts.pyproject, &lock.metadata.content_hash),
    })
}

/// Returns the name that a project of Poetry's has.
pub fn project_name(pyproject: &str) -> Option<PackageName> {
    Project::parse(pyproject).ok()?.name
}

fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

struct Reader<'a> {
    lock: &'a RawLock,
    texts: Texts<'a>,
    allow_missing_hashes: bool,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn error(&self, package: &Spanned<RawPackage>, problem: Fault) -> PoetryError {
        PoetryError {
            file: self.texts.file.to_owned(),
            line: Some(line_at(self.texts.lock, package.span().start)),
            package: Some(package.get_ref().name.chars().take(120).collect()),
            problem,
        }
    }

    /// Returns the marker of each package, as form 2.1 says them.
    fn said_markers(&self) -> Result<Vec<MarkerTree>, PoetryError> {
        let marker = |package: &Spanned<RawPackage>| {
            said_marker(package.get_ref()).map_err(|problem| self.error(package, problem))
        };
        self.lock.package.iter().map(marker).collect()
    }

    fn groups(&self, project: &Project) -> BTreeSet<GroupName> {
        let said = self
            .lock
            .package
            .iter()
            .flat_map(|package| &package.get_ref().groups);
        said.filter(|name| *name != "main")
            .filter_map(|name| GroupName::from_str(name).ok())
            .chain(project.groups.keys().cloned())
            .collect()
    }

    fn pin(
        &mut self,
        package: &Spanned<RawPackage>,
        marker: MarkerTree,
    ) -> Result<Pin, PoetryError> {
        let fail = |problem| self.error(package, problem);
        let raw = package.get_ref();
        let name = PackageName::from_str(&raw.name).map_err(|_| fail(Fault::Name))?;
        let version = Version::from_str(&raw.version)
            .map_err(|_| fail(Fault::Version(raw.version.clone())))?;
        let files = files(raw).map_err(fail)?;
        let source = source(raw, &files).map_err(fail)?;
        let missing = match &source {
            PinSource::Index { .. } => files.is_empty(),
            PinSource::Url { sha256, .. } | PinSource::File { sha256, .. } => sha256.is_none(),
            PinSource::Git { .. } | PinSource::Directory { .. } => false,
        };
        let line = line_at(self.texts.lock, package.span().start);
        let place = format!("`{}`, line {line}", self.texts.file);
        if missing {
            if !self.allow_missing_hashes {
                return Err(fail(Fault::NoHash));
            }
            self.warnings.push(format!("{place}: `{name}` has no hash"));
        }
        // A folder or commit may say another version when it is built.
        let direct = matches!(source, PinSource::Git { .. } | PinSource::Directory { .. });
        Ok(Pin {
            name,
            version: (!direct).then_some(version),
            marker,
            requires_python: constraint::single(&raw.python_versions),
            place,
            source,
        })
    }

    /// Returns the project itself, which Poetry installs unless it is told not to.
    fn project(&mut self, project: &Project) -> Option<Pin> {
        let name = project.name.clone().filter(|_| project.is_package)?;
        if !project.has_build_system {
            self.warnings.push(format!(
                "`{name}` itself is not installed: `pyproject.toml` has no `build-system`"
            ));
            return None;
        }
        Some(Pin {
            name,
            version: None,
            marker: MarkerTree::TRUE,
            requires_python: None,
            place: "`pyproject.toml`".to_owned(),
            source: PinSource::Directory {
                path: ".".to_owned(),
                editable: true,
            },
        })
    }
}

fn said_marker(package: &RawPackage) -> Result<MarkerTree, Fault> {
    let mut marker = MarkerTree::FALSE;
    for group in &package.groups {
        let said = match &package.markers {
            None => MarkerTree::TRUE,
            Some(Markers::All(text)) => spelling::marker(text)?,
            Some(Markers::ByGroup(markers)) => match markers.get(group) {
                Some(text) => spelling::marker(text)?,
                None => MarkerTree::TRUE,
            },
        };
        marker = marker.or(said.and(spelling::group(group)?));
    }
    Ok(marker)
}

fn files(package: &RawPackage) -> Result<BTreeMap<String, Sha256>, Fault> {
    let mut files = BTreeMap::new();
    for file in &package.files {
        let digest = file.hash.strip_prefix("sha256:").and_then(Sha256::from_hex);
        // A strong hash is needed of the file that is installed, not of each one.
        let Some(digest) = digest else { continue };
        files.insert(file.file.clone(), digest);
    }
    if files.is_empty() && !package.files.is_empty() {
        return Err(Fault::WeakHash);
    }
    Ok(files)
}

fn source(package: &RawPackage, files: &BTreeMap<String, Sha256>) -> Result<PinSource, Fault> {
    let wanted = if files.is_empty() {
        Wanted::Any
    } else {
        Wanted::Names(files.clone())
    };
    let index = |index| PinSource::Index {
        index,
        files: wanted.clone(),
        wheels: true,
        sdist: true,
    };
    let Some(source) = &package.source else {
        return Ok(index(None));
    };
    let only = (files.len() == 1)
        .then(|| files.values().next().copied())
        .flatten();
    let address = |url: &str| {
        Url::parse(url)
            .map(CleanUrl::new)
            .map_err(|_| Fault::Address(shown(url)))
    };
    match source.kind.as_str() {
        "legacy" => {
            let url = source.url.trim_end_matches('/');
            Ok(index(Some(address(url)?)))
        }
        "url" => Ok(PinSource::Url {
            url: address(&source.url)?,
            sha256: only,
            subdirectory: source.subdirectory.clone(),
        }),
        "file" => Ok(PinSource::File {
            path: source.url.clone(),
            sha256: only,
        }),
        "directory" => Ok(PinSource::Directory {
            path: match &source.subdirectory {
                Some(inner) => format!("{}/{inner}", source.url),
                None => source.url.clone(),
            },
            editable: package.develop,
        }),
        "git" => git(source),
        kind => Err(Fault::Source(kind.to_owned())),
    }
}

fn git(source: &RawSource) -> Result<PinSource, Fault> {
    let commit = source
        .resolved_reference
        .clone()
        .filter(|id| matches!(id.len(), 40 | 64) && id.bytes().all(|b| b.is_ascii_hexdigit()))
        .ok_or(Fault::Commit)?;
    // The short form of ssh: `git@host:path`.
    let short = source
        .url
        .split_once(':')
        .filter(|(host, path)| host.contains('@') && !host.contains('/') && !path.starts_with('/'));
    let url = match short {
        Some((host, path)) => format!("ssh://{host}/{path}"),
        None => source.url.clone(),
    };
    let url = Url::parse(&url).map_err(|_| Fault::Address(shown(&url)))?;
    Ok(PinSource::Git {
        url: CleanUrl::new(url),
        requested: source.reference.clone().filter(|name| *name != commit),
        commit: commit.to_ascii_lowercase(),
        subdirectory: source.subdirectory.clone(),
    })
}

/// Returns an address that cannot be read without what may be its login.
fn shown(url: &str) -> String {
    url.rsplit('@')
        .next()
        .unwrap_or(url)
        .chars()
        .take(200)
        .collect()
}
