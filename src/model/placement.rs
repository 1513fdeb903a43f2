//! Where each tool goes: among the project's packages, or into an environment of its own.
//!
//! Pure, and the same for the same input: tools are looked at by name, one after the other. A tool
//! that the project's lock has in its very version is there already. One whose whole closure agrees
//! with what is there, version by version, is added to it, so that it sees the project's packages.
//! Any other one is isolated. A tool that the lock has in another version is refused: two answers to
//! which version runs.

use std::collections::BTreeMap;

use uv_normalize::PackageName;
use uv_pep440::Version;

use super::selection::{SelectedPackage, Selection};

/// A tool that is wanted.
#[derive(Debug, Clone)]
pub struct WantedTool {
    /// Its name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// What it consists of, the tool itself among it; `None` where it is not locked by itself.
    pub closure: Option<Selection>,
}

/// A tool and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedTool {
    /// Its name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// The packages of its own environment; empty for a tool among the project's packages.
    pub isolated: Selection,
}

/// Where the tools go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// The project's packages, and those of the tools that agree with them; sorted by name.
    pub packages: Selection,
    /// The tools, sorted by name.
    pub tools: Vec<PlacedTool>,
}

/// A tool that has no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// The project's lock has another version.
    #[error(
        "the tool `{name}` is asked for in version {wanted}, and the project's lock has {locked}"
    )]
    OtherVersion {
        /// The tool.
        name: PackageName,
        /// What `.dhtconfig` says.
        wanted: Box<Version>,
        /// What the lock says.
        locked: String,
    },
    /// Nothing says what it consists of.
    #[error("the tool `{name}` {wanted} is not locked")]
    NotLocked {
        /// The tool.
        name: PackageName,
        /// What `.dhtconfig` says.
        wanted: Box<Version>,
    },
}

/// Places `tools`, sorted by name, beside the project's packages.
///
/// # Errors
///
/// When one of them has no place.
pub fn place(project: Selection, tools: Vec<WantedTool>) -> Result<Placement, PlacementError> {
    let mut versions: BTreeMap<PackageName, Option<Version>> = project
        .packages
        .iter()
        .map(|package| (package.name.clone(), package.version.clone()))
        .collect();
    let theirs = versions.clone();
    let mut placement = Placement {
        packages: project,
        tools: Vec::with_capacity(tools.len()),
    };
    for tool in tools {
        let mut isolated = Selection::default();
        if let Some(locked) = theirs.get(&tool.name) {
            check_version(&tool, locked.as_ref())?;
        } else {
            let closure = tool.closure.ok_or_else(|| PlacementError::NotLocked {
                name: tool.name.clone(),
                wanted: Box::new(tool.version.clone()),
            })?;
            if disagreements(&versions, &closure).is_empty() {
                for package in closure.packages {
                    if !versions.contains_key(&package.name) {
                        versions.insert(package.name.clone(), package.version.clone());
                        placement.packages.packages.push(package);
                    }
                }
            } else {
                isolated = closure;
            }
        }
        placement.tools.push(PlacedTool {
            name: tool.name,
            version: tool.version,
            isolated,
        });
    }
    let by_name = |left: &SelectedPackage, right: &SelectedPackage| left.name.cmp(&right.name);
    placement.packages.packages.sort_by(by_name);
    Ok(placement)
}

fn check_version(tool: &WantedTool, locked: Option<&Version>) -> Result<(), PlacementError> {
    if locked == Some(&tool.version) {
        return Ok(());
    }
    Err(PlacementError::OtherVersion {
        name: tool.name.clone(),
        wanted: Box::new(tool.version.clone()),
        locked: locked.map_or_else(|| "it from a folder".to_owned(), ToString::to_string),
    })
}

fn disagreements<'a>(
    versions: &BTreeMap<PackageName, Option<Version>>,
    closure: &'a Selection,
) -> Vec<&'a PackageName> {
    let packages = closure.packages.iter();
    packages
        .filter(|package| {
            let there = versions.get(&package.name);
            there.is_some_and(|version| *version != package.version)
        })
        .map(|package| &package.name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::location::Location;
    use crate::model::selection::{Archive, Source};

    fn selection(packages: &[(&str, &str)]) -> Selection {
        let package = |(name, version): &(&str, &str)| SelectedPackage {
            name: name.parse().unwrap(),
            version: version.parse().ok(),
            source: Source::Wheel(Archive {
                location: Location::File(format!("/{name}.whl").into()),
                filename: format!("{name}.whl"),
                sha256: None,
                also: Vec::new(),
                size: None,
            }),
            direct: false,
        };
        Selection {
            packages: packages.iter().map(package).collect(),
        }
    }

    fn tool(name: &str, version: &str, closure: Option<&[(&str, &str)]>) -> WantedTool {
        WantedTool {
            name: name.parse().unwrap(),
            version: version.parse().unwrap(),
            closure: closure.map(selection),
        }
    }

    fn names(selection: &Selection) -> Vec<String> {
        let packages = selection.packages.iter();
        packages.map(|package| package.name.to_string()).collect()
    }

    #[test]
    fn what_agrees_is_added_and_what_does_not_is_isolated() {
        let project = selection(&[("click", "7.1"), ("pytest", "7.4.0")]);
        let tools = vec![
            tool(
                "black",
                "24.1",
                Some(&[("black", "24.1"), ("click", "8.1")]),
            ),
            tool("mypy", "1.5", Some(&[("click", "7.1"), ("mypy", "1.5")])),
            tool("pytest", "7.4", None),
        ];
        let placed = place(project, tools).unwrap();
        assert_eq!(names(&placed.packages), ["click", "mypy", "pytest"]);
        assert_eq!(names(&placed.tools[0].isolated), ["black", "click"]);
        assert_eq!(names(&placed.tools[1].isolated), [""; 0]);
        assert_eq!(names(&placed.tools[2].isolated), [""; 0]);
    }

    #[test]
    fn tools_that_contradict_each_other_are_parted() {
        let tools = vec![
            tool("a", "1", Some(&[("a", "1"), ("shared", "1")])),
            tool("b", "1", Some(&[("b", "1"), ("shared", "2")])),
        ];
        let placed = place(Selection::default(), tools).unwrap();
        assert_eq!(names(&placed.packages), ["a", "shared"]);
        assert_eq!(names(&placed.tools[1].isolated), ["b", "shared"]);
    }

    #[test]
    fn two_versions_of_one_tool_are_refused() {
        let project = selection(&[("pytest", "7.4.0")]);
        let wanted = vec![tool("pytest", "8.0", None)];
        assert_eq!(
            place(project.clone(), wanted).unwrap_err().to_string(),
            "the tool `pytest` is asked for in version 8.0, and the project's lock has 7.4.0"
        );
        let wanted = vec![tool("ruff", "0.4.0", None)];
        assert_eq!(
            place(project, wanted).unwrap_err().to_string(),
            "the tool `ruff` 0.4.0 is not locked"
        );
    }
}
