//! What `dhtl freeze-tools` tells.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::tool_lock::TOOL_LOCK;
use crate::project::freeze::Frozen;
use crate::ui::Ui;

/// A tool that is locked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FrozenTool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether it needs other versions than the project's lock has, and so stands alone.
    pub alone: bool,
    /// Whether it was locked now, not before.
    pub locked: bool,
}

/// What `dhtl freeze-tools` locked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FreezeReport {
    /// The tools, sorted by name.
    pub tools: Vec<FrozenTool>,
    /// The platforms whose build of the Python is pinned.
    pub platforms: Vec<String>,
    /// Whether the file says something else.
    pub changed: bool,
    /// Whether there is a file, and it says something.
    pub is_kept: bool,
    /// What belongs into the file.
    pub lock: String,
}

impl FreezeReport {
    /// Compares what was locked with the file of the project in `folder`.
    pub fn new(frozen: &Frozen, folder: &Path) -> Self {
        let lock = frozen.lock.to_text();
        let kept = std::fs::read(folder.join(TOOL_LOCK)).ok();
        let pins = frozen.lock.pins.python.iter();
        Self {
            tools: frozen
                .lock
                .tools
                .iter()
                .map(|(name, tool)| FrozenTool {
                    name: name.to_string(),
                    version: tool.version.to_string(),
                    alone: tool.alone,
                    locked: frozen.locked.contains(name),
                })
                .collect(),
            platforms: pins
                .flat_map(|pins| pins.builds.keys())
                .map(ToString::to_string)
                .collect(),
            changed: kept.as_deref() != Some(lock.as_bytes()),
            is_kept: kept.is_some_and(|kept| !kept.is_empty()),
            lock,
        }
    }

    /// Tells a person.
    pub fn tell(&self, ui: &Ui, write: bool) {
        let tools = self.tools.iter().map(|tool| {
            let alone = if tool.alone { " (alone)" } else { "" };
            format!("{} {}{alone}", tool.name, tool.version)
        });
        let tools: Vec<String> = tools.collect();
        let tools = if tools.is_empty() {
            "none".to_owned()
        } else {
            tools.join(", ")
        };
        ui.done(format!("Tools locked: {tools}"));
        if !self.platforms.is_empty() {
            ui.done(format!("Python pinned: {}", self.platforms.join(", ")));
        }
        if write {
            let how = if self.changed { "written" } else { "unchanged" };
            ui.done(format!("{TOOL_LOCK} {how}"));
        } else if self.changed && self.is_kept {
            ui.hint(format!(
                "`{TOOL_LOCK}` says something else; keep this with `--write`"
            ));
        }
    }
}
