//! What the program promises to those who use it, tested from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod architecture;
mod building;
#[cfg(unix)]
mod compare;
mod documents;
mod env_vars;
#[cfg(unix)]
mod environments;
mod handwritten;
mod help;
#[cfg(unix)]
mod platforms;
mod real_projects;
#[cfg(unix)]
mod reports;
mod schemas;
mod selection;
mod setup;
#[cfg(unix)]
mod strategies;
#[cfg(unix)]
mod strategies_real;
#[cfg(unix)]
mod tools;
#[cfg(unix)]
mod trouble;
mod validation;

/// Whether files that are generated shall be written anew instead of compared.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the tests, not of the program"
)]
fn update() -> bool {
    std::env::var_os("DHT_UPDATE").is_some()
}
