//! Carrying out a plan: the lock, the environment, then `.dhtconfig`.

use schemars::JsonSchema;
use serde::Serialize;

use super::locker::{self, Locker};
use super::plan::SetupPlan;
use super::{SetupError, machine, tools};
use crate::env::context::Context;
use crate::model::asked::Asked;
use crate::model::checksum::Canonical;
use crate::model::config::checksum::Checksum;
use crate::model::config::text::{ProjectPath, Timestamp, Words};
use crate::model::config::{self, Config, FingerprintSection, edit};
use crate::model::platform::Platform;
use crate::model::tool_lock::TOOL_LOCK;
use crate::project::checksum;
use crate::project::discover::{CONFIG_FILE, UV_LOCK};
use crate::project::env_vars;
use crate::project::expectation::{self, ExpectationError};
use crate::project::lock::Lock;
use crate::project::platforms::{self, Computed, Lacking};
use crate::project::regenerate::{self, Regenerated, regenerate};
use crate::project::spec::{Spec, Wishes};
use crate::project::tools::Tools;
use crate::tools::git::Git;

/// How a setup is carried out.
#[derive(Debug, Clone)]
pub struct SetupOptions {
    /// Changes nothing in the project; tells what would be done.
    pub dry_run: bool,
    /// Whether an environment that another tool made may be replaced.
    pub replace_foreign: bool,
    /// The platforms beside this machine's whose environments are computed.
    pub platforms: Vec<Platform>,
    /// What is written down as the time of the change.
    pub now: Option<Timestamp>,
}

/// What becomes of `.dhtconfig`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigStep {
    /// It is new.
    Made,
    /// It says something else.
    Changed,
    /// It says all of it already.
    Kept,
}

/// What a setup did, or would do.
#[derive(Debug)]
pub struct SetupDone {
    /// The lock files, by their paths in the project.
    pub lock_file: String,
    /// What became of `.dhtconfig`.
    pub config: ConfigStep,
    /// What became of the lock of the tools; none where there is nothing to lock.
    pub tools_lock: Option<ConfigStep>,
    /// Its sections that say something else than before.
    pub sections: Vec<String>,
    /// What a user should know of the locks.
    pub warnings: Vec<String>,
    /// The checksum of what is asked for; unknown while the lock is only planned.
    pub venv_checksum: Option<Checksum>,
    /// The environments of other platforms.
    pub computed: Vec<Computed>,
    /// The platforms whose environments could not be computed.
    pub lacking: Vec<Lacking>,
    /// The environment; unknown while the lock is only planned.
    pub regenerated: Option<Regenerated>,
}

impl SetupPlan {
    /// Carries the plan out.
    pub fn apply(
        &mut self,
        context: &Context<'_>,
        options: &SetupOptions,
    ) -> Result<SetupDone, SetupError> {
        if let Some(locker) = &self.locker {
            let locker = locker.clone();
            locker::adopt(&locker, &mut self.config)?;
            if options.dry_run {
                let text = self.write(&self.config)?;
                let mut done = self.done(locker.file().to_owned(), &text, None)?;
                if done.config == ConfigStep::Kept {
                    // Its checksums follow the lock.
                    done.config = ConfigStep::Changed;
                    done.sections.push("validation".to_owned());
                }
                return Ok(done);
            }
            let version = self.python.version.to_string();
            locker.make(context, &self.root.folder, &self.program, &version)?;
            if locker == Locker::Project {
                self.root.uv_lock = Some(self.root.folder.join(UV_LOCK));
            }
        }
        let spec = Spec::with_config(&self.root, &Wishes::default(), &self.config)?;
        let locks = self.shown(&spec.locks);
        if self.config.dependencies.lock_files.is_empty() {
            let paths = locks.iter().map(|path| ProjectPath::new(path));
            self.config.dependencies.lock_files = paths.collect::<Result<_, _>>()?;
        }
        let needs = machine::add_needs(&self.root, &spec.locks, &mut self.config);
        self.found.extend(needs);
        let captured = tools::capture(&self.root, &spec.locks, &self.tools, &mut self.config)?;
        self.found.extend(captured.found);
        self.remarks.extend(captured.remarks);
        let mut wanted = Tools {
            wanted: self.config.tools.clone(),
            ..spec.tools.clone()
        };
        let spec = spec.with_tools(wanted.clone())?;
        let frozen = tools::freeze(context, &spec, self.platform, options.dry_run)?;
        let pinned = Context {
            pins: &frozen.lock.pins,
            ..*context
        };
        let context = &pinned;
        wanted.lock = frozen.lock.clone();
        let spec = spec.with_tools(wanted)?;
        let how = regenerate::Options {
            dry_run: options.dry_run,
            replace_foreign: options.replace_foreign,
            ..regenerate::Options::default()
        };
        let made = regenerate(context, &spec, self.platform, how)?;
        let fingerprint = Checksum::Blake3(*made.fingerprint.0.as_bytes());
        let asked = checksum::asked(&spec, &self.config)?;
        let validation = &mut self.config.validation;
        let former = validation.venv_checksum.as_ref();
        if former.and_then(|it| asked.agrees_with(it)) != Some(true) {
            // Those of other platforms are of something that is asked for no more.
            validation.environments.clear();
            validation.inputs.clear();
        }
        validation.environments.insert(self.platform, fingerprint);
        let inputs = expectation::inputs_mark(&made.environment);
        validation.inputs.insert(self.platform, inputs);
        let (computed, lacking) = self.compute_others(context, &spec, &options.platforms);
        if !options.dry_run {
            checksum::keep(context, &asked)?;
        }
        let text = self.finished(&asked, options.now.as_ref())?;
        if !options.dry_run && self.before.as_ref() != Some(&text) {
            env_vars::write_plain(&self.root.folder.join(CONFIG_FILE), &text, 0o644)?;
        }
        let mut warnings = spec.warnings();
        warnings.extend(frozen.warnings);
        let mut done = self.done(locks.join(", "), &text, Some((made, warnings)))?;
        done.tools_lock = frozen.step;
        let mut written = locks.clone();
        written.extend(frozen.step.map(|_| TOOL_LOCK.to_owned()));
        done.warnings.extend(self.ignored(context, &written));
        done.venv_checksum = Some(asked.checksum());
        done.computed = computed;
        done.lacking = lacking;
        Ok(done)
    }

    /// Says which of the files that belong into the repository git leaves out.
    fn ignored(&self, context: &Context<'_>, locks: &[String]) -> Option<String> {
        let folder = &self.root.folder;
        let git = Git::locate(&context.machine.path, folder)?;
        let files = locks.iter().map(String::as_str).chain([CONFIG_FILE]);
        let ignored: Vec<String> = files
            .filter(|file| git.ignores(folder, file, context.cancel))
            .map(|file| format!("`{file}`"))
            .collect();
        (!ignored.is_empty()).then(|| {
            format!(
                "git ignores {}: add it with `git add --force`, or others do not get it",
                ignored.join(", ")
            )
        })
    }

    /// Returns the paths of locks in the project, with slashes.
    fn shown(&self, locks: &[Lock]) -> Vec<String> {
        let path = |lock: &Lock| {
            let path = lock.path.strip_prefix(&self.root.folder);
            let path = path.unwrap_or(&lock.path);
            path.to_string_lossy().replace('\\', "/")
        };
        locks.iter().map(path).collect()
    }

    /// Computes the environments of other platforms, and writes them down.
    fn compute_others(
        &mut self,
        context: &Context<'_>,
        spec: &Spec,
        platforms: &[Platform],
    ) -> (Vec<Computed>, Vec<Lacking>) {
        let others = platforms.iter().copied();
        let others: Vec<Platform> = others.filter(|it| *it != self.platform).collect();
        let (computed, lacking) = platforms::compute(context, spec, &others);
        let validation = &mut self.config.validation;
        for found in &computed {
            let fingerprint = Checksum::Blake3(*found.fingerprint.0.as_bytes());
            validation.environments.insert(found.platform, fingerprint);
            let inputs = found.inputs.clone();
            validation.inputs.insert(found.platform, inputs);
        }
        for lacking in &lacking {
            validation.environments.remove(&lacking.platform);
            validation.inputs.remove(&lacking.platform);
        }
        (computed, lacking)
    }

    fn write(&self, wanted: &Config) -> Result<String, SetupError> {
        Ok(match &self.before {
            Some(text) => edit::rewrite(CONFIG_FILE, text, wanted)?,
            None => edit::fresh(wanted)?,
        })
    }

    /// Returns the text of `.dhtconfig` with its checksum; with another time only where something
    /// else is another too.
    fn finished(&self, asked: &Asked, now: Option<&Timestamp>) -> Result<String, SetupError> {
        let mut wanted = self.config.clone();
        let expected = &mut wanted.validation.venv_checksum;
        let agrees = expected.as_ref().and_then(|it| asked.agrees_with(it));
        if agrees != Some(true) {
            *expected = Some(asked.checksum());
        }
        wanted.validation.parts = asked.marks();
        let files = expectation::covered(&self.root, &wanted)?;
        let canonical = Canonical::new(self.write(&wanted)?.as_bytes(), &files)
            .map_err(|error| ExpectationError::Config(Box::new(error)))?;
        let expected = &mut wanted.validation.config_checksum;
        let agrees = expected.as_ref().and_then(|it| canonical.agrees_with(it));
        if agrees != Some(true) {
            *expected = Some(canonical.checksum());
        }
        let marks = canonical.marks().iter();
        let marks = marks.filter(|(path, _)| expectation::can_mark(path));
        wanted.validation.files = marks.map(|(path, it)| (path.clone(), it.clone())).collect();
        let text = self.write(&wanted)?;
        if self.before.as_ref() == Some(&text) {
            return Ok(text);
        }
        wanted.fingerprint = Some(FingerprintSection {
            created_at: now.cloned(),
            created_by: Some(Words::new(concat!("DHT/", env!("CARGO_PKG_VERSION")))?),
            platform: Some(self.platform),
        });
        self.write(&wanted)
    }

    fn done(
        &self,
        lock_file: String,
        text: &str,
        made: Option<(Regenerated, Vec<String>)>,
    ) -> Result<SetupDone, SetupError> {
        let config = match &self.before {
            None => ConfigStep::Made,
            Some(before) if before == text => ConfigStep::Kept,
            Some(_) => ConfigStep::Changed,
        };
        let said = |text: &str| {
            config::as_written(CONFIG_FILE, text.as_bytes())
                .map_err(|error| ExpectationError::Config(Box::new(error)))
        };
        let after = said(text)?;
        let before = self.before.as_deref().map(said).transpose()?;
        let sections = after.as_object().into_iter().flatten();
        let is_new = |(key, value): &(&String, &serde_json::Value)| {
            key.as_str() != "fingerprint"
                && before.as_ref().and_then(|it| it.get(key.as_str())) != Some(*value)
        };
        let (regenerated, warnings) = made.unzip();
        let mut warnings = warnings.unwrap_or_default();
        let resolved = regenerated.iter().flat_map(|made| &made.resolved.warnings);
        warnings.extend(resolved.cloned());
        Ok(SetupDone {
            lock_file,
            config,
            tools_lock: None,
            sections: sections
                .filter(is_new)
                .map(|(key, _)| key.clone())
                .collect(),
            warnings,
            venv_checksum: None,
            computed: Vec::new(),
            lacking: Vec::new(),
            regenerated,
        })
    }
}
