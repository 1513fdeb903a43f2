//! The use-cases, each a sequence of steps over a project.

pub mod archive_file;
mod asked;
pub mod checksum;
mod claims;
pub mod container;
pub mod diff;
pub mod discover;
pub mod env_vars;
pub mod expectation;
pub mod freeze;
pub mod gc;
pub mod generations;
pub mod history;
pub mod lock;
mod pep751;
pub mod platforms;
pub mod regenerate;
pub mod resolve;
pub mod rollback;
pub mod sbom;
pub mod setup;
pub mod shipment;
pub mod spec;
pub mod tools;
pub mod validate;
pub mod why;
