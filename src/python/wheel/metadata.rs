//! The headers of `METADATA` and `WHEEL`: the few that an installer must obey. Pure.
//!
//! Both files are headers as in an e-mail, up to the first empty line. A header that is given
//! twice with two values is refused where it decides something.

use std::str::FromStr;

use uv_distribution_filename::WheelFilename;
use uv_normalize::PackageName;
use uv_pep440::Version;

/// Why the metadata of a wheel is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// A header is missing, malformed, or contradicts itself.
    #[error("the header `{header}` of `{file}` is {problem}")]
    Header {
        /// `METADATA` or `WHEEL`.
        file: &'static str,
        /// The header.
        header: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// The wheel says that it is another package than its file name says.
    #[error("{place} says `{found}`, but the file name says `{expected}`")]
    Disagrees {
        /// Where the wheel says so.
        place: &'static str,
        /// What it says.
        found: String,
        /// What the file name says.
        expected: String,
    },
    /// The format is newer than this program.
    #[error("the wheel has format version `{0}`; only 1.x is understood")]
    WheelVersion(String),
}

/// Returns the value of `header`; `None` when it is absent.
fn header(
    content: &[u8],
    file: &'static str,
    header: &'static str,
) -> Result<Option<String>, MetadataError> {
    let mut found: Option<String> = None;
    for line in content.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            continue;
        };
        if !line[..colon].eq_ignore_ascii_case(header.as_bytes()) {
            continue;
        }
        let value = std::str::from_utf8(&line[colon + 1..])
            .map_err(|_| MetadataError::Header {
                file,
                header,
                problem: "not UTF-8",
            })?
            .trim();
        if found.as_deref().is_some_and(|found| found != value) {
            return Err(MetadataError::Header {
                file,
                header,
                problem: "given twice, with two values",
            });
        }
        found = Some(value.to_owned());
    }
    Ok(found)
}

fn required(
    content: &[u8],
    file: &'static str,
    name: &'static str,
) -> Result<String, MetadataError> {
    header(content, file, name)?.ok_or(MetadataError::Header {
        file,
        header: name,
        problem: "missing",
    })
}

/// Checks that `METADATA` names the package and version of the file name.
pub fn check_metadata(content: &[u8], filename: &WheelFilename) -> Result<(), MetadataError> {
    let name = required(content, "METADATA", "Name")?;
    let version = required(content, "METADATA", "Version")?;
    check(&name, &version, "`METADATA`", filename)
}

/// Checks that the folder `<stem>.dist-info` names the package and version of the file name.
pub fn check_folder(stem: &str, filename: &WheelFilename) -> Result<(), MetadataError> {
    let (name, version) = stem.rsplit_once('-').unwrap_or((stem, ""));
    check(name, version, "the `.dist-info` folder", filename)
}

fn check(
    name: &str,
    version: &str,
    place: &'static str,
    filename: &WheelFilename,
) -> Result<(), MetadataError> {
    let disagrees = |found: &str, expected: String| MetadataError::Disagrees {
        place,
        found: found.to_owned(),
        expected,
    };
    if PackageName::from_str(name).ok().as_ref() != Some(&filename.name) {
        return Err(disagrees(name, filename.name.to_string()));
    }
    // A file may be renamed to carry a local version that its content does not know.
    let agrees = Version::from_str(version).is_ok_and(|version| {
        version == filename.version || version == filename.version.clone().without_local()
    });
    if agrees {
        Ok(())
    } else {
        Err(disagrees(version, filename.version.to_string()))
    }
}

/// Checks the format version of the file `WHEEL`, and returns whether the root is pure.
pub fn check_wheel(content: &[u8]) -> Result<bool, MetadataError> {
    let version = required(content, "WHEEL", "Wheel-Version")?;
    let (major, minor) = version.split_once('.').unwrap_or((&version, ""));
    if major != "1" || minor.is_empty() || !minor.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(MetadataError::WheelVersion(version));
    }
    let pure = header(content, "WHEEL", "Root-Is-Purelib")?.unwrap_or_default();
    if pure.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if pure.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(MetadataError::Header {
            file: "WHEEL",
            header: "Root-Is-Purelib",
            problem: "neither `true` nor `false`",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filename() -> WheelFilename {
        "foo_bar-1.0+cpu-py3-none-any.whl".parse().unwrap()
    }

    #[test]
    fn accepts_every_spelling_of_the_name() {
        for (name, version) in [
            ("Foo.Bar", "1.0+cpu"),
            ("foo-bar", "1.0"),
            ("foo_bar", "1.0.0"),
        ] {
            let content = format!(
                "Metadata-Version: 2.1\r\nname: {name}\r\nVersion: {version}\r\n\r\nName: x"
            );
            assert_eq!(check_metadata(content.as_bytes(), &filename()), Ok(()));
        }
        assert_eq!(check_folder("Foo_Bar-1.0", &filename()), Ok(()));
        assert!(check_folder("Foo_Bar", &filename()).is_err());
    }

    #[test]
    fn bad_input_14_metadata_that_disagrees_with_the_file_name() {
        for content in [
            "Name: other\nVersion: 1.0\n",
            "Name: foo-bar\nVersion: 2.0\n",
            "Name: foo-bar\n",
            "Version: 1.0\n",
            "Name: foo-bar\nName: other\nVersion: 1.0\n",
            "\nName: foo-bar\nVersion: 1.0\n",
        ] {
            assert!(
                check_metadata(content.as_bytes(), &filename()).is_err(),
                "{content}"
            );
        }
    }

    #[test]
    fn understands_format_one_only() {
        assert_eq!(
            check_wheel(b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"),
            Ok(true)
        );
        assert_eq!(
            check_wheel(b"Wheel-Version: 1.9\nRoot-Is-Purelib: False\n"),
            Ok(false)
        );
        for content in [
            "Wheel-Version: 2.0\nRoot-Is-Purelib: true\n",
            "Wheel-Version: 1\nRoot-Is-Purelib: true\n",
            "Root-Is-Purelib: true\n",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: perhaps\n",
        ] {
            assert!(check_wheel(content.as_bytes()).is_err(), "{content}");
        }
    }
}
