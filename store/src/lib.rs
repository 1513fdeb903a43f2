//! A content-addressed store of immutable file trees, and the environments linked from it.
//!
//! The store knows bytes, names and hashes. It knows no Python, no command line and no terminal.

pub mod id;
pub mod manifest;
pub mod sink;
pub mod tree_path;

pub use id::{Digest, EntryId, Fingerprint};
pub use manifest::{Manifest, ManifestBuilder, ManifestError, Node, NodeKind};
pub use sink::{SinkError, TreeSink};
pub use tree_path::{TreePath, TreePathError};
