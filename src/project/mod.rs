//! The use-cases, each a sequence of steps over a project.

pub mod discover;
