//! What goes wrong with what the store keeps and brings back, and what to do next.

use dht_store::gc::GcError;

use super::Kind;
use super::convert::{Advice, advice, of_discover, of_store};
use crate::project::rollback::RollbackError;
use crate::project::sbom::SbomError;

pub(super) fn of_gc(error: &GcError) -> Advice {
    match error {
        GcError::Store(error) => of_store(error),
        GcError::Unknown(unknown) => (
            Kind::Integrity,
            Some(format!(
                "nothing was removed: run `dhtl regenerate` there, or remove `{}`",
                unknown.path.display()
            )),
        ),
        GcError::NoRoot(_) => advice(Kind::Usage, "`dhtl gc --dry-run` names what is uncertain"),
        GcError::InUse(_) => advice(Kind::Usage, "remove it first, or leave it"),
    }
}

pub(super) fn of_rollback(error: &RollbackError) -> Advice {
    match error {
        RollbackError::None { .. } => advice(
            Kind::Work,
            "`dhtl generations` lists what can be brought back",
        ),
        RollbackError::Stands(_) => (Kind::Work, None),
        RollbackError::Foreign(_) => advice(Kind::Work, "move it away first"),
        RollbackError::Blueprint(_) => (Kind::Integrity, None),
        RollbackError::Store(error) => of_store(error),
        RollbackError::Fs(_) => (Kind::Work, None),
        RollbackError::Damaged(_) => advice(Kind::Integrity, "run `dhtl store verify --repair`"),
    }
}

pub(super) fn of_sbom(error: &SbomError) -> Advice {
    match error {
        SbomError::Nothing(_) | SbomError::Unknown(_) => {
            advice(Kind::Work, "run `dhtl regenerate`")
        }
        SbomError::Discover(error) => of_discover(error),
        SbomError::Document(_) => (Kind::Integrity, None),
        SbomError::Store(error) => of_store(error),
        SbomError::Damaged(_) => advice(Kind::Integrity, "run `dhtl store verify --repair`"),
        SbomError::Fs(_) => (Kind::Work, None),
    }
}
