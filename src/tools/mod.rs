//! Programs that `dhtl` drives; the one place that starts processes.

pub mod git;
pub mod runner;
pub mod uv;
