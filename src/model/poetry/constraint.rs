//! Poetry's version constraints: those of PEP 440, with `^`, `~` and `||` besides.

use std::str::FromStr;

use uv_pep440::{Version, VersionSpecifiers};
use uv_pep508::MarkerTree;

use crate::model::pylock::bounded_marker;

/// Reads a constraint as alternatives; `None` when it is not understood.
pub(super) fn alternatives(text: &str) -> Option<Vec<VersionSpecifiers>> {
    text.replace("||", "|").split('|').map(one).collect()
}

/// Reads a constraint that has no alternatives and says something.
pub(super) fn single(text: &str) -> Option<VersionSpecifiers> {
    match alternatives(text)?.as_slice() {
        [only] if !only.is_empty() => Some(only.clone()),
        _ => None,
    }
}

/// Tells whether a constraint allows a version; one that is not understood does.
pub(super) fn allows(text: &str, version: &Version) -> bool {
    alternatives(text).is_none_or(|any| any.iter().any(|all| all.contains(version)))
}

/// Returns a constraint of the Python version as a marker.
pub(super) fn python_marker(text: &str) -> Option<MarkerTree> {
    let mut marker = MarkerTree::FALSE;
    for all in alternatives(text)? {
        let mut inner = MarkerTree::TRUE;
        for specifier in all.iter() {
            let written = specifier.to_string();
            let at = written.find(|c: char| c.is_ascii_digit())?;
            let (operator, version) = written.split_at(at);
            inner = inner.and(bounded_marker(&format!(
                "python_full_version {operator} '{version}'"
            ))?);
        }
        marker = marker.or(inner);
    }
    Some(marker)
}

fn one(text: &str) -> Option<VersionSpecifiers> {
    // An operator may stand apart from its version: `>= 3.8, < 4`.
    let mut joined = String::new();
    for word in text.replace(',', " ").split_whitespace() {
        let dangling = joined.ends_with(['<', '>', '=', '~', '^', '!']);
        if !joined.is_empty() && !dangling {
            joined.push(' ');
        }
        joined.push_str(word);
    }
    let parts: Option<Vec<String>> = joined
        .split(' ')
        .filter(|part| !part.is_empty())
        .map(part)
        .collect();
    let parts: Vec<String> = parts?.into_iter().filter(|part| !part.is_empty()).collect();
    VersionSpecifiers::from_str(&parts.join(",")).ok()
}

fn part(text: &str) -> Option<String> {
    if text == "*" {
        return Some(String::new());
    }
    if let Some(version) = text.strip_prefix('^') {
        let release = release(version)?;
        let kept = release.iter().position(|number| *number != 0);
        return range(version, &release, kept.unwrap_or(release.len() - 1));
    }
    if let Some(version) = text.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        let release = release(version)?;
        return range(version, &release, usize::from(release.len() > 1));
    }
    let operator = text.starts_with(['<', '>', '=', '~', '!']);
    let text = if operator {
        text.to_owned()
    } else {
        format!("=={text}")
    };
    match text.strip_prefix('=').filter(|rest| !rest.starts_with('=')) {
        Some(version) => Some(format!("=={version}")),
        None => Some(text),
    }
}

fn release(version: &str) -> Option<Vec<u64>> {
    let version = Version::from_str(version).ok()?;
    Some(version.release().to_vec()).filter(|release| !release.is_empty())
}

/// From a version up to the next one at the place `kept`.
fn range(version: &str, release: &[u64], kept: usize) -> Option<String> {
    let mut upper: Vec<u64> = release[..=kept].to_vec();
    *upper.last_mut()? += 1;
    let upper: Vec<String> = upper.iter().map(ToString::to_string).collect();
    Some(format!(">={version},<{}", upper.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_poetry_writes() {
        for (text, expected) in [
            ("^1.2.3", ">=1.2.3, <2"),
            ("^0.2.3", ">=0.2.3, <0.3"),
            ("^0.0.3", ">=0.0.3, <0.0.4"),
            ("^0", ">=0, <1"),
            ("~1.2.3", ">=1.2.3, <1.3"),
            ("~1", ">=1, <2"),
            ("~=1.4", "~=1.4"),
            (">= 3.8, < 4", ">=3.8, <4"),
            (">=3.8 <4", ">=3.8, <4"),
            ("1.2.*", "==1.2.*"),
            ("1.2", "==1.2"),
            ("=1.2", "==1.2"),
            (">=2.7,!=3.0.*", ">=2.7, !=3.0.*"),
        ] {
            assert_eq!(single(text).unwrap().to_string(), expected, "{text}");
        }
        assert_eq!(single("*"), None);
        assert_eq!(single(">=1,<2 || >=3"), None);
        let version = |text| Version::from_str(text).unwrap();
        assert!(allows(">=1,<2 || >=3", &version("3.1")));
        assert!(!allows(">=1,<2 || >=3", &version("2.1")));
        assert!(allows("*", &version("2.1")));
    }

    #[test]
    fn a_python_is_a_marker() {
        let marker = python_marker("~2.7 || ^3.9").unwrap();
        let expected = "python_full_version >= '2.7' and python_full_version < '2.8' or python_full_version >= '3.9' and python_full_version < '4'";
        assert_eq!(marker, MarkerTree::from_str(expected).unwrap());
        assert_eq!(python_marker("*"), Some(MarkerTree::TRUE));
    }
}
