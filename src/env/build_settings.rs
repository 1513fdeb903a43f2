//! What a project's uv settings say of how sources are built: it decides what comes out, so it belongs
//! to what a built package is remembered by.

use std::io;
use std::path::Path;

use dht_store::fs::read_plain;
use toml::Table;

use crate::model::pyproject;

/// The settings that change what a build makes.
const KEYS: [&str; 8] = [
    "build-constraint-dependencies",
    "config-settings",
    "config-settings-package",
    "extra-build-dependencies",
    "extra-build-variables",
    "no-build-isolation",
    "no-build-isolation-package",
    "no-sources",
];

/// Returns the settings of the project in `folder` that change what a build makes; empty where there is
/// none. Those in `uv.toml` replace those in `pyproject.toml`, as uv has it.
///
/// # Errors
///
/// The name of the file that cannot be read, and why.
pub fn build_settings(folder: &Path) -> Result<String, (&'static str, io::Error)> {
    let read = |name: &'static str| match read_plain(&folder.join(name), pyproject::MAX_BYTES) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err((name, error)),
    };
    Ok(match read("uv.toml")? {
        Some(text) => chosen(text.parse().unwrap_or_default()),
        None => chosen(uv_table(&read("pyproject.toml")?.unwrap_or_default())),
    })
}

fn uv_table(pyproject: &str) -> Table {
    let mut table: Table = pyproject.parse().unwrap_or_default();
    let mut tool = match table.remove("tool") {
        Some(toml::Value::Table(tool)) => tool,
        _ => return Table::new(),
    };
    match tool.remove("uv") {
        Some(toml::Value::Table(uv)) => uv,
        _ => Table::new(),
    }
}

fn chosen(mut table: Table) -> String {
    table.retain(|key, _| KEYS.contains(&key));
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_a_build_counts() {
        let folder = tempfile::tempdir().unwrap();
        let settings = || build_settings(folder.path()).unwrap();
        let write = |name, text| std::fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(settings(), "");
        write("pyproject.toml", "[tool.uv]\npackage = false\n");
        assert_eq!(settings(), "");
        let text = "[tool.uv]\npackage = false\nconfig-settings = { color = \"red\" }\n";
        write("pyproject.toml", text);
        assert!(settings().contains("red"));
        write("uv.toml", "no-build-isolation = true\n");
        assert_eq!(settings(), "no-build-isolation = true\n");
    }
}
