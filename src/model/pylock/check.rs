//! The checks of single values: names, versions, hashes, markers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr;

use uv_distribution_filename::{SourceDistExtension, SourceDistFilename, WheelFilename};
use uv_normalize::PackageName;
use uv_pep440::{Version, VersionSpecifiers};
use uv_pep508::MarkerTree;

use super::{LockPolicy, Problem};
use crate::model::selection::{Algorithm, FurtherDigest, Sha256};

pub(super) struct Expected<'a> {
    pub name: &'a PackageName,
    pub version: Option<&'a Version>,
}

impl Expected<'_> {
    pub fn wheel(&self, filename: &str) -> Result<WheelFilename, Problem> {
        let wheel = WheelFilename::from_str(filename)
            .map_err(|_| Problem::WheelName(filename.to_owned()))?;
        self.check(&wheel.name, &wheel.version, filename)?;
        Ok(wheel)
    }

    pub fn sdist(&self, filename: &str) -> Result<(), Problem> {
        let extension = sdist_extension(filename)?;
        let sdist = SourceDistFilename::parse(filename, extension, self.name)
            .map_err(|_| self.mismatch(filename))?;
        self.check(&sdist.name, &sdist.version, filename)
    }

    /// A lock may leave out the local part: `2.1.0` for a wheel `2.1.0+cpu`.
    fn check(&self, name: &PackageName, version: &Version, filename: &str) -> Result<(), Problem> {
        let same_version = self.version.is_none_or(|expected| {
            expected == version || *expected == version.clone().without_local()
        });
        if name == self.name && same_version {
            Ok(())
        } else {
            Err(self.mismatch(filename))
        }
    }

    fn mismatch(&self, filename: &str) -> Problem {
        let version = self
            .version
            .map_or_else(String::new, |version| format!(" {version}"));
        Problem::NameMismatch {
            filename: filename.to_owned(),
            expected: format!("{}{version}", self.name),
        }
    }
}

pub(super) fn sdist_extension(filename: &str) -> Result<SourceDistExtension, Problem> {
    SourceDistExtension::from_path(filename).map_err(|_| Problem::SdistName(filename.to_owned()))
}

pub(super) fn last_segment(url: &url::Url) -> Option<String> {
    let segment = url.path().rsplit('/').next().unwrap_or_default();
    percent_decoded(segment)
}

/// Decodes `%2B` and the like; `None` for what is not UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = tail.get(..2).filter(|_| *first == b'%');
        let value = escape
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(value.unwrap_or(*first));
        rest = &tail[if value.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8(bytes).ok()
}

pub(super) fn sha256(
    hashes: &BTreeMap<String, String>,
    fragment: Option<&str>,
    policy: &LockPolicy,
) -> Result<Option<Sha256>, Problem> {
    let read =
        |text: &str| Sha256::from_hex(text).ok_or_else(|| Problem::HashFormat(text.to_owned()));
    let given = hashes.get("sha256").map(|text| read(text)).transpose()?;
    let in_url = fragment.and_then(|text| text.strip_prefix("sha256="));
    let in_url = in_url.map(read).transpose()?;
    match (given, in_url) {
        (Some(one), Some(other)) if one != other => {
            Err(Problem::HashesDisagree(one.to_string(), other.to_string()))
        }
        (Some(digest), _) | (None, Some(digest)) => Ok(Some(digest)),
        (None, None) if policy.allow_missing_hashes => Ok(None),
        (None, None) if hashes.is_empty() => Err(Problem::NoHash),
        (None, None) => {
            let names: Vec<&str> = hashes.keys().map(String::as_str).collect();
            Err(Problem::WeakHash(names.join(", ")))
        }
    }
}

/// Returns the digests that are checked beside SHA-256.
pub(super) fn further(hashes: &BTreeMap<String, String>) -> Result<Vec<FurtherDigest>, Problem> {
    let mut found = Vec::new();
    for (algorithm, name, digits) in Algorithm::ALL {
        let Some(text) = hashes.get(name) else {
            continue;
        };
        let hex = text.to_ascii_lowercase();
        if hex.len() != digits || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Problem::HashFormat(text.chars().take(140).collect()));
        }
        found.push(FurtherDigest { algorithm, hex });
    }
    Ok(found)
}

/// Reads a name that must already be written in its normal form.
pub(super) fn normalised<T: FromStr + AsRef<str>>(text: &str) -> Result<T, Problem> {
    T::from_str(text)
        .ok()
        .filter(|name| name.as_ref() == text)
        .ok_or_else(|| Problem::Name(text.chars().take(120).collect()))
}

pub(super) fn names<T: FromStr + AsRef<str> + Ord>(
    texts: &[String],
) -> Result<BTreeSet<T>, Problem> {
    texts.iter().map(|text| normalised(text)).collect()
}

/// What a marker may have at most. The parser recurses into parentheses, and makes a decision
/// diagram of the comparisons, which doubles with each pair of extras in the worst case. Locks that
/// uv writes for several accelerators and systems have about twenty comparisons.
const MAX_MARKER_BYTES: usize = 16 * 1024;
const MAX_MARKER_DEPTH: usize = 64;
const MAX_COMPARISONS: usize = 64;
const MAX_MEMBERSHIPS: usize = 24;

/// Reads a marker; `None` when it is none, or costs too much to read.
pub fn bounded_marker(text: &str) -> Option<MarkerTree> {
    is_bounded(text)
        .then(|| MarkerTree::from_str(text).ok())
        .flatten()
}

pub(super) fn marker(text: &str) -> Result<MarkerTree, Problem> {
    bounded_marker(text).ok_or_else(|| Problem::Marker(text.chars().take(300).collect()))
}

fn is_bounded(text: &str) -> bool {
    let deepest = text.bytes().scan(0_usize, |depth, byte| {
        match byte {
            b'(' => *depth += 1,
            b')' => *depth = depth.saturating_sub(1),
            _ => {}
        }
        Some(*depth)
    });
    let quotes = text
        .bytes()
        .filter(|byte| matches!(byte, b'\'' | b'"'))
        .count();
    let memberships = text.matches("extra").count() + text.matches("dependency_groups").count();
    text.len() <= MAX_MARKER_BYTES
        && deepest.max().unwrap_or(0) <= MAX_MARKER_DEPTH
        && quotes / 2 <= MAX_COMPARISONS
        && memberships <= MAX_MEMBERSHIPS
}

pub(super) fn specifiers(text: Option<String>) -> Result<Option<VersionSpecifiers>, Problem> {
    text.map(|text| {
        VersionSpecifiers::from_str(&text)
            .map_err(|_| Problem::Specifiers(text.chars().take(300).collect()))
    })
    .transpose()
}

/// Checks a folder inside an archive: plain steps, relative; `.` and empty mean none.
pub(super) fn subdirectory(text: Option<String>) -> Result<Option<String>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty() && text != ".") else {
        return Ok(None);
    };
    let plain = |step: &str| {
        !step.is_empty() && step != "." && step != ".." && !step.contains(['\\', ':', '\0'])
    };
    if text.trim_end_matches('/').split('/').all(plain) {
        Ok(Some(text.trim_end_matches('/').to_owned()))
    } else {
        Err(Problem::Subdirectory(text))
    }
}

pub(super) fn file_address(folder: PathBuf) -> Result<url::Url, Problem> {
    url::Url::from_file_path(&folder).map_err(|()| Problem::Url(folder.display().to_string()))
}
