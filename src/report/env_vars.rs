//! What `dhtl env-setup` and `dhtl generate-env-template` tell: names, never values.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::env_vars::{Need, Variable};
use crate::project::env_vars::TemplatePlan;
use crate::ui::Ui;

/// How many places are shown to a person for each variable.
const SHOWN: usize = 5;

/// What `dhtl env-setup` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EnvSetupReport {
    /// How many variables the project reads.
    pub known: usize,
    /// Those that have no value.
    pub missing: Vec<Variable>,
}

impl EnvSetupReport {
    /// Tells whether a variable that the project cannot do without has no value.
    pub fn lacks_required(&self) -> bool {
        self.missing
            .iter()
            .any(|variable| variable.need == Need::Required)
    }

    /// Returns the list that a person reads; nothing when nothing is missing.
    pub fn lines(&self) -> String {
        let mut text = String::new();
        if !self.missing.is_empty() {
            text.push_str("Missing environment variables:\n");
        }
        for need in [Need::Required, Need::Optional] {
            for variable in self.missing.iter().filter(|it| it.need == need) {
                text.push_str(&format!("  - {} ({need})\n", variable.name));
                for place in variable.places.iter().take(SHOWN) {
                    text.push_str(&format!("      {place}\n"));
                }
                let more = variable.places.len().saturating_sub(SHOWN);
                if more > 0 {
                    text.push_str(&format!("      and {more} more\n"));
                }
            }
        }
        text
    }

    /// Tells a person what to do about it.
    pub fn tell(&self, ui: &Ui) {
        if self.missing.is_empty() {
            ui.done(match self.known {
                0 => "Environment variables: the project reads none".to_owned(),
                known => format!("Environment variables: {known} known, all set"),
            });
        } else {
            ui.hint(
                "run `dhtl generate-env-template --output .env`, and fill in the values there; \
                 or set the variables in your shell",
            );
        }
    }
}

/// What `dhtl generate-env-template` did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EnvTemplateReport {
    /// The file.
    pub path: String,
    /// Whether the file is new.
    pub created: bool,
    /// Whether nothing was written because that was asked for.
    pub dry_run: bool,
    /// The variables that it lacked.
    pub added: Vec<Variable>,
}

impl EnvTemplateReport {
    /// Makes the report of a plan; `shown` is how the file is called.
    pub fn new(plan: &TemplatePlan, shown: &str, dry_run: bool) -> Self {
        Self {
            path: shown.to_owned(),
            created: plan.created && !plan.added.is_empty(),
            dry_run,
            added: plan.added.clone(),
        }
    }

    /// Tells a person.
    pub fn tell(&self, ui: &Ui) {
        let Self { path, added, .. } = self;
        if added.is_empty() {
            ui.done(format!("{path}: nothing to add"));
            return;
        }
        for variable in added {
            ui.status(format!("  + {} ({})", variable.name, variable.need));
        }
        let done = match (self.dry_run, self.created) {
            (true, _) => "would be added",
            (false, true) => "written to a new file",
            (false, false) => "added",
        };
        ui.done(format!("{path}: {} variables {done}", added.len()));
    }
}
