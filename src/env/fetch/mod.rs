//! Archives by digest: from the network, from files and from folders, into the downloads folder.
//!
//! The law: bytes are used only after their SHA-256 was compared with the lock's, and a mismatch is
//! final: the file is deleted, both digests are shown, and no other place is asked. Everything else
//! that fails on the way is tried again within bounds, and goes on where it stopped.
//!
//! A login goes to its own origin only, and reaches no file, message or argument. An offline
//! [`Fetcher`] opens no socket; none builds an HTTP client before it needs one.
//!
//! Reading the environment is not done here: [`FetchSettings`] comes from outside. Unpacking is
//! not done here either: [`Fetcher::fetch_all`] hands each file over as soon as it is complete.

mod also;
mod client;
mod credentials;
mod download;
mod error;
mod local;
pub mod netrc;
mod pace;
mod parallel;
mod part;
mod progress;
mod request;
mod secret;
mod settings;
pub mod simple_index;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

pub use credentials::Credential;
use download::Job;
pub use error::{Cause, FetchError, RedirectFault};
use local::check_local;
pub use progress::{FetchProgress, Quiet};
use request::Http;
pub use secret::Secret;
pub use settings::{Certificates, FetchSettings, Netrc, Proxies};

use crate::model::location::{CleanUrl, Location};
use crate::model::selection::{Archive, Sha256};

/// Fetches archives. One serves a whole command, from any number of threads.
#[derive(Debug)]
pub struct Fetcher {
    settings: FetchSettings,
    downloads: PathBuf,
    http: Http,
    /// The public index was found out of reach: the configured one is asked first from then on.
    public_out_of_reach: AtomicBool,
}

/// A checked archive on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedFile {
    /// Where it is.
    pub path: PathBuf,
    /// The digest of its bytes; computed where the lock gives none.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
    /// How it got there.
    pub origin: Origin,
}

/// How a fetched file got to its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Transferred now, into the downloads folder.
    Downloaded,
    /// Found complete in the downloads folder.
    Reused,
    /// A file of the user's, used in place: not ours to remove.
    Local,
}

impl Fetcher {
    /// Returns a fetcher that keeps its files in the folder `downloads`, created when needed.
    pub fn new(settings: FetchSettings, downloads: PathBuf) -> Self {
        let http = Http::new(&settings);
        Self {
            settings,
            downloads,
            http,
            public_out_of_reach: AtomicBool::new(false),
        }
    }

    /// Tells whether no socket is ever opened.
    pub const fn is_offline(&self) -> bool {
        self.settings.offline
    }

    /// Returns the archive as a file of this machine, its digest checked.
    ///
    /// Looked for in this order: the downloads folder, the local folders, the archive's own address, and,
    /// when that is the public index and gives nothing, the configured index.
    ///
    /// # Errors
    ///
    /// [`FetchError`] names the address without secrets, and [`FetchError::advice`] what to do.
    pub fn fetch(
        &self,
        archive: &Archive,
        progress: &dyn FetchProgress,
    ) -> Result<FetchedFile, FetchError> {
        self.fetch_unless(&AtomicBool::new(false), archive, progress)
    }

    fn fetch_unless(
        &self,
        stop: &AtomicBool,
        archive: &Archive,
        progress: &dyn FetchProgress,
    ) -> Result<FetchedFile, FetchError> {
        let fetched = self.unchecked(stop, archive, progress)?;
        also::check(&fetched.path, archive)?;
        progress.finished(archive, fetched.origin != Origin::Downloaded);
        Ok(fetched)
    }

    /// Returns the archive with its SHA-256 checked, and no other digest.
    fn unchecked(
        &self,
        stop: &AtomicBool,
        archive: &Archive,
        progress: &dyn FetchProgress,
    ) -> Result<FetchedFile, FetchError> {
        let url = match &archive.location {
            Location::File(path) => return check_local(path, archive),
            Location::Url(url) => url,
        };
        let mut other = None;
        if let Some(found) = self.on_this_machine(archive, progress, &mut other)? {
            return Ok(found);
        }
        if self.settings.offline {
            // A file of this name that is another one says more than that there is none.
            return Err(other.unwrap_or_else(|| FetchError::Offline {
                filename: archive.filename.clone(),
                url: url.clone(),
            }));
        }
        self.over_network(stop, archive, url, progress)
    }

    fn on_this_machine(
        &self,
        archive: &Archive,
        progress: &dyn FetchProgress,
        other: &mut Option<FetchError>,
    ) -> Result<Option<FetchedFile>, FetchError> {
        let Some(sha256) = archive.sha256 else {
            return Ok(None);
        };
        if let Some(found) = self.kept(sha256) {
            return Ok(Some(found));
        }
        self.in_local_folders(archive, progress, other)
    }

    fn over_network(
        &self,
        stop: &AtomicBool,
        archive: &Archive,
        url: &CleanUrl,
        progress: &dyn FetchProgress,
    ) -> Result<FetchedFile, FetchError> {
        let job = |url| Job {
            archive,
            url,
            progress,
            stop,
        };
        let replacement = self
            .settings
            .index
            .as_ref()
            .filter(|_| simple_index::is_public(url.as_url()));
        let (Some(index), Some(sha256)) = (replacement, archive.sha256) else {
            return self.download(&job(url.as_url()));
        };
        let mut first = None;
        if !self.public_out_of_reach.load(Ordering::Relaxed) {
            match self.download(&job(url.as_url())) {
                Err(error) if error.gave_nothing() => {
                    if error.out_of_reach() {
                        self.public_out_of_reach.store(true, Ordering::Relaxed);
                    }
                    progress.asking_index(archive, &error);
                    first = Some(error);
                }
                done => return done,
            }
        }
        let there = self.find_in_index(index, &archive.filename, sha256);
        let missing = |source: FetchError| FetchError::NotInIndex {
            filename: archive.filename.clone(),
            index: index.clone(),
            source: Box::new(source),
        };
        match there {
            Ok(Some(there)) => self.download(&job(&there)),
            Ok(None) => {
                Err(missing(first.unwrap_or_else(|| FetchError::NotFound {
                    url: url.clone(),
                })))
            }
            Err(error) => Err(missing(error)),
        }
    }
}

#[cfg(test)]
mod tests;
