//! Starting, watching and ending one process.

use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::{Call, Cancel, Output, RunError, STDERR_TAIL, redact};

/// How long a process group may take to end after it was asked to, before it is killed.
#[cfg(unix)]
#[cfg(unix)]
const GRACE: Duration = Duration::from_millis(500);

/// How long pipes are read after the program ended: a process that it left behind may hold them.
const LINGER: Duration = Duration::from_secs(2);

/// How often the end, the time limit and cancellation are looked at.
const TICK: Duration = Duration::from_millis(20);

enum Event {
    Stdout(io::Result<Vec<u8>>),
    Stderr(io::Result<Vec<u8>>),
    TooMuch,
}

fn command(call: &Call) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that starts processes"
    )]
    let mut command = Command::new(&call.program);
    command.args(&call.args);
    if let Some(folder) = &call.folder {
        command.current_dir(folder);
    }
    for name in &call.unset {
        command.env_remove(name);
    }
    command.envs(&call.set);
    command
}

pub(super) fn run(call: &Call, cancel: &Cancel) -> Result<Output, RunError> {
    let start = |source| RunError::Start {
        command: call.shown(),
        source,
    };
    let mut command = command(call);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let _running = cancel.count();
    let mut child = command.spawn().map_err(start)?;
    let (events, received) = channel();
    let stdout = child.stdout.take().expect("because it was piped");
    let stderr = child.stderr.take().expect("because it was piped");
    let limit = call.stdout_limit;
    let out = events.clone();
    std::thread::spawn(move || read_all(stdout, limit, &out));
    std::thread::spawn(move || events.send(Event::Stderr(read_tail(stderr))));
    let mut watch = Watch {
        call,
        cancel,
        deadline: Instant::now() + call.timeout,
        received,
        stdout: None,
        stderr: None,
    };
    let ended = watch.until_end(&mut child);
    if ended.is_err() {
        end(&mut child);
    }
    watch.drain(Instant::now() + LINGER);
    let stderr = watch.stderr_text();
    let code = ended.map_err(|stop| watch.error(stop, stderr.clone()))?;
    let stdout = watch.stdout.take().unwrap_or_else(|| {
        let message = "its output stayed open after it ended";
        Err(io::Error::other(message))
    });
    Ok(Output {
        code,
        stdout: stdout.map_err(|source| watch.error(Stop::Io(source), String::new()))?,
        stderr,
    })
}

struct Watch<'a> {
    call: &'a Call,
    cancel: &'a Cancel,
    deadline: Instant,
    received: Receiver<Event>,
    stdout: Option<io::Result<Vec<u8>>>,
    stderr: Option<io::Result<Vec<u8>>>,
}

enum Stop {
    Timeout,
    Cancelled,
    TooMuch,
    Io(io::Error),
}

impl Watch<'_> {
    fn until_end(&mut self, child: &mut Child) -> Result<Option<i32>, Stop> {
        loop {
            if let Some(status) = child.try_wait().map_err(Stop::Io)? {
                return Ok(status.code());
            }
            if self.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            if Instant::now() >= self.deadline {
                return Err(Stop::Timeout);
            }
            // Both pipes closed: the program is about to end, so a short wait is enough.
            let closed = self.stdout.is_some() && self.stderr.is_some();
            if closed {
                std::thread::sleep(Duration::from_millis(1));
            } else if self.receive(TICK) {
                return Err(Stop::TooMuch);
            }
        }
    }

    /// Takes one event; returns whether the program printed too much.
    fn receive(&mut self, wait: Duration) -> bool {
        match self.received.recv_timeout(wait) {
            Ok(Event::Stdout(bytes)) => self.stdout = Some(bytes),
            Ok(Event::Stderr(bytes)) => self.stderr = Some(bytes),
            Ok(Event::TooMuch) => return true,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        false
    }

    fn drain(&mut self, until: Instant) {
        while (self.stdout.is_none() || self.stderr.is_none()) && Instant::now() < until {
            if self.receive(TICK) {
                return;
            }
        }
    }

    fn stderr_text(&self) -> String {
        let bytes = match &self.stderr {
            Some(Ok(bytes)) => bytes.as_slice(),
            _ => &[],
        };
        redact(&String::from_utf8_lossy(bytes), &self.call.secrets)
    }

    fn error(&self, stop: Stop, stderr: String) -> RunError {
        let command = self.call.shown();
        match stop {
            Stop::Timeout => RunError::Timeout {
                command,
                limit: self.call.timeout,
                stderr,
            },
            Stop::Cancelled => RunError::Cancelled { command },
            Stop::TooMuch => RunError::TooMuch {
                command,
                limit: self.call.stdout_limit,
            },
            Stop::Io(source) => RunError::Contact { command, source },
        }
    }
}

fn read_all(stdout: impl Read, limit: usize, events: &Sender<Event>) {
    let mut bytes = Vec::new();
    let result = stdout.take(limit as u64 + 1).read_to_end(&mut bytes);
    let event = if bytes.len() > limit {
        Event::TooMuch
    } else {
        Event::Stdout(result.map(|_| bytes))
    };
    // The receiver is gone only when nobody wants the output any more.
    let _ = events.send(event);
}

/// Reads to the end and keeps the last bytes.
fn read_tail(mut stderr: impl Read) -> io::Result<Vec<u8>> {
    let mut tail: Vec<u8> = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let count = stderr.read(&mut buffer)?;
        if count == 0 {
            return Ok(tail);
        }
        tail.extend_from_slice(&buffer[..count]);
        if tail.len() > STDERR_TAIL {
            tail.drain(..tail.len() - STDERR_TAIL);
        }
    }
}

/// Asks the process group to end, then kills what is left of it.
#[cfg(unix)]
fn end(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let signal = |signal| group.map(|group| kill_process_group(group, signal));
    // A group that is gone already cannot be signalled, which is what was wanted.
    let _ = signal(Signal::TERM);
    let patience = Instant::now() + GRACE;
    while Instant::now() < patience && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = signal(Signal::KILL);
    let _ = child.wait();
}

/// Ends the program.
#[cfg(not(unix))]
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(unix)]
pub(super) fn hand_over(call: &Call) -> Result<i32, RunError> {
    let source = std::os::unix::process::CommandExt::exec(&mut command(call));
    Err(RunError::Start {
        command: call.shown(),
        source,
    })
}

#[cfg(not(unix))]
pub(super) fn hand_over(call: &Call) -> Result<i32, RunError> {
    let status = command(call).status().map_err(|source| RunError::Start {
        command: call.shown(),
        source,
    })?;
    Ok(status.code().unwrap_or(1))
}
