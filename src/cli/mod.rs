//! Arguments, dispatch, exit codes and hints.

use std::process::ExitCode;

/// Runs the program and returns its exit code.
pub fn run() -> ExitCode {
    ExitCode::SUCCESS
}
