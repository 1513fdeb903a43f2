//! Names inside a tree: relative, portable, and safe to join to any folder.

use std::fmt;

/// The most components that a path may have.
pub const MAX_DEPTH: usize = 64;
/// The most bytes that one component may have.
pub const MAX_COMPONENT: usize = 255;
/// The most bytes that a path may have.
pub const MAX_PATH: usize = 4096;

/// A relative path inside a tree: UTF-8 components between single slashes.
///
/// No component is empty, `.` or `..`, holds a backslash, a colon or a control character, or is
/// longer than [`MAX_COMPONENT`] bytes. Joined to a folder it stays inside that folder on every
/// platform. Paths are ordered component by component, so a folder stands directly before its
/// content.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TreePath(Box<str>);

/// Why a name may not be a path of a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a valid path in a tree: {reason}", path.escape_debug())]
pub struct TreePathError {
    /// The refused name.
    pub path: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl TreePath {
    /// Checks `path` and takes it as it is; nothing is rewritten.
    pub fn new(path: &str) -> Result<Self, TreePathError> {
        match check(path) {
            Ok(()) => Ok(Self(path.into())),
            Err(reason) => Err(TreePathError {
                path: path.chars().take(200).collect(),
                reason,
            }),
        }
    }

    /// Takes a path from a published manifest, whose paths were checked before it was published.
    pub(crate) fn from_published(path: &str) -> Self {
        Self(path.into())
    }

    /// Returns this path with `rest`, itself one or more components, below it.
    pub fn join(&self, rest: &str) -> Result<Self, TreePathError> {
        Self::new(&format!("{}/{rest}", self.0))
    }

    /// Returns the path with `/` between its components.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the folder that holds this path; `None` at the top.
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// Returns the last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// Iterates over the components.
    pub fn components(&self) -> std::str::Split<'_, char> {
        self.0.split('/')
    }

    /// Returns what is wrong with this path on Windows, if anything: reserved device names,
    /// characters that file systems there refuse, a trailing dot or space.
    pub fn windows_problem(&self) -> Option<&'static str> {
        self.components().find_map(windows_problem)
    }
}

fn check(path: &str) -> Result<(), &'static str> {
    if path.len() > MAX_PATH {
        return Err("longer than 4096 bytes");
    }
    if path.starts_with('/') {
        return Err("absolute");
    }
    let mut depth = 0;
    for component in path.split('/') {
        depth += 1;
        check_component(component)?;
    }
    if depth > MAX_DEPTH {
        return Err("deeper than 64 folders");
    }
    Ok(())
}

fn check_component(component: &str) -> Result<(), &'static str> {
    match component {
        "" => return Err("an empty component"),
        "." | ".." => return Err("a component `.` or `..`"),
        _ => {}
    }
    if component.len() > MAX_COMPONENT {
        return Err("a component longer than 255 bytes");
    }
    for character in component.chars() {
        match character {
            '\\' => return Err("a backslash"),
            ':' => return Err("a colon"),
            _ if character.is_control() => return Err("a control character"),
            _ => {}
        }
    }
    Ok(())
}

fn windows_problem(component: &str) -> Option<&'static str> {
    if component.ends_with(['.', ' ']) {
        return Some("a component that ends in a dot or a space");
    }
    if component.contains(['<', '>', '"', '|', '?', '*']) {
        return Some("a character that Windows refuses");
    }
    let stem = component
        .split('.')
        .next()
        .unwrap_or(component)
        .trim_end()
        .to_ascii_uppercase();
    let reserved = matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) || ((stem.starts_with("COM") || stem.starts_with("LPT"))
        && stem.len() == 4
        && stem.ends_with(|digit: char| ('1'..='9').contains(&digit)));
    reserved.then_some("a device name that Windows reserves")
}

impl PartialOrd for TreePath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TreePath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        compare(&self.0, &other.0)
    }
}

/// Compares two paths component by component, in byte order.
pub fn compare(left: &str, right: &str) -> std::cmp::Ordering {
    // A slash sorts below every byte that a component may hold: control characters are refused.
    let key = |byte: u8| if byte == b'/' { 0 } else { byte };
    left.bytes().map(key).cmp(right.bytes().map(key))
}

impl fmt::Display for TreePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_could_leave_a_folder_or_not_exist_everywhere() {
        for path in [
            "",
            "/abs.py",
            "../evil.py",
            "a/../../evil",
            "a//b",
            "a/",
            "./a",
            "C:/c.py",
            "//srv/x",
            "pkg\\win.py",
            "a\nb",
            "a\0b",
            "a/\u{7f}",
        ] {
            assert!(TreePath::new(path).is_err(), "{path:?}");
        }
        assert!(TreePath::new(&"a/".repeat(64)[..127]).is_ok());
        assert!(TreePath::new(&"a/".repeat(65)[..129]).is_err());
        assert!(TreePath::new(&"a".repeat(256)).is_err());
    }

    #[test]
    fn orders_a_folder_directly_before_its_content() {
        let mut paths =
            ["a-b", "a/b", "a", "a.c", "a/b/c"].map(|path| TreePath::new(path).unwrap());
        paths.sort();
        assert_eq!(
            paths.map(|path| path.to_string()),
            ["a", "a/b", "a/b/c", "a-b", "a.c"]
        );
    }

    #[test]
    fn knows_what_windows_refuses() {
        for path in ["a/aux.py", "nul", "COM1.txt", "x.", "x ", "a?b"] {
            assert!(
                TreePath::new(path).unwrap().windows_problem().is_some(),
                "{path}"
            );
        }
        for path in ["com0", "auxiliary.py", "console/x"] {
            assert!(
                TreePath::new(path).unwrap().windows_problem().is_none(),
                "{path}"
            );
        }
    }
}
