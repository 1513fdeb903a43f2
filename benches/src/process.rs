//! One measured program: wall time, CPU time and peak memory, from the kernel's own account of it.

use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one run took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sample {
    /// From before the start to after the end.
    pub wall: Duration,
    /// User and system time of the program and the children it waited for.
    pub cpu: Duration,
    /// Peak resident memory of the program or the largest of its children, in bytes.
    pub peak: u64,
}

impl Sample {
    /// A sample of work done in this process, where neither CPU time nor memory is told apart.
    pub fn of_wall(wall: Duration) -> Self {
        Self {
            wall,
            ..Self::default()
        }
    }

    /// One run after another, as one.
    pub fn and(self, next: Self) -> Self {
        Self {
            wall: self.wall + next.wall,
            cpu: self.cpu + next.cpu,
            peak: self.peak.max(next.peak),
        }
    }
}

/// Runs a command to its end and requires that it succeeds. What it prints goes to a file, which an error shows the end of.
pub fn measure(command: &mut Command) -> io::Result<Sample> {
    measure_code(command, 0)
}

/// The same for a command whose answer is another exit code.
pub fn measure_code(command: &mut Command, expected: i32) -> io::Result<Sample> {
    let log = std::env::temp_dir().join(format!("dhtl-compare-{}.log", std::process::id()));
    let sink = std::fs::File::create(&log)?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::from(sink));
    let begin = Instant::now();
    let child = command.spawn().map_err(|e| told(command, &e.to_string()))?;
    let (status, usage) = wait4(child.id())?;
    let wall = begin.elapsed();
    if !libc::WIFEXITED(status) || libc::WEXITSTATUS(status) != expected {
        let printed = std::fs::read_to_string(&log).unwrap_or_default();
        let tail: Vec<&str> = printed.lines().rev().take(15).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        return Err(told(
            command,
            &format!(
                "wait status {status:#x}, expected exit code {expected}\n{}",
                tail.join("\n")
            ),
        ));
    }
    Ok(Sample {
        wall,
        cpu: duration(usage.ru_utime) + duration(usage.ru_stime),
        peak: peak_bytes(usage.ru_maxrss),
    })
}

fn told(command: &Command, what: &str) -> io::Error {
    io::Error::other(format!("{command:?}: {what}"))
}

fn wait4(pid: u32) -> io::Result<(i32, libc::rusage)> {
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    let mut status = 0;
    loop {
        // SAFETY: rusage is a plain struct of integers, for which all zeros is a value.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: both pointers are to live, writable values; the pid is a child of this process that nobody else waits for.
        let waited = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
        if waited == pid {
            return Ok((status, usage));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn duration(time: libc::timeval) -> Duration {
    Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
        + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

/// Linux counts KiB, macOS bytes.
fn peak_bytes(maxrss: libc::c_long) -> u64 {
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    u64::try_from(maxrss).unwrap_or(0) * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_memory_are_those_of_the_child() {
        let sample = measure(Command::new("/bin/sh").args(["-c", "sleep 0.05"])).unwrap();
        assert!(sample.wall >= Duration::from_millis(50), "{sample:?}");
        assert!(sample.cpu < sample.wall, "{sample:?}");
        assert!(sample.peak > 100 << 10, "{sample:?}");
    }

    #[test]
    fn another_exit_code_is_an_error_that_shows_what_was_printed() {
        let error =
            measure(Command::new("/bin/sh").args(["-c", "echo because >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().contains("because"), "{error}");
        measure_code(Command::new("/bin/sh").args(["-c", "exit 3"]), 3).unwrap();
    }
}
