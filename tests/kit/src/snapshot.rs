//! What a folder holds, and what differs between two moments.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

/// One thing in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A folder, with its permission bits (0 where the host has none).
    Folder {
        /// Permission bits.
        mode: u32,
    },
    /// A regular file.
    File {
        /// Permission bits.
        mode: u32,
        /// Bytes.
        size: u64,
        /// BLAKE3 of the content, hex.
        digest: String,
    },
    /// A symlink, not followed.
    Symlink {
        /// Where it points, as written.
        target: String,
    },
}

/// A folder at one moment: every path below it, `/`-separated and sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The items by path.
    pub items: BTreeMap<String, Item>,
}

impl Snapshot {
    /// Reads a folder, all files included.
    ///
    /// # Panics
    ///
    /// When something in it cannot be read.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let mut snapshot = Self::default();
        snapshot.read(folder, "");
        snapshot
    }

    /// Leaves out paths for which `unwanted` says so.
    #[must_use]
    pub fn without(mut self, unwanted: impl Fn(&str) -> bool) -> Self {
        self.items.retain(|path, _| !unwanted(path));
        self
    }

    /// Each difference as a line: `+ path`, `- path`, `~ path: old -> new`. Empty when the two are equal.
    #[must_use]
    pub fn differences(&self, later: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, item) in &self.items {
            match later.items.get(path) {
                None => lines.push(format!("- {path}")),
                Some(other) if other != item => lines.push(format!("~ {path}: {item} -> {other}")),
                Some(_) => {}
            }
        }
        let added = later
            .items
            .keys()
            .filter(|path| !self.items.contains_key(*path));
        lines.extend(added.map(|path| format!("+ {path}")));
        lines
    }

    /// Asserts that two folders hold the same.
    ///
    /// # Panics
    ///
    /// When they do not; the differences are shown.
    #[track_caller]
    pub fn assert_same(&self, other: &Self) {
        let lines = self.differences(other);
        assert!(
            lines.is_empty(),
            "{} differences:\n{}",
            lines.len(),
            lines.join("\n")
        );
    }

    fn read(&mut self, folder: &Path, prefix: &str) {
        let listing =
            fs::read_dir(folder).unwrap_or_else(|e| panic!("`{}` is read: {e}", folder.display()));
        for child in listing {
            let child = child.expect("because the listing was opened");
            let path = format!("{prefix}{}", child.file_name().to_string_lossy());
            let item = read_item(&child.path());
            let is_folder = matches!(item, Item::Folder { .. });
            self.items.insert(path.clone(), item);
            if is_folder {
                self.read(&child.path(), &format!("{path}/"));
            }
        }
    }
}

fn read_item(path: &Path) -> Item {
    let stat = fs::symlink_metadata(path)
        .unwrap_or_else(|e| panic!("`{}` is looked at: {e}", path.display()));
    if stat.is_symlink() {
        let target = fs::read_link(path).expect("because it is a symlink");
        Item::Symlink {
            target: target.to_string_lossy().into_owned(),
        }
    } else if stat.is_dir() {
        Item::Folder { mode: mode(&stat) }
    } else {
        let content =
            fs::read(path).unwrap_or_else(|e| panic!("`{}` is read: {e}", path.display()));
        Item::File {
            mode: mode(&stat),
            size: stat.len(),
            digest: blake3::hash(&content).to_hex().to_string(),
        }
    }
}

#[cfg(unix)]
fn mode(stat: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    stat.permissions().mode() & 0o7777
}

#[cfg(not(unix))]
fn mode(_stat: &fs::Metadata) -> u32 {
    0
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { mode } => write!(f, "folder {mode:04o}"),
            Self::File { mode, size, digest } => {
                write!(f, "file {mode:04o} {size} {}", &digest[..12])
            }
            Self::Symlink { target } => write!(f, "symlink to {target}"),
        }
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, item) in &self.items {
            writeln!(f, "{path}: {item}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_difference_is_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("sub")).unwrap();
        fs::write(root.join("sub/edited"), "one").unwrap();
        fs::write(root.join("gone"), "").unwrap();
        let before = Snapshot::of(root);
        before.assert_same(&Snapshot::of(root));

        fs::write(root.join("sub/edited"), "two").unwrap();
        fs::remove_file(root.join("gone")).unwrap();
        fs::write(root.join("sub/new"), "").unwrap();
        let lines = before.differences(&Snapshot::of(root));
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(lines[0], "- gone");
        assert!(lines[1].starts_with("~ sub/edited: file "), "{lines:?}");
        assert_eq!(lines[2], "+ sub/new");
        assert!(
            before
                .without(|p| p == "gone")
                .differences(&Snapshot::of(root))
                .iter()
                .all(|l| l != "- gone")
        );
    }

    #[cfg(unix)]
    #[test]
    fn modes_and_link_targets_count() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("tool"), folder.path().join("link"));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink("tool", &link).unwrap();
        let before = Snapshot::of(folder.path());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink("./tool", &link).unwrap();
        let lines = before.differences(&Snapshot::of(folder.path()));
        assert_eq!(lines[0], "~ link: symlink to tool -> symlink to ./tool");
        assert!(lines[1].contains("-> file 0700 0 "), "{lines:?}");
    }
}
