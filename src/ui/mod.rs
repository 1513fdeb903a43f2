//! Everything that a person reads.
//!
//! The law: data goes to stdout, all else to stderr; bars only where a terminal shows them; text
//! that came from elsewhere (a file name, a server's answer) cannot steer the terminal. Nothing
//! outside this room prints.

pub mod chain;
pub mod json;
pub mod output;
pub mod progress;
pub mod style;
pub mod table;
pub mod words;

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::MultiProgress;
use serde::Serialize;

use crate::model::progress::{Progress, Silent};
use output::{Captured, Color, OutputError};

/// What the user asked of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether to colour. `Auto` heeds the terminal, `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE`.
    pub color: Color,
    /// Says nothing but data and errors.
    pub quiet: bool,
    /// How many times more detail was asked for.
    pub verbose: u8,
    /// Never shows a bar, not even on a terminal.
    pub no_progress: bool,
}

/// The way to the user. Shared freely between threads.
pub struct Ui {
    settings: Settings,
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    bars: Option<MultiProgress>,
}

impl Ui {
    /// Speaks through the process's own stdout and stderr.
    pub fn new(settings: Settings) -> Self {
        let choice = settings.color.choice();
        let bars = !settings.quiet
            && !settings.no_progress
            && std::io::stderr().is_terminal()
            && anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
        Self {
            settings,
            out: Mutex::new(Box::new(anstream::AutoStream::new(
                std::io::stdout(),
                choice,
            ))),
            err: Mutex::new(Box::new(anstream::AutoStream::new(
                std::io::stderr(),
                choice,
            ))),
            bars: bars.then(MultiProgress::new),
        }
    }

    /// Speaks into memory, without colour: for tests and for embedding.
    pub fn captured(settings: Settings) -> (Self, Captured) {
        let captured = Captured::default();
        let ui = Self {
            settings,
            out: Mutex::new(stripped(&captured.out)),
            err: Mutex::new(stripped(&captured.err)),
            bars: None,
        };
        (ui, captured)
    }

    /// Returns what the user asked of the output.
    pub const fn settings(&self) -> Settings {
        self.settings
    }

    /// Prints what the command was asked for, on stdout, ending in a line break. Never quiet.
    ///
    /// # Errors
    ///
    /// When stdout cannot take it; [`OutputError::is_closed`] tells a reader that went away, after
    /// which the program ends without a word.
    pub fn data(&self, text: impl fmt::Display) -> Result<(), OutputError> {
        let mut text = text.to_string();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        self.above_bars(|| {
            let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
            out.write_all(text.as_bytes())?;
            out.flush()
        })
        .map_err(OutputError::new)
    }

    /// Prints `body` on stdout as a JSON document that names its schema: see [`json`].
    ///
    /// # Errors
    ///
    /// As [`Ui::data`]; and when `body` is not a JSON object.
    pub fn json(&self, name: &str, version: u32, body: &impl Serialize) -> Result<(), OutputError> {
        self.data(
            json::document(name, version, body).map_err(|error| OutputError::new(error.into()))?,
        )
    }

    /// Tells of a step that is done: `✓ Packages: 127 installed, all verified`.
    pub fn done(&self, text: impl fmt::Display) {
        self.say(style::good("✓"), text);
    }

    /// Tells of a check that failed: `✗ Packages: 2 files differ`.
    pub fn failed(&self, text: impl fmt::Display) {
        self.say(style::bad("✗"), text);
    }

    /// Tells what is going on, in a plain line.
    pub fn status(&self, text: impl fmt::Display) {
        self.say(String::new(), text);
    }

    /// Warns of something that did not stop the work.
    pub fn warning(&self, text: impl fmt::Display) {
        self.say(style::warn("warning:"), text);
    }

    /// Says what to do next.
    pub fn hint(&self, text: impl fmt::Display) {
        self.say(style::hint("hint:"), text);
    }

    /// Tells a detail where `-v` was given at least `level` times.
    pub fn detail(&self, level: u8, text: impl fmt::Display) {
        if self.settings.verbose >= level {
            self.say(
                String::new(),
                style::dim(&style::printable(&text.to_string())),
            );
        }
    }

    /// Prints an error with its causes and advice, as [`chain::render`] writes it. Never quiet.
    pub fn error(&self, error: &(dyn std::error::Error + 'static), hints: &[String]) {
        self.write_err(&chain::render(error, hints));
    }

    /// Tells whether there is somebody to ask.
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks a question that is answered with yes or no. Without a terminal the answer is no, and
    /// nothing is asked.
    pub fn confirm(&self, question: &str) -> bool {
        if !self.can_ask() {
            return false;
        }
        self.write_err(&format!("{question} [y/N] "));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).is_ok()
            && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// Returns who hears of progress: bars on a terminal, nobody elsewhere.
    pub fn progress(&self) -> Arc<dyn Progress> {
        match &self.bars {
            Some(bars) => Arc::new(progress::Bars::new(bars.clone())),
            None => Arc::new(Silent),
        }
    }

    fn say(&self, mark: String, text: impl fmt::Display) {
        if self.settings.quiet {
            return;
        }
        let text = style::printable(&text.to_string());
        let gap = if mark.is_empty() { "" } else { " " };
        self.write_err(&format!("{mark}{gap}{text}\n"));
    }

    /// Writes to stderr; a stderr that is closed leaves nobody to tell, so failures are dropped.
    fn write_err(&self, text: &str) {
        self.above_bars(|| {
            let mut err = self.err.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
        });
    }

    fn above_bars<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }
}

fn stripped(buffer: &output::Buffer) -> Box<dyn Write + Send> {
    let raw: Box<dyn Write + Send> = Box::new(buffer.clone());
    Box::new(anstream::StripStream::new(raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_and_talk_go_separate_ways() {
        let (ui, captured) = Ui::captured(Settings::default());
        ui.data("one\ntwo").unwrap();
        ui.done("Python 3.11.7 environment created");
        ui.warning("the store is on another file system");
        ui.hint("run `dhtl setup`");
        ui.detail(1, "unseen");
        assert_eq!(captured.out.text(), "one\ntwo\n");
        assert_eq!(
            captured.err.text(),
            "✓ Python 3.11.7 environment created\n\
             warning: the store is on another file system\n\
             hint: run `dhtl setup`\n"
        );
    }

    #[test]
    fn quiet_leaves_data_and_errors() {
        let settings = Settings {
            quiet: true,
            ..Settings::default()
        };
        let (ui, captured) = Ui::captured(settings);
        ui.done("unseen");
        ui.warning("unseen");
        ui.data("seen").unwrap();
        ui.error(&std::io::Error::other("reading `x`"), &[]);
        assert_eq!(captured.out.text(), "seen\n");
        assert_eq!(captured.err.text(), "error: reading `x`\n");
    }

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        let (ui, captured) = Ui::captured(Settings::default());
        ui.warning("a package named `\u{1b}[2Jx\u{202e}`");
        assert_eq!(
            captured.err.text(),
            "warning: a package named `\\u{1b}[2Jx\\u{202e}`\n"
        );
    }
}
