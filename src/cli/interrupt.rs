//! What happens when the user or the system wants the program to end.
//!
//! The state on the disk is safe at every moment, so there is nothing to finish: the programs that
//! were started are ended with their groups, and the exit code is 128 and the signal's number. A
//! terminal that closes (`SIGHUP`) ends the program as ever.

use crate::tools::runner::Cancel;

/// How long the programs that were started may take to end.
#[cfg(unix)]
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(800);

/// Listens for `SIGINT` and `SIGTERM` from now on.
#[cfg(unix)]
pub fn listen(cancel: Cancel) {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    // Without a listener a signal ends the program as ever.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else {
        return;
    };
    std::thread::spawn(move || {
        let Some(number) = signals.forever().next() else {
            return;
        };
        cancel.cancel();
        let started = std::time::Instant::now();
        while cancel.is_busy() && started.elapsed() < PATIENCE {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::process::exit(128 + number);
    });
}

/// The system ends the program and what it started.
#[cfg(not(unix))]
pub fn listen(_: Cancel) {}

/// Waits for the end when a signal has come: its exit code counts, not that of the work it stopped.
pub fn give_way(cancel: &Cancel) {
    while cancel.is_cancelled() {
        std::thread::park();
    }
}
