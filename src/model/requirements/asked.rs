//! One requirement, taken apart.

use std::collections::BTreeSet;
use std::str::FromStr;

use url::Url;
use uv_normalize::PackageName;
use uv_pep440::{Operator, Version, VersionSpecifiers};
use uv_pep508::{MarkerTree, Requirement, VersionOrUrl};

use super::error::Fault;
use super::{Place, Sources, direct};
use crate::model::pins::PinSource;
use crate::model::pylock::bounded_marker;
use crate::model::selection::Sha256;

/// A requirement or a constraint.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub name: PackageName,
    pub what: What,
    pub marker: MarkerTree,
    /// The SHA-256 of its options.
    pub digests: BTreeSet<Sha256>,
    /// Other algorithms that its options name.
    pub weak: BTreeSet<String>,
    pub file: String,
    pub line: usize,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// Versions of an index.
    Versions(VersionSpecifiers),
    /// One file, commit or folder.
    Direct(PinSource),
}

impl Asked {
    /// Returns the one version that `==` allows.
    pub fn pinned(&self) -> Option<Version> {
        let What::Versions(specifiers) = &self.what else {
            return None;
        };
        let mut exact = specifiers.iter().filter(|specifier| {
            matches!(specifier.operator(), Operator::Equal | Operator::ExactEqual)
        });
        exact.next().map(|specifier| specifier.version().clone())
    }

    pub fn place(&self) -> String {
        let Self { file, line, .. } = self;
        Place { file, line: *line }.to_string()
    }
}

/// Reads a requirement.
pub(super) fn read(
    text: &str,
    editable: bool,
    hashes: &[String],
    place: Place<'_>,
    sources: &mut dyn Sources,
) -> Result<Asked, Fault> {
    let (digests, weak) = digests(hashes)?;
    let (body, marker) = split_marker(text)?;
    let (name, what) = if editable || direct::is_unnamed(body) {
        let (name, source) = direct::read(body, editable)?;
        let name = match (name, &source) {
            (Some(name), _) => Some(name),
            (None, PinSource::Directory { path, .. }) => sources.project_name(path),
            (None, _) => None,
        };
        let name = name.ok_or_else(|| Fault::NoName(body.to_owned()))?;
        (name, What::Direct(source))
    } else {
        named(body)?
    };
    Ok(Asked {
        name,
        what,
        marker,
        digests,
        weak,
        file: place.file.to_owned(),
        line: place.line,
    })
}

fn named(body: &str) -> Result<(PackageName, What), Fault> {
    // An address may be relative (`a @ file:./dist/a.whl`), which the standard does not know.
    if let Some((name, address)) = body.split_once('@') {
        let name = name.split('[').next().unwrap_or_default().trim();
        let name = PackageName::from_str(name)
            .map_err(|error| Fault::Requirement(body.to_owned(), error.to_string()))?;
        let (_, source) = direct::read(address.trim(), false)?;
        return Ok((name, What::Direct(source)));
    }
    let requirement = Requirement::<Url>::from_str(body)
        .map_err(|error| Fault::Requirement(body.to_owned(), error.message.to_string()))?;
    let specifiers = match requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers,
        None | Some(VersionOrUrl::Url(_)) => VersionSpecifiers::empty(),
    };
    Ok((requirement.name, What::Versions(specifiers)))
}

/// Splits at the `;` of a marker: behind an address only one with white space before it counts.
fn split_marker(text: &str) -> Result<(&str, MarkerTree), Fault> {
    let is_address = text.contains("://") || text.contains('@') || direct::is_unnamed(text);
    let found = if is_address {
        text.split_once(" ;")
    } else {
        text.split_once(';')
    };
    let Some((body, marker)) = found else {
        return Ok((text, MarkerTree::TRUE));
    };
    let tree = bounded_marker(marker.trim())
        .ok_or_else(|| Fault::Requirement(text.to_owned(), "its marker is wrong".to_owned()))?;
    Ok((body.trim(), tree))
}

type Digests = (BTreeSet<Sha256>, BTreeSet<String>);

fn digests(hashes: &[String]) -> Result<Digests, Fault> {
    let mut digests = BTreeSet::new();
    let mut weak = BTreeSet::new();
    for hash in hashes {
        let wrong = || Fault::Hash(hash.chars().take(200).collect());
        let (algorithm, digest) = hash.split_once(':').ok_or_else(wrong)?;
        if algorithm == "sha256" {
            digests.insert(Sha256::from_hex(digest).ok_or_else(wrong)?);
        } else if matches!(algorithm, "sha384" | "sha512" | "sha224" | "sha1" | "md5") {
            weak.insert(algorithm.to_owned());
        } else {
            return Err(wrong());
        }
    }
    Ok((digests, weak))
}
