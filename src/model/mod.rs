//! Pure values: platforms, packages, locks, configuration. No I/O.

pub mod checksum;
pub mod config;
pub mod env_vars;
pub mod groups;
pub mod location;
pub mod parsed;
pub mod platform;
pub mod progress;
pub mod pylock;
pub mod pyproject;
pub mod python;
pub mod python_pin;
pub mod selection;
pub mod target;
