//! Whole-process benchmarks of dhtl, side by side with uv.
fn main() {}
