//! From the events of downloads to the progress of a whole command.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::fetch::FetchProgress;
use crate::model::progress::{Progress, Stage};
use crate::model::selection::Archive;

/// Adds up the bytes of all transfers.
pub struct FetchWatch<'a> {
    progress: &'a dyn Progress,
    positions: Mutex<HashMap<String, u64>>,
}

impl<'a> FetchWatch<'a> {
    /// Tells `progress`.
    pub fn new(progress: &'a dyn Progress) -> Self {
        Self {
            progress,
            positions: Mutex::default(),
        }
    }

    fn reach(&self, archive: &Archive, position: u64) {
        let mut positions = self
            .positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let reached = positions.entry(archive.filename.clone()).or_default();
        if position > *reached {
            self.progress.advance(Stage::Fetch, position - *reached);
            *reached = position;
        }
    }
}

impl FetchProgress for FetchWatch<'_> {
    fn position(&self, archive: &Archive, position: u64) {
        self.reach(archive, position);
    }

    fn finished(&self, archive: &Archive, _reused: bool) {
        if let Some(size) = archive.size {
            self.reach(archive, size);
        }
    }
}
