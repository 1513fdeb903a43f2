//! What files that git and pre-commit read say of a project. Pure, and lenient: they are others'.

use super::config::Hooks;
use super::config::text::ProjectPath;

/// Tells whether a `.gitattributes` hands files to git-lfs.
pub fn uses_lfs(attributes: &str) -> bool {
    let lines = attributes.lines().map(str::trim_start);
    lines
        .filter(|line| !line.starts_with('#'))
        .any(|line| line.split_whitespace().skip(1).any(|it| it == "filter=lfs"))
}

/// Returns the folders of the submodules that a `.gitmodules` names, in its order.
pub fn submodules(modules: &str) -> Vec<ProjectPath> {
    let mut found = Vec::new();
    for line in modules.lines() {
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches('"');
        if key.trim() == "path"
            && let Ok(path) = ProjectPath::new(value)
            && !found.contains(&path)
        {
            found.push(path);
        }
    }
    found
}

/// Returns the hooks that a `.pre-commit-config.yaml` is installed for.
pub fn hooks(configuration: &str) -> Hooks {
    let mut types: Option<Vec<String>> = None;
    let mut stages = Vec::new();
    let mut open: Option<bool> = None;
    for line in configuration.lines() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        let item = line.strip_prefix("- ").map_or(line, str::trim_start);
        let (of_types, rest) = if let Some(rest) = item.strip_prefix("default_install_hook_types:")
        {
            types.get_or_insert_default();
            (true, rest)
        } else if let Some(rest) = item.strip_prefix("stages:") {
            (false, rest)
        } else if let (Some(of_types), Some(item)) = (open, line.strip_prefix("- ")) {
            (of_types, item)
        } else {
            open = None;
            continue;
        };
        open = Some(of_types);
        let names = rest
            .split([',', '[', ']'])
            .map(|it| it.trim().trim_matches(['"', '\'']));
        let names = names.filter(|it| !it.is_empty()).map(str::to_owned);
        match (&mut types, of_types) {
            (Some(types), true) => types.extend(names),
            _ => stages.extend(names),
        }
    }
    let named = |names: &[String], name: &str| names.iter().any(|it| it == name);
    Hooks {
        pre_commit: types
            .as_ref()
            .is_none_or(|types| named(types, "pre-commit")),
        commit_msg: named(&stages, "commit-msg")
            || types.is_some_and(|types| named(&types, "commit-msg")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_git_reads() {
        assert!(uses_lfs(
            "*.txt text\n*.bin filter=lfs diff=lfs merge=lfs -text\n"
        ));
        assert!(!uses_lfs("# *.bin filter=lfs\n*.bin -filter\nfilter=lfs\n"));
        let modules = "[submodule \"x\"]\n\tpath = vendor/x\n\turl = ../x\n[submodule \"y\"]\n\tpath = ../out\n";
        assert_eq!(submodules(modules), [ProjectPath::new("vendor/x").unwrap()]);
    }

    #[test]
    fn tells_the_hooks() {
        let found = |text: &str| {
            let Hooks {
                pre_commit,
                commit_msg,
            } = hooks(text);
            (pre_commit, commit_msg)
        };
        assert_eq!(found("repos: []\n"), (true, false));
        assert_eq!(
            found("default_install_hook_types: [pre-commit, commit-msg]\n"),
            (true, true)
        );
        assert_eq!(
            found("default_install_hook_types:\n  - commit-msg\nrepos: []\n"),
            (false, true)
        );
        assert_eq!(
            found("repos:\n- hooks:\n  - id: commit-msg\n"),
            (true, false)
        );
        assert_eq!(
            found("repos:\n- hooks:\n  - id: x\n    stages: [\"commit-msg\"]\n"),
            (true, true)
        );
    }
}
