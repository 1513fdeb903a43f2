//! Markers as PEP 751 spells them: `'x' in extras` for Poetry's `extra == "x"`.

use std::str::FromStr;

use uv_normalize::{ExtraName, GroupName};
use uv_pep508::MarkerTree;

use super::error::Fault;
use crate::model::pylock::bounded_marker;

/// Reads a marker of the lock.
pub(super) fn marker(text: &str) -> Result<MarkerTree, Fault> {
    bounded_marker(&with_lists(text)).ok_or_else(|| Fault::Marker(text.chars().take(300).collect()))
}

/// Returns the condition that a group is asked for; the main dependencies are always.
pub(super) fn group(name: &str) -> Result<MarkerTree, Fault> {
    if name == "main" {
        return Ok(MarkerTree::TRUE);
    }
    GroupName::from_str(name)
        .ok()
        .and_then(|name| bounded_marker(&format!("'{name}' in dependency_groups")))
        .ok_or_else(|| Fault::Group(name.chars().take(120).collect()))
}

/// Returns the condition that an extra is asked for.
pub(super) fn extra(name: &ExtraName) -> MarkerTree {
    bounded_marker(&format!("'{name}' in extras")).unwrap_or(MarkerTree::FALSE)
}

enum Token<'a> {
    Quoted(&'a str),
    Word(&'a str),
    Other(&'a str),
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || "._".contains(c);
        let operator = |c: char| "=!<>~".contains(c);
        let end = |matches: &dyn Fn(char) -> bool| rest.find(|c| !matches(c)).unwrap_or(rest.len());
        let token;
        let length;
        if first == '"' || first == '\'' {
            length = rest[1..].find(first).map_or(rest.len(), |at| at + 2);
            token = Token::Quoted(&rest[..length]);
        } else if word(first) {
            length = end(&word);
            token = Token::Word(&rest[..length]);
        } else {
            length = if operator(first) {
                end(&operator)
            } else {
                first.len_utf8()
            };
            token = Token::Other(&rest[..length]);
        }
        rest = &rest[length..];
        if !matches!(token, Token::Other(" ")) {
            tokens.push(token);
        }
    }
    tokens
}

fn is_closed(quoted: &str) -> bool {
    quoted.len() >= 2 && quoted.chars().next() == quoted.chars().last()
}

fn with_lists(text: &str) -> String {
    let tokens = tokens(text);
    let mut out: Vec<String> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let pair = match &tokens[at..] {
            [
                Token::Word("extra"),
                Token::Other(op),
                Token::Quoted(value),
                ..,
            ]
            | [
                Token::Quoted(value),
                Token::Other(op),
                Token::Word("extra"),
                ..,
            ] => Some((*op, *value)),
            _ => None,
        };
        match pair {
            Some((operator @ ("==" | "!="), value)) if is_closed(value) => {
                let name = value.trim_matches(['"', '\'']);
                let name =
                    ExtraName::from_str(name).map_or_else(|_| name.to_owned(), |it| it.to_string());
                let word = if operator == "==" { "in" } else { "not in" };
                out.push(format!("'{name}' {word} extras"));
                at += 3;
            }
            _ => {
                let (Token::Quoted(text) | Token::Word(text) | Token::Other(text)) = tokens[at];
                out.push(text.to_owned());
                at += 1;
            }
        }
    }
    out.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extras_become_members_of_a_list() {
        for (text, expected) in [
            ("extra == \"Pretty_Print\"", "'pretty-print' in extras"),
            ("'x' == extra", "'x' in extras"),
            (
                "python_version>=\"3.10\" and (extra==\"a\" or extra != 'b')",
                "python_version >= \"3.10\" and ( 'a' in extras or 'b' not in extras )",
            ),
            ("sys_platform == \"extra\"", "sys_platform == \"extra\""),
        ] {
            assert_eq!(with_lists(text), expected);
            assert!(marker(text).is_ok());
        }
        assert!(marker("extra ==").is_err());
        assert!(marker("extra == \"a").is_err());
    }
}
