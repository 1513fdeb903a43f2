//! The use-cases, each a sequence of steps over a project.

mod asked;
pub mod checksum;
pub mod discover;
pub mod env_vars;
pub mod expectation;
pub mod history;
pub mod lock;
mod pep751;
pub mod regenerate;
pub mod resolve;
pub mod setup;
pub mod spec;
pub mod validate;
