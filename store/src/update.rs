//! Changing an environment in place: only what differs, each piece by one rename.
//!
//! New and changed pieces are made complete in a folder beside, `incoming`, before anything visible
//! changes. A *piece* is a whole folder that one entry owns, where it is new or where the entry is
//! another one than before; a single file otherwise. Then each piece is swapped in by one rename, and
//! what it replaces is moved aside and removed last. What the user added inside a replaced folder is
//! carried over.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::checkout::Checkout;
use crate::compare::{Difference, DifferenceKind};
use crate::fs::{self, Dir, FileKind, FileMeta, FsError};
use crate::union::Tree;

/// What to change in an environment. A value: it can be shown before it is applied.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct UpdatePlan {
    /// Folders that are made anew as a whole.
    pub folders: BTreeSet<String>,
    /// Files that are made anew.
    pub files: BTreeSet<String>,
    /// Paths that go away.
    pub removals: BTreeSet<PathBuf>,
    /// What the user added inside of `folders`, and keeps.
    pub carried: BTreeSet<PathBuf>,
}

impl UpdatePlan {
    /// Decides what to do about `differences`, except those in the store: entries are repaired, not
    /// written through links.
    ///
    /// `is_replaced` tells whether the layer is another entry than before. `is_ours` tells whether
    /// an added path belonged to the former environment, and so goes away.
    pub fn new(
        tree: &Tree<'_>,
        differences: &[Difference],
        is_replaced: &dyn Fn(u32) -> bool,
        is_ours: &dyn Fn(&Path) -> bool,
    ) -> Self {
        let mut plan = Self::default();
        let differences = || differences.iter().filter(|difference| !difference.in_store);
        for difference in differences() {
            if difference.kind == DifferenceKind::Added {
                continue;
            }
            let Some(path) = difference.path.to_str() else {
                continue;
            };
            if let Some(folder) = whole_folder(tree, path, is_replaced) {
                plan.folders.insert(folder);
            } else if tree.find_leaf(path).is_some() {
                plan.files.insert(path.to_owned());
            } else {
                plan.folders.insert(path.to_owned());
            }
        }
        for difference in differences() {
            if difference.kind != DifferenceKind::Added {
                continue;
            }
            let path = &difference.path;
            let inside = path
                .ancestors()
                .skip(1)
                .any(|folder| folder.to_str().is_some_and(|it| plan.folders.contains(it)));
            match (is_ours(path), inside) {
                (true, true) => {}
                (true, false) => drop(plan.removals.insert(path.clone())),
                (false, true) => drop(plan.carried.insert(path.clone())),
                (false, false) => {}
            }
        }
        plan
    }

    /// Tells whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Applies the plan to `target`; `scratch` is an empty folder on the same file system.
    pub fn apply(
        &self,
        checkout: &Checkout<'_>,
        tree: &Tree<'_>,
        target: &Dir,
        scratch: &Dir,
    ) -> Result<(), FsError> {
        let mut staged: Vec<(String, PathBuf)> = Vec::new();
        for path in &self.folders {
            let Some(index) = tree.find_folder(path) else {
                continue;
            };
            let name = format!("new-{}", staged.len());
            checkout.place_folder_as(index, &name, scratch, Path::new(path))?;
            staged.push((name, path.into()));
        }
        for path in &self.files {
            let Some(leaf) = tree.find_leaf(path) else {
                continue;
            };
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let Some(index) = tree.find_folder(parent) else {
                continue;
            };
            let name = format!("new-{}", staged.len());
            checkout
                .place_one(
                    &tree.folders[index as usize],
                    leaf,
                    scratch,
                    Path::new(&name),
                )
                .map_err(FsError::at("make", path))?;
            staged.push((name, path.into()));
        }
        for (name, path) in &staged {
            // What is damaged in the store was not staged; the old one stays until it is restored.
            if scratch.stat(Path::new(name)).is_ok() {
                self.carry(Path::new(name), path, target, scratch)
                    .map_err(FsError::at("carry over what was added to", path))?;
                swap_in(scratch, Path::new(name), target, path)?;
            }
        }
        for (index, path) in self.removals.iter().enumerate() {
            let aside = PathBuf::from(format!("gone-{index}"));
            match target.rename(path, scratch, &aside) {
                Err(error) if !crate::check::is_missing(&error) => {
                    return Err(FsError {
                        verb: "remove",
                        path: path.clone(),
                        source: error,
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Gives what the user added to a folder that is replaced a second name in the new one, before
    /// the two are swapped: at no moment is it in neither.
    fn carry(&self, name: &Path, folder: &Path, target: &Dir, scratch: &Dir) -> io::Result<()> {
        // A link leads into the store, which the user adds nothing to.
        if scratch
            .stat(name)
            .is_ok_and(|stat| stat.kind != FileKind::Directory)
        {
            return Ok(());
        }
        for path in &self.carried {
            let Ok(rest) = path.strip_prefix(folder) else {
                continue;
            };
            let new = name.join(rest);
            if let Some(parent) = new.parent() {
                fs::create_dirs(scratch, parent)?;
            }
            adopt(target, path, scratch, &new)?;
        }
        Ok(())
    }
}

/// Makes `new` another name of `path`, with all below it. Where something has the new name, the
/// environment's own file stays.
pub fn adopt(from: &Dir, path: &Path, to: &Dir, new: &Path) -> io::Result<()> {
    let stat = from.stat(path)?;
    if stat.kind == FileKind::Directory {
        fs::create_dirs(to, new)?;
        for entry in from.open_dir(path)?.read()? {
            adopt(from, &path.join(&entry.name), to, &new.join(&entry.name))?;
        }
        return to.set_mode(new, stat.mode);
    }
    match from.link(path, to, new) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) if stat.kind == FileKind::Symlink => to.symlink(&from.read_link(path)?, new),
        Err(_) if stat.kind == FileKind::File => {
            let meta = FileMeta {
                mode: stat.mode,
                mtime: Some(stat.mtime),
            };
            from.copy_file(path, to, new, meta)
        }
        result => result,
    }
}

/// Puts a staged piece in its place; what stood there ends up under the staged name.
fn swap_in(scratch: &Dir, name: &Path, target: &Dir, path: &Path) -> Result<(), FsError> {
    let swap = || match target.stat(path) {
        Ok(_) => scratch.exchange(name, target, path),
        Err(error) if crate::check::is_missing(&error) => {
            if let Some(parent) = path.parent().filter(|parent| *parent != Path::new("")) {
                fs::create_dirs(target, parent)?;
            }
            scratch.rename(name, target, path)
        }
        Err(error) => Err(error),
    };
    swap().map_err(FsError::at("put in place", path))
}

/// Returns the outermost folder above `path` that belongs to one replaced layer alone.
fn whole_folder(tree: &Tree<'_>, path: &str, is_replaced: &dyn Fn(u32) -> bool) -> Option<String> {
    path.match_indices('/')
        .map(|(end, _)| &path[..end])
        .chain([path])
        .find_map(|prefix| {
            let index = tree.find_folder(prefix)?;
            let owner = tree.folders[index as usize].owner?;
            (index != 0 && is_replaced(owner)).then(|| prefix.to_owned())
        })
}
