//! Programs that `dhtl` drives; the one place that starts processes.

pub mod docker;
pub mod git;
pub mod runner;
pub mod uv;
