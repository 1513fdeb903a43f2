//! What `dhtl validate-env` tells.

use dht_store::{DifferenceKind, Fingerprint};
use schemars::JsonSchema;
use serde::Serialize;

use super::expectation;
use super::regenerate::{PythonReport, python_report};
use crate::model::env_vars::{Need, Variable};
use crate::model::python::PythonRequest;
use crate::project::expectation::Verdict;
use crate::project::spec::PythonWish;
use crate::project::validate::{Drift, ToolState, Validated};
use crate::ui::Ui;
use crate::ui::words::counted;

/// How many paths are shown to a person before the rest is counted.
const SHOWN: usize = 20;

/// How the Python of an environment agrees with what the project asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PythonMatch {
    /// The project names this version.
    Exact,
    /// It is one of those that fit.
    Fits,
    /// The project asks for another one.
    Other,
}

impl PythonMatch {
    fn of(wish: &PythonWish, python: &PythonRequest) -> Self {
        match wish {
            wish if !wish.admits(python) => Self::Other,
            PythonWish::Exact(_) => Self::Exact,
            PythonWish::Any { .. } => Self::Fits,
        }
    }
}

/// What `dhtl validate-env` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ValidateReport {
    /// Whether everything is as it should be.
    pub valid: bool,
    /// What the environment was made to be.
    pub fingerprint: Fingerprint,
    /// What the project asks for now, if the store knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Fingerprint>,
    /// Whether the project asks for another environment than the one that stands.
    pub outdated: bool,
    /// The platform.
    pub platform: String,
    /// The Python.
    pub python: PythonReport,
    /// The Python that the project asks for, as exact as it says it.
    pub python_asked: String,
    /// How the Python agrees with that.
    pub python_match: PythonMatch,
    /// How many packages the environment has.
    pub packages: usize,
    /// How many files were looked at.
    pub files: u64,
    /// How many bytes were read.
    pub bytes_read: u64,
    /// Paths that differ.
    pub drift: Vec<Drift>,
    /// The tools that are asked for or there, sorted by name.
    pub tools: Vec<ToolState>,
    /// How many paths were repaired, where that was asked for.
    pub repaired: u64,
    /// Whether the environment is the one that `--checksum` names, and stands as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_matches: Option<bool>,
    /// What was found of the checksums in `.dhtconfig`; a quick look leaves them out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Verdict>,
    /// Variables that `.dhtconfig` lists and that have no value.
    pub missing_variables: Vec<Variable>,
}

impl ValidateReport {
    /// Makes the report of what was found.
    pub fn new(found: &Validated, repaired: u64) -> Self {
        Self {
            valid: found.is_valid(),
            fingerprint: found.fingerprint,
            expected: found.expected,
            outdated: found.outdated,
            platform: found.environment.platform.clone(),
            python: python_report(&found.environment.base),
            python_asked: found.wish.to_string(),
            python_match: PythonMatch::of(&found.wish, &found.python),
            packages: found.environment.packages.len(),
            files: found.files,
            bytes_read: found.bytes_read,
            drift: found.drift.clone(),
            tools: found.tools.clone(),
            repaired,
            checksum_matches: None,
            validation: None,
            missing_variables: Vec::new(),
        }
    }

    /// Tells a person.
    pub fn tell(&self, ui: &Ui) {
        let python = |drift: &&Drift| drift.path.starts_with("python:");
        let (version, asked) = (&self.python.version, &self.python_asked);
        if self.drift.iter().any(|drift| python(&drift)) {
            ui.failed(format!("Python version: {version} (its build is damaged)"));
        } else {
            match self.python_match {
                PythonMatch::Exact => ui.done(format!("Python version: {version} (exact match)")),
                PythonMatch::Fits => {
                    ui.done(format!("Python version: {version} (asked for: {asked})"));
                }
                PythonMatch::Other => {
                    ui.failed(format!("Python version: {version} (asked for: {asked})"));
                }
            }
        }
        if self.drift.is_empty() {
            let found = match (self.files, self.packages) {
                (0, 1..) => "no folder changed (files were not looked at)".to_owned(),
                (files, _) => format!("all verified ({})", counted(files, "file")),
            };
            ui.done(format!("Packages: {} installed, {found}", self.packages));
        } else {
            ui.failed(format!(
                "Packages: {} installed, {}",
                self.packages,
                match self.drift.len() {
                    1 => "1 path differs".to_owned(),
                    count => format!("{count} paths differ"),
                }
            ));
        }
        for drift in self.drift.iter().take(SHOWN) {
            let package = match (&drift.package, &drift.tool) {
                (Some(package), Some(tool)) if package != tool => {
                    Some(format!(" ({package} of {tool})"))
                }
                (Some(name), _) | (None, Some(name)) => Some(format!(" ({name})")),
                (None, None) => None,
            };
            ui.status(format!(
                "    {:<12} {}{}",
                word(drift.kind),
                drift.path,
                package.unwrap_or_default()
            ));
        }
        if self.drift.len() > SHOWN {
            ui.status(format!("    and {} more", self.drift.len() - SHOWN));
        }
        self.tell_tools(ui);
        if self.repaired > 0 {
            ui.done(format!("Repaired: {}", counted(self.repaired, "path")));
        }
        self.tell_configuration(ui);
        let added = |drift: &Drift| drift.kind == DifferenceKind::Added;
        if !self.drift.iter().all(added) {
            ui.hint("run `dhtl validate-env --fix` to put back what differs");
        }
        if self.drift.iter().any(added) {
            ui.hint("run `dhtl validate-env --fix --remove-added` to remove what was added");
        }
        self.tell_variables(ui);
    }

    fn tell_configuration(&self, ui: &Ui) {
        if self.outdated {
            ui.failed("Configuration: the project asks for another environment than this one");
            ui.hint("run `dhtl regenerate`");
        }
        match &self.validation {
            Some(verdict) if !verdict.holds() => expectation::tell(verdict, ui),
            _ if self.outdated => {}
            Some(verdict) if verdict.matched.is_some() => {
                ui.done("Configuration: matches original exactly");
            }
            _ => ui.done("Configuration: matches the environment exactly"),
        }
    }

    fn tell_variables(&self, ui: &Ui) {
        let variables = self.missing_variables.iter();
        let required = variables.filter(|variable| variable.need == Need::Required);
        let lines: Vec<String> = required
            .map(|variable| format!("\n  - {} ({})", variable.name, variable.need))
            .collect();
        if !lines.is_empty() {
            ui.warning(format!("Missing environment variables:{}", lines.concat()));
            ui.hint("run `dhtl env-setup` for instructions");
        }
    }
}

impl ValidateReport {
    fn tell_tools(&self, ui: &Ui) {
        let wrong: Vec<String> = self.tools.iter().filter_map(what_is_wrong).collect();
        if !wrong.is_empty() {
            ui.failed(format!("Tools: {}", wrong.join(", ")));
        } else if !self.tools.is_empty() {
            let shown = self.tools.iter().map(|tool| {
                let version = tool.found.as_deref().unwrap_or_default();
                let how = if tool.isolated { " (isolated)" } else { "" };
                format!("{} {version}{how}", tool.name)
            });
            let shown: Vec<String> = shown.collect();
            ui.done(format!(
                "Tools: all present with correct versions ({})",
                shown.join(", ")
            ));
        }
    }
}

/// Says what is wrong with a tool.
fn what_is_wrong(tool: &ToolState) -> Option<String> {
    let name = &tool.name;
    Some(match (&tool.wanted, &tool.found) {
        (Some(wanted), None) => format!("{name} {wanted} is missing"),
        (None, Some(found)) => format!("{name} {found} is not asked for any more"),
        (Some(wanted), Some(found)) if wanted != found => {
            format!("{name} is {found} instead of {wanted}")
        }
        (_, Some(found)) if tool.differing > 0 => {
            let how = if tool.isolated { " (isolated)" } else { "" };
            format!("{name} {found}{how}: {} paths differ", tool.differing)
        }
        _ => return None,
    })
}

const fn word(kind: DifferenceKind) -> &'static str {
    match kind {
        DifferenceKind::Missing => "missing",
        DifferenceKind::Modified => "modified",
        DifferenceKind::ModeChanged => "mode",
        DifferenceKind::Retargeted => "retargeted",
        DifferenceKind::WrongKind => "wrong kind",
        DifferenceKind::Added => "added",
    }
}
