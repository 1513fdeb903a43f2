//! Arguments, dispatch, exit codes and hints.

pub mod failure;
pub mod fetch_settings;
pub mod vars;

use std::process::ExitCode;

/// Runs the program and returns its exit code.
pub fn run() -> ExitCode {
    ExitCode::SUCCESS
}
