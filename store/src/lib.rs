//! A content-addressed store of immutable file trees, and the environments linked from it.
//!
//! The store knows bytes, names and hashes. It knows no Python, no command line and no terminal: it
//! returns reports and prints nothing. It is synchronous and works in parallel with rayon.
//!
//! The path of a tree through the crate:
//!
//! - [`stage`]: a [`Transaction`] receives its files, hashed and shared while they are written;
//! - [`publish`]: stage, sync, rename: the tree becomes an entry, named by its [`Manifest`];
//! - [`union`]: several entries are laid over each other, purely, as a [`Tree`];
//! - [`checkout`] links the tree into a folder, [`compare`] tells how a folder differs from it, and
//!   [`update`] changes only that;
//! - [`check`] tells whether entries are still what their manifests say;
//! - [`archive`] carries entries, environments and realisations from one store to another.
//!
//! [`gc`] removes what nothing reaches from a root or a running command.
//!
//! [`store`] draws the folder, [`lock`] is the table of locks, [`fs`] is the only door to the disk.

pub mod archive;
pub mod check;
pub mod checkout;
pub mod compare;
mod entry;
pub mod error;
pub mod format;
pub mod fs;
pub mod gc;
pub mod id;
pub mod lock;
pub mod manifest;
mod pins;
pub mod publish;
pub mod realisation;
pub mod repair;
pub mod roots;
pub mod sink;
pub mod stage;
pub mod store;
pub mod supplement;
pub mod tree_path;
pub mod union;
pub mod update;
pub mod usage;

pub use archive::ArchiveError;
pub use check::is_bytecode_path;
pub use checkout::{Checkout, CheckoutReport, LinkMode};
pub use compare::{Comparer, Comparison, Depth, Difference, DifferenceKind};
pub use error::StoreError;
pub use format::environment::{Base, EntryRef, Environment, Package, TOOLS, Tool};
pub use id::{Digest, EntryId, Fingerprint};
pub use manifest::{Manifest, ManifestBuilder, ManifestError, Node, NodeKind};
pub use publish::CommitReport;
pub use realisation::RealisationKind;
pub use repair::RepairReport;
pub use sink::{MemorySink, SinkError, TreeSink};
pub use stage::{ReadyEntry, StagedEntry, Transaction};
pub use store::Store;
pub use tree_path::{TreePath, TreePathError};
pub use union::{Conflict, Folder, Generated, GeneratedKind, Layer, Origin, Tree, Union};
pub use update::UpdatePlan;
pub use usage::Usage;
