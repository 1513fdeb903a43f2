//! The store as its users see it: entries that are published, linked, compared and repaired.
#![cfg(unix)] // Modes, inodes and links are asserted as Unix shows them.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something it stands on is missing"
)]

mod archive;
mod gc;
mod kit;
mod life;
mod update;
mod vectors;
