//! What the formats of Python mean: wheels, `RECORD`, launchers, interpreters, virtual environments.

pub mod build;
pub mod bytecode;
pub mod cache_info;
pub mod core_metadata;
pub mod direct_url;
pub mod editable;
pub mod sdist;
pub mod venv;
pub mod wheel;

#[cfg(test)]
#[cfg(unix)]
mod disk_sink;
