//! Several pins of one package: the same one said twice, or one for each environment.

use super::{Pin, PinSource, Wanted};

/// Two places of a lock ask for different things in one environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{first} asks for `{package}` {left}, and {second} for {right}, where both apply")]
pub struct Disagreement {
    /// Its name.
    pub package: String,
    /// The first place.
    pub first: String,
    /// What it asks for.
    pub left: String,
    /// The second place.
    pub second: String,
    /// What it asks for.
    pub right: String,
}

/// Joins pins that say the same, and checks that no two others apply at once.
///
/// # Errors
///
/// When two pins of one package apply in one environment and differ.
pub fn combine(pins: Vec<Pin>) -> Result<Vec<Pin>, Box<Disagreement>> {
    let mut combined: Vec<Pin> = Vec::with_capacity(pins.len());
    for pin in pins {
        let same = combined
            .iter_mut()
            .filter(|known| known.name == pin.name)
            .find_map(|known| joined(known, &pin).map(|source| (known, source)));
        if let Some((known, source)) = same {
            known.marker = known.marker.or(pin.marker);
            known.source = source;
            continue;
        }
        let rival = combined
            .iter()
            .find(|known| known.name == pin.name && !known.marker.is_disjoint(pin.marker));
        if let Some(known) = rival {
            return Err(Box::new(Disagreement {
                package: pin.name.to_string(),
                first: known.place.clone(),
                left: told(known),
                second: pin.place.clone(),
                right: told(&pin),
            }));
        }
        combined.push(pin);
    }
    Ok(combined)
}

/// Returns the source of two pins that mean the same.
fn joined(known: &Pin, other: &Pin) -> Option<PinSource> {
    if known.version != other.version || known.requires_python != other.requires_python {
        return None;
    }
    if known.source == other.source {
        return Some(known.source.clone());
    }
    let (
        PinSource::Index {
            index,
            files,
            wheels,
            sdist,
        },
        PinSource::Index {
            index: other_index,
            files: other_files,
            wheels: other_wheels,
            sdist: other_sdist,
        },
    ) = (&known.source, &other.source)
    else {
        return None;
    };
    let files = match (files, other_files) {
        (Wanted::Any, files) | (files, Wanted::Any) => files.clone(),
        // As pip does: a file has to be allowed wherever the package is named.
        (left, right) => {
            let common: std::collections::BTreeSet<_> = left
                .digests()
                .intersection(&right.digests())
                .copied()
                .collect();
            if common.is_empty() {
                return None;
            }
            Wanted::Digests(common)
        }
    };
    Some(PinSource::Index {
        index: index.clone().or_else(|| other_index.clone()),
        files,
        wheels: *wheels && *other_wheels,
        sdist: *sdist && *other_sdist,
    })
}

/// Says what a pin asks for.
fn told(pin: &Pin) -> String {
    let version = || {
        pin.version
            .as_ref()
            .map_or_else(String::new, |version| format!("{version} "))
    };
    match &pin.source {
        PinSource::Index { files, .. } => {
            format!("{}with {} digests", version(), files.digests().len())
        }
        PinSource::Url { url, .. } => format!("from `{url}`"),
        PinSource::File { path, .. } | PinSource::Directory { path, .. } => {
            format!("from `{path}`")
        }
        PinSource::Git { url, commit, .. } => format!("from `{url}` at {commit}"),
    }
}
