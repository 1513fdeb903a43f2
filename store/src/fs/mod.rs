//! The one door to the disk.
//!
//! Every change that the store makes to a file system passes through [`Dir`]: a handle to an open
//! folder, and operations on names inside it. On Unix the handle is a descriptor, so a folder that
//! is swapped for a symbolic link meanwhile is never followed; elsewhere it is a path.
//!
//! Nothing here knows entries, manifests or environments.

#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

#[cfg(not(unix))]
pub use portable::Dir;
#[cfg(not(unix))]
use portable::open_unblocked;
#[cfg(unix)]
pub use unix::Dir;
#[cfg(unix)]
use unix::open_unblocked;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link, not followed.
    Symlink,
    /// A socket, device or pipe.
    Other,
}

/// What one call tells of a name, without following it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The kind of file.
    pub kind: FileKind,
    /// The permission bits, `0o7777` at most. On Windows: `0o444` or `0o644`.
    pub mode: u32,
    /// Its length in bytes.
    pub size: u64,
    /// Its modification time: whole seconds since the Unix epoch.
    pub mtime: i64,
    /// The rest of the modification time, in nanoseconds.
    pub mtime_nanos: u32,
    /// When it was last changed in any way, its names included: seconds since the Unix epoch.
    pub changed: i64,
    /// How many bytes of the disk it takes.
    pub allocated: u64,
    /// How many names it has.
    pub links: u64,
    /// Device and inode number: equal for two names of one file. Zero where unknown.
    pub identity: (u64, u64),
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// The name.
    pub name: OsString,
    /// What it stands for.
    pub kind: FileKind,
}

/// How a new regular file is made.
#[derive(Debug, Clone, Copy)]
pub struct FileMeta {
    /// Permission bits.
    pub mode: u32,
    /// Modification time in seconds since the Unix epoch; `None` leaves it as it comes.
    pub mtime: Option<i64>,
}

/// A failed operation on a file, with the file's name.
#[derive(Debug, thiserror::Error)]
#[error("could not {verb} `{}`", path.display())]
pub struct FsError {
    /// What was being done.
    pub verb: &'static str,
    /// To which file.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

impl FsError {
    /// Returns a closure that adds the verb and the path to an [`io::Error`].
    pub fn at(verb: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self {
            verb,
            path: path.as_ref().to_owned(),
            source,
        }
    }
}

/// Reads a plain file, following symbolic links, but never more than `limit` bytes of it: how long it
/// is, and what kind of file, may be a stranger's choice. A pipe or device is refused, not waited for.
///
/// # Errors
///
/// Of the kind [`io::ErrorKind::InvalidData`] when it is no plain file or longer than `limit`.
pub fn read_plain(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let refused = |why: String| Err(io::Error::new(io::ErrorKind::InvalidData, why));
    let file = open_unblocked(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return refused("it is not a plain file".to_owned());
    }
    let limit_bytes = limit as u64;
    let mut bytes = Vec::new();
    if metadata.len() <= limit_bytes {
        file.take(limit_bytes.saturating_add(1))
            .read_to_end(&mut bytes)?;
    }
    if metadata.len() > limit_bytes || bytes.len() > limit {
        return refused(format!("it has more than {limit} bytes"));
    }
    Ok(bytes)
}

/// Makes a folder and those above it that are missing, writable for their owner alone whatever the umask allows.
///
/// # Errors
///
/// When one cannot be made.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.recursive(true).create(path)
}

/// Removes `name` in `parent`, and all below it, without following a symbolic link.
///
/// Folders that are read-only are made writable first. A name that is already gone is no error.
pub fn remove_tree(parent: &Dir, name: &Path) -> io::Result<()> {
    let stat = match parent.stat(name) {
        Ok(stat) => stat,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if stat.kind != FileKind::Directory {
        return parent.remove_file(name);
    }
    if stat.mode & 0o700 != 0o700 {
        parent.set_mode(name, 0o700)?;
    }
    let dir = parent.open_dir(name)?;
    for entry in dir.read()? {
        let name = Path::new(&entry.name);
        match entry.kind {
            FileKind::Directory => remove_tree(&dir, name)?,
            FileKind::File | FileKind::Symlink | FileKind::Other => dir.remove_file(name)?,
        }
    }
    drop(dir);
    parent.remove_dir(name)
}

/// The same, and returns how many bytes of the disk that gave back: a file that has another name
/// gives none.
pub fn reclaim_tree(parent: &Dir, name: &Path) -> io::Result<u64> {
    let stat = match parent.stat(name) {
        Ok(stat) => stat,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    if stat.kind != FileKind::Directory {
        parent.remove_file(name)?;
        return Ok(if stat.links > 1 { 0 } else { stat.allocated });
    }
    if stat.mode & 0o700 != 0o700 {
        parent.set_mode(name, 0o700)?;
    }
    let dir = parent.open_dir(name)?;
    let mut freed = 0;
    for entry in dir.read()? {
        freed += reclaim_tree(&dir, Path::new(&entry.name))?;
    }
    drop(dir);
    // Empty now, so that its size is that of the folder alone.
    parent.remove_dir(name)?;
    Ok(freed + stat.allocated)
}

/// Writes `content` to a new file beside `name` and renames it over `name`, synced before and after.
///
/// A reader sees the old content or the new, never a part; so does one after a power cut.
pub fn write_atomic(dir: &Dir, name: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let meta = FileMeta { mode, mtime: None };
    rename_over(dir, name, &|temporary| {
        dir.write_synced(temporary, content, meta)
    })?;
    match name.parent() {
        Some(parent) if parent != Path::new("") => dir.open_dir(parent)?.sync(),
        _ => dir.sync(),
    }
}

/// The same without waiting for the disk: after a power cut the file may be empty.
pub fn write_swapped(dir: &Dir, name: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let meta = FileMeta { mode, mtime: None };
    rename_over(dir, name, &|temporary| {
        dir.write_new(temporary, content, meta)
    })
}

fn rename_over(dir: &Dir, name: &Path, write: &dyn Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let temporary = name.with_file_name(format!(".{}.tmp", unique_suffix()));
    write(&temporary)?;
    dir.rename(&temporary, dir, name).inspect_err(|_| {
        let _ = dir.remove_file(&temporary);
    })
}

/// Makes the folder `name` and those above it, as far as they are missing.
pub fn create_dirs(dir: &Dir, name: &Path) -> io::Result<()> {
    match dir.create_dir(name, 0o755) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = name.parent().filter(|parent| *parent != Path::new("")) {
                create_dirs(dir, parent)?;
                return create_dirs(dir, name);
            }
            Err(error)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// Returns a suffix that no other process or thread uses at the same time.
pub fn unique_suffix() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_nanos());
    format!("{}-{count}-{nanos:x}", std::process::id())
}
