//! Which Python an environment runs on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An implementation of the language.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Implementation {
    /// The reference implementation.
    #[default]
    CPython,
    /// PyPy.
    PyPy,
}

impl fmt::Display for Implementation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::CPython => "cpython",
            Self::PyPy => "pypy",
        })
    }
}

/// An exact version: three numbers, and a pre-release suffix such as `rc1` if there is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PythonVersion {
    /// The language's major version: 3.
    pub major: u8,
    /// The minor version.
    pub minor: u8,
    /// The patch version.
    pub patch: u8,
    /// `a1`, `b2`, `rc3`, or empty.
    pub suffix: String,
}

/// The text is no exact version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an exact Python version such as 3.11.7")]
pub struct ParsePythonVersionError(pub String);

impl FromStr for PythonVersion {
    type Err = ParsePythonVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParsePythonVersionError(text.chars().take(80).collect()))
    }
}

fn parse(text: &str) -> Option<PythonVersion> {
    let (major, rest) = text.split_once('.')?;
    let (minor, rest) = rest.split_once('.')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (patch, suffix) = rest.split_at(digits);
    let number = |text: &str| -> Option<u8> {
        let plain = text == "0" || !text.starts_with(['0', '+']);
        plain.then(|| text.parse().ok()).flatten()
    };
    let known = |suffix: &str| {
        suffix.is_empty()
            || ["rc", "a", "b"].iter().any(|kind| {
                suffix.strip_prefix(kind).is_some_and(|count| {
                    !count.is_empty()
                        && count.len() < 3
                        && count.bytes().all(|byte| byte.is_ascii_digit())
                })
            })
    };
    known(suffix).then_some(())?;
    Some(PythonVersion {
        major: number(major)?,
        minor: number(minor)?,
        patch: number(patch)?,
        suffix: suffix.to_owned(),
    })
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}.{}.{}{}",
            self.major, self.minor, self.patch, self.suffix
        )
    }
}

crate::model::parsed::as_text!(PythonVersion);

impl schemars::JsonSchema for PythonVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PythonVersion".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": r"^\d+\.\d+\.\d+((a|b|rc)\d+)?$" })
    }
}

/// The Python that was asked for: implementation and exact version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PythonRequest {
    /// CPython or PyPy.
    pub implementation: Implementation,
    /// The version of the language that it implements.
    pub version: PythonVersion,
}

impl PythonRequest {
    /// Returns the name of the folder below `lib` that holds the standard library on POSIX:
    /// `python3.11` or `pypy3.11`.
    pub fn lib_name(&self) -> String {
        let name = match self.implementation {
            Implementation::CPython => "python",
            Implementation::PyPy => "pypy",
        };
        format!("{name}{}.{}", self.version.major, self.version.minor)
    }
}

impl fmt::Display for PythonRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.implementation, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_exact_versions_only() {
        for text in ["3.11.7", "3.14.0rc1", "3.8.0"] {
            assert_eq!(text.parse::<PythonVersion>().unwrap().to_string(), text);
        }
        for text in [
            "3.11",
            "3",
            "../../x",
            "/bin/sh",
            "3.12;id",
            "3.12.1;id",
            "3.011.7",
            "3.1.+7",
            "",
        ] {
            assert!(text.parse::<PythonVersion>().is_err(), "{text}");
        }
    }
}
