//! What goes wrong where what stands is compared or explained, and what to do next.

use super::Kind;
use super::convert::{Advice, advice, of_discover, of_resolve, of_spec, of_store};
use crate::project::checksum::AskedError;
use crate::project::diff::DiffError;
use crate::project::expectation::ExpectationError;
use crate::project::history::HistoryError;
use crate::project::validate::ValidateError;
use crate::project::why::WhyError;

pub(super) fn of_validate(error: &ValidateError) -> Advice {
    match error {
        ValidateError::Nothing(_) => advice(Kind::Work, "run `dhtl regenerate`"),
        ValidateError::Foreign(_) => advice(
            Kind::Work,
            "run `dhtl regenerate --yes` to have dhtl make it anew",
        ),
        ValidateError::Unknown(_) => advice(Kind::Integrity, "run `dhtl regenerate`"),
        ValidateError::Blueprint(_) => advice(Kind::Integrity, "run `dhtl regenerate`"),
        ValidateError::Store(error) => of_store(error),
        ValidateError::Fs(_) => (Kind::Work, None),
    }
}

pub(super) fn of_expectation(error: &ExpectationError) -> Advice {
    match error {
        ExpectationError::Config(error) => (
            Kind::Configuration,
            error.advice.as_deref().map(str::to_owned),
        ),
        ExpectationError::Fs(_) => (Kind::Work, None),
        ExpectationError::Asked(error) => of_asked(error),
    }
}

pub(super) fn of_asked(error: &AskedError) -> Advice {
    match error {
        AskedError::Read { .. } => (Kind::Work, None),
        AskedError::Discover(error) => of_discover(error),
        AskedError::Lock { .. } => advice(Kind::Configuration, "lock again, and commit the lock"),
        AskedError::Store(error) => of_store(error),
    }
}

pub(super) fn of_diff(error: &DiffError) -> Advice {
    match error {
        DiffError::Unknown(_) => advice(
            Kind::Usage,
            "name a folder, a lock file, a fingerprint or a revision; the store knows the environments that \
             were made on this machine",
        ),
        DiffError::History(error) => of_history(error),
        DiffError::Discover(error) => of_discover(error),
        DiffError::Spec { source, .. } => of_spec(source),
        DiffError::NoLock(_) => advice(
            Kind::Configuration,
            "compare with one that has a lock; `dhtl setup` locks the project as it is now",
        ),
        DiffError::Asked(error) => of_asked(error),
        DiffError::Resolve { source, .. } => of_resolve(source),
        DiffError::NoFiles(_) => advice(
            Kind::Work,
            "run `dhtl regenerate` there once, or compare without --files",
        ),
        DiffError::Store(error) => of_store(error),
    }
}

pub(super) fn of_why(error: &WhyError) -> Advice {
    match error {
        WhyError::NoEnvironment(_) => advice(Kind::Work, "run `dhtl regenerate`"),
        WhyError::Unknown(_) => advice(
            Kind::Usage,
            "name a package as the lock has it, or a path below `.venv`",
        ),
        WhyError::Blueprint(_) => (Kind::Integrity, None),
        WhyError::Store(error) => of_store(error),
    }
}

pub(super) fn of_history(error: &HistoryError) -> Advice {
    match error {
        HistoryError::NoGit(_) => advice(Kind::Tool, "install git"),
        HistoryError::Git { .. } => advice(
            Kind::Usage,
            "name a revision that git knows, such as HEAD~1, a tag or a commit",
        ),
        HistoryError::Fs(_) => (Kind::Work, None),
    }
}
