//! The checksum of a project's configuration: `validation.config_checksum`.
//!
//! The law: it depends on what the files say, not on how git wrote their line ends, on comments, or
//! on who computed it. The bytes are specified in `schemas/checksums.md`; a change of them is a new
//! version there, never a change of version 1.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::Digest as _;

use super::asked::Mark;
use super::canonical::{self, with_plain_line_ends};
use super::config::checksum::Checksum;
use super::config::text::ProjectPath;
use super::config::{self, ConfigError};

/// The first line of the canonical bytes.
const HEADER: &str = "dhtl-config 1\n";

/// The sections of `.dhtconfig` that hold results, and so cannot be covered by one.
const RESULTS: [&str; 2] = ["fingerprint", "validation"];

/// The bytes that a configuration is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canonical {
    bytes: Vec<u8>,
    marks: BTreeMap<ProjectPath, Mark>,
}

impl Canonical {
    /// Puts together the bytes of `.dhtconfig`, as it lies in the project, and of the lock files
    /// and the hook configuration by their paths in it.
    ///
    /// # Errors
    ///
    /// When the configuration is refused.
    pub fn new(
        dhtconfig: &[u8],
        files: &BTreeMap<ProjectPath, Vec<u8>>,
    ) -> Result<Self, ConfigError> {
        let own = said(dhtconfig)?;
        let mut parts: BTreeMap<&str, Vec<u8>> = files
            .iter()
            .map(|(path, bytes)| (path.as_str(), with_plain_line_ends(bytes)))
            .collect();
        parts.insert(config::FILE_NAME, own);
        let mut bytes = HEADER.as_bytes().to_vec();
        let mut marks = BTreeMap::new();
        for (path, content) in parts {
            bytes.extend_from_slice(format!("{} {path}\n", content.len()).as_bytes());
            bytes.extend_from_slice(&content);
            bytes.push(b'\n');
            marks.extend(ProjectPath::new(path).map(|path| (path, Mark::of(&content))));
        }
        Ok(Self { bytes, marks })
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the mark of each file.
    pub fn marks(&self) -> &BTreeMap<ProjectPath, Mark> {
        &self.marks
    }

    /// Returns the checksum that dhtl writes.
    pub fn checksum(&self) -> Checksum {
        Checksum::Blake3(*blake3::hash(&self.bytes).as_bytes())
    }

    /// Returns whether `expected` is the checksum of these bytes; `None` when it is a placeholder,
    /// which says neither.
    pub fn agrees_with(&self, expected: &Checksum) -> Option<bool> {
        match expected {
            Checksum::Blake3(digest) => Some(blake3::hash(&self.bytes).as_bytes() == digest),
            Checksum::Sha256(digest) => Some(sha2::Sha256::digest(&self.bytes)[..] == digest[..]),
            Checksum::Placeholder(_) => None,
        }
    }
}

/// Returns what `.dhtconfig` says beside its results, as canonical JSON (RFC 8785, which is simple
/// here: there are no numbers, and keys are ASCII).
fn said(dhtconfig: &[u8]) -> Result<Vec<u8>, ConfigError> {
    let mut value = config::as_written(config::FILE_NAME, dhtconfig)?;
    if let Value::Object(keys) = &mut value {
        keys.retain(|key, _| !RESULTS.contains(&key.as_str()));
    }
    Ok(canonical::json(&value).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DHTCONFIG: &[u8] =
        include_bytes!("../../schemas/vectors/config-checksum/v1/dhtconfig.yaml");
    const UV_LOCK: &[u8] = include_bytes!("../../schemas/vectors/config-checksum/v1/uv.lock");
    const HOOKS: &[u8] =
        include_bytes!("../../schemas/vectors/config-checksum/v1/pre-commit-config.yaml");
    const CANONICAL: &[u8] = include_bytes!("../../schemas/vectors/config-checksum/v1/canonical");
    const SPECIFICATION: &str = include_str!("../../schemas/checksums.md");

    fn files() -> BTreeMap<ProjectPath, Vec<u8>> {
        BTreeMap::from([
            (ProjectPath::new("uv.lock").unwrap(), UV_LOCK.to_vec()),
            (
                ProjectPath::new(".pre-commit-config.yaml").unwrap(),
                HOOKS.to_vec(),
            ),
        ])
    }

    fn canonical(dhtconfig: &[u8], files: &BTreeMap<ProjectPath, Vec<u8>>) -> Canonical {
        Canonical::new(dhtconfig, files).unwrap()
    }

    #[test]
    fn the_vector_of_the_specification_holds() {
        let found = canonical(DHTCONFIG, &files());
        assert_eq!(
            String::from_utf8_lossy(found.as_bytes()),
            String::from_utf8_lossy(CANONICAL)
        );
        let listed = |algorithm: &str| -> Checksum {
            let start = SPECIFICATION.find(&format!("`{algorithm}:")).unwrap() + 1;
            let text = &SPECIFICATION[start..];
            text[..text.find('`').unwrap()].parse().unwrap()
        };
        assert_eq!(found.checksum(), listed("blake3"));
        assert_eq!(found.agrees_with(&listed("blake3")), Some(true));
        assert_eq!(found.agrees_with(&listed("sha256")), Some(true));
    }

    #[test]
    fn only_what_is_said_counts() {
        let text = String::from_utf8(DHTCONFIG.to_vec()).unwrap();
        let expected = canonical(DHTCONFIG, &files()).checksum();
        let same = [
            text.replace('\n', "\r\n"),
            format!("{text}# one more remark\n"),
            text.replace("abcd1234", "ef"),
        ];
        for text in same {
            assert_eq!(canonical(text.as_bytes(), &files()).checksum(), expected);
        }
        let mut crlf = files();
        for bytes in crlf.values_mut() {
            *bytes = String::from_utf8_lossy(bytes)
                .replace("\r\n", "\n")
                .into_bytes();
        }
        assert_eq!(canonical(DHTCONFIG, &crlf).checksum(), expected);
    }

    #[test]
    fn every_change_of_meaning_counts() {
        let text = String::from_utf8(DHTCONFIG.to_vec()).unwrap();
        let expected = canonical(DHTCONFIG, &files()).checksum();
        let other = text.replace("7.4.0", "7.4.1");
        assert_ne!(canonical(other.as_bytes(), &files()).checksum(), expected);
        for path in files().keys() {
            let mut changed = files();
            changed.get_mut(path).unwrap().push(b' ');
            assert_ne!(
                canonical(DHTCONFIG, &changed).checksum(),
                expected,
                "{path}"
            );
            changed.remove(path);
            assert_ne!(
                canonical(DHTCONFIG, &changed).checksum(),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn a_placeholder_says_nothing() {
        let placeholder = "sha256:abcd1234...".parse().unwrap();
        assert_eq!(
            canonical(DHTCONFIG, &files()).agrees_with(&placeholder),
            None
        );
    }
}
