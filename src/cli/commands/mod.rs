//! One file for each command: its options, and the call that does the work.

pub mod completions;
pub mod diff;
pub mod env_setup;
pub mod fingerprint;
pub mod freeze_tools;
pub mod gc;
pub mod generate_env_template;
pub mod generations;
pub mod regenerate;
pub mod run;
pub mod sbom;
pub mod setup;
pub mod store;
pub mod validate_env;
pub mod why;
