//! What the program promises to those who use it, tested from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod architecture;
mod building;
#[cfg(unix)]
mod reports;
mod schemas;
mod selection;
