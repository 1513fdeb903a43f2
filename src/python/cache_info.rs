//! `uv_cache.json`: how uv knows that an installed folder or file of this machine has changed.
//!
//! `uv sync --check` holds an environment to be outdated when a package that was installed from a
//! folder or a file lacks it. It tells times of this machine, so it is written last, belongs to no
//! entry and to no fingerprint. The bytes are those that uv 0.13 writes.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// The name of the file, in the `.dist-info` folder.
pub const FILE_NAME: &str = "uv_cache.json";

/// The files whose change means a new build, unless `tool.uv.cache-keys` says otherwise.
const FILES: [&str; 3] = ["pyproject.toml", "setup.py", "setup.cfg"];

/// The folder whose creation means a new build.
const FOLDER: &str = "src";

#[derive(Serialize)]
struct CacheInfo {
    timestamp: Option<Timestamp>,
    commit: Option<()>,
    tags: Option<()>,
    env: BTreeMap<String, String>,
    directories: BTreeMap<&'static str, Option<Timestamp>>,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Timestamp {
    secs_since_epoch: u64,
    nanos_since_epoch: u32,
}

/// Returns the content for a package that was built from `folder`.
///
/// Only for projects without `tool.uv.cache-keys`: what those name cannot be told from here.
///
/// # Errors
///
/// When the folder cannot be read.
pub fn of_folder(folder: &Path) -> io::Result<String> {
    let mut timestamp = None;
    for name in FILES {
        if let Some(found) = metadata(&folder.join(name))?
            && found.is_file()
        {
            timestamp = timestamp.max(Some(changed(&found)?));
        }
    }
    let source = metadata(&folder.join(FOLDER))?.filter(Metadata::is_dir);
    let created = source.map(|found| created(&found)).transpose()?;
    Ok(render(timestamp, [(FOLDER, created)].into()))
}

/// Returns the content for a package that came from the archive `file`.
///
/// # Errors
///
/// When the file cannot be read.
pub fn of_file(file: &Path) -> io::Result<String> {
    Ok(render(Some(changed(&file.metadata()?)?), BTreeMap::new()))
}

fn render(
    timestamp: Option<Timestamp>,
    directories: BTreeMap<&'static str, Option<Timestamp>>,
) -> String {
    let info = CacheInfo {
        timestamp,
        commit: None,
        tags: None,
        env: BTreeMap::new(),
        directories,
    };
    serde_json::to_string(&info).expect("because numbers and plain names are always JSON")
}

fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match path.metadata() {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The time of the last change of content or attributes.
#[cfg(unix)]
fn changed(metadata: &Metadata) -> io::Result<Timestamp> {
    use std::os::unix::fs::MetadataExt;
    let early = |_| io::Error::other("it is older than 1970");
    Ok(Timestamp {
        secs_since_epoch: metadata.ctime().try_into().map_err(early)?,
        nanos_since_epoch: metadata.ctime_nsec().try_into().map_err(early)?,
    })
}

/// The time of the last change of content.
#[cfg(not(unix))]
fn changed(metadata: &Metadata) -> io::Result<Timestamp> {
    timestamp(metadata.modified()?)
}

/// The time of creation, or of the last change where a file system keeps no other.
fn created(metadata: &Metadata) -> io::Result<Timestamp> {
    timestamp(metadata.created().or_else(|_| metadata.modified())?)
}

fn timestamp(time: SystemTime) -> io::Result<Timestamp> {
    let since = time
        .duration_since(UNIX_EPOCH)
        .map_err(|_| io::Error::other("it is older than 1970"))?;
    Ok(Timestamp {
        secs_since_epoch: since.as_secs(),
        nanos_since_epoch: since.subsec_nanos(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_when_a_folder_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert_eq!(
            of_folder(path).unwrap(),
            r#"{"timestamp":null,"commit":null,"tags":null,"env":{},"directories":{"src":null}}"#
        );
        std::fs::write(path.join("pyproject.toml"), "").unwrap();
        std::fs::create_dir(path.join("src")).unwrap();
        let told = of_folder(path).unwrap();
        assert!(
            told.starts_with(r#"{"timestamp":{"secs_since_epoch":"#),
            "{told}"
        );
        assert!(
            told.contains(r#""directories":{"src":{"secs_since_epoch":"#),
            "{told}"
        );
        let file = of_file(&path.join("pyproject.toml")).unwrap();
        assert!(file.ends_with(r#""env":{},"directories":{}}"#), "{file}");
        assert!(of_folder(&path.join("none")).is_ok() && of_file(&path.join("none")).is_err());
    }
}
