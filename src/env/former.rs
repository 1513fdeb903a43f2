//! What an environment consisted of before: what goes away with it, and what the user added.
//!
//! It is told by the documents of former environments, as far as the store still has them, and by
//! the `RECORD`s in the environment whose `INSTALLER` is `dhtl`.

use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path, PathBuf};

use dht_store::check::is_bytecode;
use dht_store::fs::{Dir, FileKind};
use dht_store::{Difference, EntryId, Environment, Folder, Layer, Origin, Tree, Union};

use super::blueprint::Blueprint;

/// What stood in a folder before, and what of it may go away.
#[derive(Debug)]
pub struct Predecessor {
    /// Everything it consisted of.
    pub environment: Environment,
    /// What of it is no part of the environment that follows.
    pub gone: Blueprint,
}

/// The entries and paths of former environments; of several, when a change was interrupted.
#[derive(Debug, Default)]
pub struct Former {
    /// Of each package: the isolated tool that it belongs to, its name and its entry.
    entries: Option<BTreeSet<(Option<String>, String, EntryId)>>,
    paths: BTreeSet<PathBuf>,
    folders: BTreeSet<String>,
}

impl Former {
    /// Collects what the predecessors say.
    pub fn of<'a>(predecessors: impl IntoIterator<Item = &'a Predecessor>) -> Self {
        let mut former = Self::default();
        for Predecessor { environment, gone } in predecessors {
            let entries = environment.all_packages().map(|(tool, package)| {
                (tool.map(str::to_owned), package.name.clone(), package.entry)
            });
            former.entries.get_or_insert_default().extend(entries);
            let layers: Vec<Layer<'_>> = gone.layers();
            let union = Union::new(&layers, gone.generated());
            for folder in union.tree.folders {
                let path = PathBuf::from(&folder.path);
                let leaves = folder.leaves.iter().map(|leaf| path.join(leaf.name));
                former.paths.extend(leaves);
                former.paths.insert(path);
                former.folders.insert(folder.path);
            }
        }
        former
    }

    /// Returns the folders of `tree` that a change may touch: those of packages that come, go or are
    /// replaced, and those with files that are made for the place.
    pub fn touched(&self, blueprint: &Blueprint, tree: &Tree<'_>) -> BTreeSet<String> {
        let replaced: Vec<bool> = (0..blueprint.layers().len())
            .map(|layer| self.is_replaced(blueprint, u32::try_from(layer).unwrap_or(u32::MAX)))
            .collect();
        let is_touched = |folder: &&Folder<'_>| {
            let mut sources = folder.sources.iter();
            sources.any(|(layer, _)| replaced[*layer as usize])
                || folder
                    .leaves
                    .iter()
                    .any(|leaf| matches!(leaf.origin, Origin::Generated(_)))
        };
        let touched = tree.folders.iter().filter(is_touched);
        let touched = touched.map(|folder| folder.path.clone());
        touched.chain(self.folders.iter().cloned()).collect()
    }

    /// Adds what the `RECORD` in a folder `X.dist-info` lists, if `dhtl` installed it.
    fn add_record(&mut self, target: &Dir, info: &Path) {
        let read = |name| target.read_file(&info.join(name)).ok();
        let is_ours = read("INSTALLER").is_some_and(|installer| installer.trim_ascii() == b"dhtl");
        let (true, Some(record), Some(site)) = (is_ours, read("RECORD"), info.parent()) else {
            return;
        };
        let mut rows = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(record.as_slice());
        for row in rows.records().flatten() {
            let Some(path) = row.get(0).and_then(|path| resolve(site, Path::new(path))) else {
                continue;
            };
            let above = path.ancestors().skip(1).map(Path::to_owned);
            self.paths.extend(above);
            self.paths.insert(path);
        }
    }

    /// Tells whether a layer is another entry than before.
    pub fn is_replaced(&self, blueprint: &Blueprint, layer: u32) -> bool {
        let package = blueprint.package(layer);
        let tool = blueprint.tool(layer).map(str::to_owned);
        let entry = (tool, package.name.clone(), package.entry);
        let entries = self.entries.as_ref();
        entries.is_some_and(|entries| !entries.contains(&entry))
    }

    /// Tells of each added path whether it was the environment's own. A folder that was, and holds
    /// something of the user's, is divided into its parts.
    pub fn divided(
        &mut self,
        added: Vec<Difference>,
        target: &Dir,
    ) -> io::Result<Vec<(Difference, bool)>> {
        for difference in &added {
            if difference
                .path
                .extension()
                .is_some_and(|it| it == "dist-info")
            {
                self.add_record(target, &difference.path);
            }
        }
        let mut divided = Vec::with_capacity(added.len());
        for difference in added {
            if !self.paths.contains(&difference.path) {
                divided.push((difference, false));
                continue;
            }
            let mut parts = Parts::default();
            let is_folder = target.stat(&difference.path)?.kind == FileKind::Directory;
            if !is_folder || self.walk(target, &difference.path, &mut parts)? {
                divided.push((difference, true));
                continue;
            }
            let part = |path| Difference {
                path,
                ..difference.clone()
            };
            divided.extend(parts.ours.into_iter().map(|path| (part(path), true)));
            divided.extend(parts.theirs.into_iter().map(|path| (part(path), false)));
        }
        Ok(divided)
    }

    /// Tells whether everything below a folder is the environment's own, and if not, what is whose.
    fn walk(&self, target: &Dir, folder: &Path, parts: &mut Parts) -> io::Result<bool> {
        let in_bytecode = folder.ends_with("__pycache__");
        let mut found = Parts::default();
        for entry in target.open_dir(folder)?.read()? {
            let path = folder.join(&entry.name);
            let is_ours = self.paths.contains(&path);
            if entry.kind == FileKind::Directory && (is_ours || entry.name == "__pycache__") {
                if self.walk(target, &path, &mut found)? {
                    found.ours.push(path);
                }
            } else if is_ours || (in_bytecode && is_bytecode(&entry.name)) {
                found.ours.push(path);
            } else {
                found.theirs.push(path);
            }
        }
        let all = found.theirs.is_empty();
        if !all {
            parts.ours.extend(found.ours);
            parts.theirs.extend(found.theirs);
        }
        Ok(all)
    }
}

#[derive(Debug, Default)]
struct Parts {
    ours: Vec<PathBuf>,
    theirs: Vec<PathBuf>,
}

/// Resolves a path of a `RECORD`, which may begin with `..`, inside the environment.
fn resolve(site: &Path, path: &Path) -> Option<PathBuf> {
    let mut resolved = site.to_owned();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                if !resolved.pop() {
                    return None;
                }
            }
            Component::Normal(name) => resolved.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_never_leads_out_of_the_environment() {
        let site = Path::new("lib/python3.11/site-packages");
        let found = |path: &str| resolve(site, Path::new(path));
        assert_eq!(found("../../../bin/x"), Some("bin/x".into()));
        assert_eq!(found("a/b.py"), Some(site.join("a/b.py")));
        assert_eq!(found("../../../../x"), None);
        assert_eq!(found("/etc/passwd"), None);
    }
}
