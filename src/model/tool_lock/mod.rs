//! `.dht/tools.lock`: what the project's tools, its Python and uv are, on every platform.
//!
//! Pure: text in, values out, and back. The text is TOML; each tool has a section of its own with a
//! PEP 751 lock inside, so that tools that need different versions of one package can stand beside
//! each other. `schemas/tools-lock.md` specifies it. Equal values give equal bytes.

mod pins;
mod read;
mod write;

use std::collections::BTreeMap;

use uv_normalize::PackageName;
use uv_pep440::{Version, VersionSpecifiers};

pub use pins::{PinnedFile, Pins, PythonPins, UvPins, uv_filename};

use super::pylock::{LockOrigin, LockPolicy, Pylock, PylockError};

/// Where the file stands in a project.
pub const TOOL_LOCK: &str = ".dht/tools.lock";
/// The value of `format` in this version.
pub const FORMAT: &str = "dht-tools-lock/1";
/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 50 * 1024 * 1024;

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolLock {
    /// Where the Python and uv come from.
    pub pins: Pins,
    /// The tools.
    pub tools: BTreeMap<PackageName, LockedTool>,
}

/// A tool and everything that it needs.
#[derive(Debug, Clone, PartialEq)]
pub struct LockedTool {
    /// Its version.
    pub version: Version,
    /// Whether it was locked without regard to the project's own lock, which it contradicts.
    pub alone: bool,
    lock: toml::Table,
}

/// Why the file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ToolLockError {
    /// It is not TOML, or not of this shape.
    #[error("`{TOOL_LOCK}` is malformed{}: {message}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Toml {
        /// The line, from 1.
        line: Option<usize>,
        /// What is wrong.
        message: String,
    },
    /// It has another format.
    #[error("`{TOOL_LOCK}` has the format `{0}`, and this version of dhtl reads `{FORMAT}`")]
    Format(String),
    /// A section has another tool in it.
    #[error("`{TOOL_LOCK}` locks `{name}` {version}, but the packages below it lack that version")]
    Without {
        /// The tool.
        name: PackageName,
        /// The version that the section names.
        version: Box<Version>,
    },
    /// What stands inside a section is refused.
    #[error("`{TOOL_LOCK}` is refused in `tools.{name}.lock`")]
    Pylock {
        /// The tool.
        name: PackageName,
        /// What is wrong.
        #[source]
        source: Box<PylockError>,
    },
}

impl ToolLock {
    /// Reads the text of the file; an empty one says nothing.
    ///
    /// # Errors
    ///
    /// When it does not follow the format.
    pub fn parse(text: &str) -> Result<Self, ToolLockError> {
        read::parse(text)
    }

    /// Returns the canonical text.
    pub fn to_text(&self) -> String {
        write::text(self)
    }
}

impl LockedTool {
    /// Takes what a resolver wrote: the text of a `pylock.toml`.
    ///
    /// # Errors
    ///
    /// When it is no TOML.
    pub fn from_pylock(version: Version, alone: bool, text: &str) -> Result<Self, ToolLockError> {
        let lock = text
            .parse()
            .map_err(|error| read::malformed(text, &error))?;
        Ok(Self {
            version,
            alone,
            lock,
        })
    }

    /// Returns the text of the `pylock.toml` inside.
    pub fn pylock_text(&self) -> String {
        self.lock.to_string()
    }

    /// Returns the versions of Python that it was locked for; `None` where it says nothing that can
    /// be understood.
    pub fn requires_python(&self) -> Option<VersionSpecifiers> {
        self.lock.get("requires-python")?.as_str()?.parse().ok()
    }

    /// Returns the packages with their versions, as written.
    pub fn versions(&self) -> Vec<(&str, &str)> {
        let packages = self.lock.get("packages").and_then(toml::Value::as_array);
        packages
            .into_iter()
            .flatten()
            .filter_map(|package| {
                Some((
                    package.get("name")?.as_str()?,
                    package.get("version")?.as_str()?,
                ))
            })
            .collect()
    }

    /// Reads the lock of the tool `name`.
    ///
    /// # Errors
    ///
    /// When it is no PEP 751 lock, names what `policy` does not allow, or lacks the tool itself.
    pub fn pylock(
        &self,
        name: &PackageName,
        origin: &LockOrigin,
        policy: &LockPolicy,
    ) -> Result<Pylock, ToolLockError> {
        let read = Pylock::parse(&self.pylock_text(), origin, policy);
        let lock = read.map_err(|error| ToolLockError::Pylock {
            name: name.clone(),
            // The line is one of the section's own text, which nobody sees.
            source: Box::new(PylockError {
                line: None,
                ..error
            }),
        })?;
        let is_it = |package: &super::pylock::LockedPackage| {
            package.name == *name && package.version.as_ref() == Some(&self.version)
        };
        if lock.packages.iter().any(is_it) {
            return Ok(lock);
        }
        Err(ToolLockError::Without {
            name: name.clone(),
            version: Box::new(self.version.clone()),
        })
    }
}

#[cfg(test)]
mod tests;
