//! [`Dir`] on paths, for systems without folder descriptors.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{DirEntry, FileKind, FileMeta, Stat};

/// A folder, by its path.
#[derive(Debug)]
pub struct Dir(PathBuf);

/// Opens a plain file for reading; anything else is not opened, since that might wait.
pub(super) fn open_unblocked(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        return File::open(path);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "it is not a plain file",
    ))
}

impl Dir {
    /// Opens the folder at `path`.
    pub fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            Ok(Self(path.to_owned()))
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// Opens a folder below this one; a link is refused.
    pub fn open_dir(&self, name: &Path) -> io::Result<Self> {
        if self.stat(name)?.kind == FileKind::Directory {
            Ok(Self(self.0.join(name)))
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// Makes a folder.
    pub fn create_dir(&self, name: &Path, _mode: u32) -> io::Result<()> {
        fs::create_dir(self.0.join(name))
    }

    /// Tells what `name` is.
    pub fn stat(&self, name: &Path) -> io::Result<Stat> {
        fs::symlink_metadata(self.0.join(name)).map(|metadata| from_metadata(&metadata))
    }

    /// Tells what this folder itself is.
    pub fn stat_self(&self) -> io::Result<Stat> {
        fs::symlink_metadata(&self.0).map(|metadata| from_metadata(&metadata))
    }

    /// Lists the folder, in no particular order.
    pub fn read(&self) -> io::Result<Vec<DirEntry>> {
        fs::read_dir(&self.0)?
            .map(|entry| {
                let entry = entry?;
                let kind = from_type(entry.file_type()?);
                Ok(DirEntry {
                    name: entry.file_name(),
                    kind,
                })
            })
            .collect()
    }

    /// Shows every name in the folder to `see`, in no particular order.
    pub fn visit(&self, see: &mut dyn FnMut(&OsStr, FileKind)) -> io::Result<()> {
        for entry in self.read()? {
            see(&entry.name, entry.kind);
        }
        Ok(())
    }

    /// Opens a regular file for reading; a symbolic link is refused.
    pub fn open_file(&self, name: &Path) -> io::Result<File> {
        if self.stat(name)?.kind == FileKind::File {
            File::open(self.0.join(name))
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ))
        }
    }

    /// Reads a regular file.
    pub fn read_file(&self, name: &Path) -> io::Result<Vec<u8>> {
        self.stat(name)?;
        fs::read(self.0.join(name))
    }

    /// Makes a new regular file, open for writing; an existing name is an error.
    pub fn create_file(&self, name: &Path, _mode: u32) -> io::Result<File> {
        File::options()
            .write(true)
            .create_new(true)
            .open(self.0.join(name))
    }

    /// Sets permissions and time of a file that was written through an open handle.
    pub fn finish_file(&self, file: &File, meta: FileMeta) -> io::Result<()> {
        if let Some(mtime) = meta.mtime {
            file.set_modified(time(mtime))?;
        }
        let mut permissions = file.metadata()?.permissions();
        permissions.set_readonly(meta.mode & 0o200 == 0);
        file.set_permissions(permissions)
    }

    /// Makes a new regular file with this content. It is not synced.
    pub fn write_new(&self, name: &Path, content: &[u8], meta: FileMeta) -> io::Result<()> {
        let mut file = self.create_file(name, meta.mode)?;
        file.write_all(content)?;
        self.finish_file(&file, meta)
    }

    /// Makes a new regular file with this content and waits until the disk has it.
    pub fn write_synced(&self, name: &Path, content: &[u8], meta: FileMeta) -> io::Result<()> {
        let mut file = self.create_file(name, meta.mode)?;
        file.write_all(content)?;
        file.sync_all()?;
        self.finish_file(&file, meta)
    }

    /// Gives the file `name` a second name in another folder; an existing one is an error.
    pub fn link(&self, name: &Path, to: &Self, new: &Path) -> io::Result<()> {
        fs::hard_link(self.0.join(name), to.0.join(new))
    }

    /// Makes a symbolic link.
    pub fn symlink(&self, target: &Path, name: &Path) -> io::Result<()> {
        #[cfg(windows)]
        {
            if self.0.join(target).is_dir() {
                std::os::windows::fs::symlink_dir(target, self.0.join(name))
            } else {
                std::os::windows::fs::symlink_file(target, self.0.join(name))
            }
        }
        #[cfg(not(windows))]
        {
            let _ = (target, name);
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// Reads where a symbolic link points.
    pub fn read_link(&self, name: &Path) -> io::Result<PathBuf> {
        fs::read_link(self.0.join(name))
    }

    /// Renames, replacing what stands at the new name.
    pub fn rename(&self, name: &Path, to: &Self, new: &Path) -> io::Result<()> {
        fs::rename(self.0.join(name), to.0.join(new))
    }

    /// Renames; an existing new name is an error.
    pub fn rename_new(&self, name: &Path, to: &Self, new: &Path) -> io::Result<()> {
        if to.stat(new).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename(name, to, new)
    }

    /// Swaps two names, in three steps.
    pub fn exchange(&self, name: &Path, to: &Self, other: &Path) -> io::Result<()> {
        let aside = PathBuf::from(format!(".{}.swap", super::unique_suffix()));
        to.rename(other, self, &aside)?;
        self.rename(name, to, other)?;
        self.rename(&aside, self, name)
    }

    /// Makes `new` a copy of `name` that shares its blocks, where the file system can.
    pub fn clone_file(&self, name: &Path, to: &Self, new: &Path, meta: FileMeta) -> io::Result<()> {
        reflink_copy::reflink(self.0.join(name), to.0.join(new))?;
        to.restamp(new, meta)
    }

    /// Makes `new` a full copy of `name`.
    pub fn copy_file(&self, name: &Path, to: &Self, new: &Path, meta: FileMeta) -> io::Result<()> {
        let mut source = self.open_file(name)?;
        let mut copy = to.create_file(new, meta.mode)?;
        io::copy(&mut source, &mut copy)?;
        to.finish_file(&copy, meta)
    }

    /// Removes a name that is no folder.
    pub fn remove_file(&self, name: &Path) -> io::Result<()> {
        let path = self.0.join(name);
        let stat = self.stat(name)?;
        if stat.mode & 0o200 == 0 {
            self.set_mode(name, 0o644)?;
        }
        fs::remove_file(&path).or_else(|error| {
            // A symbolic link to a folder is removed as a folder on Windows.
            if stat.kind == FileKind::Symlink {
                fs::remove_dir(&path)
            } else {
                Err(error)
            }
        })
    }

    /// Removes an empty folder.
    pub fn remove_dir(&self, name: &Path) -> io::Result<()> {
        fs::remove_dir(self.0.join(name))
    }

    /// Sets whether a file is read-only; folders have no such bit here.
    pub fn set_mode(&self, name: &Path, mode: u32) -> io::Result<()> {
        let path = self.0.join(name);
        let metadata = fs::metadata(&path)?;
        if metadata.is_dir() {
            return Ok(());
        }
        let mut permissions = metadata.permissions();
        permissions.set_readonly(mode & 0o200 == 0);
        fs::set_permissions(path, permissions)
    }

    /// Sets the modification time, in seconds since the Unix epoch. A folder keeps its own.
    pub fn set_mtime(&self, name: &Path, mtime: i64) -> io::Result<()> {
        let stat = self.stat(name)?;
        if stat.kind != FileKind::File {
            return Ok(());
        }
        self.restamp(
            name,
            FileMeta {
                mode: stat.mode,
                mtime: Some(mtime),
            },
        )
    }

    /// Tells how much may still be written: not known here.
    pub fn free_space(&self) -> io::Result<Option<u64>> {
        Ok(None)
    }

    /// Folders cannot be synced here; the journal of the file system keeps their order.
    pub fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// Waits until the disk has `files`, relative to this folder.
    pub fn sync_below(&self, files: &mut dyn Iterator<Item = PathBuf>) -> io::Result<()> {
        for file in files {
            let stat = self.stat(&file)?;
            self.set_mode(&file, 0o644)?;
            File::options()
                .write(true)
                .open(self.0.join(&file))?
                .sync_all()?;
            self.set_mode(&file, stat.mode)?;
        }
        Ok(())
    }

    fn restamp(&self, name: &Path, meta: FileMeta) -> io::Result<()> {
        self.set_mode(name, 0o644)?;
        let file = File::options().write(true).open(self.0.join(name))?;
        self.finish_file(&file, meta)
    }
}

fn time(mtime: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(mtime).unwrap_or(0))
}

fn from_type(kind: fs::FileType) -> FileKind {
    if kind.is_symlink() {
        FileKind::Symlink
    } else if kind.is_dir() {
        FileKind::Directory
    } else if kind.is_file() {
        FileKind::File
    } else {
        FileKind::Other
    }
}

fn from_metadata(metadata: &fs::Metadata) -> Stat {
    let elapsed = metadata
        .modified()
        .ok()
        .and_then(|modified| modified.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    Stat {
        kind: from_type(metadata.file_type()),
        mode: if metadata.permissions().readonly() {
            0o444
        } else {
            0o644
        },
        size: metadata.len(),
        mtime: i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX),
        mtime_nanos: elapsed.subsec_nanos(),
        changed: i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX),
        allocated: metadata.len(),
        links: 1,
        identity: (0, 0),
    }
}
