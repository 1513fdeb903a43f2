//! The one place that starts processes.
//!
//! A [`Call`] is a program by its path, arguments, a folder, an environment and a time limit. There
//! is no shell: every argument reaches the program as one value. Standard input is closed, so a
//! program that would ask ends instead of waiting. What it prints is kept up to a bound. When the
//! time is over or the user cancels, its whole process group dies, not the program alone.
//!
//! On Windows only the program itself is ended; what it started is left to end by itself.

mod find;
mod process;
mod redact;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

pub use find::find_program;
pub use redact::redact;

/// How long a program may take unless its call says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// How much of standard output is kept unless the call says otherwise, in bytes.
const DEFAULT_STDOUT: usize = 64 * 1024 * 1024;

/// How much of the end of standard error is kept, in bytes.
const STDERR_TAIL: usize = 16 * 1024;

/// The user's wish to stop, shared by everything that waits.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Wish>);

#[derive(Debug, Default)]
struct Wish {
    stop: AtomicBool,
    running: AtomicUsize,
}

impl Cancel {
    /// Makes every running call end.
    pub fn cancel(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }

    /// Returns whether the user wants to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.stop.load(Ordering::Relaxed)
    }

    /// Returns whether a program that was started has not ended yet.
    pub fn is_busy(&self) -> bool {
        self.0.running.load(Ordering::Relaxed) > 0
    }

    /// Counts a program until the value is dropped.
    fn count(&self) -> Running<'_> {
        self.0.running.fetch_add(1, Ordering::Relaxed);
        Running(self)
    }
}

/// A program that was started.
struct Running<'a>(&'a Cancel);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A process to start.
#[derive(Debug, Clone)]
pub struct Call {
    program: PathBuf,
    args: Vec<OsString>,
    folder: Option<PathBuf>,
    set: BTreeMap<OsString, OsString>,
    unset: Vec<OsString>,
    timeout: Duration,
    stdout_limit: usize,
    secrets: Vec<String>,
}

/// What a program that ended left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Everything it printed.
    pub stdout: Vec<u8>,
    /// The end of what it told on standard error, without secrets.
    pub stderr: String,
}

/// A program could not be started or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The program could not be started.
    #[error("cannot start `{command}`")]
    Start {
        /// The command line, without secrets.
        command: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What it printed could not be read, or its end not awaited.
    #[error("lost contact with `{command}`")]
    Contact {
        /// The command line, without secrets.
        command: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It ended with another code than 0.
    #[error("`{command}` {}{}", ended(*.code), told(.stderr))]
    Failed {
        /// The command line, without secrets.
        command: String,
        /// Its exit code; `None` when a signal ended it.
        code: Option<i32>,
        /// The end of what it told, without secrets.
        stderr: String,
    },
    /// It took too long and was ended.
    #[error("`{command}` was ended: it took more than {} seconds{}", .limit.as_secs(), told(.stderr))]
    Timeout {
        /// The command line, without secrets.
        command: String,
        /// The time that it had.
        limit: Duration,
        /// The end of what it told, without secrets.
        stderr: String,
    },
    /// The user cancelled.
    #[error("`{command}` was ended: cancelled")]
    Cancelled {
        /// The command line, without secrets.
        command: String,
    },
    /// It printed more than is kept.
    #[error("`{command}` was ended: it printed more than {limit} bytes")]
    TooMuch {
        /// The command line, without secrets.
        command: String,
        /// The bound, in bytes.
        limit: usize,
    },
}

fn ended(code: Option<i32>) -> String {
    code.map_or_else(
        || "was ended by a signal".to_owned(),
        |code| format!("ended with code {code}"),
    )
}

fn told(stderr: &str) -> String {
    let stderr = stderr.trim();
    if stderr.is_empty() {
        String::new()
    } else {
        format!(":\n{stderr}")
    }
}

impl Call {
    /// Makes a call of the program at `program`, which should be absolute.
    pub fn new(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            args: Vec::new(),
            folder: None,
            set: BTreeMap::new(),
            unset: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
            stdout_limit: DEFAULT_STDOUT,
            secrets: Vec::new(),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets the folder that the program starts in.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Sets an environment variable; the others are inherited.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.set
            .insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Leaves out environment variables.
    #[must_use]
    pub fn without_env<A: AsRef<OsStr>>(mut self, names: impl IntoIterator<Item = A>) -> Self {
        self.unset
            .extend(names.into_iter().map(|name| name.as_ref().to_owned()));
        self
    }

    /// Sets the time limit.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how much of standard output is kept; more is an error.
    #[must_use]
    pub const fn stdout_limit(mut self, bytes: usize) -> Self {
        self.stdout_limit = bytes;
        self
    }

    /// Names a text that no message may show.
    #[must_use]
    pub fn secret(mut self, secret: &str) -> Self {
        if !secret.is_empty() {
            self.secrets.push(secret.to_owned());
        }
        self
    }

    /// Returns the command line as a message may show it.
    pub fn shown(&self) -> String {
        let words =
            std::iter::once(self.program.as_os_str()).chain(self.args.iter().map(AsRef::as_ref));
        let words: Vec<String> = words
            .map(|word| {
                let word = redact(&word.to_string_lossy(), &self.secrets);
                if word.is_empty() || word.contains(char::is_whitespace) {
                    format!("{word:?}")
                } else {
                    word
                }
            })
            .collect();
        words.join(" ")
    }

    /// Runs the program and awaits its end, whatever its exit code.
    ///
    /// # Errors
    ///
    /// When it cannot be started, takes too long, prints too much, or the user cancels.
    pub fn output(&self, cancel: &Cancel) -> Result<Output, RunError> {
        process::run(self, cancel)
    }

    /// Runs the program and awaits its end.
    ///
    /// # Errors
    ///
    /// As [`output`](Self::output), and when it ends with another code than 0.
    pub fn run(&self, cancel: &Cancel) -> Result<Output, RunError> {
        let output = self.output(cancel)?;
        if output.code == Some(0) {
            return Ok(output);
        }
        Err(RunError::Failed {
            command: self.shown(),
            code: output.code,
            stderr: output.stderr,
        })
    }

    /// Gives the terminal to the program: on POSIX it takes the place of this process, so that
    /// this returns only an error; on Windows its exit code is returned.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn hand_over(&self) -> Result<i32, RunError> {
        process::hand_over(self)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
