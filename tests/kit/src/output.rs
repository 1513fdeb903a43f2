//! What a program printed and returned.

use std::fmt;

/// The end of a run. Assertions return the value, so that they can be chained, and show all of it when they fail.
#[must_use = "assert the exit code or look at what was printed"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code; none when a signal ended the program.
    pub code: Option<i32>,
    /// Standard output, decoded lossily.
    pub stdout: String,
    /// Standard error, decoded lossily.
    pub stderr: String,
}

impl Output {
    /// Asserts that the program returned 0.
    ///
    /// # Panics
    ///
    /// When it returned anything else.
    #[track_caller]
    pub fn success(self) -> Self {
        self.code(0)
    }

    /// Asserts the exit code.
    ///
    /// # Panics
    ///
    /// When the program returned another one, or was ended by a signal.
    #[track_caller]
    pub fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, Some(expected), "another exit code\n{self}");
        self
    }

    /// Asserts that standard output holds a text.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "stdout lacks `{text}`\n{self}");
        self
    }

    /// Asserts that standard error holds a text.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[track_caller]
    pub fn warns(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "stderr lacks `{text}`\n{self}");
        self
    }

    /// Asserts that neither stream holds a text, for secrets and for messages that must be gone.
    ///
    /// # Panics
    ///
    /// When one does.
    #[track_caller]
    pub fn never_says(self, text: &str) -> Self {
        assert!(
            !self.stdout.contains(text) && !self.stderr.contains(text),
            "`{text}` was printed\n{self}"
        );
        self
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => writeln!(f, "exit code: {code}")?,
            None => writeln!(f, "ended by a signal")?,
        }
        writeln!(
            f,
            "--- stdout\n{}--- stderr\n{}---",
            self.stdout, self.stderr
        )
    }
}
