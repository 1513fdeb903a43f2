//! Amounts that people write: how many bytes, and how long.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

/// A number of bytes, written as `20GiB`, `500MB` or plain digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Bytes(pub u64);

/// A length of time in seconds, written as `30d`, `12h`, `2w`, `45m` or `90s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(pub u64);

/// Why some text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// No size.
    #[error("`{0}` is no size; write it as `20GiB`, `500MB` or a number of bytes")]
    Size(String),
    /// No length of time.
    #[error("`{0}` is no length of time; write it as `30d`, `12h`, `2w`, `45m` or `90s`")]
    Time(String),
}

/// Units of bytes, the decimal and the binary one of each size, the largest first.
const UNITS: [(&str, u64); 8] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
];

impl FromStr for Bytes {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.trim().to_ascii_lowercase();
        let unit = UNITS.iter().find_map(|(unit, factor)| {
            let digits = lower.strip_suffix(&unit.to_ascii_lowercase())?;
            Some((digits, *factor))
        });
        let (digits, factor) = unit.unwrap_or((lower.strip_suffix('b').unwrap_or(&lower), 1));
        let number = digits.trim_end();
        number
            .parse::<u64>()
            .ok()
            .filter(|_| !number.starts_with('+'))
            .and_then(|number| number.checked_mul(factor))
            .map(Self)
            .ok_or_else(|| AmountError::Size(text.to_owned()))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = UNITS.iter().step_by(2);
        for (unit, factor) in binary {
            if self.0 >= *factor {
                let tenths = self.0 / (factor / 10).max(1);
                return write!(formatter, "{}.{} {unit}", tenths / 10, tenths % 10);
            }
        }
        write!(formatter, "{} B", self.0)
    }
}

impl FromStr for Age {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || AmountError::Time(text.to_owned());
        let trimmed = text.trim();
        let at = trimmed.len().checked_sub(1).ok_or_else(error)?;
        let (digits, unit) = trimmed.split_at_checked(at).ok_or_else(error)?;
        let factor = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 7 * 86_400,
            _ => return Err(error()),
        };
        let number: u64 = digits.trim_end().parse().map_err(|_| error())?;
        number.checked_mul(factor).map(Self).ok_or_else(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("1024", 1024),
            ("20GiB", 20 << 30),
            ("20 gib", 20 << 30),
            ("500MB", 500_000_000),
            ("7b", 7),
        ] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for text in ["", "GiB", "-1", "+1", "1.5GiB", "20GiBs", "99999999TiB"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn shows_sizes() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1 << 20, "1.0 MiB"),
            (1_610_612_736, "1.5 GiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }

    #[test]
    fn reads_lengths_of_time() {
        for (text, seconds) in [
            ("90s", 90),
            ("30d", 2_592_000),
            ("2w", 1_209_600),
            ("0d", 0),
        ] {
            assert_eq!(text.parse(), Ok(Age(seconds)), "{text}");
        }
        for text in ["", "d", "30", "30y", "-1d", "1é"] {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
    }
}
