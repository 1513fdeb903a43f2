//! Pure values: platforms, packages, locks, configuration. No I/O.

pub mod amount;
pub mod asked;
pub mod canonical;
pub mod checksum;
pub mod clues;
pub mod config;
pub mod dependents;
pub mod env_vars;
pub mod git_files;
pub mod groups;
pub mod image;
pub mod location;
pub mod merge;
pub mod moment;
pub mod parsed;
pub mod pins;
pub mod platform;
pub mod poetry;
pub mod progress;
pub mod pylock;
pub mod pyproject;
pub mod python;
pub mod python_pin;
pub mod requirements;
pub mod selection;
pub mod target;
