//! What commands tell: each report is one value, printed as lines for a person or as JSON by schema.

pub mod archive;
pub mod diff;
pub mod env_vars;
pub mod expectation;
pub mod fingerprint;
pub mod freeze_tools;
pub mod gc;
pub mod generations;
pub mod regenerate;
pub mod sbom;
pub mod setup;
pub mod store;
pub mod store_du;
pub mod tools;
pub mod validate;
pub mod why;
