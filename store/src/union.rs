//! Several trees laid over each other: what an environment shall look like. Pure.
//!
//! [`Union::new`] takes layers (an entry's nodes, and where its top folders go) and generated files,
//! and merges them into one [`Tree`]. Where two layers have different bytes at one path, the
//! earlier layer wins and a [`Conflict`] says so; equal bytes are no conflict. Generated files come
//! before all layers.

use std::path::PathBuf;

use crate::manifest::{Node, NodeKind};
use crate::tree_path::TreePath;

/// One entry, and where its top folders go.
#[derive(Debug)]
pub struct Layer<'a> {
    /// What it is called in conflicts.
    pub name: &'a str,
    /// The folder that holds the nodes.
    pub source: PathBuf,
    /// Sorted listings of that folder: the manifest first, then supplements.
    pub nodes: Vec<&'a [Node]>,
    /// `(top folder, destination)`; an empty destination is the root of the union.
    pub mounts: Vec<(&'a str, String)>,
}

/// A file that is made for one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Where it stands.
    pub path: TreePath,
    /// What it is.
    pub kind: GeneratedKind,
}

/// What a generated file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GeneratedKind {
    /// A regular file with this content, writable by its owner.
    File {
        /// Whether it may be executed.
        executable: bool,
        /// Its bytes.
        content: Vec<u8>,
    },
    /// A symbolic link, absolute or relative.
    Link(PathBuf),
    /// A copy of a file outside of the store.
    CopyOf(PathBuf),
}

/// Where a file of the union comes from.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// A node of a layer, by the layer's index.
    Layer(u32, &'a Node),
    /// A generated file.
    Generated(&'a Generated),
}

/// A file or symbolic link in a folder of the union.
#[derive(Debug, Clone, Copy)]
pub struct Leaf<'a> {
    /// Its name in the folder.
    pub name: &'a str,
    /// Where it comes from.
    pub origin: Origin<'a>,
}

/// A folder of the union.
#[derive(Debug)]
pub struct Folder<'a> {
    /// Its path; empty for the root.
    pub path: String,
    /// The indices of its folders, in order of their names.
    pub folders: Vec<u32>,
    /// Its files, in order of their names.
    pub leaves: Vec<Leaf<'a>>,
    /// The layers that have this folder, each with the folder's path in the layer.
    pub sources: Vec<(u32, &'a str)>,
    /// The layer that owns everything below, if there is only one and it has this very folder.
    pub owner: Option<u32>,
}

impl Folder<'_> {
    /// Returns the last component of the path.
    pub fn name(&self) -> &str {
        self.path
            .rsplit_once('/')
            .map_or(&self.path, |(_, name)| name)
    }
}

/// The merged tree; the folder with index 0 is its root.
#[derive(Debug)]
pub struct Tree<'a> {
    /// Every folder; a folder has a higher index than the one that holds it.
    pub folders: Vec<Folder<'a>>,
}

/// Two layers hold different things at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The path in the union.
    pub path: String,
    /// The layer whose file stands there; `None` for a generated file.
    pub winner: Option<u32>,
    /// The layer whose file does not.
    pub loser: u32,
}

/// The result of a merge.
#[derive(Debug)]
pub struct Union<'a> {
    /// What shall stand on the disk.
    pub tree: Tree<'a>,
    /// Where layers disagreed, sorted by path.
    pub conflicts: Vec<Conflict>,
}

const ROOT: u32 = 0;

impl<'a> Union<'a> {
    /// Merges `layers` and `generated`.
    pub fn new(layers: &'a [Layer<'a>], generated: &'a [Generated]) -> Self {
        let mut merger = Merger::default();
        for file in generated {
            let folder = merger.folder_at(file.path.parent().unwrap_or(""));
            merger.folders[folder as usize].generated = true;
            let leaf = Leaf {
                name: file.path.file_name(),
                origin: Origin::Generated(file),
            };
            merger.folders[folder as usize].folder.leaves.push(leaf);
        }
        for (index, layer) in layers.iter().enumerate() {
            let index = u32::try_from(index).expect("because environments have fewer layers");
            for (top, destination) in &layer.mounts {
                for nodes in &layer.nodes {
                    merger.add(index, top, destination, nodes);
                }
            }
        }
        merger.finish()
    }
}

#[derive(Default)]
struct Merger<'a> {
    folders: Vec<Growing<'a>>,
    index: rustc_hash::FxHashMap<String, u32>,
}

struct Growing<'a> {
    folder: Folder<'a>,
    generated: bool,
}

impl<'a> Merger<'a> {
    /// Returns the folder at `path`, making it and those above.
    fn folder_at(&mut self, path: &str) -> u32 {
        if let Some(&index) = self.index.get(path) {
            return index;
        }
        let parent = match path.rsplit_once('/') {
            _ if path.is_empty() => ROOT,
            Some((parent, _)) => self.folder_at(parent),
            None => self.folder_at(""),
        };
        let index = u32::try_from(self.folders.len()).expect("because manifests are bounded");
        if index != ROOT {
            self.folders[parent as usize].folder.folders.push(index);
        }
        let folder = Folder {
            path: path.to_owned(),
            folders: Vec::new(),
            leaves: Vec::new(),
            sources: Vec::new(),
            owner: None,
        };
        self.folders.push(Growing {
            folder,
            generated: false,
        });
        self.index.insert(path.to_owned(), index);
        index
    }

    fn add(&mut self, layer: u32, top: &str, destination: &str, nodes: &'a [Node]) {
        let first = nodes
            .partition_point(|node| crate::tree_path::compare(node.path.as_str(), top).is_lt());
        // The open folders, innermost last: path in the layer and index in the union.
        let mut open: Vec<(&'a str, u32)> = Vec::new();
        for node in &nodes[first..] {
            let path = node.path.as_str();
            if path == top {
                if node.kind != NodeKind::Directory {
                    return;
                }
                let index = self.folder_at(destination);
                self.source(index, layer, path);
                open.push((path, index));
                continue;
            }
            let Some(parent) = node.path.parent() else {
                return;
            };
            while open.last().is_some_and(|(folder, _)| *folder != parent) {
                open.pop();
            }
            let Some(&(_, index)) = open.last() else {
                return;
            };
            if node.kind == NodeKind::Directory {
                let target = &self.folders[index as usize].folder.path;
                let target = match target.as_str() {
                    "" => node.path.file_name().to_owned(),
                    target => format!("{target}/{}", node.path.file_name()),
                };
                let child = self.folder_at(&target);
                self.source(child, layer, path);
                open.push((path, child));
            } else {
                let leaf = Leaf {
                    name: node.path.file_name(),
                    origin: Origin::Layer(layer, node),
                };
                self.folders[index as usize].folder.leaves.push(leaf);
            }
        }
    }

    fn source(&mut self, folder: u32, layer: u32, path: &'a str) {
        let sources = &mut self.folders[folder as usize].folder.sources;
        if !sources.contains(&(layer, path)) {
            sources.push((layer, path));
        }
    }

    fn finish(mut self) -> Union<'a> {
        if self.folders.is_empty() {
            self.folder_at("");
        }
        let mut conflicts = Vec::new();
        for index in 0..self.folders.len() {
            self.settle(index, &mut conflicts);
        }
        self.find_owners();
        conflicts.sort_by(|left, right| left.path.cmp(&right.path));
        let folders = self
            .folders
            .into_iter()
            .map(|growing| growing.folder)
            .collect();
        Union {
            tree: Tree { folders },
            conflicts,
        }
    }

    /// Sorts the content of a folder, and lets one of several files at one name stand.
    fn settle(&mut self, index: usize, conflicts: &mut Vec<Conflict>) {
        let mut order = std::mem::take(&mut self.folders[index].folder.folders);
        order.sort_by(|left, right| {
            let path = |index: u32| &self.folders[index as usize].folder.path;
            path(*left).cmp(path(*right))
        });
        self.folders[index].folder.folders = order;
        let growing = &mut self.folders[index];
        // The sort is stable: generated files first, then the layers in their order.
        growing
            .folder
            .leaves
            .sort_by(|left, right| left.name.cmp(right.name));
        let shared = growing.generated || growing.folder.sources.len() > 1;
        if !shared {
            return;
        }
        let path_of = |folder: &str, name: &str| match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        let folder = &mut growing.folder;
        let mut kept: Vec<Leaf<'a>> = Vec::with_capacity(folder.leaves.len());
        for leaf in folder.leaves.drain(..) {
            match kept.last() {
                Some(winner) if winner.name == leaf.name => {
                    if let Some(conflict) = disagree(winner, &leaf) {
                        conflicts.push(Conflict {
                            path: path_of(&folder.path, leaf.name),
                            ..conflict
                        });
                    }
                }
                _ => kept.push(leaf),
            }
        }
        let names: Vec<String> = self.folders[index]
            .folder
            .folders
            .iter()
            .map(|child| self.folders[*child as usize].folder.name().to_owned())
            .collect();
        // A folder wins over a file: it may hold the files of several layers.
        let folder = &mut self.folders[index].folder;
        kept.retain(|leaf| {
            let stands = names
                .binary_search_by(|name| name.as_str().cmp(leaf.name))
                .is_err();
            if let (false, Origin::Layer(loser, _)) = (stands, leaf.origin) {
                let path = path_of(&folder.path, leaf.name);
                conflicts.push(Conflict {
                    path,
                    winner: None,
                    loser,
                });
            }
            stands
        });
        folder.leaves = kept;
    }

    fn find_owners(&mut self) {
        let mut owners: Vec<Option<u32>> = vec![None; self.folders.len()];
        let mut foreign = vec![false; self.folders.len()];
        for index in (0..self.folders.len()).rev() {
            let growing = &self.folders[index];
            let owner = match growing.folder.sources.as_slice() {
                [(layer, _)] if !growing.generated => Some(*layer),
                _ => None,
            };
            let alone = growing
                .folder
                .folders
                .iter()
                .all(|child| !foreign[*child as usize] && owners[*child as usize] == owner);
            owners[index] = owner.filter(|_| alone);
            foreign[index] = owners[index].is_none();
        }
        for (growing, owner) in self.folders.iter_mut().zip(owners) {
            growing.folder.owner = owner;
        }
    }
}

/// Returns the conflict between two leaves of one name; `None` when their bytes are equal.
fn disagree(winner: &Leaf<'_>, loser: &Leaf<'_>) -> Option<Conflict> {
    let Origin::Layer(layer, node) = loser.origin else {
        return None;
    };
    let winner = match winner.origin {
        Origin::Layer(_, other) if other.kind == node.kind => return None,
        Origin::Layer(winner, _) => Some(winner),
        Origin::Generated(_) => None,
    };
    Some(Conflict {
        path: String::new(),
        winner,
        loser: layer,
    })
}

impl<'a> Tree<'a> {
    /// Returns the index of the folder at `path`.
    pub fn find_folder(&self, path: &str) -> Option<u32> {
        let mut current = ROOT;
        for component in path.split('/').filter(|component| !component.is_empty()) {
            let folders = &self.folders[current as usize].folders;
            let found = folders
                .binary_search_by(|child| self.folders[*child as usize].name().cmp(component));
            current = folders[found.ok()?];
        }
        Some(current)
    }

    /// Returns the file at `path`.
    pub fn find_leaf(&self, path: &str) -> Option<&Leaf<'a>> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = &self.folders[self.find_folder(folder)? as usize];
        let found = folder
            .leaves
            .binary_search_by(|leaf| leaf.name.cmp(name))
            .ok()?;
        Some(&folder.leaves[found])
    }

    /// Counts the files.
    pub fn leaf_count(&self) -> usize {
        self.folders.iter().map(|folder| folder.leaves.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::{MemorySink, TreeSink};
    use crate::{Manifest, TreePath};

    fn manifest(files: &[(&str, &str)]) -> Manifest {
        let sink = MemorySink::default();
        for (path, content) in files {
            sink.file(&TreePath::new(path).unwrap(), false, content.as_bytes())
                .unwrap();
        }
        sink.finish().unwrap().0
    }

    fn layer<'a>(name: &'a str, manifest: &'a Manifest) -> Layer<'a> {
        Layer {
            name,
            source: PathBuf::from(name),
            nodes: vec![manifest.nodes()],
            mounts: vec![("site", "lib/site".into()), ("data", String::new())],
        }
    }

    #[test]
    fn merges_namespaces_and_keeps_owners_apart() {
        let one = manifest(&[
            ("site/ns/a/x.py", "1"),
            ("site/one/y.py", "1"),
            ("other/z", ""),
        ]);
        let two = manifest(&[("site/ns/b/x.py", "2"), ("data/share/doc", "d")]);
        let layers = [layer("one", &one), layer("two", &two)];
        let union = Union::new(&layers, &[]);
        assert_eq!(union.conflicts, []);
        let owner = |path| {
            let folder = union.tree.find_folder(path).unwrap();
            union.tree.folders[folder as usize].owner
        };
        assert_eq!(owner("lib/site"), None);
        assert_eq!(owner("lib/site/ns"), None);
        assert_eq!(owner("lib/site/ns/a"), Some(0));
        assert_eq!(owner("lib/site/ns/b"), Some(1));
        assert_eq!(owner("lib/site/one"), Some(0));
        assert_eq!(owner("share"), Some(1));
        assert!(union.tree.find_leaf("share/doc").is_some());
        assert!(union.tree.find_leaf("other/z").is_none());
        assert_eq!(union.tree.leaf_count(), 4);
    }

    #[test]
    fn the_first_layer_wins_and_equal_bytes_agree() {
        let one = manifest(&[("site/tests/a.py", "1"), ("site/tests/b.py", "same")]);
        let two = manifest(&[("site/tests/a.py", "2"), ("site/tests/b.py", "same")]);
        let layers = [layer("one", &one), layer("two", &two)];
        let union = Union::new(&layers, &[]);
        let conflict = Conflict {
            path: "lib/site/tests/a.py".into(),
            winner: Some(0),
            loser: 1,
        };
        assert_eq!(union.conflicts, [conflict]);
        let Origin::Layer(layer, _) = union.tree.find_leaf("lib/site/tests/a.py").unwrap().origin
        else {
            panic!("not from a layer");
        };
        assert_eq!(layer, 0);
    }

    #[test]
    fn generated_files_win_and_folders_win_over_files() {
        let one = manifest(&[("data/cfg", "1"), ("site/x", "file")]);
        let two = manifest(&[("site/x/y", "2")]);
        let layers = [layer("one", &one), layer("two", &two)];
        let generated = [Generated {
            path: TreePath::new("cfg").unwrap(),
            kind: GeneratedKind::File {
                executable: false,
                content: vec![],
            },
        }];
        let union = Union::new(&layers, &generated);
        let paths: Vec<_> = union
            .conflicts
            .iter()
            .map(|conflict| &conflict.path)
            .collect();
        assert_eq!(paths, ["cfg", "lib/site/x"]);
        assert!(union.tree.find_leaf("lib/site/x/y").is_some());
    }
}
