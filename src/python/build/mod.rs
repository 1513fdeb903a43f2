//! Where a Python comes from, and how it becomes a tree that stands anywhere.

mod archive;
mod ingest;
mod outline;
pub mod pyenv;
mod relocate;

pub use ingest::{IngestError, IngestedBuild, ingest_archive};
pub use outline::{OutlineError, interpreter_names};
pub use relocate::{ElfError, RelocateError};

#[cfg(test)]
#[cfg(target_os = "linux")]
mod real;
