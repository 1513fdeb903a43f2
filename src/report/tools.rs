//! What is told of an environment's tools.

use std::collections::BTreeMap;

use dht_store::Environment;
use schemars::JsonSchema;
use serde::Serialize;

/// A tool of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ToolReport {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether it has an environment of its own.
    pub isolated: bool,
    /// Why: what it needs in another version than the environment has it.
    pub needs: Vec<String>,
}

/// Returns what is told of every tool.
pub fn reports(environment: &Environment) -> Vec<ToolReport> {
    let there: BTreeMap<&str, &str> = environment
        .packages
        .iter()
        .map(|package| (package.name.as_str(), package.version.as_str()))
        .collect();
    let tools = environment.tools.iter();
    tools
        .map(|tool| {
            let needs = tool.packages.iter().filter_map(|package| {
                let other = there.get(package.name.as_str())?;
                let (name, version) = (&package.name, &package.version);
                (*other != *version).then(|| format!("{name} {version}, not {other}"))
            });
            ToolReport {
                name: tool.name.clone(),
                version: tool.version.clone(),
                isolated: tool.is_isolated(),
                needs: needs.collect(),
            }
        })
        .collect()
}

/// Lists tools on one line.
pub fn listed(tools: &[ToolReport]) -> String {
    let one = |tool: &ToolReport| {
        let how = if tool.isolated { " (isolated)" } else { "" };
        format!("{} {}{how}", tool.name, tool.version)
    };
    tools.iter().map(one).collect::<Vec<_>>().join(", ")
}
