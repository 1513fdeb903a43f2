//! What can be wrong with a lock, and where.

use std::path::PathBuf;

/// A lock cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the lock `{}`{}", .file.display(), self.place())]
pub struct PylockError {
    /// The lock.
    pub file: PathBuf,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// The package, as the lock writes it.
    pub package: Option<String>,
    /// The key, such as `wheels[2].hashes`.
    pub key: Option<String>,
    /// What is wrong.
    #[source]
    pub problem: Box<Problem>,
}

impl PylockError {
    fn place(&self) -> String {
        let line = self.line.map(|line| format!(", line {line}"));
        let package = self
            .package
            .as_ref()
            .map(|name| format!(", package `{name}`"));
        let key = self.key.as_ref().map(|key| format!(", key `{key}`"));
        [line, package, key].into_iter().flatten().collect()
    }
}

/// What is wrong with a lock.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum Problem {
    #[error("it has {0} bytes, more than the {max} that are read", max = super::MAX_BYTES)]
    TooLarge(usize),
    #[error("it starts with a byte order mark, which TOML files must not have")]
    ByteOrderMark,
    #[error("it is not the TOML that the specification asks for: {0}")]
    Toml(String),
    #[error("lock-version `{0}` is not known; 1.x is")]
    LockVersion(String),
    #[error("the specification knows no such key")]
    UnknownKey,
    #[error("`{0}` is not a normalised name")]
    Name(String),
    #[error("`{0}` is not a version")]
    Version(String),
    #[error("`{0}` is not a version specifier")]
    Specifiers(String),
    #[error("`{0}` is not an environment marker")]
    Marker(String),
    #[error("exactly one of `vcs`, `directory`, `archive` and `sdist`/`wheels` must be given")]
    SourceKinds,
    #[error("neither `url` nor `path` is given")]
    NoLocation,
    #[error("`{0}` is not an address")]
    Url(String),
    #[error("`{url}` uses `{scheme}`, which is only fetched from where the user allowed it")]
    Scheme { url: String, scheme: String },
    #[error("`{0}` leads out of the project, which is only followed where the user allowed it")]
    Outside(String),
    #[error("`{0}` hides a step or a separator in its path")]
    HiddenStep(String),
    #[error(
        "the file has no SHA-256; lock again with hashes, or allow missing hashes in the user's settings"
    )]
    NoHash,
    #[error("the file has {0} only; SHA-256 is required")]
    WeakHash(String),
    #[error("`{0}` is not a SHA-256: 64 hexadecimal digits")]
    HashFormat(String),
    #[error("two SHA-256 that disagree are given: `{0}` and `{1}`")]
    HashesDisagree(String, String),
    #[error("the file name `{0}` is not that of a wheel")]
    WheelName(String),
    #[error("the file name `{0}` is not that of a source archive")]
    SdistName(String),
    #[error("the file name `{filename}` is not of {expected}")]
    NameMismatch { filename: String, expected: String },
    #[error("`{0}` is not a full commit id")]
    Commit(String),
    #[error("the version control system `{0}` is not known; git is")]
    Vcs(String),
    #[error("`{0}` is not a folder inside the archive")]
    Subdirectory(String),
}
