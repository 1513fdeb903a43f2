//! The canonical listing of a tree, and its exact bytes.
//!
//! A manifest is text, one line per node, sorted by [`TreePath`]; the entry's name is the BLAKE3 hash
//! of these bytes. `schemas/store-format.md` specifies them:
//!
//! ```text
//! dht-manifest 1
//! d bin
//! x 217 0d9e…64 digits bin/pytest
//! f 0 af13…64 digits site-packages/pkg/__init__.py
//! l 9 python3.11 bin/python3
//! ```
//!
//! `d` is a folder, `f` a file, `x` an executable file (size in bytes, digest, path), `l` a symbolic
//! link (length of its target in bytes, target, path). Every folder is listed, before its content.
//! There is one way to write a tree: [`Manifest::parse`] refuses every other.

use std::collections::HashMap;

use crate::id::{Digest, EntryId};
use crate::tree_path::{self, TreePath, TreePathError};

/// The first line of every manifest.
pub const HEADER: &str = "dht-manifest 1\n";
/// The most nodes that a manifest may list.
pub const MAX_NODES: usize = 2_000_000;
/// The most bytes that the target of a symbolic link may have.
pub const MAX_TARGET: usize = 4095;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// A folder.
    Directory,
    /// A regular file.
    File {
        /// Whether it may be executed.
        executable: bool,
        /// Its length in bytes.
        size: u64,
        /// The BLAKE3 digest of its content.
        digest: Digest,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points: relative to the folder that holds it, and inside the tree.
        target: Box<str>,
    },
}

/// One line of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it stands.
    pub path: TreePath,
    /// What it is.
    pub kind: NodeKind,
}

/// The listing of a tree: every node once, sorted, every folder named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    nodes: Vec<Node>,
}

/// Why some bytes are not a manifest, or some nodes do not make a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The first line is not the one of this version.
    #[error("the first line is not `dht-manifest 1`")]
    Header,
    /// A line does not follow the grammar.
    #[error("line {line} is malformed: {reason}")]
    Line {
        /// Counted from one.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// A path may not stand in a tree.
    #[error("line {line} holds a bad path")]
    Path {
        /// Counted from one.
        line: usize,
        /// What is wrong with the path.
        source: TreePathError,
    },
    /// Two nodes have one path, or a file stands where a folder is needed.
    #[error("`{path}` is listed twice, or as a file and as a folder")]
    Conflict {
        /// The path.
        path: TreePath,
    },
    /// A symbolic link leads out of the tree.
    #[error("the symbolic link `{path}` points to `{target}`, outside of the tree")]
    Escape {
        /// The link.
        path: TreePath,
        /// Where it points.
        target: String,
    },
    /// There are more than [`MAX_NODES`] nodes.
    #[error("more than {MAX_NODES} nodes")]
    TooLarge,
}

impl Manifest {
    /// Reads a manifest, refusing every form but the canonical one.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let body = bytes
            .strip_prefix(HEADER.as_bytes())
            .ok_or(ManifestError::Header)?;
        let body = std::str::from_utf8(body).map_err(|_| ManifestError::Line {
            line: 2,
            reason: "not UTF-8",
        })?;
        let mut nodes: Vec<Node> = Vec::with_capacity(body.len() / 120);
        let mut folders = Folders::default();
        for (index, text) in body.split_inclusive('\n').enumerate() {
            let line = index + 2;
            let text = text.strip_suffix('\n').ok_or(ManifestError::Line {
                line,
                reason: "no newline at its end",
            })?;
            let node = parse_line(text, line)?;
            if let Some(previous) = nodes.last()
                && previous.path >= node.path
            {
                return Err(ManifestError::Line {
                    line,
                    reason: "out of order",
                });
            }
            if !folders.accept(&node) {
                return Err(ManifestError::Line {
                    line,
                    reason: "its folder is not listed",
                });
            }
            check_link(&node)?;
            if nodes.len() == MAX_NODES {
                return Err(ManifestError::TooLarge);
            }
            nodes.push(node);
        }
        Ok(Self { nodes })
    }

    /// Reads a manifest of the store by its name: the bytes must hash to `id`.
    ///
    /// Only canonical manifests are ever published, so one with the right hash is read without
    /// judging its form again. `None` when the hash is another one.
    pub fn read_published(bytes: &[u8], id: EntryId) -> Option<Result<Self, ManifestError>> {
        (EntryId::of(bytes) == id).then(|| Self::read_lines(bytes))
    }

    /// Reads the listing of a supplement, which this store wrote for itself.
    pub(crate) fn read_derived(bytes: &[u8]) -> Result<Self, ManifestError> {
        Self::read_lines(bytes)
    }

    fn read_lines(bytes: &[u8]) -> Result<Self, ManifestError> {
        let body = bytes
            .strip_prefix(HEADER.as_bytes())
            .ok_or(ManifestError::Header)?;
        let body = std::str::from_utf8(body).map_err(|_| ManifestError::Line {
            line: 2,
            reason: "not UTF-8",
        })?;
        let mut nodes = Vec::with_capacity(body.len() / 110);
        for (index, text) in body.lines().enumerate() {
            let (kind, path) = parse_kind(text, index + 2)?;
            nodes.push(Node {
                path: TreePath::from_published(path),
                kind,
            });
        }
        Ok(Self { nodes })
    }

    /// Returns the canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        use std::fmt::Write;
        let mut text = String::with_capacity(HEADER.len() + self.nodes.len() * 128);
        text.push_str(HEADER);
        for Node { path, kind } in &self.nodes {
            let written = match kind {
                NodeKind::Directory => writeln!(text, "d {path}"),
                NodeKind::File {
                    executable,
                    size,
                    digest,
                } => {
                    let letter = if *executable { 'x' } else { 'f' };
                    writeln!(text, "{letter} {size} {digest} {path}")
                }
                NodeKind::Symlink { target } => {
                    writeln!(text, "l {} {target} {path}", target.len())
                }
            };
            written.expect("because writing to a string cannot fail");
        }
        text.into_bytes()
    }

    /// Returns the identifier: the hash of [`Manifest::to_bytes`].
    pub fn id(&self) -> EntryId {
        EntryId::of(&self.to_bytes())
    }

    /// Returns the nodes in order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns what stands at `path`.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes
            .binary_search_by(|node| tree_path::compare(node.path.as_str(), path))
            .ok()
            .map(|index| &self.nodes[index])
    }

    /// Returns the sum of the files' sizes, in bytes.
    pub fn content_size(&self) -> u64 {
        let size = |node: &Node| match node.kind {
            NodeKind::File { size, .. } => size,
            NodeKind::Directory | NodeKind::Symlink { .. } => 0,
        };
        self.nodes.iter().map(size).sum()
    }
}

/// The chain of folders that are open at one point of a sorted listing.
#[derive(Default)]
struct Folders(Vec<TreePath>);

impl Folders {
    /// Moves on to `node`; false when the folder that should hold it was not listed.
    fn accept(&mut self, node: &Node) -> bool {
        let parent = node.path.parent();
        while let Some(last) = self.0.last()
            && parent.is_none_or(|parent| !is_within(parent, last.as_str()))
        {
            self.0.pop();
        }
        let listed = match parent {
            None => true,
            Some(parent) => self.0.last().is_some_and(|last| last.as_str() == parent),
        };
        if matches!(node.kind, NodeKind::Directory) {
            self.0.push(node.path.clone());
        }
        listed
    }
}

fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn parse_line(text: &str, line: usize) -> Result<Node, ManifestError> {
    let (kind, path) = parse_kind(text, line)?;
    let path = TreePath::new(path).map_err(|source| ManifestError::Path { line, source })?;
    Ok(Node { path, kind })
}

/// Splits a line into what stands there and its path, which is not judged.
fn parse_kind(text: &str, line: usize) -> Result<(NodeKind, &str), ManifestError> {
    let bad = |reason| ManifestError::Line { line, reason };
    let rest = text.get(2..).filter(|_| text.as_bytes()[1] == b' ');
    let rest = rest.ok_or_else(|| bad("no kind"))?;
    Ok(match text.as_bytes()[0] {
        b'd' => (NodeKind::Directory, rest),
        letter @ (b'f' | b'x') => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let size = parse_number(&rest[..digits])
                .ok_or_else(|| bad("a size that is not a plain number"))?;
            let rest = rest[digits..]
                .strip_prefix(' ')
                .ok_or_else(|| bad("no digest"))?;
            let digest = rest.as_bytes().get(..64).ok_or_else(|| bad("no digest"))?;
            let digest = Digest::from_hex(digest).ok_or_else(|| bad("a bad digest"))?;
            let path = rest[64..].strip_prefix(' ');
            let path = path.ok_or_else(|| bad("no path after the digest"))?;
            (
                NodeKind::File {
                    executable: letter == b'x',
                    size,
                    digest,
                },
                path,
            )
        }
        b'l' => {
            let (length, rest) = rest
                .split_once(' ')
                .ok_or_else(|| bad("no length of the target"))?;
            let length = parse_number(length)
                .and_then(|length| usize::try_from(length).ok())
                .filter(|length| (1..=MAX_TARGET).contains(length))
                .ok_or_else(|| {
                    bad("a length of the target that is not a plain number up to 4095")
                })?;
            let target = rest
                .get(..length)
                .ok_or_else(|| bad("a target shorter than its length"))?;
            let path = rest[length..].strip_prefix(' ');
            let path = path.ok_or_else(|| bad("no space after the target"))?;
            if target.chars().any(char::is_control) {
                return Err(bad("a control character in the target"));
            }
            (
                NodeKind::Symlink {
                    target: target.into(),
                },
                path,
            )
        }
        _ => return Err(bad("an unknown kind")),
    })
}

/// Reads a decimal number without sign or leading zeros.
fn parse_number(text: &str) -> Option<u64> {
    let canonical =
        text == "0" || (!text.starts_with('0') && text.bytes().all(|digit| digit.is_ascii_digit()));
    canonical.then(|| text.parse().ok()).flatten()
}

fn check_link(node: &Node) -> Result<(), ManifestError> {
    let NodeKind::Symlink { target } = &node.kind else {
        return Ok(());
    };
    let mut depth = node.path.components().count() - 1;
    let escape = || ManifestError::Escape {
        path: node.path.clone(),
        target: target.to_string(),
    };
    if target.starts_with('/') || target.contains('\\') || target.len() > MAX_TARGET {
        return Err(escape());
    }
    for component in target.split('/') {
        match component {
            "" | "." => {}
            ".." => depth = depth.checked_sub(1).ok_or_else(escape)?,
            _ => depth += 1,
        }
    }
    Ok(())
}

/// Collects nodes in any order and makes a [`Manifest`] of them.
#[derive(Debug, Default)]
pub struct ManifestBuilder {
    nodes: Vec<Node>,
}

impl ManifestBuilder {
    /// Adds a node. Folders above it need not be added.
    pub fn add(&mut self, path: TreePath, kind: NodeKind) {
        self.nodes.push(Node { path, kind });
    }

    /// Sorts, names every folder, and refuses what does not make a tree.
    pub fn finish(self) -> Result<Manifest, ManifestError> {
        let mut kinds: HashMap<TreePath, NodeKind> = HashMap::with_capacity(self.nodes.len());
        for Node { path, kind } in self.nodes {
            match kinds.get(&path) {
                Some(NodeKind::Directory) if kind == NodeKind::Directory => {}
                Some(_) => return Err(ManifestError::Conflict { path }),
                None => {
                    kinds.insert(path, kind);
                }
            }
        }
        let mut folders = Vec::new();
        for path in kinds.keys() {
            let mut parent = path.parent();
            while let Some(folder) = parent {
                let folder = TreePath::new(folder).expect("because it is part of a valid path");
                match kinds.get(&folder) {
                    Some(NodeKind::Directory) => break,
                    Some(_) => return Err(ManifestError::Conflict { path: folder }),
                    None => {}
                }
                parent = path.as_str()[..folder.as_str().len()]
                    .rsplit_once('/')
                    .map(|(up, _)| up);
                folders.push(folder);
            }
        }
        for folder in folders {
            kinds.insert(folder, NodeKind::Directory);
        }
        let mut nodes: Vec<Node> = kinds
            .into_iter()
            .map(|(path, kind)| Node { path, kind })
            .collect();
        if nodes.len() > MAX_NODES {
            return Err(ManifestError::TooLarge);
        }
        nodes.sort_unstable_by(|left, right| left.path.cmp(&right.path));
        nodes.iter().try_for_each(check_link)?;
        Ok(Manifest { nodes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text).unwrap()
    }

    fn file(content: &[u8]) -> NodeKind {
        NodeKind::File {
            executable: false,
            size: content.len() as u64,
            digest: Digest::of(content),
        }
    }

    #[test]
    fn names_every_folder_and_survives_a_round_trip() {
        let mut builder = ManifestBuilder::default();
        builder.add(path("a/b/c.py"), file(b"x"));
        builder.add(path("a-b"), file(b""));
        builder.add(
            path("a/link"),
            NodeKind::Symlink {
                target: "b/c.py".into(),
            },
        );
        let manifest = builder.finish().unwrap();
        let paths: Vec<_> = manifest
            .nodes()
            .iter()
            .map(|node| node.path.as_str())
            .collect();
        assert_eq!(paths, ["a", "a/b", "a/b/c.py", "a/link", "a-b"]);
        assert_eq!(Manifest::parse(&manifest.to_bytes()), Ok(manifest.clone()));
        assert!(manifest.get("a/b").is_some());
        assert!(manifest.get("a/x").is_none());
    }

    #[test]
    fn refuses_two_nodes_at_one_path() {
        let mut builder = ManifestBuilder::default();
        builder.add(path("a"), file(b""));
        builder.add(path("a/b"), file(b""));
        assert!(matches!(
            builder.finish(),
            Err(ManifestError::Conflict { .. })
        ));
    }

    #[test]
    fn refuses_links_that_leave_the_tree() {
        for target in ["/etc/passwd", "../../x", "a/../../../x"] {
            let mut builder = ManifestBuilder::default();
            builder.add(
                path("d/l"),
                NodeKind::Symlink {
                    target: target.into(),
                },
            );
            assert!(
                matches!(builder.finish(), Err(ManifestError::Escape { .. })),
                "{target}"
            );
        }
    }

    #[test]
    fn refuses_every_other_form() {
        let zero = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        for text in [
            "".to_owned(),
            "dht-manifest 2\n".to_owned(),
            format!("{HEADER}d b\nd a\n"),
            format!("{HEADER}d a\nd a\n"),
            format!("{HEADER}f 0 {zero} a/b\n"),
            format!("{HEADER}d a"),
            format!("{HEADER}f 00 {zero} a\n"),
            format!("{HEADER}f +1 {zero} a\n"),
            format!("{HEADER}f 1 {} a\n", zero.to_uppercase()),
            format!("{HEADER}q a\n"),
            format!("{HEADER}d ../a\n"),
            format!("{HEADER}l 99 x a\n"),
            format!("{HEADER}l 2 .. a\n"),
            format!("{HEADER}\n"),
        ] {
            assert!(Manifest::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_set_of_files_survives_a_round_trip(
            names in proptest::collection::btree_set("[a-c]{1,2}(/[a-c.]{1,2}x){0,3}", 0..40)
        ) {
            let mut builder = ManifestBuilder::default();
            for name in names {
                if let Ok(path) = TreePath::new(&name) {
                    builder.add(path, file(name.as_bytes()));
                }
            }
            if let Ok(manifest) = builder.finish() {
                prop_assert_eq!(Manifest::parse(&manifest.to_bytes()), Ok(manifest));
            }
        }

        #[test]
        fn whatever_parses_is_canonical(text in "(d|f|x|l) [ 0-9a-z./]{0,20}\n") {
            let bytes = format!("{HEADER}{text}").into_bytes();
            if let Ok(manifest) = Manifest::parse(&bytes) {
                prop_assert_eq!(manifest.to_bytes(), bytes);
            }
        }
    }
}
