//! Which pages of which indexes a lock needs, and which of their files it means.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use uv_distribution_filename::{SourceDistExtension, SourceDistFilename, WheelFilename};
use uv_normalize::PackageName;
use uv_pep440::Version;

use super::{Pin, PinSource, Pins, Wanted};
use crate::model::location::CleanUrl;
use crate::model::selection::Sha256;

/// A page of an index: the index and a package.
pub type Question = (CleanUrl, PackageName);

/// The answers, by page; a package that an index does not have is an empty list.
pub type Offers = BTreeMap<Question, Vec<Offer>>;

/// A file that an index offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub filename: String,
    /// Its address.
    pub url: CleanUrl,
    /// Its digest, where the index gives one.
    pub sha256: Option<Sha256>,
    /// Its size in bytes, where the index gives it.
    pub size: Option<u64>,
    /// Whether its publisher took it back.
    pub yanked: bool,
}

/// Files of a lock cannot be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    /// No index has a file with a digest of the lock.
    #[error(
        "{place}: no index has a file of `{package}` with a digest that the lock gives; asked: {asked}; \
         files of that version there: {offered}"
    )]
    Nothing {
        /// Where the lock says so.
        place: String,
        /// Name and version.
        package: String,
        /// The indexes.
        asked: String,
        /// How many files of the version the indexes offer.
        offered: usize,
    },
}

/// Returns the indexes that are asked for a package.
fn indexes_of<'a>(pins: &'a Pins, index: Option<&'a CleanUrl>) -> Vec<CleanUrl> {
    match index {
        Some(index) => vec![index.clone()],
        None if pins.indexes.is_empty() => vec![super::public_index()],
        None => pins.indexes.clone(),
    }
}

/// Returns the pages that are needed to find every file.
pub fn questions(pins: &Pins) -> BTreeSet<Question> {
    let mut questions = BTreeSet::new();
    for pin in &pins.pins {
        if let PinSource::Index { index, .. } = &pin.source {
            let asked = indexes_of(pins, index.as_ref());
            questions.extend(asked.into_iter().map(|index| (index, pin.name.clone())));
        }
    }
    questions
}

/// The files of one pin.
pub(super) struct Found<'a> {
    pub index: CleanUrl,
    pub sdist: Option<&'a Offer>,
    pub wheels: Vec<&'a Offer>,
}

/// Finds the files of one pin in the first index that has any of them.
pub(super) fn find<'a>(
    pins: &Pins,
    pin: &Pin,
    offers: &'a Offers,
) -> Result<Option<Found<'a>>, LocateError> {
    let (
        PinSource::Index {
            index,
            files,
            wheels,
            sdist,
        },
        Some(version),
    ) = (&pin.source, &pin.version)
    else {
        return Ok(None);
    };
    let asked = indexes_of(pins, index.as_ref());
    let mut offered = 0;
    for index in &asked {
        let page = offers.get(&(index.clone(), pin.name.clone()));
        let mut found = Found {
            index: index.clone(),
            sdist: None,
            wheels: Vec::new(),
        };
        for offer in page.into_iter().flatten() {
            let Some(kind) = kind(&offer.filename, &pin.name, version) else {
                continue;
            };
            offered += 1;
            if !files.admits(&offer.filename, offer.sha256) {
                continue;
            }
            match kind {
                Kind::Wheel if *wheels => found.wheels.push(offer),
                Kind::Sdist if *sdist => found.sdist = Some(better(found.sdist, offer)),
                Kind::Wheel | Kind::Sdist => {}
            }
        }
        if found.sdist.is_some() || !found.wheels.is_empty() {
            found
                .wheels
                .sort_by(|left, right| left.filename.cmp(&right.filename));
            found
                .wheels
                .dedup_by(|left, right| left.filename == right.filename);
            return Ok(Some(found));
        }
    }
    let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
    Err(LocateError::Nothing {
        place: pin.place.clone(),
        package: format!("{} {version}", pin.name),
        asked: asked.join(", "),
        offered: if *files == Wanted::Any { 0 } else { offered },
    })
}

#[derive(Clone, Copy)]
enum Kind {
    Wheel,
    Sdist,
}

fn kind(filename: &str, name: &PackageName, version: &Version) -> Option<Kind> {
    // A lock may leave out the local part: `2.1.0` for a wheel `2.1.0+cpu`, as PEP 440 lets `==` do.
    let fits = |found: &Version| found == version || found.clone().without_local() == *version;
    if filename.ends_with(".whl") {
        let wheel = WheelFilename::from_str(filename).ok()?;
        return (wheel.name == *name && fits(&wheel.version)).then_some(Kind::Wheel);
    }
    let extension = SourceDistExtension::from_path(filename).ok()?;
    let sdist = SourceDistFilename::parse(filename, extension, name).ok()?;
    (sdist.name == *name && fits(&sdist.version)).then_some(Kind::Sdist)
}

/// A version should have one source archive; where there are more, `.tar.gz` goes first (PEP 625).
fn better<'a>(known: Option<&'a Offer>, other: &'a Offer) -> &'a Offer {
    let rank = |offer: &Offer| (!offer.filename.ends_with(".tar.gz"), offer.filename.clone());
    match known {
        Some(known) if rank(known) <= rank(other) => known,
        _ => other,
    }
}

/// Returns the normalised name of the package that a wheel or a source archive belongs to.
pub fn package_of(filename: &str) -> Option<PackageName> {
    let name = if filename.ends_with(".whl") {
        filename.split_once('-')?.0
    } else {
        let stem = filename
            .strip_suffix(".tar.gz")
            .or_else(|| filename.strip_suffix(".zip"))
            .or_else(|| filename.strip_suffix(".tar.bz2"))?;
        stem.rsplit_once('-')?.0
    };
    PackageName::from_str(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_package_of_a_file() {
        let name = |file| package_of(file).map(|name| name.to_string());
        assert_eq!(name("Foo_Bar-1.0-py3-none-any.whl").unwrap(), "foo-bar");
        assert_eq!(name("zope.interface-5.0.tar.gz").unwrap(), "zope-interface");
        assert_eq!(
            name("backports-tarfile-1.2.tar.gz").unwrap(),
            "backports-tarfile"
        );
        assert_eq!(name("README"), None);
        assert_eq!(name("../x-1.tar.gz"), None);
    }
}
