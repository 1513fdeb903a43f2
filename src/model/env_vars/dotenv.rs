//! Files of variables, such as `.env` and `.env.example`: which names they hold, and adding more.
//!
//! The law: what is there stays, byte for byte, and no value leaves this module.

use super::{Need, Variable};
use crate::model::config::text::VariableName;

/// Files that list variables for people, in the order in which they are looked at.
pub const EXAMPLES: [&str; 4] = [".env.example", ".env.sample", ".env.template", ".env.dist"];

/// A line that names a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The variable.
    pub name: VariableName,
    /// Whether a value stands there.
    pub has_value: bool,
    /// Whether the line counts; otherwise it is commented out.
    pub active: bool,
    /// The line, counted from 1.
    pub line: usize,
}

/// Returns the variables that a file names. Lines inside of a quoted value name none.
pub fn read(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut open: Option<char> = None;
    for (index, line) in text.lines().enumerate() {
        if let Some(quote) = open {
            if closes(line, quote) {
                open = None;
            }
            continue;
        }
        let trimmed = line.trim();
        let commented = trimmed.strip_prefix('#').map(str::trim);
        let Some((name, value)) = assignment(commented.unwrap_or(trimmed)) else {
            continue;
        };
        let quote = value
            .chars()
            .next()
            .filter(|first| matches!(first, '"' | '\''));
        if let (None, Some(quote)) = (commented, quote)
            && !closes(&value[1..], quote)
        {
            open = Some(quote);
        }
        let bare = value.split(" #").next().unwrap_or_default().trim();
        let empty = bare.starts_with('#') || matches!(bare, "" | "\"\"" | "''");
        found.push(Entry {
            name,
            has_value: !empty,
            active: commented.is_none(),
            line: index + 1,
        });
    }
    found
}

fn assignment(line: &str) -> Option<(VariableName, &str)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = VariableName::new(name.trim_end()).ok()?;
    Some((name, value.trim()))
}

fn closes(text: &str, quote: char) -> bool {
    let mut escaped = false;
    text.chars().any(|character| {
        let closing = character == quote && !escaped;
        escaped = character == '\\' && !escaped && quote == '"';
        closing
    })
}

/// Returns what a file lacks of `variables`, with or without a value, commented out or not.
pub fn lacking<'a>(text: &str, variables: &'a [Variable]) -> Vec<&'a Variable> {
    let there = read(text);
    let lacks = |variable: &&Variable| there.iter().all(|entry| entry.name != variable.name);
    variables.iter().filter(lacks).collect()
}

/// Returns `text` with a line for each variable added at its end: one to fill in for what is
/// required, one commented out for what is optional.
pub fn with(text: &str, variables: &[&Variable]) -> String {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut result = text.to_owned();
    if !result.is_empty() && !result.ends_with('\n') {
        result.push_str(end);
    }
    for variable in variables {
        if !result.is_empty() {
            result.push_str(end);
        }
        let mut files: Vec<&str> = variable.places.iter().map(|it| it.path.as_str()).collect();
        files.dedup();
        let name = variable.name.as_str();
        let line = match variable.need {
            Need::Required => format!("{name}="),
            Need::Optional => format!("# {name}="),
        };
        // A file's name may hold anything but must stay on its line.
        let files: String = files
            .join(", ")
            .chars()
            .filter(|it| !it.is_control())
            .collect();
        result.push_str(&format!("# {}; see {files}{end}{line}{end}", variable.need));
    }
    result
}
