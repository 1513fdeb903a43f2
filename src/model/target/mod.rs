//! What an environment is made for, in the terms of PEP 508 markers and wheel tags.
//!
//! Nothing here looks at the machine: a target is a platform and a Python version, so that every
//! host selects the same files for it. What a real machine has beyond that (the version of its
//! kernel, of its C library, of macOS) is replaced by fixed levels: see [`Levels`].

mod markers;
mod tags;

use std::fmt;

use super::platform::Platform;
use super::python::PythonRequest;

pub use tags::Levels;

/// A platform and the Python that runs there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The platform.
    pub platform: Platform,
    /// Implementation and exact version.
    pub python: PythonRequest,
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} on {}", self.python, self.platform)
    }
}
