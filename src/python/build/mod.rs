//! Where a Python comes from, and how it becomes a tree that stands anywhere.
//!
//! [`plan()`] orders the sources: uv's build, found by [`catalogue`] and fetched by the caller;
//! [`pyenv`]'s; the [`system`]'s. The first two end in a tree: [`ingest_archive`] and
//! [`pyenv::ingest`] check the whole build before they write, and abstract the folder that it was
//! made for.

mod archive;
pub mod catalogue;
mod folder;
mod ingest;
mod outline;
mod plan;
pub mod pyenv;
mod relocate;
pub mod system;

pub use ingest::{IngestError, IngestedBuild, ingest_archive};
pub use outline::{OutlineError, interpreter_names};
pub use plan::{Attempt, Known, NoPython, Plan, Step, Strategy, plan};
pub use relocate::{ElfError, RelocateError};

#[cfg(test)]
#[cfg(target_os = "linux")]
mod real;
