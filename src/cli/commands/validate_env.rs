//! `dhtl validate-env`, and its alias `verify-environment`.

use std::process::ExitCode;

use clap::Args;
use dht_store::{Base, Fingerprint};

use crate::cli::failure::{Failure, Kind};
use crate::cli::python_strategy::PythonStrategyArgs;
use crate::cli::selection_args::GroupArgs;
use crate::cli::session::Session;
use crate::cli::vars;
use crate::env::assemble::{Standing, standing};
use crate::env::base;
use crate::env::blueprint::target_of;
use crate::env::context::Context;
use crate::model::groups::GroupRequest;
use crate::model::platform::Platform;
use crate::project::env_vars;
use crate::project::expectation::{self, Verdict};
use crate::project::regenerate::{Options, VENV, regenerate};
use crate::project::resolve::ResolveError;
use crate::project::spec::{Spec, Wishes};
use crate::project::validate::{Closeness, ValidateError, Validated, validate};
use crate::report::validate::ValidateReport;

/// Says, file by file, whether `.venv` still is what it should be.
///
/// Files are compared with the manifests of their packages: kind, mode, size and a time that follows
/// from the content; with --deep every byte is read. Then `.dhtconfig`, the lock and the hooks' configuration are
/// compared with the checksums in `.dhtconfig`. Exits with 0 if nothing differs, else with 1; a required
/// environment variable without a value is told, and is no failure. With --quick and --quiet nothing is printed,
/// and the exit code is 0 or 1 whatever happens.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dhtl validate-env                        # every file, by one stat each
  dhtl validate-env --deep                 # every byte
  dhtl validate-env --fix                  # put back what differs
  dhtl validate-env --quick --quiet || echo drifted
  dhtl verify-environment --checksum blake3:82b875bf…")]
pub struct ValidateEnvArgs {
    /// Looks at inputs and folders only; fit for a shell's prompt.
    #[arg(long, conflicts_with = "deep")]
    quick: bool,
    /// Reads every byte.
    #[arg(long)]
    deep: bool,
    /// Puts back what differs, and leaves what was added.
    #[arg(long)]
    fix: bool,
    /// With --fix, also removes what was added.
    #[arg(long, requires = "fix")]
    remove_added: bool,
    /// Also compares the environment's fingerprint with this one.
    #[arg(long, value_name = "FINGERPRINT")]
    checksum: Option<String>,
    /// The Python, as it was given to `regenerate`.
    #[arg(short, long, env = vars::DHT_PYTHON, value_name = "VERSION")]
    python: Option<String>,
    #[command(flatten)]
    python_strategy: PythonStrategyArgs,
    #[command(flatten)]
    groups: GroupArgs,
}

impl ValidateEnvArgs {
    /// Does the work. A quick and quiet look answers by 0 or 1 alone: a shell's hook asks for it.
    pub fn run(&self, session: &Session) -> Result<ExitCode, Failure> {
        match self.look(session) {
            Err(_) if self.quick && session.globals.quiet => {
                Ok(ExitCode::from(Kind::Work.exit_code()))
            }
            told => told,
        }
    }

    fn look(&self, session: &Session) -> Result<ExitCode, Failure> {
        let checksum = self.checksum.as_deref().map(read_checksum).transpose()?;
        let root = session.project()?;
        let open = session.open(&root.folder)?;
        let context = self.python_strategy.apply(open.context());
        let wishes = Wishes {
            python: self.python.clone(),
            groups: GroupRequest::from(&self.groups),
            ..Wishes::default()
        };
        let spec = Spec::read(&root, &wishes)?;
        let platform = session.platform(None)?;
        let closeness = match (self.quick, self.deep) {
            (true, _) => Closeness::Quick,
            (_, true) => Closeness::Deep,
            _ => Closeness::Stat,
        };
        let mut found = validate(&context, &spec, platform, closeness)?;
        let mut repaired = 0;
        if self.fix && !found.is_valid() {
            let done = self.repair(&context, &spec, platform)?;
            let before =
                std::mem::replace(&mut found, validate(&context, &spec, platform, closeness)?);
            repaired = match before.drift.len().saturating_sub(found.drift.len()) {
                0 => done,
                gone => gone as u64,
            };
        }
        let matches = checksum.is_none_or(|checksum| checksum == found.fingerprint);
        let mut report = ValidateReport::new(&found, repaired);
        report.checksum_matches =
            checksum.map(|checksum| checksum == found.fingerprint && found.is_valid());
        if !self.quick {
            let plain = Spec::read(&root, &Wishes::default())?;
            let is_meant = spec.groups == plain.groups && spec.python == plain.python;
            let environment = is_meant.then_some(&found.environment);
            let verdict = expectation::compare(&context, &plain, platform, environment)?;
            let is_set = |name: &str| vars::read(name).is_some();
            let listed = env_vars::listed(&root)?;
            report.validation = Some(verdict);
            report.missing_variables = env_vars::missing(&root, &listed, &is_set)?;
        }
        let holds = report.validation.as_ref().is_none_or(Verdict::holds);
        self.tell(session, &found, &report, checksum)?;
        let code = if found.is_valid() && matches && holds {
            0
        } else {
            Kind::Work.exit_code()
        };
        Ok(ExitCode::from(code))
    }

    fn repair(
        &self,
        context: &Context<'_>,
        spec: &Spec,
        platform: Platform,
    ) -> Result<u64, Failure> {
        repair_base(context, spec, platform)?;
        let options = Options {
            deep: self.deep,
            remove_added: self.remove_added,
            keep_assembly: true,
            ..Options::default()
        };
        let done = regenerate(context, spec, platform, options)?;
        Ok(done.assembled.changed + done.assembled.removed)
    }

    fn tell(
        &self,
        session: &Session,
        found: &Validated,
        report: &ValidateReport,
        checksum: Option<Fingerprint>,
    ) -> Result<(), Failure> {
        if session.globals.json {
            return Ok(session.ui.json("validate-env", 1, report)?);
        }
        report.tell(&session.ui);
        if let Some(checksum) = checksum {
            if checksum == found.fingerprint && !found.is_valid() {
                session.ui.failed(format!(
                    "Environment fingerprint: blake3:{checksum} as expected, but what stands is not that environment"
                ));
            } else if checksum == found.fingerprint {
                session
                    .ui
                    .done(format!("Environment validated: blake3:{checksum} ✓ MATCH"));
            } else {
                session.ui.failed(format!(
                    "Environment fingerprint: blake3:{}, not blake3:{checksum}",
                    found.fingerprint
                ));
            }
        }
        Ok(())
    }
}

/// Repairs the interpreter's build, which no link of the environment reaches.
fn repair_base(context: &Context<'_>, spec: &Spec, platform: Platform) -> Result<(), Failure> {
    let standing = standing(&spec.root.folder.join(VENV));
    let Standing::Ours(state) = standing else {
        return Ok(());
    };
    let Some(environment) = context.store.environment(state.fingerprint)? else {
        return Ok(());
    };
    if let Base::Entry(entry) = &environment.base {
        let report = context.store.repair_entry(entry, true)?;
        if !report.remaining.is_empty() {
            let target = target_of(&environment).map_err(ValidateError::from)?;
            base::provide_again(context, &target.python, platform)
                .map_err(|error| Failure::from(ResolveError::from(error)))?;
        }
    }
    Ok(())
}

fn read_checksum(text: &str) -> Result<Fingerprint, Failure> {
    let digits = text.strip_prefix("blake3:").unwrap_or(text);
    digits.parse().map_err(|error| {
        Failure::new(Kind::Usage, error)
            .hint("give the fingerprint as `dhtl fingerprint` prints it")
    })
}
