//! Bytes and values: every document of the store, pure.
//!
//! `schemas/store-format.md` specifies them; `schemas/vectors` pins them.

pub mod environment;
pub mod realisation;
pub mod root;
pub mod store_json;
