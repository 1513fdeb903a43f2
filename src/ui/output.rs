//! Where output goes, and what happens when it cannot.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

/// Whether to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Color {
    /// Where a terminal reads, unless `NO_COLOR` or `CLICOLOR=0` is set.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl Color {
    /// Returns the choice in the words of the streams that carry it out.
    pub const fn choice(self) -> anstream::ColorChoice {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
    }
}

/// The text is none of `auto`, `always` and `never`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of auto, always and never")]
pub struct ParseColorError(String);

impl FromStr for Color {
    type Err = ParseColorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(ParseColorError(text.to_owned())),
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        })
    }
}

/// Stdout did not take what it was given.
#[derive(Debug, thiserror::Error)]
#[error("writing to stdout")]
pub struct OutputError {
    #[source]
    source: io::Error,
}

impl OutputError {
    /// Keeps why a write to stdout failed.
    pub const fn new(source: io::Error) -> Self {
        Self { source }
    }

    /// Returns whether the reader went away (`dhtl store ls | head -1`): nothing is wrong then, and
    /// nobody is left to read.
    pub fn is_closed(&self) -> bool {
        self.source.kind() == io::ErrorKind::BrokenPipe
    }

    /// Returns why the write failed.
    pub const fn io(&self) -> &io::Error {
        &self.source
    }
}

/// What a [`Ui::captured`](super::Ui::captured) was told.
#[derive(Debug, Clone, Default)]
pub struct Captured {
    /// What went to stdout.
    pub out: Buffer,
    /// What went to stderr.
    pub err: Buffer,
}

/// Text in memory that several hands write and read.
#[derive(Debug, Clone, Default)]
pub struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    /// Returns what was written so far.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
