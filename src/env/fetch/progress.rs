//! What a download tells while it goes on. Nothing is drawn here.

use std::path::Path;
use std::time::Duration;

use super::FetchError;
use crate::model::selection::Archive;

/// Hears how downloads go. Every call may come from any download thread.
pub trait FetchProgress: Sync {
    /// A transfer begins; `size` is in bytes, where it is known.
    fn started(&self, archive: &Archive, size: Option<u64>) {
        let _ = (archive, size);
    }

    /// `position` bytes of the file are there. The position falls when a transfer starts over.
    fn position(&self, archive: &Archive, position: u64) {
        let _ = (archive, position);
    }

    /// A try failed with `error`, and another one follows after `pause`.
    fn retrying(&self, archive: &Archive, error: &FetchError, pause: Duration) {
        let _ = (archive, error, pause);
    }

    /// Another process is fetching the same file; this one waits for it.
    fn waiting(&self, archive: &Archive) {
        let _ = archive;
    }

    /// A file in a local folder has the right name and other bytes than the lock says; it is not
    /// used.
    fn passed_over(&self, archive: &Archive, path: &Path) {
        let _ = (archive, path);
    }

    /// The archive's own address failed with `error`; the configured index is asked for the file
    /// with the same digest.
    fn asking_index(&self, archive: &Archive, error: &FetchError) {
        let _ = (archive, error);
    }

    /// The file is complete and checked. `reused` says that nothing was transferred.
    fn finished(&self, archive: &Archive, reused: bool) {
        let _ = (archive, reused);
    }
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl FetchProgress for Quiet {}
