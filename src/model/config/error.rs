//! Why a `.dhtconfig` is refused: where, which key, what was expected, what to do.

use std::fmt;

use super::text::DhtVersion;

/// The most characters of a source line that are shown.
const SNIPPET_WIDTH: usize = 100;

/// What kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The file breaks the schema or is no YAML.
    Malformed,
    /// The file has another format than 2.0.
    OtherFormat,
    /// The file asks for a newer dhtl than this one.
    NeedsNewer(DhtVersion),
}

/// A `.dhtconfig` was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// What kind of refusal it is.
    pub refusal: Refusal,
    /// The file, as the reader was told to call it.
    pub file: Box<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The key, from the top: `platform_deps.linux.apt[0]`. `None` when the file as a whole is meant.
    pub key: Option<String>,
    /// What is wrong, and what was expected.
    pub problem: String,
    /// What to do about it.
    pub advice: Option<Box<str>>,
    /// The line itself; `None` where it could show a secret, or where there is no such line.
    pub snippet: Option<Box<Snippet>>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file, line, column, ..
        } = self;
        write!(
            formatter,
            "reading `{file}`, line {line}, column {column}: "
        )?;
        if let Some(key) = &self.key {
            write!(formatter, "`{key}`: ")?;
        }
        formatter.write_str(&self.problem)
    }
}

impl std::error::Error for ConfigError {}

/// A line of the file with the place that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// Its number, from 1.
    pub line: usize,
    /// Its text, cut to what a terminal shows.
    pub text: String,
    /// Where the caret begins, in characters of `text`, from 0.
    pub start: usize,
    /// How many characters the caret underlines; at least 1.
    pub width: usize,
}

impl Snippet {
    /// Takes the place at `line` and `column`, both from 1, out of `source`.
    pub fn new(source: &str, line: usize, column: usize) -> Option<Self> {
        let whole: Vec<char> = source
            .lines()
            .nth(line.checked_sub(1)?)?
            .chars()
            .map(|character| if character == '\t' { ' ' } else { character })
            .collect();
        let at = column.checked_sub(1)?.min(whole.len());
        let from = at.saturating_sub(SNIPPET_WIDTH / 2);
        let from = if whole.len() <= SNIPPET_WIDTH {
            0
        } else {
            from
        };
        let to = whole.len().min(from + SNIPPET_WIDTH);
        let width = token(&whole[at..to]).chars().count().max(1);
        Some(Self {
            line,
            text: whole[from..to].iter().collect(),
            start: at - from,
            width,
        })
    }
}

impl fmt::Display for Snippet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(formatter, "{margin} |")?;
        writeln!(formatter, "{number} | {}", self.text.trim_end())?;
        let carets = "^".repeat(self.width);
        write!(formatter, "{margin} | {}{carets}", " ".repeat(self.start))
    }
}

/// Returns the word that `rest` of a line begins with; a quoted text counts as one word.
pub(super) fn token(rest: &[char]) -> String {
    let quote = rest
        .first()
        .copied()
        .filter(|mark| matches!(mark, '"' | '\''));
    let end = match quote {
        Some(quote) => rest
            .iter()
            .skip(1)
            .position(|&character| character == quote)
            .map(|at| at + 2),
        None => rest
            .iter()
            .position(|character| character.is_whitespace() || ",]}#:".contains(*character)),
    };
    rest[..end.unwrap_or(rest.len())].iter().collect()
}
