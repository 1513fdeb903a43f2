//! Many archives at once, on threads of their own: waiting for a network must not hold up the threads
//! that unpack.

use std::cmp::Reverse;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use super::error::FetchError;
use super::progress::FetchProgress;
use super::{FetchedFile, Fetcher};
use crate::model::selection::Archive;

/// How many files one transfer may have open: the partial file, its notes, a connection, and one to spare.
const FILES_PER_TRANSFER: u64 = 4;

/// How many open files are left to everything else.
const FILES_SET_ASIDE: u64 = 32;

type Done = (usize, Result<FetchedFile, FetchError>);

struct Queue<'a> {
    archives: &'a [Archive],
    order: Vec<usize>,
    next: AtomicUsize,
    stop: AtomicBool,
}

impl Fetcher {
    /// Fetches every archive, largest first, several at a time.
    ///
    /// Each result is handed to `deliver` as soon as it is there, on the calling thread, with the index of
    /// its archive. [`ControlFlow::Break`] stops the transfers that are left; they are not
    /// reported, and what they have so far is kept for the next run.
    pub fn fetch_all(
        &self,
        archives: &[Archive],
        progress: &dyn FetchProgress,
        deliver: &mut dyn FnMut(usize, Result<FetchedFile, FetchError>) -> ControlFlow<()>,
    ) {
        let mut order: Vec<usize> = (0..archives.len()).collect();
        order.sort_by_key(|&index| (Reverse(archives[index].size.unwrap_or(u64::MAX)), index));
        let queue = Queue {
            archives,
            order,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        };
        let threads = self.connections().min(archives.len());
        std::thread::scope(|scope| {
            let (sender, results) = mpsc::channel();
            for _ in 0..threads {
                let sender = sender.clone();
                scope.spawn(|| self.work(&queue, progress, sender));
            }
            drop(sender);
            for (index, result) in results {
                if deliver(index, result).is_break() {
                    queue.stop.store(true, Ordering::Relaxed);
                    break;
                }
            }
        });
    }

    fn work(&self, queue: &Queue<'_>, progress: &dyn FetchProgress, sender: mpsc::Sender<Done>) {
        while !queue.stop.load(Ordering::Relaxed) {
            let turn = queue.next.fetch_add(1, Ordering::Relaxed);
            let Some(&index) = queue.order.get(turn) else {
                return;
            };
            let result = self.fetch_unless(&queue.stop, &queue.archives[index], progress);
            if sender.send((index, result)).is_err() {
                return;
            }
        }
    }

    /// Returns how many transfers may run at once.
    fn connections(&self) -> usize {
        let wanted = self.settings.connections.max(1);
        match open_file_limit() {
            Some(limit) => wanted.min(transfers_within(limit)),
            None => wanted,
        }
    }
}

/// Returns how many transfers fit into a limit of open files; at least one.
fn transfers_within(limit: u64) -> usize {
    let fit = limit.saturating_sub(FILES_SET_ASIDE) / FILES_PER_TRANSFER;
    usize::try_from(fit).unwrap_or(usize::MAX).max(1)
}

#[cfg(unix)]
fn open_file_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
fn open_file_limit() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_8_few_open_files_mean_few_transfers() {
        assert_eq!(transfers_within(24), 1);
        assert_eq!(transfers_within(64), 8);
        assert!(transfers_within(1024) > 16);
    }
}
