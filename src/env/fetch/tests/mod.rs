//! Fetching against servers that fail. Tests are named by the promise or the bad input they show.

mod answers;
mod faults;
mod places;
mod redirects;
mod secrets;
mod tls;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use dhtl_test_kit::FaultServer;
use sha2::Digest as _;

use super::*;

/// A fetcher that is quick to give up, with a downloads folder of its own.
struct Bench {
    folder: tempfile::TempDir,
    fetcher: Fetcher,
    heard: Heard,
}

/// What the progress said.
#[derive(Default)]
struct Heard {
    retries: Mutex<Vec<(String, Duration)>>,
    passed_over: Mutex<Vec<PathBuf>>,
}

impl FetchProgress for Heard {
    fn retrying(&self, _: &Archive, error: &FetchError, pause: Duration) {
        let mut retries = self.retries.lock().unwrap();
        retries.push((chain(error), pause));
    }

    fn passed_over(&self, _: &Archive, path: &Path) {
        self.passed_over.lock().unwrap().push(path.to_owned());
    }
}

fn quick() -> FetchSettings {
    FetchSettings {
        retry_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(20),
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_secs(5),
        lock_timeout: Duration::from_secs(20),
        ..FetchSettings::default()
    }
}

/// For servers that stall: a timeout that is worth waiting for.
fn impatient() -> FetchSettings {
    FetchSettings {
        stall_timeout: Duration::from_millis(300),
        ..quick()
    }
}

impl Bench {
    fn new() -> Self {
        Self::with(quick())
    }

    fn with(settings: FetchSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fetcher = Fetcher::new(settings, folder.path().join("downloads"));
        Self {
            folder,
            fetcher,
            heard: Heard::default(),
        }
    }

    fn fetch(&self, archive: &Archive) -> Result<FetchedFile, FetchError> {
        self.fetcher.fetch(archive, &self.heard)
    }

    /// Fetches, and checks that the file holds `body` and that nothing else is left.
    fn fetch_all_of(&self, archive: &Archive, body: &[u8]) -> FetchedFile {
        let fetched = self.fetch(archive).unwrap();
        assert_eq!(std::fs::read(&fetched.path).unwrap(), body);
        assert_eq!(fetched.size, body.len() as u64);
        assert_eq!(
            self.kept(),
            BTreeMap::from([(digest(body).to_string(), fetched.size)])
        );
        fetched
    }

    fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }

    /// The names and sizes of the downloads folder.
    fn kept(&self) -> BTreeMap<String, u64> {
        let Ok(files) = std::fs::read_dir(self.downloads()) else {
            return BTreeMap::new();
        };
        files
            .map(|file| file.unwrap())
            .map(|file| {
                (
                    file.file_name().into_string().unwrap(),
                    file.metadata().unwrap().len(),
                )
            })
            .collect()
    }

    fn retries(&self) -> Vec<(String, Duration)> {
        self.heard.retries.lock().unwrap().clone()
    }
}

fn digest(body: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(body).into())
}

/// 300,000 bytes that do not repeat soon.
fn body() -> Vec<u8> {
    (0..75_000_u32)
        .flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect()
}

fn archive(server: &FaultServer, body: &[u8]) -> Archive {
    archive_at(&server.url("/files/demo-1.0-py3-none-any.whl"), body)
}

fn archive_at(url: &str, body: &[u8]) -> Archive {
    Archive {
        location: Location::Url(CleanUrl::new(url.parse().unwrap())),
        filename: "demo-1.0-py3-none-any.whl".into(),
        sha256: Some(digest(body)),
        also: Vec::new(),
        size: Some(body.len() as u64),
    }
}

/// The error and its causes, as a user reads them.
fn chain(error: &FetchError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
