//! What `dhtl setup` tells.

use schemars::JsonSchema;
use serde::Serialize;

use super::regenerate::RegenerateReport;
use crate::model::config::checksum::Checksum;
use crate::project::platforms::{Computed, Lacking};
use crate::project::setup::apply::{ConfigStep, SetupDone};
use crate::project::setup::machine::Found;
use crate::project::setup::plan::{LockStep, SetupPlan};
use crate::ui::Ui;

/// What `dhtl setup` did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SetupReport {
    /// Whether nothing was changed because that was asked for.
    pub dry_run: bool,
    /// The platform.
    pub platform: String,
    /// The exact Python.
    pub python: String,
    /// The lock file.
    pub lock_file: String,
    /// What is done about the lock.
    pub lock: LockStep,
    /// What becomes of `.dhtconfig`.
    pub config: ConfigStep,
    /// What becomes of `.dht/tools.lock`; nothing where there is nothing to lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools_lock: Option<ConfigStep>,
    /// Its sections that say something else than before.
    pub sections: Vec<String>,
    /// The checksum of what is asked for, the same on every platform; nothing is known while the lock
    /// is only planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venv_checksum: Option<Checksum>,
    /// What was found in the project's files and is new in `.dhtconfig`.
    pub found: Vec<Found>,
    /// What was found and could not be taken over.
    pub remarks: Vec<String>,
    /// The environments of other platforms.
    pub computed: Vec<Computed>,
    /// The platforms whose environments could not be computed.
    pub lacking: Vec<Lacking>,
    /// What was done to the environment; nothing is known while the lock is only planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<RegenerateReport>,
}

impl SetupReport {
    /// Makes the report of what was done.
    pub fn new(plan: &SetupPlan, done: &SetupDone, dry_run: bool) -> Self {
        let environment = done.regenerated.as_ref();
        Self {
            dry_run,
            platform: plan.platform.to_string(),
            python: plan.python.version.to_string(),
            lock_file: done.lock_file.clone(),
            lock: plan.lock,
            config: done.config,
            tools_lock: done.tools_lock,
            sections: done.sections.clone(),
            venv_checksum: done.venv_checksum.clone(),
            found: plan.found.clone(),
            remarks: plan.remarks.clone(),
            computed: done.computed.clone(),
            lacking: done.lacking.clone(),
            environment: environment.map(|made| RegenerateReport::new(made, dry_run)),
        }
    }

    /// Tells whether anything was changed, or would be.
    pub fn has_changed(&self) -> bool {
        let same = |made: &RegenerateReport| !made.created && made.changed + made.removed == 0;
        self.lock != LockStep::Keep
            || self.config != ConfigStep::Kept
            || self.tools_lock.is_some_and(|step| step != ConfigStep::Kept)
            || !self.environment.as_ref().is_some_and(same)
    }

    /// Tells a person.
    pub fn tell(&self, ui: &Ui) {
        let would = if self.dry_run { "would be " } else { "" };
        if let Some(made) = &self.environment {
            made.tell_oddities(ui);
        }
        let environment = match &self.environment {
            Some(made) if !made.created && made.changed + made.removed == 0 => {
                "environment unchanged".to_owned()
            }
            Some(made) if !made.created => format!("environment {would}updated"),
            _ => format!("environment {would}created"),
        };
        ui.done(format!("Python {} {environment}", self.python));
        ui.done(match self.lock {
            LockStep::Make => format!("Dependencies {would}locked ({})", self.lock_file),
            LockStep::Renew => format!("Dependencies {would}locked anew ({})", self.lock_file),
            LockStep::Keep => format!("Dependencies locked ({}, unchanged)", self.lock_file),
        });
        let tools = self.environment.as_ref().map(|made| made.tools.as_slice());
        let tools = match tools.unwrap_or_default() {
            [] => "none".to_owned(),
            tools => super::tools::listed(tools),
        };
        match self.tools_lock {
            Some(ConfigStep::Kept) => ui.done(format!("Tools locked, unchanged: {tools}")),
            Some(_) => ui.done(format!("Tools {would}locked: {tools}")),
            None => {}
        }
        let sections = self.sections.join(", ");
        ui.done(match self.config {
            ConfigStep::Made => format!(".dhtconfig {would}generated"),
            ConfigStep::Changed => format!(".dhtconfig {would}updated: {sections}"),
            ConfigStep::Kept => ".dhtconfig unchanged".to_owned(),
        });
        if let Some(checksum) = &self.venv_checksum {
            ui.done(format!(
                "Environment checksum: {checksum} (the same on every platform)"
            ));
        }
        match &self.environment {
            Some(made) => ui.done(format!(
                "Environment fingerprint: blake3:{}",
                made.fingerprint
            )),
            None => ui.status("The fingerprint is known once the dependencies are locked"),
        }
        if !self.found.is_empty() {
            ui.status("Found in the project, and new in .dhtconfig:");
        }
        for Found { key, value, from } in &self.found {
            ui.status(format!("    {key}: {value} ({from})"));
        }
        for remark in &self.remarks {
            ui.warning(remark);
        }
        for found in &self.computed {
            ui.done(format!(
                "Environment fingerprint for {}: blake3:{}",
                found.platform, found.fingerprint
            ));
        }
        super::fingerprint::tell_lacking(&self.lacking, ui);
    }
}
