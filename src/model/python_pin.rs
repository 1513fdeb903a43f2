//! `.python-version`: the Python that a folder asks for.

use super::python::{Implementation, PythonVersion};

/// A request for a Python, as exact as the file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonPin {
    /// CPython unless the file says otherwise.
    pub implementation: Implementation,
    /// The version.
    pub version: PinnedVersion,
}

/// A version, whole or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinnedVersion {
    /// `3.11.7`.
    Exact(PythonVersion),
    /// `3.11`: any patch version.
    Minor(u8, u8),
}

/// The text asks for no Python that can be named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a Python version such as 3.11.7, 3.11 or pypy@3.10")]
pub struct ParsePinError(pub String);

/// Reads the text of a `.python-version` or `.python-versions` file: the first line that is neither
/// empty nor a comment. `None` when there is no such line.
///
/// Known are `3.11.7`, `3.11`, and either with an implementation before it (`cpython@3.11`,
/// `cpython-3.11.7`, `pypy3.10`); a platform behind it (`cpython-3.11.7-linux-x86_64-gnu`, as uv
/// writes on request) is left out, since it is the platform of one machine.
///
/// # Errors
///
/// When the line is anything else: a path, a range, the name of a virtual environment.
pub fn parse_python_version_file(text: &str) -> Result<Option<PythonPin>, ParsePinError> {
    let mut lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    lines
        .find(|line| !line.is_empty())
        .map(parse_pin)
        .transpose()
}

fn parse_pin(line: &str) -> Result<PythonPin, ParsePinError> {
    let wrong = || ParsePinError(line.chars().filter(|c| !c.is_control()).take(80).collect());
    let digits = line.find(|c: char| c.is_ascii_digit()).ok_or_else(wrong)?;
    let (name, rest) = line.split_at(digits);
    let implementation = match name
        .trim_end_matches(['@', '-'])
        .to_ascii_lowercase()
        .as_str()
    {
        "" | "cpython" | "cp" | "python" => Implementation::CPython,
        "pypy" | "pp" => Implementation::PyPy,
        _ => return Err(wrong()),
    };
    let number = rest.split('-').next().unwrap_or(rest);
    let version = match number.parse::<PythonVersion>() {
        Ok(version) => PinnedVersion::Exact(version),
        // The missing patch number is filled in only to let one parser judge both numbers.
        Err(_) => match format!("{number}.0").parse::<PythonVersion>() {
            Ok(version) if version.suffix.is_empty() => {
                PinnedVersion::Minor(version.major, version.minor)
            }
            _ => return Err(wrong()),
        },
    };
    Ok(PythonPin {
        implementation,
        version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_and_nothing_else() {
        let read = |text: &str| {
            parse_python_version_file(text)
                .map(|pin| pin.map(|pin| (pin.implementation, pin.version)))
        };
        let exact = PinnedVersion::Exact("3.11.7".parse().unwrap());
        let cpython = Implementation::CPython;
        for text in [
            "3.11.7\n",
            "# ours\n\n3.11.7 # exact\n3.12\n",
            "cpython@3.11.7",
            "cpython-3.11.7-linux-x86_64-gnu",
        ] {
            assert_eq!(read(text), Ok(Some((cpython, exact.clone()))), "{text}");
        }
        assert_eq!(
            read("3.12"),
            Ok(Some((cpython, PinnedVersion::Minor(3, 12))))
        );
        let pypy = (Implementation::PyPy, PinnedVersion::Minor(3, 10));
        assert_eq!(read("pypy3.10"), Ok(Some(pypy)));
        assert_eq!(read("\n# none\n"), Ok(None));
        for text in [
            "../../x",
            "/bin/sh",
            "3.12;id",
            "3",
            ">=3.11",
            "myenv",
            "system",
            "graalpy@3.11",
            "3.11.x",
            "../3.11",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
