//! What keeps environments alive: the places where they are in use.
//!
//! A root is a file in `roots/`, named by the hash of the path it speaks of, that holds the path, the
//! fingerprint of the environment that stands there or is about to, and those that stood there
//! before. Beside it, `<hash>.held` is an empty file whose second name is inside of the environment:
//! its link count tells that the environment still exists somewhere on this file system, moved though
//! it may be. Where no link can be made, the path alone tells.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::entry::environment_path;
use crate::error::StoreError;
pub use crate::format::root::{Generation, Root};
use crate::fs::{self, Dir, FileMeta, FsError};
use crate::id::{Digest, Fingerprint};
use crate::store::{Store, read_optional};

/// What the name of a witness ends in.
pub(crate) const HELD: &str = ".held";
/// A document that was used within this time is not said to be used again: one hour, in seconds.
const STAMP_EVERY: i64 = 3600;

impl Store {
    /// Registers that the environment stands at `path`, or is about to, where `standing` is until then.
    ///
    /// What stood there is remembered as a generation. `inside` is where the environment keeps the
    /// second name of its witness, relative to `path`.
    pub fn set_root(
        &self,
        path: &Path,
        environment: Fingerprint,
        standing: Option<Fingerprint>,
        inside: &Path,
    ) -> Result<(), StoreError> {
        self.pin([environment.0])?;
        self.stamp(environment);
        let name = root_path(path);
        let found = self.root(path)?;
        if let Some(root) = &found
            && root.environment == environment
        {
            return Ok(());
        }
        self.ensure_writable()?;
        let of_moved = standing.is_none() && self.is_held(path, inside) == Some(false);
        if found.is_some() && of_moved {
            self.keep_moved_root(&name)?;
        }
        let mut root = match found {
            Some(root) if !of_moved => root.replaced(environment, standing, now()),
            _ => Root::new(path.to_owned(), environment),
        };
        root.mount = mount_of(path);
        let Some(bytes) = root.to_bytes() else {
            return Err(StoreError::NotUnicode(path.to_owned()));
        };
        // A document of a store below has to outlive it.
        if let Some(document) = self.environment(environment)? {
            self.put_environment(&document)?;
        }
        self.write_document(&name, &bytes, 0o644)
            .map_err(FsError::at("write", self.path().join(name)))?;
        Ok(())
    }

    /// Reads the root of a place.
    pub fn root(&self, path: &Path) -> Result<Option<Root>, StoreError> {
        let name = root_path(path);
        let bytes = read_optional(self.dir(), &name);
        let bytes = bytes.map_err(FsError::at("read", self.path().join(&name)))?;
        Ok(bytes.and_then(|bytes| Root::parse(&bytes)))
    }

    /// Gives the environment at `path` a second name of its root's witness, at `inside` in it.
    ///
    /// Nothing is said where that cannot be done: the path alone tells then.
    pub fn hold(&self, path: &Path, inside: &Path) {
        if self.ensure_writable().is_ok() && self.is_held(path, inside) != Some(true) {
            let _ = self.link_witness(path, inside);
        }
    }

    fn link_witness(&self, path: &Path, inside: &Path) -> io::Result<()> {
        let environment = Dir::open(path)?;
        let witness = witness_path(path);
        let meta = FileMeta {
            mode: 0o444,
            mtime: None,
        };
        match self.dir().write_new(&witness, b"", meta) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let fresh = inside.with_file_name(format!(".{}.tmp", fs::unique_suffix()));
        self.dir().link(&witness, &environment, &fresh)?;
        let placed = environment.rename(&fresh, &environment, inside);
        placed.inspect_err(|_| {
            let _ = environment.remove_file(&fresh);
        })
    }

    /// Tells whether the witness of a place is in the environment that stands there; `None` where there
    /// is no witness, or none with another name.
    fn is_held(&self, path: &Path, inside: &Path) -> Option<bool> {
        let witness = self.dir().stat(&witness_path(path)).ok()?;
        let named = Dir::open(path).and_then(|dir| dir.stat(inside));
        if named.is_ok_and(|stat| stat.identity == witness.identity && stat.links > 1) {
            return Some(true);
        }
        (witness.links > 1).then_some(false)
    }

    /// Keeps the root of an environment that was moved away, under a name that is not that of its path:
    /// from now on its witness alone tells whether it exists.
    fn keep_moved_root(&self, name: &Path) -> Result<(), StoreError> {
        let other = Digest::of(fs::unique_suffix().as_bytes()).to_string();
        let other = Path::new("roots").join(other);
        let dir = self.dir();
        let held = |name: &Path| PathBuf::from(format!("{}{HELD}", name.display()));
        // The witness last: a root without one counts as gone, one with a copy is kept twice.
        let bytes = dir.read_file(name);
        let moved = bytes
            .and_then(|bytes| self.write_document(&other, &bytes, 0o644))
            .and_then(|()| dir.rename(&held(name), dir, &held(&other)));
        Ok(moved.map_err(FsError::at("keep", self.path().join(name)))?)
    }

    /// Sets the time of an environment's document, which says when it was last used.
    fn stamp(&self, environment: Fingerprint) {
        let document = environment_path(environment);
        let now = now();
        let stat = self.dir().stat(&document);
        if stat.is_ok_and(|stat| now.abs_diff(stat.mtime) > STAMP_EVERY as u64) {
            // It only decides what goes first when space is wanted.
            let _ = self.dir().set_mtime(&document, now);
        }
    }

    /// Lists the roots, sorted by path. Files that are no roots are skipped.
    pub fn roots(&self) -> Result<Vec<Root>, StoreError> {
        let mut roots: Vec<Root> = self.named_roots()?.into_iter().map(|it| it.root).collect();
        roots.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(roots)
    }

    /// Lists the roots with their files' names and their witnesses.
    pub(crate) fn named_roots(&self) -> Result<Vec<NamedRoot>, StoreError> {
        let folder = self.path().join("roots");
        let read = || {
            let dir = self.dir().open_dir(Path::new("roots"))?;
            let mut roots = Vec::new();
            for entry in dir.read()? {
                let Some(name) = entry.name.to_str() else {
                    continue;
                };
                let Ok(bytes) = dir.read_file(Path::new(name)) else {
                    continue;
                };
                if let Some(root) = Root::parse(&bytes) {
                    let witness = dir.stat(Path::new(&format!("{name}{HELD}")));
                    roots.push(NamedRoot {
                        name: name.to_owned(),
                        root,
                        held: witness.is_ok_and(|stat| stat.links > 1),
                    });
                }
            }
            Ok(roots)
        };
        Ok(read().map_err(FsError::at("list", folder))?)
    }
}

/// A root, and how its file is called.
#[derive(Debug, Clone)]
pub(crate) struct NamedRoot {
    pub name: String,
    pub root: Root,
    /// Whether its witness has another name: the environment exists somewhere.
    pub held: bool,
}

/// Returns the seconds since the Unix epoch; nothing but orders and ages follows from them.
pub(crate) fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or(i64::MAX))
}

/// Returns the folder where the file system of `path` is mounted, unless that is the root folder.
pub(crate) fn mount_of(path: &Path) -> Option<PathBuf> {
    let device = |path: &Path| Some(Dir::open(path).ok()?.stat_self().ok()?.identity.0);
    let mut existing = path.ancestors().skip_while(|path| !path.is_dir());
    let mut mount = existing.next()?;
    let own = device(mount)?;
    for above in existing {
        if device(above)? != own {
            return Some(mount.to_owned());
        }
        mount = above;
    }
    None
}

pub(crate) fn root_path(path: &Path) -> PathBuf {
    let digest = Digest::of(path.as_os_str().as_encoded_bytes());
    Path::new("roots").join(digest.to_string())
}

fn witness_path(path: &Path) -> PathBuf {
    let digest = Digest::of(path.as_os_str().as_encoded_bytes());
    Path::new("roots").join(format!("{digest}{HELD}"))
}
