//! Checksums as the file writes them: `blake3:…` or `sha256:…`.

use std::fmt;
use std::str::FromStr;

/// A checksum that an environment or a configuration must have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// BLAKE3; what dhtl writes.
    Blake3([u8; 32]),
    /// SHA-256 over the same bytes; from older files.
    Sha256([u8; 32]),
    /// A value that only stands for one, such as `sha256:abcd1234...`: it matches nothing and
    /// contradicts nothing.
    Placeholder(String),
}

/// The text is no checksum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no checksum; expected `blake3:` or `sha256:` and 64 hexadecimal digits")]
pub struct ParseChecksumError(String);

impl FromStr for Checksum {
    type Err = ParseChecksumError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParseChecksumError(text.chars().take(80).collect());
        let (algorithm, digits) = text.split_once(':').ok_or_else(refused)?;
        let known = matches!(algorithm, "blake3" | "sha256");
        let short = digits.strip_suffix("...").is_some_and(|start| {
            start.len() < 64 && start.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        if known && short {
            return Ok(Self::Placeholder(text.to_owned()));
        }
        let digest = dht_store::Digest::from_hex(digits.as_bytes()).ok_or_else(refused)?;
        match algorithm {
            "blake3" => Ok(Self::Blake3(*digest.as_bytes())),
            "sha256" => Ok(Self::Sha256(*digest.as_bytes())),
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (algorithm, digest) = match self {
            Self::Blake3(digest) => ("blake3", digest),
            Self::Sha256(digest) => ("sha256", digest),
            Self::Placeholder(text) => return formatter.write_str(text),
        };
        write!(formatter, "{algorithm}:")?;
        digest
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

crate::model::parsed::as_text!(Checksum);

impl schemars::JsonSchema for Checksum {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Checksum".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^(blake3|sha256):([0-9a-f]{64}|[0-9A-Za-z]{0,63}\.\.\.)$"
        })
    }
}
