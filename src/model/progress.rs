//! How far long work has come: events out, nothing drawn.

/// A part of making or checking an environment that may take long enough to be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Archives come over the network; counted in bytes.
    Fetch,
    /// Source archives become wheels; counted in packages.
    Build,
    /// Archives become entries of the store; counted in archives.
    Unpack,
    /// Modules become bytecode; counted in modules.
    Compile,
    /// Parts of the store are written to an archive; counted in bytes.
    Export,
    /// Parts of an archive come into the store; counted in bytes.
    Import,
    /// Files of entries become files of the environment; counted in files.
    Link,
    /// Files are compared with what they should be; counted in files.
    Check,
}

/// Hears how far the work has come. Called from many threads.
pub trait Progress: Send + Sync {
    /// Starts a stage of `total` units, or adds `total` units to one that runs.
    fn begin(&self, stage: Stage, total: u64);
    /// Tells that `units` more are done.
    fn advance(&self, stage: Stage, units: u64);
    /// Tells that nothing of the stage is left to do.
    fn finish(&self, stage: Stage);
}

/// Hears everything and does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Stage, _: u64) {}
    fn advance(&self, _: Stage, _: u64) {}
    fn finish(&self, _: Stage) {}
}
