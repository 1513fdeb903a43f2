//! The tokens that stand for a path, one for each way in which a path is spelled.

use std::path::{Component, Path};

use super::Places;
use crate::python::direct_url::path_url;

/// What every token starts with. No path can hold it on Windows, and none does elsewhere.
const START: &str = "@dhtl:";
const END: &str = "@";

/// Whose path a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Member,
    Project,
}

/// How a path is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As it is.
    Plain,
    /// As a line of a `.pth` file, which may be relative to `site-packages`.
    Line,
    /// As a `file` address.
    Url,
    /// Inside a string literal of Python.
    Literal,
}

const PLACES: [(Place, &str); 2] = [(Place::Member, "member"), (Place::Project, "project")];
const SPELLINGS: [(Spelling, &str); 4] = [
    (Spelling::Plain, "path"),
    (Spelling::Line, "line"),
    (Spelling::Url, "url"),
    (Spelling::Literal, "literal"),
];

impl Place {
    pub(super) const fn of<'a>(self, places: &Places<'a>) -> &'a Path {
        match self {
            Self::Member => places.member,
            Self::Project => places.project,
        }
    }
}

fn token(place: &str, spelling: &str) -> String {
    format!("{START}{place}:{spelling}{END}")
}

/// Returns whether there is something that looks like a token.
pub(super) fn is_in(bytes: &[u8]) -> bool {
    find(bytes, START.as_bytes()).is_some()
}

/// Replaces every spelling of the places. In Python code (`is_code`) a path stands in a literal.
pub(super) fn open(mut bytes: Vec<u8>, places: &Places<'_>, is_code: bool) -> Vec<u8> {
    let (bare, bare_word) = if is_code {
        (Spelling::Literal, "literal")
    } else {
        (Spelling::Plain, "path")
    };
    // The member is usually inside the project, so its longer path comes first.
    for (place, place_word) in PLACES {
        for (spelling, word) in [(Spelling::Url, "url"), (bare, bare_word)] {
            if let Some(text) = spell(place.of(places), spelling, None) {
                bytes = replace(&bytes, text.as_bytes(), token(place_word, word).as_bytes());
            }
        }
    }
    bytes
}

/// Opens a line of a `.pth` file: a folder, or code.
pub(super) fn open_line(line: &[u8], places: &Places<'_>) -> Vec<u8> {
    for (place, word) in PLACES {
        let Some(path) = place.of(places).to_str() else {
            continue;
        };
        if let Some(rest) = line.strip_prefix(path.as_bytes())
            && is_boundary(rest.first().copied())
        {
            return [token(word, "line").as_bytes(), rest].concat();
        }
    }
    open(line.to_vec(), places, true)
}

/// Puts a text in the place of each token.
pub(super) fn close<E>(
    bytes: &[u8],
    spell: impl Fn(Place, Spelling) -> Result<String, E>,
) -> Result<Vec<u8>, E> {
    let mut bytes = bytes.to_vec();
    if !is_in(&bytes) {
        return Ok(bytes);
    }
    for (place, place_word) in PLACES {
        for (spelling, word) in SPELLINGS {
            let token = token(place_word, word);
            if find(&bytes, token.as_bytes()).is_some() {
                let text = spell(place, spelling)?;
                bytes = replace_all(&bytes, token.as_bytes(), text.as_bytes());
            }
        }
    }
    Ok(bytes)
}

/// Spells a path; `None` for one that is not UTF-8, or does not fit where it shall stand.
pub(super) fn spell(path: &Path, spelling: Spelling, site: Option<&Path>) -> Option<String> {
    let text = path.to_str()?;
    match spelling {
        Spelling::Plain => Some(text.to_owned()),
        Spelling::Url => path_url(path),
        Spelling::Literal => Some(text.replace('\\', "\\\\").replace('\'', "\\'")),
        Spelling::Line => {
            let line = site
                .and_then(|site| relative(site, path))
                .unwrap_or_else(|| text.to_owned());
            // `site` reads lines, and strips their end.
            let fits = !line.contains(['\n', '\r']) && line.trim_end() == line;
            fits.then_some(line)
        }
    }
}

/// Returns the way from a folder to another, with slashes; `None` on another drive.
fn relative(from: &Path, to: &Path) -> Option<String> {
    let steps = |path: &Path| -> Vec<_> {
        path.components()
            .map(|step| step.as_os_str().to_owned())
            .collect()
    };
    let (from_steps, to_steps) = (steps(from), steps(to));
    let common = from_steps
        .iter()
        .zip(&to_steps)
        .take_while(|(a, b)| a == b)
        .count();
    let prefixed = matches!(to.components().next(), Some(Component::Prefix(_)));
    if common < if prefixed { 2 } else { 1 } {
        return None;
    }
    let mut way = vec!["..".to_owned(); from_steps.len() - common];
    for step in &to_steps[common..] {
        way.push(step.to_str()?.to_owned());
    }
    Some(if way.is_empty() {
        ".".to_owned()
    } else {
        way.join("/")
    })
}

/// Replaces a path where it is a whole path or the start of one, not of a longer name.
fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    replace_if(bytes, from, to, is_boundary)
}

fn replace_all(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    replace_if(bytes, from, to, |_| true)
}

fn replace_if(
    bytes: &[u8],
    from: &[u8],
    to: &[u8],
    wanted: impl Fn(Option<u8>) -> bool,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(start) = find(rest, from) {
        let (before, found) = rest.split_at(start);
        let after = &found[from.len()..];
        out.extend_from_slice(before);
        out.extend_from_slice(if wanted(after.first().copied()) {
            to
        } else {
            from
        });
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}

/// Whether a path can end before this byte.
const fn is_boundary(next: Option<u8>) -> bool {
    matches!(
        next,
        None | Some(
            b'/' | b'\\'
                | b'\''
                | b'"'
                | b'\n'
                | b'\r'
                | b'\t'
                | b','
                | b';'
                | b':'
                | b')'
                | b']'
                | b'}'
        )
    )
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return None;
    }
    bytes.windows(part.len()).position(|window| window == part)
}
