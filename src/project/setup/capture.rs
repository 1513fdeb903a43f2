//! What a project's files say, taken over into its configuration. What is there already stays.

use uv_normalize::PackageName;
use uv_pep440::Version;

use super::SetupError;
use super::files::read;
use super::machine::Found;
use crate::model::config::{Config, Git};
use crate::model::env_vars::{Need, variables};
use crate::model::git_files;
use crate::project::discover::ProjectRoot;
use crate::project::env_vars;
use crate::project::expectation::HOOKS_FILE;
use crate::project::lock::Lock;

fn found(key: &str, value: impl ToString, from: impl Into<String>) -> Found {
    Found {
        key: key.to_owned(),
        value: value.to_string(),
        from: from.into(),
    }
}

/// Adds what git and pre-commit do; returns what is new.
pub(super) fn git(root: &ProjectRoot, git: &mut Git) -> Result<Vec<Found>, SetupError> {
    let file = |name: &str| read(&root.folder.join(name));
    let mut new = Vec::new();
    let mut flag = |flag: &mut bool, is_set: bool, key: &str, from: &str| {
        if is_set && !*flag {
            *flag = true;
            new.push(found(key, true, from));
        }
    };
    let uses_lfs = file(".gitattributes")?.is_some_and(|text| git_files::uses_lfs(&text));
    flag(&mut git.lfs, uses_lfs, "git.lfs", ".gitattributes");
    if let Some(text) = file(HOOKS_FILE)? {
        let hooks = git_files::hooks(&text);
        let own = &mut git.hooks;
        flag(
            &mut own.pre_commit,
            hooks.pre_commit,
            "git.hooks.pre_commit",
            HOOKS_FILE,
        );
        flag(
            &mut own.commit_msg,
            hooks.commit_msg,
            "git.hooks.commit_msg",
            HOOKS_FILE,
        );
    }
    for path in git_files::submodules(&file(".gitmodules")?.unwrap_or_default()) {
        if !git.submodules.contains(&path) {
            new.push(found("git.submodules", &path, ".gitmodules"));
            git.submodules.push(path);
        }
    }
    Ok(new)
}

/// Adds the names of the variables that the project reads; returns what is new.
pub(super) fn env_template(
    root: &ProjectRoot,
    config: &mut Config,
) -> Result<Vec<Found>, SetupError> {
    let evidence = env_vars::evidence(&root.folder)?;
    let template = &mut config.env_template;
    let mut new = Vec::new();
    for variable in variables(&evidence) {
        let name = variable.name;
        if template.required.contains(&name) || template.optional.contains(&name) {
            continue;
        }
        let (list, key) = match variable.need {
            Need::Required => (&mut template.required, "env_template.required"),
            Need::Optional => (&mut template.optional, "env_template.optional"),
        };
        let place = variable.places.first().map(ToString::to_string);
        new.push(found(key, &name, place.unwrap_or_default()));
        list.push(name);
    }
    Ok(new)
}

#[derive(serde::Deserialize)]
struct Locked {
    #[serde(default, alias = "packages")]
    package: Vec<LockedPackage>,
}

#[derive(serde::Deserialize)]
struct LockedPackage {
    name: PackageName,
    version: Option<String>,
}

/// Returns the version that a lock has of a tool.
pub(super) fn tool_version(lock: &Lock, tool: &PackageName) -> Option<Version> {
    let Some(pins) = lock.pins() else {
        return in_toml(&lock.text, tool);
    };
    let mut found = pins.pins.iter().filter(|pin| pin.name == *tool);
    let (only, more) = (found.next()?, found.next());
    if more.is_some() {
        return None;
    }
    only.version.clone()
}

/// Reads `uv.lock` or `pylock.toml`.
fn in_toml(lock: &str, tool: &PackageName) -> Option<Version> {
    let locked: Locked = toml::from_str(lock).ok()?;
    let mut found = locked.package.into_iter().filter(|it| it.name == *tool);
    let (only, more) = (found.next()?, found.next());
    // Several versions, one for each platform, are none that could be called exact.
    if more.is_some() {
        return None;
    }
    only.version?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_version_of_a_tool() {
        let lock = "version = 1\n[[package]]\nname = \"pytest\"\nversion = \"8.3.4\"\n[[package]]\nname = \"own\"\n";
        let version =
            |lock: &str, name: &str| in_toml(lock, &name.parse().unwrap()).map(|it| it.to_string());
        assert_eq!(version(lock, "pytest").as_deref(), Some("8.3.4"));
        assert_eq!(version(lock, "own"), None);
        assert_eq!(version(lock, "ruff"), None);
        assert_eq!(
            version(&lock.replace("[[package]]", "[[packages]]"), "pytest").as_deref(),
            Some("8.3.4")
        );
        let twice = format!("{lock}[[package]]\nname = \"pytest\"\nversion = \"7.0\"\n");
        assert_eq!(version(&twice, "pytest"), None);
    }
}
