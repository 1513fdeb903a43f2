//! What a set of names means on file systems that fold case or normalise Unicode. Pure.

use std::collections::{BTreeMap, HashSet};

use dht_store::TreePath;
use unicode_normalization::UnicodeNormalization;

/// Why a tree cannot stand on every platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortabilityProblem {
    /// Two names are one name where case or the form of accents does not count.
    #[error("`{first}` and `{second}` are one file on macOS and Windows")]
    Collision {
        /// The name that sorts first.
        first: String,
        /// The other one.
        second: String,
    },
    /// Windows refuses the name.
    #[error("`{path}` has {reason}")]
    Windows {
        /// The name.
        path: String,
        /// What Windows refuses.
        reason: &'static str,
    },
}

/// Iterates over the folders above `path`, the nearest first.
pub(super) fn folders(path: &TreePath) -> impl Iterator<Item = TreePath> {
    path.as_str()
        .rmatch_indices('/')
        .map(|(at, _)| &path.as_str()[..at])
        .map(|folder| TreePath::new(folder).expect("because it is the start of a valid path"))
}

/// Returns the first two names, files or folders, that fold to one.
pub fn collision<'a>(paths: impl Iterator<Item = &'a TreePath>) -> Option<PortabilityProblem> {
    let mut folded = BTreeMap::<String, &'a str>::new();
    let mut known = HashSet::new();
    for path in paths {
        let text = path.as_str();
        let ends = text.match_indices('/').map(|(at, _)| at);
        for name in ends.chain([text.len()]).map(|end| &text[..end]) {
            if !known.insert(name) {
                continue;
            }
            if let Some(other) = folded.insert(fold(name), name)
                && other != name
            {
                let (first, second) = if other < name {
                    (other, name)
                } else {
                    (name, other)
                };
                return Some(PortabilityProblem::Collision {
                    first: first.to_owned(),
                    second: second.to_owned(),
                });
            }
        }
    }
    None
}

/// Returns the first name that Windows refuses.
pub fn windows_problem<'a>(
    mut paths: impl Iterator<Item = &'a TreePath>,
) -> Option<PortabilityProblem> {
    paths.find_map(|path| {
        path.windows_problem()
            .map(|reason| PortabilityProblem::Windows {
                path: path.to_string(),
                reason,
            })
    })
}

fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    // Upper case first: it joins letters such as `ſ` and `s` that lower case keeps apart.
    name.nfd()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfc()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(names: &[&str]) -> Option<PortabilityProblem> {
        let paths: Vec<_> = names
            .iter()
            .map(|name| TreePath::new(name).unwrap())
            .collect();
        collision(paths.iter())
    }

    #[test]
    fn finds_names_that_differ_in_case_or_normal_form() {
        for names in [
            ["pkg/A.py", "pkg/a.py"],
            ["Pkg/a.py", "pkg/b.py"],
            ["caf\u{e9}", "cafe\u{301}"],
            ["STRA\u{df}E", "strasse"],
        ] {
            assert!(first(&names).is_some(), "{names:?}");
        }
        assert_eq!(
            first(&["a/b", "a/c", "b/a", "a.py", "caf\u{e9}/x", "caf\u{e9}/y"]),
            None
        );
    }
}
