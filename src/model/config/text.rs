//! Texts with a grammar: each is checked once, when it is read.

use std::fmt;

/// The longest name that is taken anywhere in the file, in bytes.
pub const MAX_NAME: usize = 200;

/// Defines a text type: its grammar as a check and as the pattern that the schema shows.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $pattern:literal, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks `text` and takes it as it is.
            ///
            /// # Errors
            ///
            /// When it breaks the grammar; the message says what was expected.
            pub fn new(text: &str) -> Result<Self, $crate::model::config::text::TextError> {
                let check: fn(&str) -> bool = $check;
                if text.len() <= $crate::model::config::text::MAX_NAME && check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err($crate::model::config::text::TextError::new(text, $expected))
                }
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::config::text::TextError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        crate::model::parsed::as_text!($name);

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "maxLength": $crate::model::config::text::MAX_NAME,
                    "pattern": $pattern
                })
            }
        }
    };
}
pub(super) use text_type;

/// A text breaks the grammar of its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shown} is not {expected}")]
pub struct TextError {
    shown: String,
    expected: &'static str,
}

impl TextError {
    /// Keeps what was refused, cut to a length that fits a message and before any `=`: behind one,
    /// the value of a variable may stand.
    pub fn new(text: &str, expected: &'static str) -> Self {
        let before = text.find('=').map_or(text, |at| &text[..=at]);
        let mut shown: String = before
            .chars()
            .take(60)
            .flat_map(char::escape_debug)
            .collect();
        if before.chars().nth(60).is_some() || before.len() < text.len() {
            shown.push('…');
        }
        Self {
            shown: format!("`{shown}`"),
            expected,
        }
    }
}

/// Returns whether `text` begins with one of `first` and goes on with any of `rest`.
pub(super) fn made_of(text: &str, first: fn(u8) -> bool, rest: fn(u8) -> bool) -> bool {
    match text.as_bytes() {
        [start, more @ ..] => first(*start) && more.iter().all(|&byte| rest(byte)),
        [] => false,
    }
}

text_type!(
    /// A file or folder of the project, relative to its root, with `/` between components.
    ProjectPath,
    r"^(?!\.\.?(/|$))[^/\\:\x00-\x1f\x7f-]([^/\\:\x00-\x1f\x7f]|/(?!\.\.?(/|$))(?=[^/\\:\x00-\x1f\x7f]))*$",
    "a path inside the project, such as `uv.lock`, without `..`",
    |text| !text.starts_with('-')
        && dht_store::TreePath::new(text).is_ok()
        && !text.bytes().any(|byte| byte == 0x7f)
);

text_type!(
    /// The name of an environment variable (POSIX.1-2024, XBD 3.216).
    VariableName,
    "^[A-Za-z_][A-Za-z0-9_]*$",
    "the name of an environment variable such as `DATABASE_URL`; its value never belongs here",
    |text| made_of(
        text,
        |byte| byte.is_ascii_alphabetic() || byte == b'_',
        |byte| byte.is_ascii_alphanumeric() || byte == b'_'
    )
);

text_type!(
    /// The name of a program.
    BinaryName,
    "^[A-Za-z0-9][A-Za-z0-9._+-]*$",
    "the name of a program such as `node`",
    |text| made_of(
        text,
        |byte| byte.is_ascii_alphanumeric(),
        |byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte)
    )
);

text_type!(
    /// The exact version of a program.
    BinaryVersion,
    r"^[0-9][0-9A-Za-z]*(\.[0-9A-Za-z]+)*([+-][0-9A-Za-z.-]*)?$",
    "an exact version such as `18.17.0`",
    exact_version
);

text_type!(
    /// The name of a dependency group or of an extra (PEP 735, PEP 685).
    GroupName,
    "^([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9])$",
    "the name of a group or an extra such as `dev`",
    |text| text.parse::<uv_normalize::GroupName>().is_ok()
);

text_type!(
    /// A moment as RFC 3339 section 5.6 writes it.
    Timestamp,
    r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$",
    "a moment such as `2024-12-06T10:00:00Z`",
    timestamp
);

text_type!(
    /// A short remark on one line.
    Words,
    r"^[^\x00-\x1f\x7f]+$",
    "a few words on one line",
    |text| !text.is_empty() && !text.bytes().any(|byte| byte.is_ascii_control())
);

fn exact_version(text: &str) -> bool {
    let (core, more) = match text.find(['+', '-']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let alphanumeric = |byte: u8| byte.is_ascii_alphanumeric();
    core.starts_with(|first: char| first.is_ascii_digit())
        && core
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(alphanumeric))
        && more
            .bytes()
            .skip(1)
            .all(|byte| alphanumeric(byte) || matches!(byte, b'.' | b'-'))
}

fn timestamp(text: &str) -> bool {
    let shape = |pattern: &str, text: &str| {
        pattern.len() == text.len()
            && pattern
                .bytes()
                .zip(text.bytes())
                .all(|(want, byte)| match want {
                    b'0' => byte.is_ascii_digit(),
                    b'T' => matches!(byte, b'T' | b't' | b' '),
                    b'+' => matches!(byte, b'+' | b'-'),
                    _ => byte == want,
                })
    };
    let Some((moment, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
            if zone.len() == fraction.len() {
                return false;
            }
            zone
        }
        None => rest,
    };
    shape("0000-00-00T00:00:00", moment) && (matches!(zone, "Z" | "z") || shape("+00:00", zone))
}

/// The format of the file. There is one value: "2.0".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FormatVersion;

impl FormatVersion {
    /// The format that this program reads and writes.
    pub const TEXT: &'static str = "2.0";
}

impl std::str::FromStr for FormatVersion {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == Self::TEXT {
            Ok(Self)
        } else {
            Err(TextError::new(
                text,
                "a format of this file; expected \"2.0\"",
            ))
        }
    }
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(Self::TEXT)
    }
}

crate::model::parsed::as_text!(FormatVersion);

impl schemars::JsonSchema for FormatVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FormatVersion".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "const": Self::TEXT })
    }
}

/// A version of dhtl: three numbers, compared one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DhtVersion(pub [u32; 3]);

impl DhtVersion {
    /// Returns the version of this program.
    pub fn current() -> Self {
        env!("CARGO_PKG_VERSION")
            .parse()
            .expect("because the manifest gives three numbers, as a test shows")
    }
}

impl std::str::FromStr for DhtVersion {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| -> Option<u32> {
            let plain = part == "0" || (!part.starts_with('0') && !part.starts_with('+'));
            plain.then(|| part.parse().ok()).flatten()
        };
        let numbers: Option<Vec<u32>> = text.split('.').map(number).collect();
        numbers
            .and_then(|numbers| <[u32; 3]>::try_from(numbers).ok())
            .map(Self)
            .ok_or_else(|| TextError::new(text, "a version of dhtl such as \"0.1.0\""))
    }
}

crate::model::parsed::as_text!(DhtVersion);

impl fmt::Display for DhtVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(formatter, "{major}.{minor}.{patch}")
    }
}

impl schemars::JsonSchema for DhtVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DhtVersion".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_knows_its_version() {
        assert_eq!(DhtVersion::current().to_string(), env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn checks_moments() {
        for text in ["2024-12-06T10:00:00Z", "2024-12-06 10:00:00.123+02:00"] {
            assert!(Timestamp::new(text).is_ok(), "{text}");
        }
        for text in [
            "2024-12-06",
            "2024-12-06T10:00:00",
            "2024-12-06T10:00:00.Z",
            "ä",
        ] {
            assert!(Timestamp::new(text).is_err(), "{text}");
        }
    }
}
