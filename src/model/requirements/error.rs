//! What can be wrong with requirements files, and where.

/// A requirements file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use `{file}`{}: {problem}", .line.map_or_else(String::new, |line| format!(", line {line}")))]
pub struct RequirementsError {
    /// The file, relative to the project's folder.
    pub file: String,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: Fault,
}

/// What is wrong with a requirements file.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum Fault {
    #[error("it cannot be read: {0}")]
    Read(String),
    #[error("it starts with a byte order mark; write it as plain UTF-8")]
    ByteOrderMark,
    #[error("it says that its encoding is `{0}`; only UTF-8 is read")]
    Encoding(String),
    #[error("it includes itself: {0}")]
    Cycle(String),
    #[error("`{0}` is outside the project")]
    Outside(String),
    #[error("more than {max} files are included", max = super::MAX_FILES)]
    TooMany,
    #[error("`{0}` is not a requirement: {1}")]
    Requirement(String, String),
    #[error("`{0}` is not an option that is known")]
    Option(String),
    #[error("the option `{0}` changes how packages are built, which a lock cannot say here")]
    BuildOption(String),
    #[error("the option `{0}` needs a value")]
    NoValue(String),
    #[error("`--no-index` leaves no index where files could be found")]
    NoIndex,
    #[error("`{0}` is not an address")]
    Address(String),
    #[error("a quote is not closed")]
    Quote,
    #[error("the variable `{0}` is not expanded: a lock means the same on every machine")]
    Variable(String),
    #[error("`{0}` is not an ALGORITHM:DIGEST")]
    Hash(String),
    #[error("`{0}` is not pinned to one version by `==`")]
    Unpinned(String),
    #[error(
        "`{0}` has no hash; lock with hashes (`--generate-hashes`), or allow missing hashes with `hash_validation: false`"
    )]
    NoHash(String),
    #[error("`{0}` has {1} only; SHA-256 is required")]
    WeakHash(String, String),
    #[error("`{0}` has hashes that disagree with its address")]
    HashesDisagree(String),
    #[error("`{0}` names no full commit id; a branch or tag may move")]
    Commit(String),
    #[error("`{0}` uses a version control system that is not known; git is")]
    Vcs(String),
    #[error(
        "the name of the package in `{0}` cannot be told; write `NAME @ ADDRESS` or add `#egg=NAME`"
    )]
    NoName(String),
    #[error("`{package}` is {version}, and {place} constrains it to `{constraint}`")]
    Constraint {
        package: String,
        version: String,
        place: String,
        constraint: String,
    },
    #[error(transparent)]
    Disagreement(#[from] Box<super::super::pins::Disagreement>),
}
