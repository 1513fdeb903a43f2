//! Settings classes of pydantic: every field is a variable.

use std::collections::BTreeSet;

use super::python::Line;
use super::{Access, Use};

/// Returns the fields of the settings classes in a source.
pub(super) fn uses(lines: &[Line]) -> Vec<Use> {
    let mut classes: BTreeSet<String> = BTreeSet::from(["BaseSettings".to_owned()]);
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let (Some("class"), Some(name)) = (line.word(0), line.word(1)) else {
            continue;
        };
        let is_settings = (3..line.tokens.len())
            .filter_map(|at| line.word(at))
            .any(|base| classes.contains(base));
        if !is_settings {
            continue;
        }
        classes.insert(name.to_owned());
        let below = &lines[index + 1..];
        let end = below
            .iter()
            .position(|inner| inner.indent <= line.indent)
            .unwrap_or(below.len());
        found.extend(Class::new(&below[..end]).fields());
    }
    found
}

struct Class<'a> {
    body: &'a [Line],
    prefix: &'a str,
    case_sensitive: bool,
}

impl<'a> Class<'a> {
    fn new(body: &'a [Line]) -> Self {
        let mut class = Self {
            body,
            prefix: "",
            case_sensitive: false,
        };
        for line in body {
            for at in 0..line.tokens.len() {
                if !line.is_sign(at + 1, '=') {
                    continue;
                }
                match line.word(at) {
                    Some("env_prefix") => class.prefix = line.text(at + 2).unwrap_or_default(),
                    Some("case_sensitive") => {
                        class.case_sensitive = line.word(at + 2) == Some("True")
                    }
                    _ => {}
                }
            }
        }
        class
    }

    fn fields(&self) -> Vec<Use> {
        let indent = self.body.first().map_or(0, |line| line.indent);
        let own = self.body.iter().filter(|line| line.indent == indent);
        own.filter_map(|line| self.field(line)).collect()
    }

    fn field(&self, line: &Line) -> Option<Use> {
        let name = line.word(0)?;
        let keywords = ["else", "try", "finally", "lambda", "class", "model_config"];
        let is_field = line.is_sign(1, ':') && line.tokens.len() > 2;
        let is_class_var = (2..line.tokens.len()).any(|at| line.word(at) == Some("ClassVar"));
        if !is_field || name.starts_with('_') || keywords.contains(&name) || is_class_var {
            return None;
        }
        let (alias, has_default) = value(line);
        let name = alias.unwrap_or_else(|| {
            let name = format!("{}{name}", self.prefix);
            if self.case_sensitive {
                name
            } else {
                name.to_ascii_uppercase()
            }
        });
        Some(Use {
            name,
            access: if has_default {
                Access::May
            } else {
                Access::Must
            },
            line: line.number(0),
        })
    }
}

/// Returns the alias of a field, and whether it has a default.
fn value(line: &Line) -> (Option<String>, bool) {
    let mut depth = 0_usize;
    let start = (2..line.tokens.len()).find(|&at| {
        for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
            depth += usize::from(line.is_sign(at, open));
            depth = depth.saturating_sub(usize::from(line.is_sign(at, close)));
        }
        depth == 0 && line.is_sign(at, '=')
    });
    let Some(start) = start.map(|at| at + 1) else {
        return (None, false);
    };
    let call = (start..line.tokens.len())
        .take(3)
        .find(|&at| line.word(at) == Some("Field") && line.is_sign(at + 1, '('));
    match call {
        Some(call) => field_call(line, call + 2),
        None => (None, true),
    }
}

/// Reads the arguments of `Field(…)`.
fn field_call(line: &Line, first: usize) -> (Option<String>, bool) {
    let is_ellipsis = |at: usize| (at..at + 3).all(|at| line.is_sign(at, '.'));
    let is_named = |at: usize| line.word(at).is_some() && line.is_sign(at + 1, '=');
    let mut has_default = !is_named(first) && !is_ellipsis(first) && !line.is_sign(first, ')');
    let mut alias: Option<(u8, String)> = None;
    for at in first..line.tokens.len() {
        if !is_named(at) {
            continue;
        }
        let rank = match line.word(at) {
            Some("default") => {
                has_default = !is_ellipsis(at + 2);
                continue;
            }
            Some("default_factory") => {
                has_default = true;
                continue;
            }
            Some("validation_alias") => 0,
            Some("env") => 1,
            Some("alias") => 2,
            _ => continue,
        };
        let choices = line.word(at + 2) == Some("AliasChoices");
        let text = line.text(if choices { at + 4 } else { at + 2 });
        let better = alias.as_ref().is_none_or(|(other, _)| rank < *other);
        if let (Some(text), true) = (text, better) {
            alias = Some((rank, text.to_owned()));
        }
    }
    (alias.map(|(_, name)| name), has_default)
}
