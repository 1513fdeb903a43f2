//! The environment variables that a project reads: names only, never values.
//!
//! The law: what the author wrote in `.dhtconfig` decides; then what the sources do; then what an
//! example file lists. A value is never kept, so that none can be printed.

pub mod dotenv;
mod python;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::config::EnvTemplate;
use super::config::text::VariableName;

/// Whether a project works without a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// It does not.
    Required,
    /// It has something else to go by.
    Optional,
}

impl std::fmt::Display for Need {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Required => "required",
            Self::Optional => "optional",
        })
    }
}

/// One place that names a variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Place {
    /// The file, relative to the project, with `/` between components.
    pub path: String,
    /// The line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}", self.path),
            None => formatter.write_str(&self.path),
        }
    }
}

/// How a source uses a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// It fails without the variable.
    Must,
    /// It goes on without the variable.
    May,
    /// It asks first, or gives the variable a value itself: nothing fails elsewhere either.
    Guarded,
}

/// One use of a variable in a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The variable.
    pub name: String,
    /// How it is used.
    pub access: Access,
    /// The line, counted from 1.
    pub line: usize,
}

/// A variable that a project reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Variable {
    /// Its name.
    pub name: VariableName,
    /// Whether the project works without it.
    pub need: Need,
    /// Where it is named, in the order of the files.
    pub places: Vec<Place>,
}

/// Returns the uses of variables in the text of a Python source: `os.environ`, `os.getenv` and the
/// settings classes of pydantic. Names that are computed cannot be told, and are left out.
pub fn in_python(text: &str) -> Vec<Use> {
    let lines = python::lines(text);
    let mut found = python::uses(&lines);
    found.extend(settings::uses(&lines));
    found.retain(|used| VariableName::new(&used.name).is_ok() && !is_of_the_machine(&used.name));
    found.sort();
    found.dedup();
    found
}

/// Returns the logical lines of a Python source as words and signs. A string is a lone `"`.
pub fn source_lines(text: &str) -> Vec<Vec<String>> {
    let word = |(token, _): &(python::Token, usize)| match token {
        python::Token::Word(word) => word.clone(),
        python::Token::Sign(sign) => sign.to_string(),
        python::Token::Text(_) => "\"".to_owned(),
    };
    let lines = python::lines(text);
    let words = lines
        .iter()
        .map(|line| line.tokens.iter().map(word).collect());
    words.collect()
}

/// Variables that a machine, a shell or a build service sets, whatever the project.
const OF_THE_MACHINE: [&str; 38] = [
    "APPDATA",
    "CI",
    "COLUMNS",
    "COMSPEC",
    "DISPLAY",
    "EDITOR",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "HOME",
    "HOMEDRIVE",
    "HOMEPATH",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LINES",
    "LOCALAPPDATA",
    "LOGNAME",
    "NO_COLOR",
    "PAGER",
    "PATH",
    "PATHEXT",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PWD",
    "SHELL",
    "SYSTEMROOT",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "USER",
    "USERNAME",
    "USERPROFILE",
    "VIRTUAL_ENV",
    "VISUAL",
    "WINDIR",
];

fn is_of_the_machine(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    OF_THE_MACHINE.contains(&name.as_str())
        || ["XDG_", "PYTHON", "PYTEST_"]
            .iter()
            .any(|start| name.starts_with(start))
}

/// Tells whether a variable of a `Dockerfile` is the project's own: not one of the machine, nor of the
/// tools that make the image.
pub fn is_of_the_project(name: &VariableName) -> bool {
    let name = name.as_str().to_ascii_uppercase();
    let of_tools = [
        "PIP_", "UV_", "POETRY_", "DEBIAN_", "PYSETUP_", "CONDA_", "LC_", "LD_", "NVM_",
    ];
    !is_of_the_machine(&name) && !of_tools.iter().any(|start| name.starts_with(start))
}

/// What the files of a project say of its variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// `.dhtconfig`'s own list.
    pub template: EnvTemplate,
    /// The lines of example files, by path.
    pub examples: BTreeMap<String, Vec<dotenv::Entry>>,
    /// The uses in sources, by path.
    pub sources: BTreeMap<String, Vec<Use>>,
}

#[derive(Default)]
struct Found {
    said: Option<Need>,
    listed: Option<Need>,
    must: bool,
    may: bool,
    guarded: bool,
    places: Vec<Place>,
}

impl Found {
    fn need(&self) -> Need {
        let by_sources = match (self.must, self.may, self.guarded) {
            (true, _, false) => Some(Need::Required),
            (_, true, _) | (_, _, true) => Some(Need::Optional),
            (false, false, false) => None,
        };
        self.said
            .or(by_sources)
            .or(self.listed)
            .unwrap_or(Need::Optional)
    }
}

/// Returns the variables that a project reads, by name.
pub fn variables(evidence: &Evidence) -> Vec<Variable> {
    let mut found: BTreeMap<VariableName, Found> = BTreeMap::new();
    let EnvTemplate { required, optional } = &evidence.template;
    let said = required.iter().map(|name| (name, Need::Required));
    for (name, need) in said.chain(optional.iter().map(|name| (name, Need::Optional))) {
        let entry = found.entry(name.clone()).or_default();
        entry.said = Some(entry.said.map_or(need, |other| other.min(need)));
        entry.places.push(Place {
            path: super::config::FILE_NAME.to_owned(),
            line: None,
        });
    }
    for (path, entries) in &evidence.examples {
        for listed in entries {
            let entry = found.entry(listed.name.clone()).or_default();
            let need = match listed.active {
                true => Need::Required,
                false => Need::Optional,
            };
            entry.listed = Some(entry.listed.map_or(need, |other| other.min(need)));
            entry.places.push(Place {
                path: path.clone(),
                line: Some(listed.line),
            });
        }
    }
    for (path, uses) in &evidence.sources {
        for used in uses {
            let Ok(name) = VariableName::new(&used.name) else {
                continue;
            };
            let entry = found.entry(name).or_default();
            match used.access {
                Access::Must => entry.must = true,
                Access::May => entry.may = true,
                Access::Guarded => entry.guarded = true,
            }
            entry.places.push(Place {
                path: path.clone(),
                line: Some(used.line),
            });
        }
    }
    found
        .into_iter()
        .map(|(name, mut found)| {
            found.places.dedup();
            Variable {
                name,
                need: found.need(),
                places: found.places,
            }
        })
        .collect()
}
