//! How much of the machine the program may use.

/// Files that stay open whatever is done: streams, the store, locks, the network.
#[cfg(unix)]
const SET_ASIDE: u64 = 16;
/// Files that one thread may have open while it walks two trees at once.
#[cfg(unix)]
const FILES_PER_THREAD: u64 = 24;

/// Raises the limit of open files to what the system allows, and uses fewer threads where that is
/// little.
#[cfg(unix)]
pub fn raise() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    // Darwin refuses more than this for a soft limit, whatever the hard one is (getrlimit(2)).
    let most = if cfg!(target_vendor = "apple") {
        10_240
    } else {
        1 << 20
    };
    let wanted = limit.maximum.unwrap_or(most).min(most);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = rustix::process::Rlimit {
            current: Some(wanted),
            ..limit
        };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit.current = Some(wanted);
        }
    }
    let threads = threads_within(limit.current.unwrap_or(most));
    let usual = rayon::ThreadPoolBuilder::new();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    if threads < processors {
        // A pool that exists already keeps its size.
        let _ = usual.num_threads(threads).build_global();
    }
}

#[cfg(unix)]
fn threads_within(files: u64) -> usize {
    let threads = files.saturating_sub(SET_ASIDE) / FILES_PER_THREAD;
    usize::try_from(threads).unwrap_or(usize::MAX).max(1)
}

/// There is no such limit.
#[cfg(not(unix))]
pub fn raise() {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn row_8_few_open_files_mean_few_threads() {
        assert_eq!(threads_within(24), 1);
        assert_eq!(threads_within(64), 2);
        assert!(threads_within(1024) > 32);
    }
}
