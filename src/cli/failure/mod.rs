//! Where errors become advice.
//!
//! The law: libraries say what they were doing and why it failed; only here is it decided which
//! exit code that is and what the user does next. Every conversion names every variant of the error
//! it converts, so that a new variant cannot pass without advice being thought of.

mod archive;
mod compare;
mod convert;
mod disk;
mod kind;
mod life;
mod tools;

use std::error::Error;
use std::process::ExitCode;

pub use disk::{advice_for_io, io_cause};
pub use kind::{Kind, exit_code_table, exit_codes};

use crate::model::config::ConfigError;
use crate::ui::Ui;
use crate::ui::output::OutputError;

/// The number of the signal that a closed pipe sends (POSIX.1-2024, `SIGPIPE`).
const PIPE: u8 = 13;

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub struct Failure {
    /// What kind of failure it is: its exit code.
    pub kind: Kind,
    /// What was being done, with its causes.
    pub error: Box<dyn Error + Send + Sync>,
    /// What the user can do next, the most useful first.
    pub hints: Vec<String>,
}

impl Failure {
    /// Makes a failure of a known kind.
    pub fn new(kind: Kind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            error: error.into(),
            hints: Vec::new(),
        }
    }

    /// Makes a failure whose kind the machine decides: when the cause is a full disk, a missing
    /// permission or the like, it is that, with its advice; `otherwise` when it is none of them.
    pub fn from_machine(otherwise: Kind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let error = error.into();
        let advice = io_cause(&*error).and_then(advice_for_io);
        match advice {
            Some((kind, hint)) => Self::new(kind, error).hint(hint),
            None => Self::new(otherwise, error),
        }
    }

    /// Adds what the user can do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Tells the user, and returns the exit code. A signal is not told: who sent it knows.
    pub fn report(&self, ui: &Ui) -> ExitCode {
        if !matches!(self.kind, Kind::Signal(_)) {
            ui.error(&*self.error, &self.hints);
        }
        ExitCode::from(self.kind.exit_code())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let advice = error.advice.as_deref().map(str::to_owned);
        let failure = Self::new(Kind::Configuration, error);
        match advice {
            Some(advice) => failure.hint(advice),
            None => failure,
        }
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        if error.is_closed() {
            Self::new(Kind::Signal(PIPE), error)
        } else {
            Self::from_machine(Kind::Work, error)
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::from_machine(Kind::Work, error)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::ui::Settings;

    #[derive(Debug, thiserror::Error)]
    #[error("writing `/store/x`")]
    struct Writing(#[source] io::Error);

    fn told(failure: &Failure) -> String {
        let (ui, captured) = Ui::captured(Settings::default());
        assert_eq!(
            format!("{:?}", failure.report(&ui)),
            format!("{:?}", ExitCode::from(failure.kind.exit_code()))
        );
        captured.err.text()
    }

    #[test]
    fn a_full_disk_is_told_as_one_however_deep_it_is() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let failure = Failure::from_machine(Kind::Integrity, Writing(full));
        assert_eq!(failure.kind.exit_code(), 6);
        let text = told(&failure);
        assert!(
            text.starts_with("error: writing `/store/x`\ncaused by: "),
            "{text}"
        );
        assert!(text.contains("hint: free some space"), "{text}");
    }

    #[test]
    fn other_causes_keep_the_kind_they_were_given() {
        let odd = io::Error::other("odd");
        let failure = Failure::from_machine(Kind::Integrity, Writing(odd));
        assert_eq!(failure.kind.exit_code(), 4);
        assert!(failure.hints.is_empty());
    }

    #[test]
    fn a_reader_that_went_away_ends_the_program_without_a_word() {
        let closed = OutputError::new(io::ErrorKind::BrokenPipe.into());
        let failure = Failure::from(closed);
        assert_eq!(failure.kind.exit_code(), 141);
        assert_eq!(told(&failure), "");
    }

    #[test]
    fn a_refused_configuration_shows_its_line_and_what_to_do() {
        let source = b"version: \"2.0\"\npyhton:\n  version: \"3.11.7\"\n";
        let error = crate::model::config::read(".dhtconfig", source).unwrap_err();
        let failure = Failure::from(error);
        assert_eq!(failure.kind.exit_code(), 3);
        let text = told(&failure);
        let [first, margin, line, caret, hint] = text.lines().collect::<Vec<_>>()[..] else {
            panic!("{text}");
        };
        assert!(
            first.starts_with(
                "error: reading `.dhtconfig`, line 2, column 1: `pyhton`: unknown key"
            )
        );
        assert_eq!(margin, "    |");
        assert_eq!(line, "  2 | pyhton:");
        assert_eq!(caret, "    | ^^^^^^");
        assert_eq!(hint, "hint: did you mean `python`?");
    }
}
