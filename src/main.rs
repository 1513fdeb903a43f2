//! The `dhtl` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    dhtl::cli::run()
}
