//! A careful look at Python's text: words, plain strings and brackets, and nothing that is run.
//!
//! Comments, f-strings and bytes are passed over. A line is a logical one: what stands in brackets
//! belongs together (Python reference, 2.1.5 and 2.1.6).

use std::collections::BTreeSet;

use super::{Access, Use};

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, a keyword or a number.
    Word(String),
    /// A string that is written as it is.
    Text(String),
    /// Anything else, character by character.
    Sign(char),
}

/// A logical line.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// How many characters stand before it.
    pub indent: usize,
    /// Its pieces, with the number of the line that each stands on, counted from 1.
    pub tokens: Vec<(Token, usize)>,
}

impl Line {
    pub(super) fn word(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at) {
            Some((Token::Word(word), _)) => Some(word),
            _ => None,
        }
    }

    pub(super) fn text(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at) {
            Some((Token::Text(text), _)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_sign(&self, at: usize, sign: char) -> bool {
        matches!(self.tokens.get(at), Some((Token::Sign(found), _)) if *found == sign)
    }

    pub(super) fn number(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(0, |(_, number)| *number)
    }
}

/// Splits a source into its logical lines.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut reader = Reader {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
        number: 1,
        depth: 0,
        line: Line::default(),
        done: Vec::new(),
        fresh: true,
    };
    while let Some(character) = reader.rest.chars().next() {
        reader.step(character);
    }
    reader.end_line();
    reader.done
}

struct Reader<'a> {
    rest: &'a str,
    number: usize,
    depth: usize,
    line: Line,
    done: Vec<Line>,
    /// Nothing but white space stands before on this line.
    fresh: bool,
}

impl Reader<'_> {
    fn step(&mut self, character: char) {
        match character {
            '\n' => {
                self.skip(1);
                self.number += 1;
                if self.depth == 0 {
                    self.end_line();
                }
            }
            '#' => {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.skip(end);
            }
            '\\' if self.rest[1..].starts_with(['\n', '\r']) => {
                let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
                self.skip(end);
                self.number += 1;
            }
            '"' | '\'' => self.string(""),
            _ if character.is_whitespace() => {
                self.line.indent += usize::from(self.fresh);
                self.skip(character.len_utf8());
            }
            _ if character.is_alphanumeric() || character == '_' => self.word(),
            _ => {
                match character {
                    '(' | '[' | '{' => self.depth += 1,
                    ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                self.push(Token::Sign(character));
                self.skip(character.len_utf8());
            }
        }
    }

    fn word(&mut self) {
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        let end = self.rest.find(|it| !is_part(it)).unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        self.skip(end);
        let is_prefix = word.len() <= 2 && word.bytes().all(|it| b"rRbBuUfFtT".contains(&it));
        if is_prefix && self.rest.starts_with(['"', '\'']) {
            self.string(word);
        } else {
            self.push(Token::Word(word.to_owned()));
        }
    }

    /// Reads a string after its prefix.
    fn string(&mut self, prefix: &str) {
        let quote = &self.rest[..1];
        let triple = self.rest.starts_with(&quote.repeat(3));
        let quote = if triple {
            quote.repeat(3)
        } else {
            quote.to_owned()
        };
        let body = &self.rest[quote.len()..];
        let mut end = body.len();
        let mut skipped = false;
        for (at, character) in body.char_indices() {
            if skipped {
                skipped = false;
            } else if character == '\\' {
                skipped = true;
            } else if body[at..].starts_with(&quote) || (!triple && character == '\n') {
                end = at;
                break;
            }
        }
        let content = &body[..end];
        let is_plain = !prefix.contains(['f', 'F', 'b', 'B', 't', 'T']);
        if is_plain {
            self.push(Token::Text(content.to_owned()));
        } else {
            self.push(Token::Sign('"'));
        }
        self.number += content.matches('\n').count();
        let closed = if body[end..].starts_with(&quote) {
            quote.len()
        } else {
            0
        };
        self.skip(quote.len() + end + closed);
    }

    fn push(&mut self, token: Token) {
        self.fresh = false;
        self.line.tokens.push((token, self.number));
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.tokens.is_empty() {
            self.done.push(line);
        }
        self.fresh = true;
    }
}

/// What a source calls the parts of `os`.
#[derive(Default)]
struct Names {
    os: BTreeSet<String>,
    environ: BTreeSet<String>,
    getenv: BTreeSet<String>,
}

impl Names {
    fn of(lines: &[Line]) -> Self {
        let mut names = Self::default();
        for line in lines {
            let renamed = |at: usize, name: &str| match line.word(at + 1) {
                Some("as") => line.word(at + 2).unwrap_or(name).to_owned(),
                _ => name.to_owned(),
            };
            let from_os = line.word(0) == Some("from") && line.word(1) == Some("os");
            for at in 0..line.tokens.len() {
                let part_of =
                    at > 0 && (line.is_sign(at - 1, '.') || line.word(at - 1) == Some("as"));
                match line.word(at) {
                    Some("os") if line.word(0) == Some("import") && !part_of => {
                        names.os.insert(renamed(at, "os"));
                    }
                    Some("environ") if from_os && !part_of => {
                        names.environ.insert(renamed(at, "environ"));
                    }
                    Some("getenv") if from_os && !part_of => {
                        names.getenv.insert(renamed(at, "getenv"));
                    }
                    _ => {}
                }
            }
        }
        names
    }

    /// Returns what follows `os.environ` when it stands at `at`.
    fn environ(&self, line: &Line, at: usize) -> Option<usize> {
        self.part(line, at, "environ", &self.environ)
    }

    fn getenv(&self, line: &Line, at: usize) -> Option<usize> {
        self.part(line, at, "getenv", &self.getenv)
    }

    fn part(&self, line: &Line, at: usize, name: &str, own: &BTreeSet<String>) -> Option<usize> {
        let word = line.word(at)?;
        if at > 0 && line.is_sign(at - 1, '.') {
            return None;
        }
        if own.contains(word) {
            return Some(at + 1);
        }
        let whole = self.os.contains(word) && line.is_sign(at + 1, '.');
        (whole && line.word(at + 2) == Some(name)).then_some(at + 3)
    }
}

/// Returns the uses of `os.environ` and `os.getenv`.
pub(super) fn uses(lines: &[Line]) -> Vec<Use> {
    let names = Names::of(lines);
    let mut found = Vec::new();
    for line in lines {
        for at in 0..line.tokens.len() {
            let used = match (names.environ(line, at), names.getenv(line, at)) {
                (Some(after), _) => of_environ(line, at, after),
                (None, Some(after)) => argument(line, after).map(|name| (name, Access::May)),
                (None, None) => None,
            };
            if let Some((name, access)) = used {
                found.push(Use {
                    name: name.to_owned(),
                    access,
                    line: line.number(at),
                });
            }
        }
    }
    found
}

fn of_environ(line: &Line, at: usize, after: usize) -> Option<(&str, Access)> {
    if line.is_sign(after, '[') && line.is_sign(after + 2, ']') {
        let name = line.text(after + 1)?;
        let assigned = line.is_sign(after + 3, '=') && !line.is_sign(after + 4, '=');
        let removed = line.word(0) == Some("del");
        return (!assigned && !removed).then_some((name, Access::Must));
    }
    if line.is_sign(after, '.') {
        return match line.word(after + 1)? {
            "get" | "pop" => Some((argument(line, after + 2)?, Access::May)),
            "setdefault" => Some((argument(line, after + 2)?, Access::Guarded)),
            _ => None,
        };
    }
    let before = at.checked_sub(1)?;
    if line.word(before) == Some("in") {
        let back = match before.checked_sub(1)? {
            back if line.word(back) == Some("not") => back.checked_sub(1)?,
            back => back,
        };
        return Some((line.text(back)?, Access::Guarded));
    }
    None
}

/// Returns the first argument of a call whose bracket stands at `at`, if it is a plain string.
fn argument(line: &Line, at: usize) -> Option<&str> {
    let closed = line.is_sign(at + 2, ',') || line.is_sign(at + 2, ')');
    (line.is_sign(at, '(') && closed).then(|| line.text(at + 1))?
}
