//! Whether a lock still fits its project: Poetry keeps the digest of what `pyproject.toml` asked for.
//!
//! The digest is SHA-256 over the JSON that Python's `json.dumps(.., sort_keys=True)` writes.

use sha2::{Digest as _, Sha256};
use toml::{Table, Value};

/// Keys that are part of the digest even where they are missing, unless newer ones are there.
const LEGACY: [&str; 4] = ["dependencies", "source", "extras", "dev-dependencies"];
const PROJECT: [&str; 3] = ["requires-python", "dependencies", "optional-dependencies"];

/// Tells whether the project still asks for what it did when the lock was made.
pub(super) fn fits(pyproject: &str, content_hash: &str) -> bool {
    let Ok(pyproject) = pyproject.parse::<Table>() else {
        return false;
    };
    // Before Poetry 2.3 the groups of PEP 735 were not part of the digest.
    [true, false]
        .into_iter()
        .any(|with_groups| content_hash_of(&pyproject, with_groups) == content_hash)
}

fn content_hash_of(pyproject: &Table, with_groups: bool) -> String {
    let table = |parent: &Table, key: &str| {
        parent
            .get(key)
            .and_then(Value::as_table)
            .cloned()
            .unwrap_or_default()
    };
    let project = table(pyproject, "project");
    let groups = if with_groups {
        table(pyproject, "dependency-groups")
    } else {
        Table::new()
    };
    let poetry = table(&table(pyproject, "tool"), "poetry");
    let mut relevant_project = Table::new();
    for key in PROJECT {
        if let Some(value) = project.get(key) {
            relevant_project.insert(key.to_owned(), value.clone());
        }
    }
    let modern = !relevant_project.is_empty() || !groups.is_empty();
    let mut relevant_poetry = Vec::new();
    for key in LEGACY.into_iter().chain(["group"]) {
        match poetry.get(key) {
            None if key == "group" || modern => {}
            value => relevant_poetry.push((key, value)),
        }
    }
    relevant_poetry.sort_by_key(|(key, _)| *key);
    let mut poetry_json = String::new();
    object(
        &mut poetry_json,
        relevant_poetry.into_iter(),
        |out, value| match value {
            Some(value) => json(out, value),
            None => out.push_str("null"),
        },
    );
    let text = if modern {
        let mut parts = Vec::new();
        if !groups.is_empty() {
            parts.push(("dependency-groups", rendered(&Value::Table(groups))));
        }
        if !relevant_project.is_empty() {
            parts.push(("project", rendered(&Value::Table(relevant_project))));
        }
        parts.push(("tool", format!("{{\"poetry\": {poetry_json}}}")));
        let mut out = String::new();
        object(&mut out, parts.into_iter(), |out, text| out.push_str(&text));
        out
    } else {
        poetry_json
    };
    let digest = Sha256::digest(text.as_bytes());
    crate::model::selection::Sha256(digest.into()).to_string()
}

fn rendered(value: &Value) -> String {
    let mut out = String::new();
    json(&mut out, value);
    out
}

fn object<'a, T>(
    out: &mut String,
    members: impl Iterator<Item = (&'a str, T)>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push('{');
    for (index, (key, value)) in members.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        string(out, key);
        out.push_str(": ");
        write(out, value);
    }
    out.push('}');
}

fn json(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => string(out, text),
        Value::Integer(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&format!("{number:?}")),
        Value::Boolean(truth) => out.push_str(&truth.to_string()),
        Value::Datetime(time) => string(out, &time.to_string()),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                json(out, item);
            }
            out.push(']');
        }
        Value::Table(table) => {
            object(
                out,
                table.iter().map(|(key, value)| (key.as_str(), value)),
                json,
            );
        }
    }
}

/// Writes a string in ASCII, as Python does.
fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}
