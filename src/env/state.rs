//! What an environment knows of itself: `.venv/.dht/state.json`, written last.

use std::io;
use std::path::Path;

use dht_store::fs::{self, Dir, FsError};
use dht_store::{Fingerprint, LinkMode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The folder in an environment that is `dhtl`'s own.
pub const FOLDER: &str = ".dht";
/// The file in it.
const FILE: &str = ".dht/state.json";
/// The value of `format` in this version.
const FORMAT: &str = "dht-state/1";

/// How an environment was assembled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Always `dht-state/1`.
    pub format: String,
    /// What it is.
    pub fingerprint: Fingerprint,
    /// How its files were linked.
    pub link_mode: LinkMode,
    /// Whether it has bytecode from the store.
    pub bytecode: bool,
    /// What shells show while it is active.
    pub prompt: String,
}

impl State {
    /// Returns the state of a new environment.
    pub fn new(
        fingerprint: Fingerprint,
        link_mode: LinkMode,
        bytecode: bool,
        prompt: &str,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            fingerprint,
            link_mode,
            bytecode,
            prompt: prompt.to_owned(),
        }
    }

    /// Reads the state of the environment in `folder`; `None` where there is no environment of ours.
    pub fn read(folder: &Path) -> Option<Self> {
        Self::parse(&std::fs::read(folder.join(FILE)).ok()?)
    }

    /// Reads the bytes of the file; `None` for another format, or what is no state.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let state: Self = serde_json::from_slice(bytes).ok()?;
        (state.format == FORMAT).then_some(state)
    }

    /// Returns the bytes of the file: indented JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes =
            serde_json::to_vec_pretty(self).expect("because the value has string keys only");
        bytes.push(b'\n');
        bytes
    }

    /// Returns when the state was written, in seconds and nanoseconds since the Unix epoch.
    pub fn written_at(folder: &Path) -> Option<(i64, u32)> {
        let dir = Dir::open(folder).ok()?;
        let stat = dir.stat(Path::new(FILE)).ok()?;
        Some((stat.mtime, stat.mtime_nanos))
    }

    /// Writes the state into the environment in `folder`, replacing a former one in one step.
    pub fn write(&self, folder: &Path) -> Result<(), FsError> {
        let write = || -> io::Result<()> {
            let dir = Dir::open(folder)?;
            fs::create_dirs(&dir, Path::new(FOLDER))?;
            fs::write_atomic(&dir, Path::new(FILE), &self.to_bytes(), 0o644)
        };
        write().map_err(FsError::at("write", folder.join(FILE)))
    }
}
