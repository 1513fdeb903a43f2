//! The pipeline from a lock to a verified environment.
//!
//! ```text
//! select -> realise -> document -> blueprint -> assemble -> compare
//! ```
//!
//! [`select`] decides which files a lock means for a target; [`realise`] brings them into the store;
//! [`document`] names what the environment consists of, and so its fingerprint; [`blueprint`] reads
//! that from the store for one place; [`assemble`] makes the folder and compares it, [`update`]
//! changes one that stands.

pub mod assemble;
pub mod base;
pub mod blueprint;
mod build_settings;
pub mod builds;
pub mod bytecode;
pub mod context;
pub mod document;
pub mod editable;
pub mod editor;
pub mod fetch;
pub mod former;
pub mod hook;
pub mod isolated;
pub mod launchers;
pub mod local_archive;
pub mod locate;
mod mapped;
pub mod pythons;
pub mod realise;
pub mod select;
pub mod shadow;
pub mod sources;
pub mod state;
pub mod update;
pub mod uv;
pub mod watch;
