//! What an environment knows of itself: `.venv/.dht/state.json`, written last.

use std::io;
use std::path::Path;

use dht_store::fs::{self, Dir, FileKind, FsError};
use dht_store::{Fingerprint, LinkMode};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The folder in an environment that is `dhtl`'s own.
pub const FOLDER: &str = ".dht";
/// The second name of the witness that tells the store that this environment exists.
pub const WITNESS: &str = ".dht/root";
/// The file in it.
const FILE: &str = ".dht/state.json";
/// The list of the environment's folders, one path on each line, the first one empty: the root.
const FOLDERS: &str = ".dht/folders";
/// The file that says what is being made, while the environment is changed in place.
const ANNOUNCED: &str = ".dht/next.json";
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
        Self::parse(&own_file(folder, FILE)?)
    }

    /// Reads what the environment in `folder` was about to become when a change was interrupted.
    pub fn interrupted(folder: &Path) -> Option<Self> {
        Self::parse(&own_file(folder, ANNOUNCED)?)
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

    /// Says that the environment in `folder` is about to become this.
    pub fn announce(&self, folder: &Path) -> Result<(), FsError> {
        let write = || {
            let dir = Dir::open(folder)?;
            fs::create_dirs(&dir, Path::new(FOLDER))?;
            fs::write_swapped(&dir, Path::new(ANNOUNCED), &self.to_bytes(), 0o644)
        };
        write().map_err(FsError::at("write", folder.join(ANNOUNCED)))
    }

    /// Takes back what was announced: it is done.
    pub fn retract(folder: &Path) -> Result<(), FsError> {
        match Dir::open(folder).and_then(|dir| dir.remove_file(Path::new(ANNOUNCED))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(FsError::at("remove", folder.join(ANNOUNCED))(error))
            }
            _ => Ok(()),
        }
    }

    /// Writes the state into the environment in `folder`, replacing a former one in one step, and
    /// before it the list of the environment's own folders, which [`Depth::Quick`] looks at.
    ///
    /// Nothing here waits for the disk: an environment whose state is lost in a power cut is made
    /// anew from the store.
    ///
    /// [`Depth::Quick`]: dht_store::Depth::Quick
    pub fn write(&self, folder: &Path, folders: &[&str]) -> Result<(), FsError> {
        let write = || -> io::Result<()> {
            let dir = Dir::open(folder)?;
            fs::create_dirs(&dir, Path::new(FOLDER))?;
            let mut list = folders.join("\n");
            list.push('\n');
            fs::write_swapped(&dir, Path::new(FOLDERS), list.as_bytes(), 0o644)?;
            fs::write_swapped(&dir, Path::new(FILE), &self.to_bytes(), 0o644)
        };
        write().map_err(FsError::at("write", folder.join(FILE)))
    }
}

/// Tells whether the environment in `folder` has a folder of ours, which no link stands for.
pub fn is_marked(folder: &Path) -> bool {
    let stat = Dir::open(folder).and_then(|dir| dir.stat(Path::new(FOLDER)));
    stat.is_ok_and(|stat| stat.kind == FileKind::Directory)
}

/// Reads a file of ours: a plain one, in a folder that no link stands for.
fn own_file(folder: &Path, file: &str) -> Option<Vec<u8>> {
    is_marked(folder).then_some(())?;
    Dir::open(folder).ok()?.read_file(Path::new(file)).ok()
}

/// Tells whether no folder of the environment was changed since its state was written: one stat for
/// each. `None` where that cannot be told.
pub fn folders_untouched(folder: &Path) -> Option<bool> {
    let since = State::written_at(folder)?;
    let list = String::from_utf8(own_file(folder, FOLDERS)?).ok()?;
    let dir = Dir::open(folder).ok()?;
    let untouched = |name: &str| {
        let name = if name.is_empty() { "." } else { name };
        dir.stat(Path::new(name)).is_ok_and(|stat| {
            stat.kind == FileKind::Directory && (stat.mtime, stat.mtime_nanos) <= since
        })
    };
    let names: Vec<&str> = list.strip_suffix('\n')?.split('\n').collect();
    Some(names.par_iter().all(|name| untouched(name)))
}
