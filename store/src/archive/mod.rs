//! Archives: parts of a store in one file, for a machine that has neither network nor store.
//!
//! `schemas/archive-format.md` specifies the bytes. The laws:
//!
//! - **One content, one form.** Which members an archive has, their order and every byte of their
//!   headers follow from its [`Head`] and from manifests. The reader computes what has to come next
//!   and refuses everything else; it never asks a header what to do.
//! - **Nothing is believed that a hash can prove.** Every byte is checked while it streams; nothing is
//!   visible in the store before the whole archive was found right.
//! - **Memory is bounded** by the number of threads, whatever the archive's size or its claims.
//!
//! [`Plan`] says what an archive will hold and [`Plan::write`] writes it; [`Source::open`] reads a
//! head, and [`Incoming::import`] brings the rest into a store.

mod claim;
mod crew;
mod documents;
mod error;
mod export;
mod frame;
mod head;
mod import;
mod index;
mod judge;
mod layout;
mod member;
mod passage;
mod pieces;
mod plan;
mod run;
mod source;
mod work;

pub use claim::ClaimName;
pub use error::ArchiveError;
pub use export::ExportReport;
pub use head::{ClaimPart, EntryPart, EnvironmentPart, Head, SupplementPart};
pub use import::{ImportOptions, ImportReport};
pub use plan::{Plan, Wanted};
pub use source::{Incoming, Source};

/// The most bytes of tar that one frame holds.
pub(crate) const PIECE: usize = 4 << 20;
/// The most bytes that the head, or one manifest, may have.
pub(crate) const MAX_LISTING: u64 = 64 << 20;
/// The most bytes that an environment's document or a claim may have.
pub(crate) const MAX_DOCUMENT: u64 = 16 << 20;
/// The most bytes of one file: what a plain tar header can say.
pub(crate) const MAX_FILE: u64 = 0o777_7777_7777;
/// The most bytes of tar in one run: more than any disk of today, and far from overflow.
pub(crate) const MAX_RUN: u64 = 1 << 48;

/// The levels of compression that can be asked for.
pub const LEVELS: std::ops::RangeInclusive<i32> = 1..=19;
/// The level that serves when none is asked for.
pub const DEFAULT_LEVEL: i32 = 3;
