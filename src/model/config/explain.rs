//! What the YAML parser reports -> what a person can act on.
//!
//! The law: the message names key and expectation, never a value of `env_template`, and never the
//! parser's own words where ours are known.

use super::Config;
use super::error::{ConfigError, token};
use super::nearest::nearest;
use super::read::Reader;
use super::structure::{EMPTY, KEY, NUMBER};

impl Reader<'_> {
    /// Turns the parser's error into one that names place, key and what was expected.
    pub(super) fn explain(&self, error: &serde_yaml::Error) -> ConfigError {
        let message = error.to_string();
        let place = error.location().map(|at| (at.line(), at.column()));
        let message = match place {
            Some((line, column)) => {
                message.replacen(&format!(" at line {line} column {column}"), "", 1)
            }
            None => message,
        };
        if message.starts_with("repetition limit") {
            return self.repetition();
        }
        let (path, message) = split_path(&message);
        if message == NUMBER
            && let Some(unknown) = self.unknown_key()
        {
            return unknown;
        }
        let mut found = self.malformed(place.unwrap_or((1, 1)), String::new());
        found.key = path.map(str::to_owned);
        self.describe(&mut found, message);
        let private = found
            .key
            .as_deref()
            .is_some_and(|key| key.starts_with("env_template"));
        if private {
            found.snippet = None;
        }
        found
    }

    /// Returns what is wrong with the first key that is not known: a number as its value matters less.
    fn unknown_key(&self) -> Option<ConfigError> {
        let error = serde_yaml::from_str::<Config>(self.source).err()?;
        error
            .to_string()
            .contains("unknown field `")
            .then(|| self.explain(&error))
    }

    /// Fills in key, problem and advice from the text of the parser's error.
    fn describe(&self, found: &mut ConfigError, message: &str) {
        if message == NUMBER {
            self.number(found);
        } else if message == EMPTY && found.key.is_none() {
            *found = self.empty();
        } else if message == EMPTY {
            "there is no value".clone_into(&mut found.problem);
            found.advice = Some("give it a value, or remove the line".into());
        } else if let Some((key, problem)) = message
            .strip_prefix(KEY)
            .and_then(|rest| rest.split_once("`: "))
        {
            add_key(found, key);
            problem.clone_into(&mut found.problem);
            if problem == "stands here a second time" {
                found.advice = Some("keep one of the two".into());
            }
        } else if let Some((key, known)) = quoted(message, "unknown field `") {
            unknown(found, key, known);
        } else if let Some((value, known)) = quoted(message, "unknown variant `") {
            found.problem = format!("`{value}` is not known here; expected {}", one_of(known));
            found.advice = names(known).and_then(|known| {
                nearest(value, known).map(|name| format!("did you mean `{name}`?").into())
            });
        } else if let Some((key, _)) = quoted(message, "missing field `") {
            add_key(found, key);
            "is missing".clone_into(&mut found.problem);
            if key == "version" && !found.key.as_deref().is_some_and(|key| key.contains('.')) {
                found.advice = Some("begin the file with `version: \"2.0\"`".into());
            }
        } else if let Some((have, want)) = message
            .strip_prefix("invalid type: ")
            .and_then(|rest| rest.rsplit_once(", expected "))
        {
            found.problem = format!("expected {}, found {}", wanted(want), had(have));
            found.advice = (want == "a boolean").then(|| "write `true` or `false`".into());
        } else if found
            .key
            .as_deref()
            .is_some_and(|key| key.starts_with("env_template"))
        {
            "expected the name of an environment variable such as `DATABASE_URL`; its value never belongs here"
                .clone_into(&mut found.problem);
        } else {
            message.clone_into(&mut found.problem);
            self.hint_at_syntax(found);
        }
    }

    fn number(&self, found: &mut ConfigError) {
        let rest: Vec<char> = self
            .source
            .lines()
            .nth(found.line - 1)
            .map(|line| line.chars().skip(found.column - 1).collect())
            .unwrap_or_default();
        let written = token(&rest);
        let private = found
            .key
            .as_deref()
            .is_some_and(|key| key.starts_with("env_template"));
        if private {
            "a number stands where the name of a variable belongs".clone_into(&mut found.problem);
            found.advice = Some("list names only; values never belong here".into());
            return;
        }
        found.problem = format!("`{written}` is a number, expected a text");
        let advice = if found.key.as_deref() == Some("python.version") {
            "YAML reads 3.10 as 3.1: write the exact version in quotes, such as \"3.10.16\""
                .to_owned()
        } else {
            format!("YAML reads 3.10 as 3.1: write it in quotes, \"{written}\"")
        };
        found.advice = Some(advice.into());
    }

    fn repetition(&self) -> ConfigError {
        let alias = |line: &str| {
            line.char_indices().find(|&(at, mark)| {
                let before = line[..at].chars().next_back();
                mark == '*' && before.is_none_or(|mark| " [,:-".contains(mark))
            })
        };
        let place = self.source.lines().enumerate().find_map(|(index, line)| {
            let (at, _) = alias(line)?;
            Some((index + 1, line[..at].chars().count() + 1))
        });
        let problem = "the aliases from here on repeat too much".to_owned();
        let error = self.malformed(place.unwrap_or((1, 1)), problem);
        ConfigError {
            advice: Some("write the values out instead of referring to an anchor".into()),
            ..error
        }
    }

    fn hint_at_syntax(&self, found: &mut ConfigError) {
        let line = self.source.lines().nth(found.line - 1).unwrap_or_default();
        let indent = line.trim_start_matches(' ');
        if indent.starts_with('\t') {
            found.advice = Some("YAML indents with spaces, not with tabs".into());
        } else if found.problem.starts_with("recursion limit") {
            "lists or sections are nested too deeply".clone_into(&mut found.problem);
        } else if found.problem.contains("mapping values are not allowed") {
            found.advice =
                Some("check the indentation, and put a text that holds `: ` in quotes".into());
        }
    }
}

fn add_key(found: &mut ConfigError, key: &str) {
    found.key = Some(match found.key.take() {
        Some(parent) => format!("{parent}.{key}"),
        None => key.to_owned(),
    });
}

fn unknown(found: &mut ConfigError, key: &str, known: &str) {
    add_key(found, key);
    let guess = names(known).and_then(|known| nearest(key, known));
    found.problem = match names(known) {
        Some(known) => format!("unknown key; known here are {}", known.join(", ")),
        None => "unknown key; none is known here".to_owned(),
    };
    found.advice = guess.map(|name| format!("did you mean `{name}`?").into());
}

/// Splits the key that the parser puts before its message. Keys are plain (see
/// `Structure`), so no message can be taken for one.
fn split_path(message: &str) -> (Option<&str>, &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-[]".contains(&byte);
    match message.split_once(": ") {
        Some((path, rest)) if !path.is_empty() && path.bytes().all(plain) => {
            (Some(path.trim_start_matches('.')), rest)
        }
        Some(_) | None => (None, message),
    }
}

/// Splits "start`name`rest" into name and rest.
fn quoted<'a>(message: &'a str, start: &str) -> Option<(&'a str, &'a str)> {
    message.strip_prefix(start)?.split_once('`')
}

/// Returns the names that the parser lists as expected.
fn names(known: &str) -> Option<Vec<&str>> {
    let names: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    (!names.is_empty()).then_some(names)
}

fn one_of(known: &str) -> String {
    let names = names(known).unwrap_or_default();
    match names.split_last() {
        Some((last, [])) => format!("`{last}`"),
        Some((last, rest)) => format!("`{}` or `{last}`", rest.join("`, `")),
        None => "nothing".to_owned(),
    }
}

/// Returns what was found, without its value: it could be a secret.
fn had(found: &str) -> &str {
    match found.split([' ', '(']).next().unwrap_or(found) {
        "map" => "a section",
        "sequence" => "a list",
        "string" => "a text",
        "boolean" if found.contains("true") => "`true`",
        "boolean" => "`false`",
        "unit" => "nothing",
        _ => "something else",
    }
}

fn wanted(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a string" => "a text",
        "a boolean" => "`true` or `false`",
        "a map" => "a section",
        _ if expected.starts_with("struct ") => "a section",
        _ => expected,
    }
}
