//! Bars on a terminal: one for each stage that runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::model::progress::{Progress, Stage};

/// How often a bar that stands still is drawn again, so that a stalled stage is seen to be alive.
const TICK: Duration = Duration::from_millis(120);

/// Draws a bar for each stage that runs, below everything that is printed.
pub struct Bars {
    all: MultiProgress,
    running: Mutex<BTreeMap<Stage, ProgressBar>>,
}

impl Bars {
    /// Draws where `all` draws.
    pub const fn new(all: MultiProgress) -> Self {
        Self {
            all,
            running: Mutex::new(BTreeMap::new()),
        }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Stage, ProgressBar>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Bars {
    fn begin(&self, stage: Stage, total: u64) {
        let mut running = self.running();
        if let Some(bar) = running.get(&stage) {
            bar.inc_length(total);
            return;
        }
        let bar = self
            .all
            .add(ProgressBar::new(total).with_style(look(stage)));
        bar.set_message(title(stage));
        bar.enable_steady_tick(TICK);
        running.insert(stage, bar);
    }

    fn advance(&self, stage: Stage, units: u64) {
        let bar = self.running().get(&stage).cloned();
        if let Some(bar) = bar {
            bar.inc(units);
        }
    }

    fn finish(&self, stage: Stage) {
        if let Some(bar) = self.running().remove(&stage) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        for bar in self.running().values() {
            bar.finish_and_clear();
        }
    }
}

const fn title(stage: Stage) -> &'static str {
    match stage {
        Stage::Fetch => "fetching",
        Stage::Build => "building",
        Stage::Unpack => "unpacking",
        Stage::Compile => "compiling",
        Stage::Export => "exporting",
        Stage::Import => "importing",
        Stage::Link => "linking",
        Stage::Check => "checking",
    }
}

fn look(stage: Stage) -> ProgressStyle {
    let counts = match stage {
        Stage::Fetch | Stage::Export | Stage::Import => {
            "{msg:>9} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}"
        }
        Stage::Build | Stage::Unpack | Stage::Compile | Stage::Link | Stage::Check => {
            "{msg:>9} [{bar:30}] {human_pos}/{human_len} {eta}"
        }
    };
    ProgressStyle::with_template(counts)
        .expect("because the templates are constants that a test reads")
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use indicatif::ProgressDrawTarget;

    use super::*;

    #[test]
    fn every_stage_counts_and_is_cleared() {
        let bars = Bars::new(MultiProgress::with_draw_target(ProgressDrawTarget::hidden()));
        for stage in [
            Stage::Fetch,
            Stage::Build,
            Stage::Unpack,
            Stage::Compile,
            Stage::Export,
            Stage::Import,
            Stage::Link,
            Stage::Check,
        ] {
            bars.advance(stage, 1);
            bars.begin(stage, 6);
            bars.begin(stage, 4);
            bars.advance(stage, 5);
            let bar = bars.running()[&stage].clone();
            assert_eq!((bar.position(), bar.length()), (5, Some(10)));
            bars.finish(stage);
            assert!(bar.is_finished());
            assert!(bars.running().is_empty());
        }
    }
}
