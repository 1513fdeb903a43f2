//! Bytes of a `.dhtconfig` -> [`Config`], or the place that is wrong.

use serde::Deserialize;

use super::Config;
use super::error::{ConfigError, Refusal, Snippet};
use super::structure::Structure;
use super::text::{DhtVersion, FormatVersion};

/// The largest file that is read, in bytes: what the parser holds of the worst such file stays below
/// 100 MiB. Whoever reads the file need not take more than one
/// byte beyond it.
pub const MAX_SIZE: usize = 256 << 10;

/// Reads the bytes of a `.dhtconfig`, which messages call `file`.
///
/// # Errors
///
/// [`Refusal::OtherFormat`] and [`Refusal::NeedsNewer`] for files that are not meant for this
/// program, told before anything else in them is looked at; [`Refusal::Malformed`] for all else.
pub fn read(file: &str, bytes: &[u8]) -> Result<Config, ConfigError> {
    let source = text(file, bytes)?;
    let reader = Reader { file, source };
    reader.meant_for_us(DhtVersion::current())?;
    let mut documents = serde_yaml::Deserializer::from_str(source);
    let Some(document) = documents.next() else {
        return Err(reader.empty());
    };
    Structure::deserialize(document).map_err(|error| reader.explain(&error))?;
    if documents.next().is_some() {
        return Err(reader.second_document());
    }
    serde_yaml::from_str(source).map_err(|error| reader.explain(&error))
}

/// Reads the bytes as [`read`] does, and returns what is written: keys as they are spelled, no
/// defaults; nothing but texts, `true`, `false`, lists and sections.
///
/// # Errors
///
/// As [`read`].
pub fn as_written(file: &str, bytes: &[u8]) -> Result<serde_json::Value, ConfigError> {
    read(file, bytes)?;
    let source = text(file, bytes)?;
    serde_yaml::from_str(source).map_err(|error| Reader { file, source }.explain(&error))
}

/// The most `[` and `{` in a file. The parser's time grows with the square of their nesting.
const MAX_OPENINGS: usize = 4096;

/// Returns the text of the file when its size and its encoding are right.
fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, ConfigError> {
    let refuse = |line, column, problem: &str, advice: &str| ConfigError {
        refusal: Refusal::Malformed,
        file: file.into(),
        line,
        column,
        key: None,
        problem: problem.to_owned(),
        advice: Some(advice.into()),
        snippet: None,
    };
    if bytes.len() > MAX_SIZE {
        return Err(refuse(
            1,
            1,
            "the file is larger than 256 KiB",
            "a configuration has a few hundred lines; is this the right file?",
        ));
    }
    let utf8 = "save the file as UTF-8 without a byte order mark";
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(refuse(1, 1, "the file begins with a byte order mark", utf8));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let (line, column) = end_of(&good);
        refuse(line, column, "the bytes are not UTF-8", utf8)
    })?;
    let steers = |mark: char| mark.is_control() && !matches!(mark, '\t' | '\n' | '\r' | '\u{85}');
    if let Some(at) = text.find(steers) {
        let (line, column) = end_of(&text[..at]);
        let advice = "remove it; in double quotes it can be written as `\\x00`";
        return Err(refuse(
            line,
            column,
            "a control character stands here",
            advice,
        ));
    }
    if let Some((at, _)) = text.match_indices(['[', '{']).nth(MAX_OPENINGS) {
        let (line, column) = end_of(&text[..at]);
        let problem = "more than 4096 lists or sections begin with `[` or `{`";
        return Err(refuse(
            line,
            column,
            problem,
            "write lists and sections over several lines",
        ));
    }
    Ok(text)
}

/// Returns line and column, from 1, of what follows `text`.
fn end_of(text: &str) -> (usize, usize) {
    let last = text.rsplit('\n').next().unwrap_or_default();
    (text.matches('\n').count() + 1, last.chars().count() + 1)
}

/// A text that is being read.
pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) source: &'a str,
}

impl Reader<'_> {
    /// Refuses a file of another format or for a newer dhtl, before its keys are judged.
    fn meant_for_us(&self, current: DhtVersion) -> Result<(), ConfigError> {
        #[derive(Deserialize)]
        struct Peek {
            version: Option<String>,
            dht_version: Option<String>,
        }
        let Ok(peek) = serde_yaml::from_str::<Peek>(self.source) else {
            return Ok(());
        };
        let number = |text: &str| -> Option<(u32, u32)> {
            let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
            Some((major.parse().ok()?, minor.parse().ok()?))
        };
        if let Some(format) = peek.version.as_deref().and_then(number) {
            let ours = number(FormatVersion::TEXT).unwrap_or_default();
            let (problem, advice) = match format.cmp(&ours) {
                std::cmp::Ordering::Equal => ("", ""),
                std::cmp::Ordering::Greater => (
                    "is newer than 2.0, the newest format that this dhtl reads; parts of it could be misread",
                    "upgrade dhtl, then run the command again",
                ),
                std::cmp::Ordering::Less => (
                    "is older than 2.0, the oldest format that this dhtl reads",
                    "rename the file and run `dhtl setup`, which writes it anew in format 2.0",
                ),
            };
            if !problem.is_empty() {
                let problem = format!("format {}.{} {problem}", format.0, format.1);
                return Err(self.at_key(
                    "version",
                    Refusal::OtherFormat,
                    problem,
                    advice.to_owned(),
                ));
            }
        }
        let needed = peek
            .dht_version
            .and_then(|text| text.parse::<DhtVersion>().ok());
        match needed.filter(|&needed| needed > current) {
            Some(needed) => Err(self.at_key(
                "dht_version",
                Refusal::NeedsNewer(needed),
                format!("this project needs dhtl {needed} or newer; this is dhtl {current}"),
                format!("install dhtl {needed} or newer, then run the command again"),
            )),
            None => Ok(()),
        }
    }

    /// Refuses the value of a key of the top level.
    fn at_key(&self, key: &str, refusal: Refusal, problem: String, advice: String) -> ConfigError {
        let starts = |line: &str| {
            line.strip_prefix(key)
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
        };
        let line = self.source.lines().position(starts).map_or(1, |at| at + 1);
        let column = 1;
        ConfigError {
            refusal,
            file: self.file.into(),
            line,
            column,
            key: Some(key.to_owned()),
            problem,
            advice: Some(advice.into()),
            snippet: Snippet::new(self.source, line, column).map(Box::new),
        }
    }

    pub(super) fn malformed(&self, (line, column): (usize, usize), problem: String) -> ConfigError {
        ConfigError {
            refusal: Refusal::Malformed,
            file: self.file.into(),
            line,
            column,
            key: None,
            problem,
            advice: None,
            snippet: Snippet::new(self.source, line, column).map(Box::new),
        }
    }

    pub(super) fn empty(&self) -> ConfigError {
        let error = self.malformed((1, 1), "the file says nothing".to_owned());
        ConfigError {
            advice: Some("run `dhtl setup`, or begin with `version: \"2.0\"`".into()),
            snippet: None,
            ..error
        }
    }

    fn second_document(&self) -> ConfigError {
        let line = self
            .source
            .lines()
            .enumerate()
            .filter(|(index, line)| *index > 0 && line.starts_with("---"))
            .last()
            .map_or(1, |(index, _)| index + 1);
        let error = self.malformed((line, 1), "a second document begins here".to_owned());
        ConfigError {
            advice: Some("keep one document in the file".into()),
            ..error
        }
    }
}
