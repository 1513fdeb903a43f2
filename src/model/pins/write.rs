//! Pins and what indexes answered, as the text of a PEP 751 lock.

use toml::{Table, Value};

use super::locate::{self, LocateError, Offer, Offers};
use super::{Pin, PinSource, Pins};
use crate::model::selection::Sha256;

/// A lock as PEP 751.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The text of a `pylock.toml`.
    pub text: String,
    /// What a user should know of the files that were found.
    pub warnings: Vec<String>,
}

/// Writes pins as the text of a `pylock.toml`: the same pins and offers give the same text.
///
/// # Errors
///
/// When no index has a file that the lock means.
pub fn pylock_text(pins: &Pins, offers: &Offers) -> Result<Written, LocateError> {
    let mut warnings = Vec::new();
    let mut packages = Vec::with_capacity(pins.pins.len());
    let mut sorted: Vec<&Pin> = pins.pins.iter().collect();
    sorted.sort_by_key(|pin| (pin.name.clone(), pin.version.clone(), marker(pin)));
    for pin in sorted {
        // A marker that is never true has no text; the package is never installed.
        if pin.marker.is_false() {
            continue;
        }
        packages.push(Value::Table(package(pins, pin, offers, &mut warnings)?));
    }
    let mut lock = Table::new();
    let names = |names: Vec<String>| Value::Array(names.into_iter().map(Value::String).collect());
    lock.insert("lock-version".into(), "1.0".into());
    lock.insert("created-by".into(), "dhtl".into());
    if let Some(requires) = &pins.requires_python {
        lock.insert("requires-python".into(), requires.to_string().into());
    }
    lock.insert("extras".into(), names(texts(&pins.extras)));
    lock.insert("dependency-groups".into(), names(texts(&pins.groups)));
    lock.insert("default-groups".into(), names(texts(&pins.default_groups)));
    lock.insert("packages".into(), Value::Array(packages));
    Ok(Written {
        text: lock.to_string(),
        warnings,
    })
}

fn texts<'a, T: ToString + 'a>(names: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    names.into_iter().map(ToString::to_string).collect()
}

fn marker(pin: &Pin) -> Option<String> {
    pin.marker.try_to_string()
}

fn package(
    pins: &Pins,
    pin: &Pin,
    offers: &Offers,
    warnings: &mut Vec<String>,
) -> Result<Table, LocateError> {
    let mut table = Table::new();
    table.insert("name".into(), pin.name.to_string().into());
    if let Some(version) = &pin.version {
        table.insert("version".into(), version.to_string().into());
    }
    if let Some(marker) = marker(pin) {
        table.insert("marker".into(), marker.into());
    }
    if let Some(requires) = &pin.requires_python {
        table.insert("requires-python".into(), requires.to_string().into());
    }
    if let Some(found) = locate::find(pins, pin, offers)? {
        table.insert("index".into(), found.index.as_url().as_str().into());
        let files = || found.wheels.iter().copied().chain(found.sdist);
        if files().all(|offer| offer.yanked) {
            warnings.push(format!(
                "{}: the publisher of {} took this version back",
                pin.place, pin.name
            ));
        }
        if let Some(sdist) = found.sdist {
            table.insert("sdist".into(), Value::Table(offered(sdist)));
        }
        let wheels = found
            .wheels
            .iter()
            .map(|wheel| Value::Table(offered(wheel)));
        table.insert("wheels".into(), Value::Array(wheels.collect()));
        return Ok(table);
    }
    let (key, value) = direct(&pin.source);
    table.insert(key.into(), Value::Table(value));
    Ok(table)
}

fn offered(offer: &Offer) -> Table {
    let mut table = Table::new();
    table.insert("name".into(), offer.filename.clone().into());
    table.insert("url".into(), offer.url.as_url().as_str().into());
    if let Some(size) = offer.size.and_then(|size| i64::try_from(size).ok()) {
        table.insert("size".into(), size.into());
    }
    table.insert("hashes".into(), hashes(offer.sha256));
    table
}

fn hashes(sha256: Option<Sha256>) -> Value {
    let mut table = Table::new();
    if let Some(sha256) = sha256 {
        table.insert("sha256".into(), sha256.to_string().into());
    }
    Value::Table(table)
}

fn direct(source: &PinSource) -> (&'static str, Table) {
    let mut table = Table::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            table.insert(key.into(), value);
        }
    };
    let text = |text: &Option<String>| text.clone().map(Value::String);
    let key = match source {
        PinSource::Index { .. } => "wheels",
        PinSource::Url {
            url,
            sha256,
            subdirectory,
        } => {
            put("url", Some(url.as_url().as_str().into()));
            put("hashes", Some(hashes(*sha256)));
            put("subdirectory", text(subdirectory));
            "archive"
        }
        PinSource::File { path, sha256 } => {
            put("path", Some(path.clone().into()));
            put("hashes", Some(hashes(*sha256)));
            "archive"
        }
        PinSource::Git {
            url,
            commit,
            requested,
            subdirectory,
        } => {
            put("type", Some("git".into()));
            put("url", Some(url.as_url().as_str().into()));
            put("commit-id", Some(commit.clone().into()));
            put("requested-revision", text(requested));
            put("subdirectory", text(subdirectory));
            "vcs"
        }
        PinSource::Directory { path, editable } => {
            put("path", Some(path.clone().into()));
            put("editable", Some((*editable).into()));
            "directory"
        }
    };
    (key, table)
}
