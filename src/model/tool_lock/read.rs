//! From text to values.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Deserialize;
use url::Url;
use uv_normalize::PackageName;
use uv_pep440::Version;

use super::{FORMAT, LockedTool, PinnedFile, Pins, PythonPins, ToolLock, ToolLockError, UvPins};
use crate::model::location::CleanUrl;
use crate::model::platform::Platform;
use crate::model::python::{Implementation, PythonRequest, PythonVersion};
use crate::model::selection::Sha256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLock {
    #[expect(dead_code, reason = "looked at before everything else")]
    format: String,
    python: Option<RawPython>,
    uv: Option<RawUv>,
    #[serde(default)]
    tools: BTreeMap<PackageName, RawTool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPython {
    implementation: String,
    version: String,
    builds: BTreeMap<String, RawFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUv {
    version: String,
    wheels: BTreeMap<String, RawFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    url: String,
    sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTool {
    version: Version,
    #[serde(default)]
    alone: bool,
    lock: toml::Table,
}

/// Says where a text is no TOML.
pub(super) fn malformed(text: &str, error: &toml::de::Error) -> ToolLockError {
    let line = error.span().map(|span| {
        let before = &text.as_bytes()[..span.start.min(text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    });
    ToolLockError::Toml {
        line,
        message: error.message().chars().take(300).collect(),
    }
}

fn wrong(message: String) -> ToolLockError {
    ToolLockError::Toml {
        line: None,
        message,
    }
}

pub(super) fn parse(text: &str) -> Result<ToolLock, ToolLockError> {
    if text.trim().is_empty() {
        return Ok(ToolLock::default());
    }
    let table: toml::Table = text.parse().map_err(|error| malformed(text, &error))?;
    match table.get("format").and_then(toml::Value::as_str) {
        Some(FORMAT) => {}
        other => {
            let other = other.unwrap_or("none").chars().take(80).collect();
            return Err(ToolLockError::Format(other));
        }
    }
    let raw: RawLock = toml::from_str(text).map_err(|error| malformed(text, &error))?;
    let tools = raw.tools.into_iter().map(|(name, raw)| {
        let tool = LockedTool {
            version: raw.version,
            alone: raw.alone,
            lock: raw.lock,
        };
        (name, tool)
    });
    Ok(ToolLock {
        tools: tools.collect(),
        pins: Pins {
            python: raw.python.map(python).transpose()?,
            uv: raw.uv.map(uv).transpose()?,
        },
    })
}

fn python(raw: RawPython) -> Result<PythonPins, ToolLockError> {
    let implementation = match raw.implementation.as_str() {
        "cpython" => Implementation::CPython,
        "pypy" => Implementation::PyPy,
        _ => {
            return Err(wrong(
                "`python.implementation` is neither `cpython` nor `pypy`".to_owned(),
            ));
        }
    };
    let version = PythonVersion::from_str(&raw.version)
        .map_err(|_| wrong("`python.version` is no exact version".to_owned()))?;
    Ok(PythonPins {
        python: PythonRequest {
            implementation,
            version,
        },
        builds: files("python.builds", raw.builds)?,
    })
}

fn uv(raw: RawUv) -> Result<UvPins, ToolLockError> {
    let plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    if raw.version.is_empty() || !raw.version.bytes().all(plain) {
        return Err(wrong("`uv.version` is no version".to_owned()));
    }
    Ok(UvPins {
        version: raw.version,
        wheels: files("uv.wheels", raw.wheels)?,
    })
}

fn files(
    key: &str,
    raw: BTreeMap<String, RawFile>,
) -> Result<BTreeMap<Platform, PinnedFile>, ToolLockError> {
    let one = |(platform, file): (String, RawFile)| {
        let known = Platform::from_str(&platform)
            .map_err(|_| wrong(format!("`{key}` names an unknown platform")))?;
        let url = Url::parse(&file.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "https" | "http" | "file"));
        let url = url.ok_or_else(|| wrong(format!("`{key}.{known}.url` is no address")))?;
        let sha256 = Sha256::from_hex(&file.sha256)
            .ok_or_else(|| wrong(format!("`{key}.{known}.sha256` is no SHA-256")))?;
        let file = PinnedFile {
            url: CleanUrl::new(url),
            sha256,
        };
        Ok((known, file))
    };
    raw.into_iter().map(one).collect()
}
