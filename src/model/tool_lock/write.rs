//! From values to the canonical text.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{FORMAT, LockedTool, PinnedFile, ToolLock};
use crate::model::platform::Platform;

/// What stands at the head of the file.
const HEAD: &str = "# The project's tools, its Python and uv, on every platform.\n\
                    # Written by `dhtl freeze-tools`; do not change it by hand.\n";

/// Keys of a lock in the order of PEP 751; others follow, sorted.
const LOCK_KEYS: [&str; 7] = [
    "lock-version",
    "environments",
    "requires-python",
    "extras",
    "dependency-groups",
    "default-groups",
    "created-by",
];
/// Keys of a package in the order of PEP 751; others follow, sorted.
const PACKAGE_KEYS: [&str; 9] = [
    "name",
    "version",
    "marker",
    "requires-python",
    "dependencies",
    "index",
    "vcs",
    "archive",
    "sdist",
];

pub(super) fn text(lock: &ToolLock) -> String {
    let mut text = format!("{HEAD}format = {}\n", quoted(FORMAT));
    if let Some(pins) = &lock.pins.python {
        text.push_str(&format!(
            "\n[python]\nimplementation = {}\nversion = {}\n\n[python.builds]\n",
            quoted(&pins.python.implementation.to_string()),
            quoted(&pins.python.version.to_string())
        ));
        push_files(&mut text, &pins.builds);
    }
    if let Some(pins) = &lock.pins.uv {
        text.push_str(&format!(
            "\n[uv]\nversion = {}\n\n[uv.wheels]\n",
            quoted(&pins.version)
        ));
        push_files(&mut text, &pins.wheels);
    }
    for (name, tool) in &lock.tools {
        push_tool(&mut text, name.as_ref(), tool);
    }
    text
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn push_files(text: &mut String, files: &BTreeMap<Platform, PinnedFile>) {
    for (platform, file) in files {
        text.push_str(&format!(
            "{platform} = {{ url = {}, sha256 = {} }}\n",
            quoted(&file.url.to_string()),
            quoted(&file.sha256.to_string())
        ));
    }
}

/// A name is a bare key: it has letters, digits and `-` only.
fn push_tool(text: &mut String, name: &str, tool: &LockedTool) {
    let version = quoted(&tool.version.to_string());
    text.push_str(&format!("\n[tools.{name}]\nversion = {version}\n"));
    if tool.alone {
        text.push_str("alone = true\n");
    }
    text.push_str(&format!("\n[tools.{name}.lock]\n"));
    push_keys(text, &tool.lock, &LOCK_KEYS, "packages");
    let packages = tool.lock.get("packages").and_then(Value::as_array);
    for package in packages.into_iter().flatten().filter_map(Value::as_table) {
        text.push_str(&format!("\n[[tools.{name}.lock.packages]]\n"));
        push_keys(text, package, &PACKAGE_KEYS, "wheels");
        if let Some(wheels) = package.get("wheels").and_then(Value::as_array) {
            text.push_str("wheels = [\n");
            for wheel in wheels {
                text.push_str(&format!("    {wheel},\n"));
            }
            text.push_str("]\n");
        }
    }
}

/// Writes the keys of a table on one line each, but for `other`.
fn push_keys(text: &mut String, table: &Table, order: &[&str], other: &str) {
    let rank = |key: &str| {
        order
            .iter()
            .position(|it| *it == key)
            .unwrap_or(order.len())
    };
    let mut keys: Vec<&String> = table.keys().filter(|key| *key != other).collect();
    keys.sort_by_key(|key| (rank(key), key.as_str()));
    for key in keys {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let shown = if !key.is_empty() && key.bytes().all(plain) {
            key.clone()
        } else {
            quoted(key)
        };
        if let Some(value) = table.get(key) {
            text.push_str(&format!("{shown} = {value}\n"));
        }
    }
}
