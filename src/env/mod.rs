//! The pipeline from a lock to a verified environment.

pub mod fetch;
pub mod select;
