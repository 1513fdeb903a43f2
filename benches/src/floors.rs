//! What the kernel alone needs for the same tree: no tool that does the same work can be faster.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon::ThreadPool;
use rayon::prelude::*;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};

/// A folder's names, read once, so that a floor does not pay for listing.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    folders: Vec<Folder>,
    /// Each file as (size, folder, place in the folder), the largest first.
    by_size: Vec<(u64, usize, usize)>,
    /// The sum of the files' sizes.
    pub bytes: u64,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    name: OsString,
    files: Vec<OsString>,
    children: Vec<usize>,
}

impl Tree {
    /// Lists a folder. Symlinks are left out: they are no files of any wheel.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self {
            root: root.to_path_buf(),
            folders: Vec::new(),
            by_size: Vec::new(),
            bytes: 0,
        };
        tree.add(PathBuf::new(), OsString::new())?;
        tree.by_size.sort_unstable_by(|a, b| b.cmp(a));
        Ok(tree)
    }

    fn add(&mut self, path: PathBuf, name: OsString) -> io::Result<usize> {
        let index = self.folders.len();
        let listing = fs::read_dir(self.root.join(&path))?;
        self.folders.push(Folder {
            path: path.clone(),
            name,
            files: Vec::new(),
            children: Vec::new(),
        });
        for child in listing {
            let child = child?;
            let kind = child.file_type()?;
            if kind.is_dir() {
                let added = self.add(path.join(child.file_name()), child.file_name())?;
                self.folders[index].children.push(added);
            } else if kind.is_file() {
                let size = child.metadata()?.len();
                self.bytes += size;
                let place = self.folders[index].files.len();
                self.by_size.push((size, index, place));
                self.folders[index].files.push(child.file_name());
            }
        }
        Ok(index)
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.folders.iter().map(|f| f.files.len()).sum()
    }

    /// How many folders there are.
    pub fn folders(&self) -> usize {
        self.folders.len()
    }

    /// Makes every folder below a fresh destination and links every file into it; with `look`, each file is looked at first.
    pub fn link_into(
        &self,
        destination: &Path,
        pool: &ThreadPool,
        look: bool,
    ) -> io::Result<Duration> {
        fs::create_dir(destination)?;
        let begin = Instant::now();
        let linking = Linking {
            tree: self,
            look,
            failed: Mutex::new(Ok(())),
        };
        let from = open_folder(CWD, self.root.as_os_str())?;
        let to = open_folder(CWD, destination.as_os_str())?;
        pool.scope(|scope| linking.folder(scope, 0, &Arc::new((from, to))));
        linking
            .failed
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)?;
        Ok(begin.elapsed())
    }

    /// Looks at every file once, without following links.
    pub fn look_at_each(&self, pool: &ThreadPool) -> io::Result<Duration> {
        let begin = Instant::now();
        let root = open_folder(CWD, self.root.as_os_str())?;
        pool.install(|| {
            self.folders.par_iter().try_for_each(|folder| {
                let here = open_below(&root, &folder.path)?;
                for name in &folder.files {
                    rustix::fs::statat(&here, name.as_os_str(), AtFlags::SYMLINK_NOFOLLOW)?;
                }
                io::Result::Ok(())
            })
        })?;
        Ok(begin.elapsed())
    }

    /// Reads every file and takes its BLAKE3, the largest first, in memory that does not grow with them.
    pub fn hash_each(&self, pool: &ThreadPool) -> io::Result<Duration> {
        const BUFFER: usize = 256 << 10;
        let begin = Instant::now();
        pool.install(|| {
            self.by_size.par_iter().with_max_len(16).try_for_each_init(
                || vec![0; BUFFER],
                |buffer, &(_, folder, file)| {
                    let folder = &self.folders[folder];
                    let path = self.root.join(&folder.path).join(&folder.files[file]);
                    std::hint::black_box(hash(&path, buffer)?);
                    io::Result::Ok(())
                },
            )
        })?;
        Ok(begin.elapsed())
    }

    /// Links each top-level name of `site-packages` and of `bin` by one symlink.
    pub fn symlink_tops(&self, destination: &Path) -> io::Result<(usize, Duration)> {
        let mut tops = Vec::new();
        for folder in &self.folders {
            let is_top = folder.path.ends_with("site-packages") && folder.path.starts_with("lib");
            if is_top || folder.path.as_os_str() == "bin" {
                let children = folder.children.iter().map(|&c| &self.folders[c].name);
                tops.extend(
                    children
                        .chain(&folder.files)
                        .map(|name| (&folder.path, name)),
                );
            }
        }
        let begin = Instant::now();
        for folder in ["lib/python/site-packages", "bin"] {
            fs::create_dir_all(destination.join(folder))?;
        }
        let site = open_folder(
            CWD,
            destination.join("lib/python/site-packages").as_os_str(),
        )?;
        let bin = open_folder(CWD, destination.join("bin").as_os_str())?;
        for (folder, name) in &tops {
            let into = if folder.as_os_str() == "bin" {
                &bin
            } else {
                &site
            };
            rustix::fs::symlinkat(self.root.join(folder).join(name), into, name.as_os_str())?;
        }
        Ok((tops.len(), begin.elapsed()))
    }
}

fn hash(path: &Path, buffer: &mut [u8]) -> io::Result<blake3::Hash> {
    let mut file = fs::File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    loop {
        let read = file.read(buffer)?;
        if read == 0 {
            return Ok(hasher.finalize());
        }
        hasher.update(&buffer[..read]);
    }
}

/// A tree being linked by several threads.
struct Linking<'t> {
    tree: &'t Tree,
    look: bool,
    failed: Mutex<io::Result<()>>,
}

/// The source and the destination of the folder above; open as long as a folder below has to be entered.
type Above = Arc<(OwnedFd, OwnedFd)>;

impl Linking<'_> {
    fn folder<'s>(&'s self, scope: &rayon::Scope<'s>, index: usize, above: &Above) {
        if let Err(error) = self.try_folder(scope, index, above) {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Err(error);
        }
    }

    fn try_folder<'s>(
        &'s self,
        scope: &rayon::Scope<'s>,
        index: usize,
        above: &Above,
    ) -> io::Result<()> {
        let folder = &self.tree.folders[index];
        let from = open_below(&above.0, Path::new(&folder.name))?;
        let to = open_below(&above.1, Path::new(&folder.name))?;
        let here = Arc::new((from, to));
        for &child in &folder.children {
            let name = self.tree.folders[child].name.as_os_str();
            rustix::fs::mkdirat(&here.1, name, Mode::from_raw_mode(0o755))?;
            let above = Arc::clone(&here);
            scope.spawn(move |scope| self.folder(scope, child, &above));
        }
        for name in folder.files.iter().map(OsString::as_os_str) {
            if self.look {
                rustix::fs::statat(&here.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
            }
            rustix::fs::linkat(&here.0, name, &here.1, name, AtFlags::empty())?;
        }
        Ok(())
    }
}

fn open_folder(at: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(at, name, flags, Mode::empty())?)
}

fn open_below(root: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    let name = if path.as_os_str().is_empty() {
        OsStr::new(".")
    } else {
        path.as_os_str()
    };
    open_folder(root, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_do_the_whole_work() {
        let folder = std::env::temp_dir().join(format!("dhtl-floors-{}", std::process::id()));
        let source = folder.join("source");
        let site = source.join("lib/python3.11/site-packages");
        fs::create_dir_all(site.join("pkg/sub")).unwrap();
        fs::create_dir_all(source.join("bin")).unwrap();
        for file in ["one.py", "pkg/two.py", "pkg/sub/three.py"] {
            fs::write(site.join(file), file).unwrap();
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .unwrap();
        let tree = Tree::read(&source).unwrap();
        assert_eq!((tree.files(), tree.folders(), tree.bytes), (3, 7, 32));

        tree.link_into(&folder.join("linked"), &pool, true).unwrap();
        let linked = Tree::read(&folder.join("linked")).unwrap();
        assert_eq!((linked.files(), linked.folders()), (3, 7));
        tree.look_at_each(&pool).unwrap();
        tree.hash_each(&pool).unwrap();
        let (count, _) = tree.symlink_tops(&folder.join("symlinked")).unwrap();
        assert_eq!(count, 2);
        fs::remove_dir_all(&folder).unwrap();
    }
}
