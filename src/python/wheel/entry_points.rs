//! `entry_points.txt`: the console and GUI scripts that a wheel asks for. Pure.
//!
//! Law: a name becomes a file beside `python` and `activate`, and a value becomes Python source,
//! so both are taken by a narrow grammar and by nothing else (entry points specification).

use std::collections::BTreeMap;

/// Why the entry points of a wheel are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryPointError {
    /// The file does not follow the format.
    #[error("could not read line {line} of `entry_points.txt`: {reason}")]
    Malformed {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A script has a name that is no plain file name, or belongs to the environment.
    #[error("the script name `{name}` is {reason}")]
    Name {
        /// The name, escaped.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A script's value is no object reference.
    #[error("the script `{name}` refers to `{value}`, which is not `module:object`")]
    Value {
        /// The script.
        name: String,
        /// Its value, escaped.
        value: String,
    },
    /// Two scripts have one name.
    #[error("the script `{0}` is defined twice")]
    Duplicate(String),
}

/// A script to be generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPoint {
    /// The module to import.
    pub module: String,
    /// The object to call, a dotted path in the module.
    pub object: String,
    /// Whether it is a GUI script, which needs no console on Windows.
    pub gui: bool,
}

/// Reads the scripts of an `entry_points.txt`, by name.
pub fn parse(content: &[u8]) -> Result<BTreeMap<String, EntryPoint>, EntryPointError> {
    let text = std::str::from_utf8(content).map_err(|_| EntryPointError::Malformed {
        line: 1,
        reason: "it is not UTF-8",
    })?;
    let mut scripts = BTreeMap::new();
    let mut gui = None;
    let mut indent = None;
    for (index, raw) in text.lines().enumerate() {
        let bad = |reason| EntryPointError::Malformed {
            line: index + 1,
            reason,
        };
        let line = raw.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            gui = match section.trim() {
                "console_scripts" => Some(false),
                "gui_scripts" => Some(true),
                _ => None,
            };
            indent = None;
            continue;
        }
        let Some(gui) = gui else { continue };
        let depth = raw.len() - raw.trim_start().len();
        if indent.is_some_and(|indent| depth > indent) {
            return Err(bad("a value goes on over several lines"));
        }
        indent = Some(depth);
        let (name, value) = line.split_once('=').ok_or_else(|| bad("there is no `=`"))?;
        let name = name.trim();
        check_name(name)?;
        let script = parse_value(name, value.trim(), gui)?;
        if scripts.insert(name.to_owned(), script).is_some() {
            return Err(EntryPointError::Duplicate(name.to_owned()));
        }
    }
    Ok(scripts)
}

/// Checks that `name` can be a file in the folder of scripts without harm to the environment.
pub fn check_name(name: &str) -> Result<(), EntryPointError> {
    let refuse = |reason| {
        Err(EntryPointError::Name {
            name: name.escape_debug().take(80).collect(),
            reason,
        })
    };
    if name.is_empty() {
        return refuse("empty");
    }
    if name.starts_with(['-', '.']) || name.ends_with('.') {
        return refuse("not a plain file name: it starts or ends with a mark");
    }
    let plain = |character: char| character.is_alphanumeric() || "_.-+".contains(character);
    if name.len() > 200 || !name.chars().all(plain) {
        return refuse("not a plain file name");
    }
    if is_reserved(name) {
        return refuse("reserved for the environment itself");
    }
    Ok(())
}

/// Whether the environment has, or may have, a file of its own with this name.
fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let stem = [".exe", ".bat", ".cmd", ".com", ".ps1"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(&name);
    let interpreter = ["pythonw", "python", "pypyw", "pypy"]
        .iter()
        .find_map(|prefix| stem.strip_prefix(prefix))
        .map(|version| version.strip_suffix('t').unwrap_or(version))
        .is_some_and(|version| {
            version
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
        });
    let activation = ["activate", "deactivate", "activate_this"]
        .iter()
        .filter_map(|prefix| stem.strip_prefix(prefix))
        .any(|rest| rest.is_empty() || rest.starts_with('.'));
    interpreter || activation
}

fn parse_value(name: &str, value: &str, gui: bool) -> Result<EntryPoint, EntryPointError> {
    let refuse = || EntryPointError::Value {
        name: name.to_owned(),
        value: value.escape_debug().take(120).collect(),
    };
    let (reference, extras) = match value.split_once('[') {
        Some((reference, extras)) => (reference.trim(), extras.strip_suffix(']')),
        None => (value, Some("")),
    };
    let extra =
        |character: char| character.is_ascii_alphanumeric() || "-_., \t".contains(character);
    if !extras.is_some_and(|extras| extras.chars().all(extra)) {
        return Err(refuse());
    }
    let (module, object) = reference.split_once(':').ok_or_else(refuse)?;
    let (module, object) = (module.trim(), object.trim());
    if !is_dotted_name(module) || !is_dotted_name(object) {
        return Err(refuse());
    }
    Ok(EntryPoint {
        module: module.to_owned(),
        object: object.to_owned(),
        gui,
    })
}

fn is_dotted_name(text: &str) -> bool {
    text.split('.').all(|part| {
        let mut characters = part.chars();
        characters
            .next()
            .is_some_and(|first| first == '_' || first.is_alphabetic())
            && characters.all(|character| character == '_' || character.is_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_kinds_of_scripts() {
        let text = "# x\n[console_scripts]\nfoo = foo.cli:main\n  \nfoo-2=foo : a.b [x, y]\r\n\n\
                    [other]\nanything goes here\n[gui_scripts]\n  gui = foo:run\n";
        let scripts = parse(text.as_bytes()).unwrap();
        assert_eq!(scripts.keys().collect::<Vec<_>>(), ["foo", "foo-2", "gui"]);
        assert_eq!(scripts["foo-2"].object, "a.b");
        assert!(scripts["gui"].gui);
    }

    #[test]
    fn bad_input_27_script_names() {
        for name in [
            "../../x",
            "/tmp/x",
            "a/b",
            "a\\b",
            "python3.12",
            "python",
            "Python.exe",
            "pythonw",
            "pypy3",
            "python3.13t",
            "activate",
            "activate.fish",
            "activate_this.py",
            "Activate.ps1",
            "deactivate.bat",
            "x\n#!/bin/sh",
            "-x",
            "",
            ".",
            "..",
            ".hidden",
            "a:b",
            "a b",
            "x\u{1b}[2J",
            "x.",
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in [
            "f2py",
            "python-config",
            "pip3.11",
            "g++",
            "activate-global",
            "py.test",
            "pythonista",
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn bad_input_27_script_values() {
        for value in [
            "m:f;import os",
            "m",
            "m:",
            ":f",
            "m:f()",
            "m:f [x",
            "m:f [x]; y",
            "m:f\u{85}x",
            "m-n:f",
            "1m:f",
            "m..n:f",
            "m:f #",
            "import os:f",
            "m:f:g",
        ] {
            let text = format!("[console_scripts]\nx = {value}\n");
            assert!(parse(text.as_bytes()).is_err(), "{value}");
        }
        for text in [
            "[console_scripts]\nx = m:f\nx = m:g\n",
            "[console_scripts]\nx = m:f\n[gui_scripts]\nx = m:f\n",
            "[console_scripts]\nx = m:f\n    import os\n",
            "[console_scripts]\nx\n",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
