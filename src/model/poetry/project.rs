//! What `pyproject.toml` asks for, in Poetry's own tables and in the standard ones.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;
use uv_normalize::{ExtraName, GroupName, PackageName};
use uv_pep508::{MarkerTree, Requirement, VersionOrUrl};

use super::error::Fault;
use super::raw::Dependency;
use super::{constraint, spelling};

/// The root of the dependencies.
#[derive(Default)]
pub(super) struct Project {
    pub name: Option<PackageName>,
    pub is_package: bool,
    pub has_build_system: bool,
    /// The main dependencies.
    pub main: Vec<Root>,
    /// The groups.
    pub groups: BTreeMap<GroupName, Vec<Root>>,
    /// The groups that are installed only when asked for.
    pub optional_groups: BTreeSet<GroupName>,
}

/// Something that the project asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    pub name: PackageName,
    /// Poetry's spelling.
    pub constraint: String,
    pub marker: MarkerTree,
    pub extras: Vec<ExtraName>,
    /// Taken by extras of the project only, which name it.
    pub optional: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Raw {
    project: Option<RawProject>,
    dependency_groups: BTreeMap<String, Vec<GroupItem>>,
    tool: RawTool,
    build_system: Option<IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct RawProject {
    name: Option<String>,
    dependencies: Vec<String>,
    optional_dependencies: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum GroupItem {
    Requirement(String),
    Include(BTreeMap<String, String>),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawTool {
    poetry: RawPoetry,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct RawPoetry {
    name: Option<String>,
    package_mode: Option<bool>,
    dependencies: BTreeMap<String, Dependency>,
    dev_dependencies: BTreeMap<String, Dependency>,
    group: BTreeMap<String, RawGroup>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawGroup {
    optional: bool,
    dependencies: BTreeMap<String, Dependency>,
}

impl Project {
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let raw: Raw = toml::from_str(text)
            .map_err(|error| Fault::Pyproject(error.message().chars().take(300).collect()))?;
        let poetry = raw.tool.poetry;
        let project = raw.project.unwrap_or_default();
        let name = project.name.or(poetry.name);
        let mut main = Vec::new();
        for text in &project.dependencies {
            main.push(standard(text)?);
        }
        for (extra, texts) in &project.optional_dependencies {
            let extra = ExtraName::from_str(extra).map_err(|_| Fault::Group(extra.clone()))?;
            for text in texts {
                let mut root = standard(text)?;
                root.marker = root.marker.and(spelling::extra(&extra));
                main.push(root);
            }
        }
        // Beside `project.dependencies`, Poetry's own table only says where packages come from.
        if project.dependencies.is_empty() {
            main.extend(own(&poetry.dependencies)?);
        }
        let mut groups: BTreeMap<GroupName, Vec<Root>> = BTreeMap::new();
        let mut optional_groups = BTreeSet::new();
        let group = |name: &str| {
            GroupName::from_str(name).map_err(|_| Fault::Group(name.chars().take(120).collect()))
        };
        for (text, table) in &poetry.group {
            let name = group(text)?;
            if table.optional {
                optional_groups.insert(name.clone());
            }
            groups
                .entry(name)
                .or_default()
                .extend(own(&table.dependencies)?);
        }
        if !poetry.dev_dependencies.is_empty() {
            groups
                .entry(group("dev")?)
                .or_default()
                .extend(own(&poetry.dev_dependencies)?);
        }
        for text in raw.dependency_groups.keys() {
            let mut roots = Vec::new();
            listed(
                &raw.dependency_groups,
                text,
                &mut BTreeSet::new(),
                &mut roots,
            )?;
            groups.entry(group(text)?).or_default().extend(roots);
        }
        Ok(Self {
            is_package: name.is_some() && poetry.package_mode.unwrap_or(true),
            name: name.and_then(|name| PackageName::from_str(&name).ok()),
            has_build_system: raw.build_system.is_some(),
            main,
            groups,
            optional_groups,
        })
    }
}

/// Gathers a group of PEP 735 with those that it includes, each once.
fn listed(
    groups: &BTreeMap<String, Vec<GroupItem>>,
    name: &str,
    seen: &mut BTreeSet<String>,
    roots: &mut Vec<Root>,
) -> Result<(), Fault> {
    let normal = |name: &str| GroupName::from_str(name).ok();
    let found = groups.iter().find(|(key, _)| normal(key) == normal(name));
    let Some((key, items)) = found else {
        return Err(Fault::Group(name.to_owned()));
    };
    if !seen.insert(key.clone()) {
        return Ok(());
    }
    for item in items {
        match item {
            GroupItem::Requirement(text) => roots.push(standard(text)?),
            GroupItem::Include(table) => {
                if let Some(other) = table.get("include-group") {
                    listed(groups, other, seen, roots)?;
                }
            }
        }
    }
    Ok(())
}

fn standard(text: &str) -> Result<Root, Fault> {
    let requirement = Requirement::<Url>::from_str(text)
        .map_err(|_| Fault::Pyproject(format!("`{text}` is not a requirement")))?;
    Ok(Root {
        name: requirement.name,
        constraint: match requirement.version_or_url {
            Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers.to_string(),
            Some(VersionOrUrl::Url(_)) | None => "*".to_owned(),
        },
        marker: requirement.marker,
        extras: requirement.extras.to_vec(),
        optional: false,
    })
}

/// Reads Poetry's own spelling of dependencies.
fn own(dependencies: &BTreeMap<String, Dependency>) -> Result<Vec<Root>, Fault> {
    let mut roots = Vec::new();
    for (text, dependency) in dependencies {
        if text.eq_ignore_ascii_case("python") {
            continue;
        }
        let name = PackageName::from_str(text)
            .map_err(|_| Fault::Pyproject(format!("`{text}` is not a package's name")))?;
        for detail in dependency.details() {
            let mut marker = match &detail.markers {
                Some(text) => spelling::marker(text)?,
                None => MarkerTree::TRUE,
            };
            if let Some(python) = &detail.python {
                let python = constraint::python_marker(python)
                    .ok_or_else(|| Fault::Marker(format!("python {python}")))?;
                marker = marker.and(python);
            }
            if let Some(platform) = &detail.platform {
                marker = marker.and(spelling::marker(&format!("sys_platform == '{platform}'"))?);
            }
            roots.push(Root {
                name: name.clone(),
                constraint: detail.version.clone().unwrap_or_else(|| "*".to_owned()),
                marker,
                extras: extras(&detail.extras),
                optional: detail.optional,
            });
        }
    }
    Ok(roots)
}

pub(super) fn extras(names: &[String]) -> Vec<ExtraName> {
    names
        .iter()
        .filter_map(|name| ExtraName::from_str(name).ok())
        .collect()
}
