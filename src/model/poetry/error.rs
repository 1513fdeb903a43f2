//! What can be wrong with a `poetry.lock`, and where.

/// A lock cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use `{file}`{}: {problem}", self.position())]
pub struct PoetryError {
    /// The lock.
    pub file: String,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// The package.
    pub package: Option<String>,
    /// What is wrong.
    pub problem: Fault,
}

impl PoetryError {
    fn position(&self) -> String {
        let line = self.line.map(|line| format!(", line {line}"));
        let package = self
            .package
            .as_ref()
            .map(|name| format!(", package `{name}`"));
        [line, package].into_iter().flatten().collect()
    }
}

/// What is wrong with a lock.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum Fault {
    #[error("it has {0} bytes, more than the {max} that are read", max = super::MAX_BYTES)]
    TooLarge(usize),
    #[error("it is not the TOML that Poetry writes: {0}")]
    Toml(String),
    #[error("lock-version `{0}` is not known; 2.x is, which Poetry 1.3 and later write")]
    LockVersion(String),
    #[error("`pyproject.toml` cannot be read: {0}")]
    Pyproject(String),
    #[error("its name is not a package's name")]
    Name,
    #[error("`{0}` is not a version")]
    Version(String),
    #[error("`{0}` is not an environment marker")]
    Marker(String),
    #[error("`{0}` is not a group's name")]
    Group(String),
    #[error("`{0}` is not an address")]
    Address(String),
    #[error(
        "no file has a hash; lock again, or allow missing hashes with `hash_validation: false`"
    )]
    NoHash,
    #[error("no file has a SHA-256, which is required")]
    WeakHash,
    #[error("sources of the kind `{0}` are not known")]
    Source(String),
    #[error("no full commit id is given")]
    Commit,
    #[error("`pyproject.toml` asks for `{0}`, which the lock does not have; lock again")]
    Missing(String),
}
