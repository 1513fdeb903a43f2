//! Pure values: platforms, packages, locks, configuration. No I/O.

pub mod location;
pub mod platform;
pub mod progress;
pub mod python;
pub mod selection;
