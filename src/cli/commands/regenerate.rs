//! `dhtl regenerate`.

use std::process::ExitCode;

use clap::Args;
use dht_store::LinkMode;

use crate::cli::commands::setup::now;
use crate::cli::failure::{Failure, Kind};
use crate::cli::python_strategy::PythonStrategyArgs;
use crate::cli::selection_args::GroupArgs;
use crate::cli::session::Session;
use crate::cli::vars;
use crate::env::context::Context;
use crate::model::groups::GroupRequest;
use crate::model::platform::Platform;
use crate::project::discover::ProjectRoot;
use crate::project::expectation::{self, Verdict};
use crate::project::regenerate::{Options, Regenerated, regenerate};
use crate::project::setup::apply::SetupOptions;
use crate::project::setup::plan::{SetupWishes, plan};
use crate::project::spec::{Spec, Wishes};
use crate::report::expectation as expectation_report;
use crate::report::regenerate::RegenerateReport;

/// Makes `.venv` exactly what the lock says, from the store.
///
/// What the store lacks is fetched, checked against the lock's hashes, and kept. A `.venv` that is
/// right already is checked file by file and left alone; one that differs is changed in place.
/// Where `.dhtconfig` holds checksums, what came out is compared with them: another environment or
/// configuration is told, and the exit code is 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl regenerate                          # make or update `.venv`
  dhtl regenerate --check                  # in CI: is `.venv` what the lock says?
  dhtl regenerate --group docs --no-dev    # other groups than the default ones
  dhtl regenerate --link-mode symlink      # fastest, for `.venv`s that come and go
  dhtl regenerate --offline                # from the store alone")]
pub struct RegenerateArgs {
    /// Leaves `.venv` as it is, though the store is filled; exits with 1 if it would be changed.
    #[arg(long)]
    check: bool,
    /// Leaves `.venv` as it is, though the store is filled; tells what would be done.
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Fails if the lock does not match the project's metadata.
    #[arg(long, env = vars::DHT_LOCKED, value_parser = clap::builder::BoolishValueParser::new(), num_args = 0, default_missing_value = "true", default_value = "false", action = clap::ArgAction::Set)]
    locked: bool,
    /// Looks at inputs and folders only, and at the files of packages that change: an edited file stays.
    #[arg(long, conflicts_with = "deep")]
    quick: bool,
    /// Where checksums differ, puts right what can be: restores damaged files, and writes down in
    /// `.dhtconfig` what the project asks for now; then validates again. On a terminal it is offered.
    #[arg(long, conflicts_with_all = ["check", "dry_run"])]
    fix: bool,
    /// Reads every byte of the environment that stands already.
    #[arg(long)]
    deep: bool,
    /// Also removes what was added to the environment.
    #[arg(long)]
    remove_added: bool,
    /// The Python, such as 3.11.7, 3.12 or pypy@3.10.
    #[arg(short, long, env = vars::DHT_PYTHON, value_name = "VERSION")]
    python: Option<String>,
    #[command(flatten)]
    python_strategy: PythonStrategyArgs,
    /// How files come from the store: auto, hardlink, symlink, clone or copy.
    #[arg(long, env = vars::DHT_LINK_MODE, value_name = "MODE", value_parser = link_mode)]
    link_mode: Option<LinkMode>,
    /// Compiles modules once for each package, and links the bytecode.
    #[arg(long, env = vars::DHT_COMPILE_BYTECODE, value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    compile_bytecode: Option<bool>,
    #[command(flatten)]
    groups: GroupArgs,
}

/// Reads the name of a link mode.
pub fn link_mode(text: &str) -> Result<LinkMode, String> {
    Ok(match text {
        "auto" => LinkMode::Auto,
        "hardlink" => LinkMode::Hardlink,
        "symlink" => LinkMode::Symlink,
        "clone" => LinkMode::Clone,
        "copy" => LinkMode::Copy,
        _ => return Err("known are auto, hardlink, symlink, clone and copy".to_owned()),
    })
}

impl RegenerateArgs {
    fn wishes(&self) -> Wishes {
        Wishes {
            python: self.python.clone(),
            groups: GroupRequest::from(&self.groups),
            link_mode: self.link_mode,
            bytecode: self.compile_bytecode,
        }
    }

    /// Compares what was made with what `.dhtconfig` says.
    fn judge(
        &self,
        context: &Context<'_>,
        root: &ProjectRoot,
        platform: Platform,
        (spec, done): (&Spec, &Regenerated),
    ) -> Result<Verdict, Failure> {
        let plain = Spec::read(root, &Wishes::default())?;
        let is_meant = spec.groups == plain.groups && spec.python == plain.python;
        let environment = is_meant.then_some(&done.environment);
        Ok(expectation::compare(
            context,
            &plain,
            platform,
            environment,
        )?)
    }

    /// Does the work.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        let root = session.project()?;
        let open = session.open(&root.folder)?;
        let strategy = self.python_strategy;
        let python = self.python.as_ref();
        if let Some(code) = strategy.in_container(session, &open, &root, python)? {
            return Ok(code);
        }
        let context = strategy.apply(open.context());
        let spec = Spec::read(&root, &self.wishes())?;
        let platform = session.platform(None)?;
        let dry_run = self.check || self.dry_run;
        let mut options = Options {
            dry_run,
            replace_foreign: session.globals.yes,
            locked: self.locked,
            quick: self.quick,
            deep: self.deep,
            remove_added: self.remove_added,
            keep_assembly: false,
        };
        let mut done = match regenerate(&context, &spec, platform, options) {
            Err(crate::project::regenerate::RegenerateError::Foreign(folder))
                if session.ui.confirm(&format!(
                    "`{}` was not made by dhtl. Replace it?",
                    folder.display()
                )) =>
            {
                options.replace_foreign = true;
                regenerate(&context, &spec, platform, options)
            }
            other => other,
        }?;
        for warning in spec.warnings().iter().chain(&done.resolved.warnings) {
            session.ui.warning(warning);
        }
        let mut verdict = self.judge(&context, &root, platform, (&spec, &done))?;
        let may_fix = !dry_run && !verdict.holds() && (self.fix || session.ui.can_ask());
        if may_fix && !session.globals.json {
            expectation_report::tell(&verdict, &session.ui);
        }
        if may_fix && (self.fix || agrees_to_fix(session, &verdict)) {
            done = fix(session, &context, &root, (&spec, platform), &verdict)?;
            let spec = Spec::read(&session.project()?, &self.wishes())?;
            verdict = self.judge(&context, &spec.root, platform, (&spec, &done))?;
        }
        let holds = verdict.holds();
        let mut report = RegenerateReport::new(&done, dry_run);
        report.validation = Some(verdict);
        if session.globals.json {
            session.ui.json("regenerate", 1, &report)?;
        } else {
            report.tell(&session.ui);
        }
        if self.check && done.has_changed() && !session.globals.json {
            session
                .ui
                .failed("Check: `.venv` is not what the lock says");
            session.ui.hint("run `dhtl regenerate`");
        }
        if !dry_run && !done.resolved.remembered {
            super::gc::within_budget(session, &open);
        }
        if !holds || (self.check && done.has_changed()) {
            return Ok(ExitCode::from(Kind::Work.exit_code()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Asks whether what differs shall be put right.
fn agrees_to_fix(session: &Session, verdict: &Verdict) -> bool {
    session.ui.confirm(if verdict.records_differ() {
        "Write down in `.dhtconfig` what the project asks for now?"
    } else {
        "Check every byte, and restore what is damaged?"
    })
}

/// Puts right what differs from `.dhtconfig`.
fn fix(
    session: &Session,
    context: &Context<'_>,
    root: &ProjectRoot,
    (spec, platform): (&Spec, Platform),
    verdict: &Verdict,
) -> Result<Regenerated, Failure> {
    if verdict.records_differ() {
        let mut plan = plan(context, root, platform, &SetupWishes::default())?;
        let options = SetupOptions {
            dry_run: false,
            replace_foreign: session.globals.yes,
            platforms: Vec::new(),
            now: now(),
        };
        let done = plan.apply(context, &options)?;
        if let Some(made) = done.regenerated {
            return Ok(made);
        }
    }
    let options = Options {
        deep: true,
        ..Options::default()
    };
    Ok(regenerate(context, spec, platform, options)?)
}
