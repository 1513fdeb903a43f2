//! Which development tools a project uses, and in which versions. Pure, and lenient: the files are
//! others', and what is not understood is no clue.

use std::collections::BTreeSet;

use toml::{Table, Value};
use uv_normalize::PackageName;
use uv_pep440::Version;

/// Packages that are known as development tools.
const KNOWN: [&str; 30] = [
    "autoflake",
    "bandit",
    "basedpyright",
    "black",
    "codespell",
    "commitizen",
    "coverage",
    "docformatter",
    "flake8",
    "hatch",
    "interrogate",
    "isort",
    "mypy",
    "nox",
    "pip-audit",
    "pip-tools",
    "poethepoet",
    "pre-commit",
    "pydocstyle",
    "pylint",
    "pyright",
    "pytest",
    "pytype",
    "pyupgrade",
    "ruff",
    "sphinx",
    "tox",
    "twine",
    "vulture",
    "yamllint",
];

/// Repositories of pre-commit hooks whose revision is the version of a tool.
const HOOKS: [(&str, &str); 18] = [
    ("adrienverge/yamllint", "yamllint"),
    ("asottile/pyupgrade", "pyupgrade"),
    ("astral-sh/ruff-pre-commit", "ruff"),
    ("charliermarsh/ruff-pre-commit", "ruff"),
    ("codespell-project/codespell", "codespell"),
    ("commitizen-tools/commitizen", "commitizen"),
    ("econchick/interrogate", "interrogate"),
    ("jendrikseipp/vulture", "vulture"),
    ("pre-commit/mirrors-mypy", "mypy"),
    ("psf/black", "black"),
    ("psf/black-pre-commit-mirror", "black"),
    ("pycqa/autoflake", "autoflake"),
    ("pycqa/bandit", "bandit"),
    ("pycqa/docformatter", "docformatter"),
    ("pycqa/flake8", "flake8"),
    ("pycqa/isort", "isort"),
    ("pycqa/pylint", "pylint"),
    ("robertcraigie/pyright-python", "pyright"),
];

/// Returns the tools that a `pyproject.toml` asks for itself: in its dependencies, extras and groups.
pub fn asked(pyproject: &str) -> BTreeSet<PackageName> {
    let Ok(table) = pyproject.parse::<Table>() else {
        return BTreeSet::new();
    };
    let mut names = BTreeSet::new();
    for path in [
        ["project", "dependencies"].as_slice(),
        &["project", "optional-dependencies"],
        &["dependency-groups"],
        &["tool", "uv", "dev-dependencies"],
        &["tool", "poetry", "dependencies"],
        &["tool", "poetry", "dev-dependencies"],
        &["tool", "poetry", "group"],
    ] {
        let mut found = table.get(path[0]);
        for key in &path[1..] {
            found = found.and_then(|value| value.get(key));
        }
        collect(found, &mut names);
    }
    names
}

/// Returns the tools that a requirements file asks for itself.
pub fn asked_in_lines(requirements: &str) -> BTreeSet<PackageName> {
    requirements.lines().filter_map(known).collect()
}

/// Collects from lists of requirements, however deep, and from the keys of Poetry's tables.
fn collect(value: Option<&Value>, names: &mut BTreeSet<PackageName>) {
    match value {
        Some(Value::String(text)) => names.extend(known(text)),
        Some(Value::Array(items)) => items.iter().for_each(|item| collect(Some(item), names)),
        Some(Value::Table(table)) => {
            for (key, value) in table {
                // A requirement of Poetry: the name is the key, the value its version.
                if matches!(value, Value::String(_)) || value.get("version").is_some() {
                    names.extend(known(key));
                } else {
                    collect(Some(value), names);
                }
            }
        }
        _ => {}
    }
}

/// Returns the name at the beginning of a requirement, if it is a tool's.
fn known(requirement: &str) -> Option<PackageName> {
    let end = |c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c);
    let name = requirement.trim_start().split(end).next()?;
    let name: PackageName = name.parse().ok()?;
    KNOWN.contains(&name.as_ref()).then_some(name)
}

/// Returns the tools that a `.pre-commit-config.yaml` runs from repositories that are known.
pub fn of_hooks(configuration: &str) -> Vec<(PackageName, Version)> {
    let mut found: Vec<(PackageName, Version)> = Vec::new();
    let mut tool: Option<&str> = None;
    for line in configuration.lines() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        let item = line.strip_prefix("- ").map_or(line, str::trim_start);
        let value = |rest: &str| rest.trim().trim_matches(['"', '\'']).to_owned();
        if let Some(rest) = item.strip_prefix("repo:") {
            let url = value(rest).to_ascii_lowercase();
            let url = url.trim_end_matches('/').trim_end_matches(".git");
            let of = HOOKS.iter().find(|(path, _)| {
                url.strip_suffix(path)
                    .is_some_and(|host| host.ends_with(['/', ':']))
            });
            tool = of.map(|(_, tool)| *tool);
        } else if let (Some(rest), Some(name)) = (item.strip_prefix("rev:"), tool) {
            let rev = value(rest);
            let version: Option<Version> = rev.strip_prefix('v').unwrap_or(&rev).parse().ok();
            if let (Ok(name), Some(version)) = (name.parse::<PackageName>(), version)
                && found.iter().all(|(known, _)| *known != name)
            {
                found.push((name, version));
            }
            tool = None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_project_asks_for() {
        let text = "[project]\ndependencies = [\"requests>=2\", \"Ruff\"]\n\
                    [project.optional-dependencies]\ntest = [\"pytest[x]~=7.0; python_version > '3'\"]\n\
                    [dependency-groups]\ndev = [{ include-group = \"lint\" }]\nlint = [\"mypy==1.5\"]\n\
                    [tool.poetry.group.dev.dependencies]\nblack = \"^24\"\nisort = { version = \"5\" }\n";
        let names: Vec<String> = asked(text).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["black", "isort", "mypy", "pytest", "ruff"]);
        assert!(asked("[").is_empty());
        let lines = asked_in_lines("# c\nflake8==7.0\n-r other.txt\nflask\n");
        assert_eq!(lines.len(), 1);
    }

    #[test]
    fn reads_the_versions_of_hooks() {
        let text = "repos:\n- repo: https://github.com/astral-sh/ruff-pre-commit\n  rev: v0.4.0 # x\n  hooks: [{id: ruff}]\n\
                    - repo: 'https://github.com/PyCQA/isort.git'\n  rev: \"5.13.2\"\n\
                    - repo: https://github.com/psf/black\n  rev: main\n\
                    - repo: https://github.com/notpsf/black\n  rev: 1.0\n\
                    - repo: local\n  hooks: []\n";
        let found: Vec<String> = of_hooks(text)
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        assert_eq!(found, ["ruff 0.4.0", "isort 5.13.2"]);
    }
}
