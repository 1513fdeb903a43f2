//! Arguments, dispatch, exit codes and hints.

pub mod commands;
pub mod failure;
pub mod fetch_settings;
pub mod globals;
pub mod interrupt;
pub mod limits;
pub mod python_strategy;
pub mod selection_args;
pub mod session;
pub mod vars;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use commands::completions::CompletionsArgs;
use commands::diff::DiffArgs;
use commands::env_setup::EnvSetupArgs;
use commands::fingerprint::FingerprintArgs;
use commands::freeze_tools::FreezeToolsArgs;
use commands::gc::GcArgs;
use commands::generate_env_template::GenerateEnvTemplateArgs;
use commands::generations::{GenerationsArgs, RollbackArgs};
use commands::regenerate::RegenerateArgs;
use commands::run::RunArgs;
use commands::sbom::SbomArgs;
use commands::setup::SetupArgs;
use commands::store::StoreArgs;
use commands::validate_env::ValidateEnvArgs;
use commands::why::WhyArgs;
use failure::Failure;
use globals::Globals;
use session::Session;

use crate::ui::{Settings, Ui};

/// Recreates a project's Python environment exactly, from a content-addressed store, and proves it.
#[derive(Debug, Parser)]
#[command(name = "dhtl", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Setup(SetupArgs),
    Regenerate(RegenerateArgs),
    #[command(name = "validate-env", visible_alias = "verify-environment")]
    ValidateEnv(ValidateEnvArgs),
    #[command(name = "freeze-tools")]
    FreezeTools(FreezeToolsArgs),
    Fingerprint(FingerprintArgs),
    Diff(DiffArgs),
    Why(WhyArgs),
    Run(RunArgs),
    #[command(name = "env-setup")]
    EnvSetup(EnvSetupArgs),
    #[command(name = "generate-env-template")]
    GenerateEnvTemplate(GenerateEnvTemplateArgs),
    Generations(GenerationsArgs),
    Rollback(RollbackArgs),
    Sbom(SbomArgs),
    Gc(GcArgs),
    Store(StoreArgs),
    Completions(CompletionsArgs),
}

/// Returns the whole command line: every command, option and variable.
pub fn command() -> clap::Command {
    Cli::command().after_long_help(failure::exit_codes())
}

/// Makes an empty variable count as unset, as `vars::read` does for the others.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            let name = arg.get_env().and_then(OsStr::to_str).map(str::to_owned);
            match name {
                Some(name) if vars::is_empty(&name) => arg.env(None::<&'static str>),
                _ => arg,
            }
        })
        .mut_subcommands(without_empty_variables)
}

/// Runs the program and returns its exit code.
pub fn run() -> ExitCode {
    let cli = match without_empty_variables(command())
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is the only way in which this fails, and then nobody reads.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let ui = Ui::new(Settings {
        color: cli.globals.color,
        quiet: cli.globals.quiet,
        verbose: cli.globals.verbose,
        no_progress: cli.globals.no_progress || cli.globals.json,
    });
    let session = match Session::new(&cli.globals, ui) {
        Ok(session) => session,
        Err(failure) => return failure.report(&Ui::new(Settings::default())),
    };
    let code = dispatch(&cli.command, &session);
    interrupt::give_way(&session.cancel());
    code.unwrap_or_else(|failure| failure.report(&session.ui))
}

fn dispatch(command: &Command, session: &Session) -> Result<ExitCode, Failure> {
    match command {
        Command::Setup(args) => args.run(session),
        Command::Regenerate(args) => args.run(session),
        Command::ValidateEnv(args) => args.run(session),
        Command::FreezeTools(args) => args.run(session),
        Command::Fingerprint(args) => args.run(session),
        Command::Diff(args) => args.run(session),
        Command::Why(args) => args.run(session),
        Command::Run(args) => args.run(session),
        Command::EnvSetup(args) => args.run(session),
        Command::GenerateEnvTemplate(args) => args.run(session),
        Command::Generations(args) => args.run(session),
        Command::Rollback(args) => args.run(session),
        Command::Sbom(args) => args.run(session),
        Command::Gc(args) => args.run(session),
        Command::Store(args) => args.run(session),
        Command::Completions(args) => args.run(session),
    }
}
