//! [`Dir`] on descriptors.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, RawMode, Timespec, Timestamps};

use super::{DirEntry, FileKind, FileMeta, Stat};

/// A handle to an open folder.
#[derive(Debug)]
pub struct Dir(OwnedFd);

/// Hears of each name in a folder.
type Visit<'a> = &'a mut dyn FnMut(&[u8], rustix::fs::FileType) -> io::Result<()>;

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// Opens whatever is at `path` for reading, and waits for nobody: a pipe would wait for its writer.
pub(super) fn open_unblocked(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

impl Dir {
    /// Opens the folder at `path`, following symbolic links in it.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(rustix::fs::open(path, FOLDER, Mode::empty())?))
    }

    /// Opens a folder below this one; the last component is not followed if it is a link.
    pub fn open_dir(&self, name: &Path) -> io::Result<Self> {
        Ok(Self(rustix::fs::openat(
            &self.0,
            name,
            FOLDER | OFlags::NOFOLLOW,
            Mode::empty(),
        )?))
    }

    /// Makes a folder.
    pub fn create_dir(&self, name: &Path, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.0, name, raw_mode(mode))?)
    }

    /// Tells what `name` is.
    pub fn stat(&self, name: &Path) -> io::Result<Stat> {
        let stat = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(from_raw(&stat))
    }

    /// Tells what this folder itself is.
    pub fn stat_self(&self) -> io::Result<Stat> {
        Ok(from_raw(&rustix::fs::fstat(&self.0)?))
    }

    /// Lists the folder, in no particular order.
    pub fn read(&self) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        self.visit(&mut |name, kind| {
            entries.push(DirEntry {
                name: name.to_owned(),
                kind,
            })
        })?;
        Ok(entries)
    }

    /// Shows every name in the folder to `see`, in no particular order.
    pub fn visit(&self, see: &mut dyn FnMut(&OsStr, FileKind)) -> io::Result<()> {
        self.each(&mut |name, kind| {
            if name == b"." || name == b".." {
                return Ok(());
            }
            let name = OsStr::from_bytes(name);
            let kind = match kind {
                rustix::fs::FileType::Unknown => self.stat(Path::new(name))?.kind,
                kind => from_type(kind),
            };
            see(name, kind);
            Ok(())
        })
    }

    /// Reads the folder through this very handle, without opening it again.
    #[cfg(target_os = "linux")]
    fn each(&self, visit: Visit<'_>) -> io::Result<()> {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 16 * 1024];
        rustix::fs::seek(&self.0, rustix::fs::SeekFrom::Start(0))?;
        let mut entries = rustix::fs::RawDir::new(&self.0, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            visit(entry.file_name().to_bytes(), entry.file_type())?;
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn each(&self, visit: Visit<'_>) -> io::Result<()> {
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            let entry = entry?;
            visit(entry.file_name().to_bytes(), entry.file_type())?;
        }
        Ok(())
    }

    /// Opens a regular file for reading; a symbolic link or a pipe is refused.
    pub fn open_file(&self, name: &Path) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = File::from(rustix::fs::openat(&self.0, name, flags, Mode::empty())?);
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ))
        }
    }

    /// Reads a regular file.
    pub fn read_file(&self, name: &Path) -> io::Result<Vec<u8>> {
        let mut file = self.open_file(name)?;
        let mut bytes = Vec::with_capacity(usize::try_from(file.metadata()?.len()).unwrap_or(0));
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Makes a new regular file, open for writing; an existing name is an error.
    pub fn create_file(&self, name: &Path, mode: u32) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(
            &self.0,
            name,
            flags,
            raw_mode(mode),
        )?))
    }

    /// Sets permissions and time of a file that was written through an open handle.
    pub fn finish_file(&self, file: &File, meta: FileMeta) -> io::Result<()> {
        rustix::fs::fchmod(file, raw_mode(meta.mode))?;
        if let Some(mtime) = meta.mtime {
            rustix::fs::futimens(file, &times(mtime))?;
        }
        Ok(())
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
        self.finish_file(&file, meta)?;
        file.sync_all()
    }

    /// Gives the file `name` a second name in another folder; an existing one is an error.
    pub fn link(&self, name: &Path, to: &Self, new: &Path) -> io::Result<()> {
        Ok(rustix::fs::linkat(
            &self.0,
            name,
            &to.0,
            new,
            AtFlags::empty(),
        )?)
    }

    /// Makes a symbolic link.
    pub fn symlink(&self, target: &Path, name: &Path) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.0, name)?)
    }

    /// Reads where a symbolic link points.
    pub fn read_link(&self, name: &Path) -> io::Result<PathBuf> {
        let target = rustix::fs::readlinkat(&self.0, name, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    /// Renames, replacing what stands at the new name.
    pub fn rename(&self, name: &Path, to: &Self, new: &Path) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, name, &to.0, new)?)
    }

    /// Renames; an existing new name is an error.
    pub fn rename_new(&self, name: &Path, to: &Self, new: &Path) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        {
            let flags = rustix::fs::RenameFlags::NOREPLACE;
            match rustix::fs::renameat_with(&self.0, name, &to.0, new, flags) {
                Err(error) if unsupported(error) => {}
                result => return Ok(result?),
            }
        }
        if to.stat(new).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename(name, to, new)
    }

    /// Swaps two names in one step, where the file system can; in three steps elsewhere.
    pub fn exchange(&self, name: &Path, to: &Self, other: &Path) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        {
            let flags = rustix::fs::RenameFlags::EXCHANGE;
            match rustix::fs::renameat_with(&self.0, name, &to.0, other, flags) {
                Err(error) if unsupported(error) => {}
                result => return Ok(result?),
            }
        }
        let aside = PathBuf::from(format!(".{}.swap", super::unique_suffix()));
        to.rename(other, self, &aside)?;
        self.rename(name, to, other)?;
        self.rename(&aside, self, name)
    }

    /// Makes `new` a copy of `name` that shares its blocks, where the file system can.
    pub fn clone_file(&self, name: &Path, to: &Self, new: &Path, meta: FileMeta) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            let source = self.open_file(name)?;
            let copy = to.create_file(new, meta.mode)?;
            if let Err(error) = rustix::fs::ioctl_ficlone(&copy, &source) {
                to.remove_file(new)?;
                return Err(error.into());
            }
            to.finish_file(&copy, meta)
        }
        #[cfg(not(target_os = "linux"))]
        {
            reflink_copy::reflink(self.path_of(name)?, to.path_of(new)?)?;
            to.set_mode(new, meta.mode)?;
            meta.mtime.map_or(Ok(()), |mtime| to.set_mtime(new, mtime))
        }
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
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Removes an empty folder.
    pub fn remove_dir(&self, name: &Path) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
    }

    /// Sets the permission bits of a file or folder. A symbolic link would be followed, so callers
    /// stat first.
    pub fn set_mode(&self, name: &Path, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::chmodat(
            &self.0,
            name,
            raw_mode(mode),
            AtFlags::empty(),
        )?)
    }

    /// Sets the modification time, in seconds since the Unix epoch.
    pub fn set_mtime(&self, name: &Path, mtime: i64) -> io::Result<()> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        Ok(rustix::fs::utimensat(&self.0, name, &times(mtime), flags)?)
    }

    /// Returns how many bytes this process may still write to the disk that this folder is on.
    pub fn free_space(&self) -> io::Result<Option<u64>> {
        let disk = rustix::fs::fstatvfs(&self.0)?;
        Ok(disk.f_bavail.checked_mul(disk.f_frsize))
    }

    /// Waits until the disk has this folder's names.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }

    /// Waits until the disk has everything written below this folder so far.
    ///
    /// One call for the whole file system where there is one; `files`, relative to the folder, are
    /// synced one by one elsewhere.
    pub fn sync_below(&self, files: &mut dyn Iterator<Item = PathBuf>) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            let _ = files;
            Ok(rustix::fs::syncfs(&self.0)?)
        }
        #[cfg(not(target_os = "linux"))]
        {
            for file in files {
                self.open_file(&file)?.sync_all()?;
            }
            self.sync()
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn path_of(&self, name: &Path) -> io::Result<PathBuf> {
        let folder = rustix::fs::getpath(&self.0)?;
        Ok(PathBuf::from(OsString::from_vec(folder.into_bytes())).join(name))
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn unsupported(error: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP].contains(&error)
}

fn raw_mode(mode: u32) -> Mode {
    #[allow(
        clippy::unnecessary_cast,
        reason = "modes are 16 bits wide on macOS, and permission bits fit in both"
    )]
    let mode = mode as RawMode;
    Mode::from_raw_mode(mode)
}

fn times(mtime: i64) -> Timestamps {
    let time = Timespec {
        tv_sec: mtime,
        tv_nsec: 0,
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

fn from_type(kind: rustix::fs::FileType) -> FileKind {
    match kind {
        rustix::fs::FileType::RegularFile => FileKind::File,
        rustix::fs::FileType::Directory => FileKind::Directory,
        rustix::fs::FileType::Symlink => FileKind::Symlink,
        _ => FileKind::Other,
    }
}

#[allow(
    clippy::unnecessary_cast,
    clippy::useless_conversion,
    clippy::cast_lossless,
    reason = "the widths of these fields differ between systems"
)]
fn from_raw(stat: &rustix::fs::Stat) -> Stat {
    Stat {
        kind: from_type(rustix::fs::FileType::from_raw_mode(stat.st_mode)),
        mode: (stat.st_mode as u32) & 0o7777,
        size: stat.st_size as u64,
        mtime: stat.st_mtime as i64,
        mtime_nanos: stat.st_mtime_nsec as u32,
        changed: stat.st_ctime as i64,
        allocated: stat.st_blocks as u64 * 512,
        links: stat.st_nlink as u64,
        identity: (stat.st_dev as u64, stat.st_ino as u64),
    }
}
