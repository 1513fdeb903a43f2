//! Rewriting a `.dhtconfig` so that its author recognises it.
//!
//! The law: only what differs is touched; comments, order, blank lines and quotes of everything
//! else stay, byte for byte. The result, read again, is exactly the configuration that was wanted,
//! or there is no result.

use std::str::FromStr;

use serde_yaml::{Mapping as Keys, Value};
use uv_normalize::PackageName;
use yaml_edit::{AsYaml, Document, Mapping, ScalarValue, Sequence};

use super::{Config, ConfigError, read};
use crate::model::platform::Platform;

/// What a file without content begins with.
const FRESH: &str = "\
# What this project's environment is made of; `dhtl regenerate` makes it, `dhtl setup` updates this file.
# yaml-language-server: $schema=.venv/.dht/dhtconfig.schema.json
version: \"2.0\"
";

/// Why a file could not be rewritten. It was not touched.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The file as it stands is refused.
    #[error("taking over what the file holds")]
    Before(#[source] ConfigError),
    /// What came out could not be read.
    #[error("reading what was to be written")]
    After(#[source] ConfigError),
    /// What came out means something else than was wanted.
    #[error("`{0}` is written in a way that cannot be changed in place")]
    Inexpressible(String),
}

/// Returns a new file that says what `wanted` says.
///
/// # Errors
///
/// [`EditError`], never in practice: the parts are all ours.
pub fn fresh(wanted: &Config) -> Result<String, EditError> {
    rewrite("the new file", FRESH, wanted)
}

/// Returns `source` changed so that it says what `wanted` says; `source` itself when it does
/// already. Messages call the file `file`.
///
/// Keys with their default value are not written unless they were.
///
/// # Errors
///
/// [`EditError`] tells whether the old text, the new text, or what lies between is at fault.
pub fn rewrite(file: &str, source: &str, wanted: &Config) -> Result<String, EditError> {
    let current = read(file, source.as_bytes()).map_err(EditError::Before)?;
    if current == *wanted {
        return Ok(source.to_owned());
    }
    let stuck = |key: &str| EditError::Inexpressible(key.to_owned());
    let windows = source.contains("\r\n");
    let plain = source.replace("\r\n", "\n");
    let document = Document::from_str(&plain).map_err(|_| stuck(file))?;
    let root = document.as_mapping().ok_or_else(|| stuck(file))?;
    let (have, want) = (keys(&current), keys(wanted));
    sections(&root, &have, &want).map_err(|key| stuck(&key))?;
    let mut result = document.to_string();
    if windows {
        result = result.replace('\n', "\r\n");
    }
    let reached = read(file, result.as_bytes()).map_err(EditError::After)?;
    if reached == *wanted {
        Ok(result)
    } else {
        Err(stuck(&first_difference(&keys(&reached), &want)))
    }
}

/// Returns the configuration as keys and values, in the order of its types.
fn keys(config: &Config) -> Keys {
    match serde_yaml::to_value(config) {
        Ok(Value::Mapping(keys)) => keys,
        Ok(_) | Err(_) => Keys::new(),
    }
}

/// Makes a section say what `want` says, where it says `have` now. Fails with the key that resists.
fn sections(section: &Mapping, have: &Keys, want: &Keys) -> Result<(), String> {
    for (key, _) in have {
        let key = name(key);
        if !want.contains_key(key) {
            section.remove(written(section, key).as_str());
        }
    }
    let order: Vec<&str> = want.keys().map(name).collect();
    for (key, value) in want {
        let key = name(key);
        if have.get(key) == Some(value) {
            continue;
        }
        let key = written(section, key);
        let old = have
            .get(key.as_str())
            .or_else(|| have.get(name_of(&key, have)));
        match (old, value) {
            (Some(Value::Mapping(old)), Value::Mapping(new)) => {
                if let Some(inner) = section.get_mapping(key.as_str()) {
                    sections(&inner, old, new)?;
                } else {
                    let new = Value::Mapping(only_new(old, new));
                    put(section, &key, &new, &order)?;
                }
            }
            (Some(Value::Sequence(old)), Value::Sequence(new)) => {
                let inner = section.get_sequence(key.as_str());
                if !inner.is_some_and(|inner| list(&inner, old, new)) {
                    put(section, &key, value, &order)?;
                }
            }
            _ => put(section, &key, value, &order)?,
        }
    }
    Ok(())
}

/// Changes a list in place where items were only taken away and added at its end; tells whether it
/// could.
fn list(items: &Sequence, old: &[Value], new: &[Value]) -> bool {
    let kept: Vec<&Value> = old.iter().filter(|item| new.contains(item)).collect();
    let in_place = !kept.is_empty()
        && items.len() == old.len()
        && new.len() >= kept.len()
        && new.iter().zip(&kept).all(|(new, kept)| new == *kept)
        && new.iter().all(Value::is_string);
    if in_place {
        for (index, item) in old.iter().enumerate().rev() {
            if !new.contains(item) {
                items.remove(index);
            }
        }
        for text in new[kept.len()..].iter().filter_map(Value::as_str) {
            items.push(scalar(text, None));
        }
    }
    in_place
}

/// Writes a value, in the quotes that stood there before.
fn put(section: &Mapping, key: &str, value: &Value, order: &[&str]) -> Result<(), String> {
    let set = |value: &dyn AsYaml| {
        if section.contains_key(key) {
            section.set(key, value);
        } else {
            section.set_with_field_order(key, value, order.iter().copied());
        }
    };
    match value {
        Value::Bool(flag) => set(flag),
        Value::String(text) => {
            let old = section.get(key).map(|node| node.to_string());
            set(&scalar(text, old.as_deref()));
        }
        Value::Mapping(_) | Value::Sequence(_) => {
            let text = block(value, 0);
            let built = Document::from_str(&text).map_err(|_| key.to_owned())?;
            match (built.as_mapping(), built.as_sequence()) {
                (Some(mapping), _) => set(&mapping),
                (None, Some(sequence)) => set(&sequence),
                (None, None) => return Err(key.to_owned()),
            }
        }
        Value::Null | Value::Number(_) | Value::Tagged(_) => return Err(key.to_owned()),
    }
    Ok(())
}

fn scalar(text: &str, old: Option<&str>) -> ScalarValue {
    match old.and_then(|old| old.trim_start().chars().next()) {
        Some('"') => ScalarValue::double_quoted(text),
        Some('\'') => ScalarValue::single_quoted(text),
        _ if needs_quotes(text) => ScalarValue::double_quoted(text),
        _ => ScalarValue::plain(text),
    }
}

/// Returns whether a text could be taken for something else, here or by another reader of YAML:
/// anything but a word that begins with a letter.
fn needs_quotes(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_./@+- ".contains(&byte);
    let taken = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    !text.starts_with(|first: char| first.is_ascii_alphabetic())
        || text.ends_with(' ')
        || !text.bytes().all(word)
        || taken.contains(&text.to_ascii_lowercase().as_str())
}

/// Returns the YAML of a new value.
fn block(value: &Value, indent: usize) -> String {
    let space = " ".repeat(indent);
    match value {
        Value::Mapping(keys) => keys
            .iter()
            .map(|(key, value)| match value {
                Value::Mapping(inner) if !inner.is_empty() => {
                    format!("{space}{}:\n{}", name(key), block(value, indent + 2))
                }
                Value::Sequence(inner) if !inner.is_empty() => {
                    format!("{space}{}:\n{}", name(key), block(value, indent + 2))
                }
                _ => format!("{space}{}: {}\n", name(key), inline(value)),
            })
            .collect(),
        Value::Sequence(items) if !items.is_empty() => items
            .iter()
            .map(|item| match item {
                Value::Mapping(_) => {
                    let inner = block(item, indent + 2);
                    format!("{space}- {}", inner.trim_start())
                }
                _ => format!("{space}- {}\n", inline(item)),
            })
            .collect(),
        _ => format!("{}\n", inline(value)),
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) if needs_quotes(text) => {
            serde_json::Value::String(text.clone()).to_string()
        }
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Mapping(_) => "{}".to_owned(),
        _ => "[]".to_owned(),
    }
}

/// Returns what `new` says beyond `old`: the defaults, which need not be written.
fn only_new(old: &Keys, new: &Keys) -> Keys {
    new.iter()
        .filter(|(key, value)| old.get(key) != Some(value))
        .map(|(key, value)| match (old.get(key), value) {
            (Some(Value::Mapping(old)), Value::Mapping(new)) => {
                (key.clone(), Value::Mapping(only_new(old, new)))
            }
            _ => (key.clone(), value.clone()),
        })
        .collect()
}

fn name(key: &Value) -> &str {
    key.as_str().unwrap_or_default()
}

/// Returns `key` as the file spells it: `Pre_Commit` for `pre-commit`.
fn written(section: &Mapping, key: &str) -> String {
    if section.contains_key(key) {
        return key.to_owned();
    }
    section
        .keys()
        .filter_map(|node| Some(node.as_scalar()?.as_string()))
        .find(|spelled| same_name(spelled, key))
        .unwrap_or_else(|| key.to_owned())
}

/// Returns the key of `have` that the file spells `spelled`.
fn name_of<'a>(spelled: &'a str, have: &'a Keys) -> &'a str {
    have.keys()
        .map(name)
        .find(|key| same_name(spelled, key))
        .unwrap_or(spelled)
}

fn same_name(left: &str, right: &str) -> bool {
    let package = |text: &str| text.parse::<PackageName>().ok();
    let platform = |text: &str| text.parse::<Platform>().ok();
    platform(left).is_some_and(|found| Some(found) == platform(right))
        || package(left).is_some_and(|found| Some(found) == package(right))
}

fn first_difference(have: &Keys, want: &Keys) -> String {
    want.iter()
        .chain(have)
        .map(|(key, _)| key)
        .find(|key| have.get(key) != want.get(key))
        .map_or_else(String::new, |key| name(key).to_owned())
}
