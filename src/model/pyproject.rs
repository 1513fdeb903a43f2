//! What `pyproject.toml` says of a project, as far as an environment depends on it.
//!
//! Pure, and lenient where the file belongs to others: keys that are not read here may be anything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;
use serde::de::IgnoredAny;
use uv_normalize::{ExtraName, GroupName, PackageName};
use uv_pep440::VersionSpecifiers;

use super::pylock::BinaryPolicy;

/// The largest `pyproject.toml` that is read, in bytes.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A `pyproject.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use `{}`{}: {problem}", .file.display(), .line.map_or_else(String::new, |line| format!(", line {line}")))]
pub struct PyprojectError {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: String,
}

/// What a project says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pyproject {
    /// Its name; `None` for the root of a workspace that is no project itself.
    pub name: Option<PackageName>,
    /// The versions of Python that it works with.
    pub requires_python: Option<VersionSpecifiers>,
    /// Its extras.
    pub extras: BTreeSet<ExtraName>,
    /// Its dependency groups (PEP 735); `dev` too when only `tool.uv.dev-dependencies` makes it.
    pub groups: BTreeSet<GroupName>,
    /// The groups that are installed when nothing is asked for: `tool.uv.default-groups`, or `dev`.
    pub default_groups: BTreeSet<GroupName>,
    /// Whether the project itself is installed: `tool.uv.package`, or whether it has a build system.
    pub is_package: bool,
    /// The build backend.
    pub build_backend: Option<String>,
    /// The members of the workspace that this folder is the root of.
    pub workspace: Option<Workspace>,
    /// Indexes with a name, `tool.uv.index`: name and address.
    pub indexes: Vec<(String, String)>,
    /// Whether `tool.uv.cache-keys` says itself what the project's build depends on.
    pub has_cache_keys: bool,
    /// Which packages may come as wheels, and which may be built.
    pub binaries: BinaryPolicy,
}

/// The members of a workspace, as patterns of folders relative to its root.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Workspace {
    /// Folders that are members.
    #[serde(default)]
    pub members: Vec<String>,
    /// Folders that are not, even so.
    #[serde(default)]
    pub exclude: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Raw {
    project: Option<RawProject>,
    build_system: Option<RawBuild>,
    dependency_groups: Option<std::collections::BTreeMap<GroupName, IgnoredAny>>,
    tool: Option<RawTool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawProject {
    name: PackageName,
    requires_python: Option<String>,
    #[serde(default)]
    optional_dependencies: std::collections::BTreeMap<ExtraName, IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawBuild {
    build_backend: Option<String>,
}

#[derive(Deserialize)]
struct RawTool {
    uv: Option<RawUv>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawUv {
    package: Option<bool>,
    default_groups: Option<RawGroups>,
    dev_dependencies: Option<IgnoredAny>,
    workspace: Option<Workspace>,
    cache_keys: Option<IgnoredAny>,
    #[serde(default)]
    index: Vec<RawIndex>,
    #[serde(default)]
    no_binary: bool,
    #[serde(default)]
    no_binary_package: BTreeSet<PackageName>,
    #[serde(default)]
    no_build: bool,
    #[serde(default)]
    no_build_package: BTreeSet<PackageName>,
}

#[derive(Deserialize)]
struct RawIndex {
    name: Option<String>,
    url: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawGroups {
    Word(String),
    Names(Vec<GroupName>),
}

impl Pyproject {
    /// Reads the text of `file`.
    ///
    /// # Errors
    ///
    /// When it is not TOML, or a key that is read has another type or meaning than it should.
    pub fn parse(text: &str, file: &Path) -> Result<Self, PyprojectError> {
        let error = |line, problem: String| PyprojectError {
            file: file.to_owned(),
            line,
            problem,
        };
        if text.len() > MAX_BYTES {
            return Err(error(None, format!("it has more than {MAX_BYTES} bytes")));
        }
        let raw: Raw = toml::from_str(text).map_err(|problem| {
            let line = problem
                .span()
                .and_then(|span| text.get(..span.start))
                .map(|before| before.matches('\n').count() + 1);
            error(line, problem.message().chars().take(300).collect())
        })?;
        let uv = raw.tool.and_then(|tool| tool.uv);
        let mut groups: BTreeSet<_> = raw
            .dependency_groups
            .unwrap_or_default()
            .into_keys()
            .collect();
        let dev = GroupName::from_str("dev").expect("because `dev` is a normal name");
        if uv.as_ref().is_some_and(|uv| uv.dev_dependencies.is_some()) {
            groups.insert(dev.clone());
        }
        let default_groups = match uv.as_ref().and_then(|uv| uv.default_groups.as_ref()) {
            None => [dev]
                .into_iter()
                .filter(|dev| groups.contains(dev))
                .collect(),
            Some(RawGroups::Names(names)) => names.iter().cloned().collect(),
            Some(RawGroups::Word(word)) if word == "all" => groups.clone(),
            Some(RawGroups::Word(word)) => {
                let problem = format!(
                    "`tool.uv.default-groups` is `{word}`, which is neither a list nor `all`"
                );
                return Err(error(None, problem));
            }
        };
        let project = raw.project;
        let requires = project
            .as_ref()
            .and_then(|project| project.requires_python.as_ref());
        let requires_python = requires
            .map(|text| VersionSpecifiers::from_str(text))
            .transpose()
            .map_err(|_| {
                error(
                    None,
                    "`project.requires-python` is not a version specifier".to_owned(),
                )
            })?;
        let declared = uv.as_ref().and_then(|uv| uv.package);
        Ok(Self {
            is_package: project.is_some() && declared.unwrap_or(raw.build_system.is_some()),
            requires_python,
            groups,
            default_groups,
            build_backend: raw.build_system.and_then(|build| build.build_backend),
            indexes: uv.as_ref().map_or_else(Vec::new, |uv| {
                let named = |index: &RawIndex| Some((index.name.clone()?, index.url.clone()));
                uv.index.iter().filter_map(named).collect()
            }),
            has_cache_keys: uv.as_ref().is_some_and(|uv| uv.cache_keys.is_some()),
            binaries: uv
                .as_ref()
                .map_or_else(BinaryPolicy::default, |uv| BinaryPolicy {
                    no_binary: uv.no_binary,
                    no_binary_packages: uv.no_binary_package.clone(),
                    no_build: uv.no_build,
                    no_build_packages: uv.no_build_package.clone(),
                }),
            workspace: uv.and_then(|uv| uv.workspace),
            extras: project.as_ref().map_or_else(BTreeSet::new, |project| {
                project.optional_dependencies.keys().cloned().collect()
            }),
            name: project.map(|project| project.name),
        })
    }
}

impl Workspace {
    /// Returns whether the folder `relative` to the root, with `/` between its steps, is a member.
    pub fn has_member(&self, relative: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, relative));
        any(&self.members) && !any(&self.exclude)
    }
}

/// Matches a path against a pattern: `*` and `?` inside one step, `**` for any number of steps.
fn matches(pattern: &str, path: &str) -> bool {
    fn steps(text: &str) -> Vec<&str> {
        text.split('/')
            .filter(|step| !step.is_empty() && *step != ".")
            .collect()
    }
    fn all(pattern: &[&str], path: &[&str]) -> bool {
        match (pattern, path) {
            ([], []) => true,
            (["**", rest @ ..], _) => (0..=path.len()).any(|skip| all(rest, &path[skip..])),
            ([first, rest @ ..], [step, tail @ ..]) => {
                one(first.as_bytes(), step.as_bytes()) && all(rest, tail)
            }
            _ => false,
        }
    }
    fn one(pattern: &[u8], step: &[u8]) -> bool {
        match (pattern, step) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => (0..=step.len()).any(|skip| one(rest, &step[skip..])),
            ([b'?', rest @ ..], [_, tail @ ..]) => one(rest, tail),
            ([first, rest @ ..], [byte, tail @ ..]) => first == byte && one(rest, tail),
            _ => false,
        }
    }
    // Patterns grow exponentially with their stars; real ones have one or two.
    let bounded = pattern.len() <= 256 && pattern.matches('*').count() <= 8;
    bounded && all(&steps(pattern), &steps(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Pyproject {
        Pyproject::parse(text, Path::new("pyproject.toml")).unwrap()
    }

    #[test]
    fn reads_what_an_environment_depends_on() {
        let project = parse(
            r#"
[project]
name = "My_App"
version = "1"
requires-python = ">=3.11,<3.14"
[project.optional-dependencies]
gui = ["x"]
[dependency-groups]
dev = ["pytest"]
docs = [{ include-group = "dev" }]
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.uv.workspace]
members = ["packages/*"]
exclude = ["packages/old"]
[tool.other]
x = 1
"#,
        );
        assert_eq!(project.name.as_ref().unwrap().to_string(), "my-app");
        assert!(project.is_package);
        assert_eq!(project.extras.len(), 1);
        assert_eq!(project.groups.len(), 2);
        assert_eq!(
            project
                .default_groups
                .iter()
                .map(AsRef::as_ref)
                .collect::<Vec<&str>>(),
            ["dev"]
        );
        let workspace = project.workspace.unwrap();
        for (folder, member) in [
            ("packages/a", true),
            ("packages/old", false),
            ("packages/a/b", false),
            ("other", false),
        ] {
            assert_eq!(workspace.has_member(folder), member, "{folder}");
        }
        assert!(matches("**/lib?", "a/b/lib1") && matches("./a/", "a") && !matches("a*b", "a/b"));
    }

    #[test]
    fn default_groups_follow_uv() {
        let defaults = |text: &str| {
            let names: Vec<_> = parse(text)
                .default_groups
                .iter()
                .map(ToString::to_string)
                .collect();
            names.join(" ")
        };
        let groups = "[dependency-groups]\ndev = []\nx = []\n";
        assert_eq!(defaults(groups), "dev");
        assert_eq!(defaults("[dependency-groups]\nx = []"), "");
        assert_eq!(
            defaults(&format!("{groups}[tool.uv]\ndefault-groups = [\"x\"]")),
            "x"
        );
        assert_eq!(
            defaults(&format!("{groups}[tool.uv]\ndefault-groups = \"all\"")),
            "dev x"
        );
        assert_eq!(
            defaults(&format!("{groups}[tool.uv]\ndefault-groups = []")),
            ""
        );
        assert_eq!(defaults("[tool.uv]\ndev-dependencies = [\"x\"]"), "dev");
    }

    #[test]
    fn a_project_without_a_build_system_is_not_installed() {
        let named = "[project]\nname = \"a\"\n";
        assert!(!parse(named).is_package);
        assert!(parse(&format!("{named}[tool.uv]\npackage = true")).is_package);
        let built = format!("{named}[build-system]\nrequires = []\n");
        assert!(parse(&built).is_package);
        assert!(!parse(&format!("{built}[tool.uv]\npackage = false")).is_package);
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let error = Pyproject::parse("[project]\nname = 3\n", Path::new("p/pyproject.toml"));
        let text = error.unwrap_err().to_string();
        assert!(
            text.starts_with("cannot use `p/pyproject.toml`, line 2: "),
            "{text}"
        );
        for text in [
            "[",
            "[project]\nname = \"../x\"",
            "[project]\nname = \"a\"\nrequires-python = \"x\"",
            "[tool.uv]\ndefault-groups = \"some\"",
        ] {
            assert!(Pyproject::parse(text, Path::new("x")).is_err(), "{text}");
        }
    }
}
