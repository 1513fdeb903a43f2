//! Notices a transfer that never stalls and never gets anywhere. Pure but for the clock.

use std::time::{Duration, Instant};

/// Counts the bytes of one transfer, window by window.
pub(super) struct Pace {
    window: Duration,
    slowest: u64,
    start: Instant,
    bytes: u64,
}

impl Pace {
    pub(super) fn new(window: Duration, slowest: u64) -> Self {
        Self {
            window,
            slowest,
            start: Instant::now(),
            bytes: 0,
        }
    }

    /// Counts `bytes`; returns the length of a window in which too few came.
    pub(super) fn too_slow(&mut self, bytes: u64) -> Option<Duration> {
        self.bytes += bytes;
        let passed = self.start.elapsed();
        if passed < self.window {
            return None;
        }
        let enough = self.bytes as f64 >= self.slowest as f64 * passed.as_secs_f64();
        self.start = Instant::now();
        self.bytes = 0;
        (!enough).then_some(passed)
    }
}
