//! What a project's files say, taken over into its configuration. What is there already stays.

use std::path::Path;

use dht_store::fs::{FsError, read_plain};
use uv_normalize::PackageName;
use uv_pep440::Version;

use super::SetupError;
use crate::model::config::{Config, Git};
use crate::model::env_vars::{Need, variables};
use crate::model::git_files;
use crate::model::pyproject;
use crate::project::discover::ProjectRoot;
use crate::project::env_vars;
use crate::project::expectation::HOOKS_FILE;
use crate::project::lock::Lock;

fn read(path: &Path) -> Result<Option<String>, FsError> {
    match read_plain(path, pyproject::MAX_BYTES) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FsError::at("read", path)(error)),
    }
}

/// Adds what git and pre-commit do.
pub(super) fn git(root: &ProjectRoot, git: &mut Git) -> Result<(), SetupError> {
    let file = |name: &str| read(&root.folder.join(name));
    git.lfs |= file(".gitattributes")?.is_some_and(|text| git_files::uses_lfs(&text));
    for path in git_files::submodules(&file(".gitmodules")?.unwrap_or_default()) {
        if !git.submodules.contains(&path) {
            git.submodules.push(path);
        }
    }
    if let Some(text) = file(HOOKS_FILE)? {
        let found = git_files::hooks(&text);
        git.hooks.pre_commit |= found.pre_commit;
        git.hooks.commit_msg |= found.commit_msg;
    }
    Ok(())
}

/// Adds the names of the variables that the project reads.
pub(super) fn env_template(root: &ProjectRoot, config: &mut Config) -> Result<(), SetupError> {
    let evidence = env_vars::evidence(&root.folder)?;
    let template = &mut config.env_template;
    for variable in variables(&evidence) {
        let name = variable.name;
        if template.required.contains(&name) || template.optional.contains(&name) {
            continue;
        }
        match variable.need {
            Need::Required => template.required.push(name),
            Need::Optional => template.optional.push(name),
        }
    }
    Ok(())
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
