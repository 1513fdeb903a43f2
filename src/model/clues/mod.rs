//! What files that other programs read say of the machine that a project needs. Pure, and lenient:
//! they are others' files, and what is not understood is left out, never guessed.
//!
//! The law: no value of an environment variable is kept; a version that is not exact is a remark, not
//! a finding.

pub mod binaries;
pub mod compiled;
pub mod dev_tools;
pub mod dockerfile;
mod imports;
pub mod needs;
mod shell;
pub mod source;

pub use imports::imports;
