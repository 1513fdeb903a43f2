//! The store as its users see it: entries that are published, linked, compared and repaired.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something it stands on is missing"
)]

mod kit;
mod life;
mod update;
