//! The documents tell the truth about the workspace.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("`{}` is read: {e}", path.display()))
}

/// The names below every `[…dependencies]` heading of a manifest.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines() {
        if let Some(heading) = line.strip_prefix('[') {
            inside = heading.trim_end().ends_with("dependencies]");
        } else if inside {
            let name: String = line
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
                .collect();
            names.insert(name);
        }
    }
    names.remove("");
    names
}

#[test]
fn every_dependency_has_its_reason() {
    let table = read("CONTRIBUTING.md");
    let missing: Vec<String> = [
        "Cargo.toml",
        "store/Cargo.toml",
        "tests/kit/Cargo.toml",
        "benches/Cargo.toml",
    ]
    .iter()
    .flat_map(|manifest| dependencies(&read(manifest)))
    .filter(|name| !table.contains(&format!("`{name}`")))
    .collect();
    assert!(
        missing.is_empty(),
        "CONTRIBUTING.md gives no reason for {missing:?}"
    );
}

#[test]
fn ci_runs_the_command_that_the_readme_names() {
    let command = "cargo nextest run --workspace";
    assert!(read("README.md").contains(command));
    assert!(read(".ci/test.sh").contains(command));
}
