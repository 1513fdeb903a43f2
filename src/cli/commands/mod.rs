//! One file for each command: its options, and the call that does the work.

pub mod completions;
pub mod fingerprint;
pub mod regenerate;
pub mod run;
pub mod store;
pub mod validate_env;
