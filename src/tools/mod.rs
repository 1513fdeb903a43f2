//! Programs that `dhtl` drives; the one place that starts processes.

pub mod runner;
pub mod uv;
