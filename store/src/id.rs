//! Names made from content: BLAKE3 digests and the identifiers built on them.
//!
//! Each identifier is a type of its own, so that an entry is never taken for an environment. All of
//! them print and parse as 64 lower-case hexadecimal digits, and each is the BLAKE3 hash of exactly
//! the bytes of one file on disk: `b3sum` of that file prints the identifier.

use std::fmt;
use std::io::Read;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A BLAKE3 digest of 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Seconds from the Unix epoch to 1980-01-02T00:00:00Z, the earliest content-derived time.
///
/// Zip tools refuse times before 1980; the second day keeps every time zone inside that limit.
pub const MTIME_EPOCH: i64 = 315_619_200;

impl Digest {
    /// Returns the digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Returns the digest of everything `reader` yields, and how many bytes that was.
    pub fn of_reader(reader: &mut dyn Read) -> std::io::Result<(Self, u64)> {
        let mut hasher = blake3::Hasher::new();
        let size = std::io::copy(reader, &mut hasher)?;
        Ok((Self(*hasher.finalize().as_bytes()), size))
    }

    /// Wraps the 32 bytes of a digest that was computed elsewhere.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the modification time that a file with this content has in the store, in seconds
    /// since the Unix epoch: [`MTIME_EPOCH`] plus the first 30 bits of the digest, big-endian.
    pub const fn mtime(&self) -> i64 {
        let head = u32::from_be_bytes([self.0[0], self.0[1], self.0[2], self.0[3]]);
        MTIME_EPOCH + (head >> 2) as i64
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Digest({self})")
    }
}

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a BLAKE3 digest of 64 lower-case hexadecimal digits")]
pub struct ParseDigestError {
    /// What was read instead, cut to 80 characters.
    pub text: String,
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_hex(text.as_bytes()).ok_or_else(|| ParseDigestError {
            text: text.chars().take(80).collect(),
        })
    }
}

impl Digest {
    /// Reads 64 lower-case hexadecimal digits; `None` for anything else.
    pub fn from_hex(hex: &[u8]) -> Option<Self> {
        let hex: &[u8; 64] = hex.try_into().ok()?;
        let mut bytes = [0; 32];
        // Every digit is looked up before the first is judged: manifests are read at the speed of this.
        let mut seen = 0;
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            let (high, low) = (NIBBLES[pair[0] as usize], NIBBLES[pair[1] as usize]);
            seen |= high | low;
            *byte = (high << 4) | (low & 0x0f);
        }
        (seen & NO_NIBBLE == 0).then_some(Self(bytes))
    }
}

/// What stands for a byte that is no lower-case hexadecimal digit.
const NO_NIBBLE: u8 = 0xf0;

const NIBBLES: [u8; 256] = {
    let mut table = [NO_NIBBLE; 256];
    let digits = b"0123456789abcdef";
    let mut value = 0;
    while value < digits.len() {
        table[digits[value] as usize] = value as u8;
        value += 1;
    }
    table
};

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub Digest);

        impl $name {
            /// Names `bytes`, the exact content of the file that this identifier stands for.
            pub fn of(bytes: &[u8]) -> Self {
                Self(Digest::of(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseDigestError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseDigestError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
            }
        }
    };
}

identifier! {
    /// Names an entry: the BLAKE3 hash of its manifest's bytes.
    EntryId
}

identifier! {
    /// Names an environment: the BLAKE3 hash of its document's bytes.
    Fingerprint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_parses_hexadecimal() {
        let digest = Digest::of(b"");
        let text = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse(), Ok(digest));
        assert!(text.to_uppercase().parse::<Digest>().is_err());
        assert!(text[1..].parse::<Digest>().is_err());
    }

    #[test]
    fn mtime_is_the_first_thirty_bits_after_1980() {
        assert_eq!(Digest::from_bytes([0; 32]).mtime(), 315_619_200);
        assert_eq!(
            Digest::from_bytes([0xff; 32]).mtime(),
            315_619_200 + (1 << 30) - 1
        );
    }
}
