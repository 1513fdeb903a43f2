//! The content of a root: where an environment is in use, and which ones stood there before.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Fingerprint;

/// An environment in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Root {
    /// Where it stands, absolute.
    pub path: PathBuf,
    /// What stands there, or is being made there.
    pub environment: Fingerprint,
    /// Its number: one more with each change.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub generation: u32,
    /// What stood there before and is kept, the latest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<Generation>,
    /// The folder where the file system of the path is mounted, if that is not the root folder. While
    /// nothing is mounted there, nobody can tell whether the environment still exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount: Option<PathBuf>,
}

/// An environment that stood at a root before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Generation {
    /// Its number.
    pub generation: u32,
    /// What stood there.
    pub environment: Fingerprint,
    /// When another one took its place: seconds since the Unix epoch.
    pub left: i64,
}

/// How many former environments a root remembers, kept or not.
const REMEMBERED: usize = 64;

const fn first() -> u32 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde calls"
)]
const fn is_first(generation: &u32) -> bool {
    *generation == 1
}

impl Root {
    /// Returns the first root of a place.
    pub fn new(path: PathBuf, environment: Fingerprint) -> Self {
        Self {
            path,
            environment,
            generation: first(),
            former: Vec::new(),
            mount: None,
        }
    }

    /// Returns the root after another environment was put in place of `standing`, which is the one
    /// that this root names unless a change to that was interrupted.
    #[must_use]
    pub fn replaced(
        self,
        environment: Fingerprint,
        standing: Option<Fingerprint>,
        now: i64,
    ) -> Self {
        let left = standing.unwrap_or(self.environment);
        let mut former = self.former;
        former.retain(|generation| ![left, environment].contains(&generation.environment));
        if left != environment {
            former.insert(
                0,
                Generation {
                    generation: self.generation,
                    environment: left,
                    left: now,
                },
            );
        }
        former.truncate(REMEMBERED);
        Self {
            path: self.path,
            environment,
            generation: self.generation.saturating_add(1),
            former,
            mount: self.mount,
        }
    }

    /// Returns the bytes of the file: JSON on one line. `None` where the path is not Unicode.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self).ok()?;
        bytes.push(b'\n');
        Some(bytes)
    }

    /// Reads the file; `None` for what is no root.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Fingerprint {
        Fingerprint::of(name.as_bytes())
    }

    fn former(root: &Root) -> Vec<(u32, Fingerprint)> {
        let generations = root.former.iter();
        generations
            .map(|it| (it.generation, it.environment))
            .collect()
    }

    #[test]
    fn each_change_keeps_what_stood_there() {
        let root = Root::new("/p/.venv".into(), named("a"));
        let root = root.replaced(named("b"), Some(named("a")), 10);
        assert_eq!(former(&root), [(1, named("a"))]);
        let root = root.replaced(named("c"), Some(named("b")), 20);
        assert_eq!(former(&root), [(2, named("b")), (1, named("a"))]);
        // Back again: what stands is no former one.
        let root = root.replaced(named("a"), Some(named("c")), 30);
        assert_eq!(
            (root.generation, former(&root)),
            (4, vec![(3, named("c")), (2, named("b"))])
        );
    }

    #[test]
    fn what_never_stood_there_is_no_generation() {
        let root = Root::new("/p/.venv".into(), named("a"));
        let interrupted = root.replaced(named("b"), Some(named("a")), 10);
        let root = interrupted.replaced(named("c"), Some(named("a")), 20);
        assert_eq!(former(&root), [(2, named("a"))]);
    }

    #[test]
    fn a_root_of_before_is_read() {
        let line = format!(
            "{{\"path\":\"/p/.venv\",\"environment\":\"{}\"}}\n",
            named("a")
        );
        let root = Root::parse(line.as_bytes()).unwrap();
        assert_eq!(root, Root::new("/p/.venv".into(), named("a")));
        assert_eq!(root.to_bytes().unwrap(), line.as_bytes());
    }
}
