//! `dhtl completions`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use clap_complete::{Generator, Shell};
use clap_complete_nushell::Nushell;

use crate::cli::failure::{Failure, Kind};
use crate::cli::session::Session;

/// Prints what a shell needs to complete dhtl's commands and options.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl completions bash > ~/.local/share/bash-completion/completions/dhtl
  dhtl completions zsh > ~/.zfunc/_dhtl          # a folder of your fpath
  dhtl completions fish > ~/.config/fish/completions/dhtl.fish")]
pub struct CompletionsArgs {
    /// The shell.
    shell: Target,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Target {
    Bash,
    Elvish,
    Fish,
    Nushell,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

impl CompletionsArgs {
    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let script = match self.shell {
            Target::Bash => script(Shell::Bash),
            Target::Elvish => script(Shell::Elvish),
            Target::Fish => script(Shell::Fish),
            Target::Nushell => script(Nushell),
            Target::PowerShell => script(Shell::PowerShell),
            Target::Zsh => script(Shell::Zsh),
        };
        let script =
            String::from_utf8(script).map_err(|error| Failure::new(Kind::Internal, error))?;
        session.ui.data(script.trim_end())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn script(generator: impl Generator) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(generator, &mut crate::cli::command(), "dhtl", &mut script);
    script
}
