//! Requirements and constraints, held together into pins.

use uv_pep440::Version;

use super::Gathered;
use super::asked::{Asked, What};
use super::error::{Fault, RequirementsError};
use crate::model::pins::{Pin, PinSource, Pins, Wanted, combine};

pub(super) fn settle(
    gathered: Gathered,
    allow_missing_hashes: bool,
) -> Result<Pins, RequirementsError> {
    let mut warnings = gathered.warnings.clone();
    let mut pins = Vec::with_capacity(gathered.asked.len());
    for asked in &gathered.asked {
        let pin = pin(asked, &gathered, allow_missing_hashes, &mut warnings);
        pins.push(pin.map_err(|problem| RequirementsError {
            file: asked.file.clone(),
            line: Some(asked.line),
            problem,
        })?);
    }
    let pins = combine(pins).map_err(|disagreement| RequirementsError {
        file: gathered
            .asked
            .first()
            .map_or_else(String::new, |asked| asked.file.clone()),
        line: None,
        problem: disagreement.into(),
    })?;
    Ok(Pins {
        indexes: gathered.indexes(),
        pins,
        warnings,
        ..Pins::default()
    })
}

fn pin(
    asked: &Asked,
    gathered: &Gathered,
    allow_missing_hashes: bool,
    warnings: &mut Vec<String>,
) -> Result<Pin, Fault> {
    let constraints: Vec<&Asked> = gathered
        .constraints
        .iter()
        .filter(|other| other.name == asked.name && !other.marker.is_disjoint(asked.marker))
        .collect();
    let mut digests = asked.digests.clone();
    if digests.is_empty() {
        digests.extend(constraints.iter().flat_map(|other| &other.digests));
    }
    let (version, source) = match &asked.what {
        What::Versions(_) => {
            let version = version(asked, &constraints)?;
            let (wheels, sdist) = gathered.formats.allowed(&asked.name);
            let files = if digests.is_empty() {
                Wanted::Any
            } else {
                Wanted::Digests(digests.clone())
            };
            let source = PinSource::Index {
                index: None,
                files,
                wheels,
                sdist,
            };
            (Some(version), source)
        }
        What::Direct(source) => (None, with_digest(asked, source)?),
    };
    let missing = match &source {
        PinSource::Index { .. } => digests.is_empty(),
        PinSource::Url { sha256, .. } | PinSource::File { sha256, .. } => sha256.is_none(),
        PinSource::Git { .. } | PinSource::Directory { .. } => false,
    };
    if missing {
        let title = asked.name.to_string();
        match allow_missing_hashes {
            true => warnings.push(format!("{}: `{title}` has no hash", asked.place())),
            false if asked.weak.is_empty() => return Err(Fault::NoHash(title)),
            false => {
                let weak: Vec<&str> = asked.weak.iter().map(String::as_str).collect();
                return Err(Fault::WeakHash(title, weak.join(", ")));
            }
        }
    }
    Ok(Pin {
        name: asked.name.clone(),
        version,
        marker: asked.marker,
        requires_python: None,
        place: asked.place(),
        source,
    })
}

fn version(asked: &Asked, constraints: &[&Asked]) -> Result<Version, Fault> {
    let pinned = asked
        .pinned()
        .or_else(|| constraints.iter().find_map(|other| other.pinned()));
    let version = pinned.ok_or_else(|| Fault::Unpinned(asked.name.to_string()))?;
    for other in constraints.iter().copied().chain([asked]) {
        if let What::Versions(specifiers) = &other.what
            && !specifiers.contains(&version)
        {
            return Err(Fault::Constraint {
                package: asked.name.to_string(),
                version: version.to_string(),
                place: other.place(),
                constraint: specifiers.to_string(),
            });
        }
    }
    Ok(version)
}

/// Gives a file the digest of its options, which has to be that of its address.
fn with_digest(asked: &Asked, source: &PinSource) -> Result<PinSource, Fault> {
    let mut source = source.clone();
    if let PinSource::Url { sha256, .. } | PinSource::File { sha256, .. } = &mut source {
        match (*sha256, asked.digests.first()) {
            (Some(digest), Some(_)) if !asked.digests.contains(&digest) => {
                return Err(Fault::HashesDisagree(asked.name.to_string()));
            }
            (None, Some(first)) if asked.digests.len() == 1 => *sha256 = Some(*first),
            // One file has one digest; of several it is not known which one is meant.
            (None, Some(_)) => return Err(Fault::HashesDisagree(asked.name.to_string())),
            _ => {}
        }
    }
    Ok(source)
}
