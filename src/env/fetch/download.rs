//! One transfer from one address into the downloads folder: tried again, resumed, checked.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::header::{CONTENT_RANGE, ETAG, LAST_MODIFIED};
use url::Url;

use super::error::{FetchError, Retry};
use super::pace::Pace;
use super::part::{Part, digest_of, remove};
use super::progress::FetchProgress;
use super::request::{Answer, Ask};
use super::{FetchedFile, Fetcher, Origin};
use crate::model::location::{CleanUrl, Location};
use crate::model::selection::{Archive, Sha256};

const BUFFER: usize = 128 << 10;

/// One transfer.
pub(super) struct Job<'a> {
    pub(super) archive: &'a Archive,
    /// Where to ask. The index may give another address than the lock.
    pub(super) url: &'a Url,
    pub(super) progress: &'a dyn FetchProgress,
    pub(super) stop: &'a AtomicBool,
}

impl Job<'_> {
    fn from(&self) -> CleanUrl {
        CleanUrl::new(self.url.clone())
    }

    fn location(&self) -> Box<Location> {
        Box::new(Location::Url(self.from()))
    }

    /// The name of the partial file.
    fn key(&self) -> String {
        match self.archive.sha256 {
            Some(sha256) => sha256.to_string(),
            None => format!(
                "url-{}",
                dht_store::Digest::of(self.url.as_str().as_bytes())
            ),
        }
    }

    fn check_not_stopped(&self) -> Result<(), FetchError> {
        if self.stop.load(Ordering::Relaxed) {
            let filename = self.archive.filename.clone();
            return Err(FetchError::Stopped { filename });
        }
        Ok(())
    }
}

impl Fetcher {
    /// Transfers a file, or takes what another process or an earlier run left complete.
    pub(super) fn download(&self, job: &Job<'_>) -> Result<FetchedFile, FetchError> {
        let patience = self.settings.lock_timeout;
        let wait = || job.progress.waiting(job.archive);
        let mut part = Part::lock(&self.downloads, &job.key(), patience, &wait)?;
        if let Some(found) = self.kept_or_removed(job)? {
            part.discard()?;
            return Ok(found);
        }
        // Bytes of several answers may not fit together, and those of an earlier run may be damaged: when
        // they do not add up, one fresh start is due before the verdict.
        let mut fresh_start = true;
        job.progress.started(job.archive, job.archive.size);
        let mut page = false;
        loop {
            if let Err(error) = self.transfer(job, &mut part, &mut page) {
                if part.length() == 0 || error.spoils_part() {
                    part.discard()?;
                }
                return Err(error);
            }
            let got = part.digest();
            match job.archive.sha256 {
                Some(expected) if expected != got && part.is_joined() && fresh_start => {
                    fresh_start = false;
                    part.restart()?;
                }
                Some(expected) if expected != got => {
                    part.discard()?;
                    let from = job.location();
                    return Err(FetchError::Hash {
                        from,
                        expected,
                        got,
                        page,
                    });
                }
                _ => return publish(part, got),
            }
        }
    }

    /// Returns a complete file with the right bytes, and removes one with wrong bytes. Only called
    /// with the lock of the partial file held, so that nobody else is replacing it.
    fn kept_or_removed(&self, job: &Job<'_>) -> Result<Option<FetchedFile>, FetchError> {
        let Some(sha256) = job.archive.sha256 else {
            return Ok(None);
        };
        let found = self.kept(sha256);
        if found.is_none() {
            remove(&self.downloads.join(sha256.to_string()))?;
        }
        Ok(found)
    }

    /// Returns the complete file with this digest, if it is in the folder and unharmed.
    pub(super) fn kept(&self, sha256: Sha256) -> Option<FetchedFile> {
        let path = self.downloads.join(sha256.to_string());
        let (got, size) = digest_of(&path).ok()?;
        (got == sha256).then_some(FetchedFile {
            path,
            sha256,
            size,
            origin: Origin::Reused,
        })
    }

    /// Tries until the whole body is there, as often and as long as the settings say.
    fn transfer(&self, job: &Job<'_>, part: &mut Part, page: &mut bool) -> Result<(), FetchError> {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(self.settings.retry_pause)
            .with_max_delay(self.settings.longest_pause)
            .with_factor(3.0)
            .with_jitter()
            .with_max_times(self.settings.tries.saturating_sub(1))
            .build();
        let mut tried = 0;
        loop {
            job.check_not_stopped()?;
            let Err(error) = self.attempt(job, part, page) else {
                return Ok(());
            };
            tried += 1;
            let asked = match error.retry() {
                Retry::Never => return Err(error),
                Retry::Once if tried > 1 => return Err(error),
                Retry::Once => None,
                Retry::After(asked) => asked,
            };
            if asked.is_some_and(|pause| pause > self.settings.longest_retry_after) {
                return Err(error);
            }
            let Some(usual) = pauses.next() else {
                return Err(error);
            };
            // Jitter may exceed the longest pause.
            let usual = usual.min(self.settings.longest_pause);
            let pause = asked.map_or(usual, |asked| {
                asked.max(usual.min(self.settings.retry_pause))
            });
            job.progress.retrying(job.archive, &error, pause);
            sleep(job, pause)?;
        }
    }

    fn attempt(&self, job: &Job<'_>, part: &mut Part, page: &mut bool) -> Result<(), FetchError> {
        let limit = job.archive.size.unwrap_or(self.settings.largest);
        if part.length() > limit {
            part.restart()?;
        }
        if job.archive.size == Some(part.length()) && part.length() > 0 {
            return Ok(());
        }
        let mut answer = self.ask(job, part)?;
        *page = answer.is_page();
        self.check_announced(job, part, &answer)?;
        self.read_body(job, part, &mut answer, *page)
    }

    /// Asks for the rest of the file, or for all of it. Afterwards the partial file ends where
    /// the answer's body begins.
    fn ask(&self, job: &Job<'_>, part: &mut Part) -> Result<Answer, FetchError> {
        let from = job.from();
        if let Some(validator) = part.resumable(&from) {
            let ask = Ask {
                from: Some((part.length(), validator)),
                accept: None,
            };
            let answer = self.http.get(job.url, &ask)?;
            match answer.response.status().as_u16() {
                206 if continues(&answer, part.length(), validator, job.archive.size) => {
                    part.join();
                    return Ok(answer);
                }
                200 => return begin(job, part, answer),
                206 | 416 => {}
                _ => return Err(answer.status_error()),
            }
        }
        part.restart()?;
        let answer = self.http.get(job.url, &Ask::default())?;
        match answer.response.status().as_u16() {
            200 => begin(job, part, answer),
            _ => Err(answer.status_error()),
        }
    }

    /// Refuses a body by the length that is announced for it, before any of it is read.
    fn check_announced(
        &self,
        job: &Job<'_>,
        part: &Part,
        answer: &Answer,
    ) -> Result<(), FetchError> {
        let Some(announced) = answer.response.content_length() else {
            return Ok(());
        };
        let got = part.length().saturating_add(announced);
        match job.archive.size {
            Some(expected) if expected != got => Err(FetchError::Size {
                from: job.location(),
                expected,
                got,
                page: answer.is_page(),
            }),
            None if got > self.settings.largest => Err(FetchError::TooLarge {
                url: job.from(),
                limit: self.settings.largest,
            }),
            _ => Ok(()),
        }
    }

    fn read_body(
        &self,
        job: &Job<'_>,
        part: &mut Part,
        answer: &mut Answer,
        page: bool,
    ) -> Result<(), FetchError> {
        let mut pace = Pace::new(self.settings.stall_timeout * 2, self.settings.slowest);
        let mut buffer = vec![0; BUFFER];
        loop {
            job.check_not_stopped()?;
            let count = match answer.response.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.http.body_failure(job.url, part.length(), error)),
            };
            let length = part.length() + count as u64;
            match job.archive.size {
                Some(expected) if length > expected => {
                    let from = job.location();
                    return Err(FetchError::Size {
                        from,
                        expected,
                        got: length,
                        page,
                    });
                }
                None if length > self.settings.largest => {
                    let limit = self.settings.largest;
                    return Err(FetchError::TooLarge {
                        url: job.from(),
                        limit,
                    });
                }
                _ => {}
            }
            part.append(&buffer[..count])?;
            job.progress.position(job.archive, length);
            if let Some(after) = pace.too_slow(count as u64) {
                return Err(FetchError::Stalled {
                    url: job.from(),
                    received: length,
                    after,
                });
            }
        }
        match job.archive.size {
            Some(expected) if part.length() < expected => Err(FetchError::Interrupted {
                url: job.from(),
                received: part.length(),
                source: format!("the answer ended before byte {expected}").into(),
            }),
            _ => Ok(()),
        }
    }
}

/// Begins the file anew with the body of a complete answer.
///
/// It can be continued later under the answer's validator. Many index mirrors send none; where the
/// lock gives a digest, a transfer is continued all the same, since the digest of the whole tells if
/// the parts fit.
fn begin(job: &Job<'_>, part: &mut Part, answer: Answer) -> Result<Answer, FetchError> {
    part.restart()?;
    let validator = validator_of(&answer);
    if validator.is_some() || job.archive.sha256.is_some() {
        part.note(&job.from(), validator)?;
    }
    Ok(answer)
}

/// Returns what tells this version of the file from others: a strong `ETag`, or else
/// `Last-Modified` (RFC 9110, 8.8).
fn validator_of(answer: &Answer) -> Option<&str> {
    answer
        .header(ETAG.as_str())
        .filter(|tag| tag.starts_with('"'))
        .or_else(|| answer.header(LAST_MODIFIED.as_str()))
}

/// Says whether a partial answer continues, at `offset`, the version that `validator` stands for.
fn continues(answer: &Answer, offset: u64, validator: Option<&str>, size: Option<u64>) -> bool {
    let same_version = match (answer.header(ETAG.as_str()), validator) {
        (Some(tag), Some(known)) if known.starts_with('"') => tag == known,
        _ => true,
    };
    let range = answer.header(CONTENT_RANGE.as_str()).and_then(parse_range);
    same_version
        && range.is_some_and(|(start, total)| {
            start == offset && (total.is_none() || size.is_none() || total == size)
        })
}

/// Reads the start and the total of `bytes START-END/TOTAL` (RFC 9110, 14.4).
fn parse_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-')?.0.parse().ok()?;
    Some((start, total.parse().ok()))
}

fn publish(part: Part, sha256: Sha256) -> Result<FetchedFile, FetchError> {
    let size = part.length();
    Ok(FetchedFile {
        path: part.publish()?,
        sha256,
        size,
        origin: Origin::Downloaded,
    })
}

/// Sleeps in short steps, so that a stop is heard.
fn sleep(job: &Job<'_>, pause: Duration) -> Result<(), FetchError> {
    let end = Instant::now() + pause;
    loop {
        job.check_not_stopped()?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}
