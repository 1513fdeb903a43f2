//! Wheels: read strictly, unpacked into the form that they have once installed.
//!
//! - `zip`, [`archive`], [`inflate`]: the zip file; one reading, everything else refused.
//! - [`metadata`], [`record`], [`entry_points`]: the files of `.dist-info`.
//! - [`names`], [`scheme`]: what names mean on each platform, and where files go.
//! - [`launcher`]: scripts that find Python beside themselves.
//! - `plan`, [`install`](mod@install): from an archive to a tree.

pub mod archive;
pub mod entry_points;
pub mod error;
pub mod inflate;
pub mod install;
pub mod launcher;
pub mod metadata;
pub mod names;
mod plan;
pub mod record;
pub mod scheme;
mod zip;

#[cfg(test)]
mod tests;

pub use archive::{Archive, ArchiveError};
pub use error::WheelError;
pub use install::{InstallTarget, InstalledWheel, install};
pub use launcher::WindowsLauncher;
