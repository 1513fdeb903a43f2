//! What an archive that is refused means to the user.

use dht_store::archive::ArchiveError;

use super::Kind;
use super::convert::{Advice, advice, of_resolve, of_store};
use crate::project::shipment::ShipmentError;

pub(super) fn of_archive(error: &ArchiveError) -> Advice {
    match error {
        ArchiveError::Store(error) => of_store(error),
        ArchiveError::Read(_) | ArchiveError::Write(_) => (Kind::Work, None),
        ArchiveError::Foreign(_) => advice(
            Kind::Integrity,
            "`dhtl store export` makes archives; one that was packed anew is read after `tar` alone",
        ),
        ArchiveError::Version { .. } => advice(
            Kind::Integrity,
            "read it with a dhtl of the age of the one that wrote it, or export it again",
        ),
        ArchiveError::Truncated(_) => advice(
            Kind::Integrity,
            "copy the archive again: nothing of it is in the store",
        ),
        ArchiveError::Refused { .. } => advice(
            Kind::Integrity,
            "copy the archive again, and ask who made it; nothing of it is in the store",
        ),
        ArchiveError::OtherArchive { .. } | ArchiveError::OtherRoot { .. } => advice(
            Kind::Integrity,
            "`dhtl store import --list` tells what an archive holds",
        ),
        ArchiveError::Needs(_) => advice(
            Kind::Work,
            "import the archive first that it was made `--since`, or export without `--since`",
        ),
        ArchiveError::Space { .. } => advice(
            Kind::Disk,
            "free some space, or name a store on a larger disk with `DHT_STORE`",
        ),
        ArchiveError::Damaged { .. } => advice(
            Kind::Integrity,
            "run `dhtl store verify --repair`, and export again",
        ),
        ArchiveError::NoEnvironment(_) => advice(
            Kind::Work,
            "run `dhtl regenerate` in its project, or export the project itself",
        ),
        ArchiveError::External(_) => advice(
            Kind::Unsuitable,
            "let the project use a Python that can be kept in the store: uv's build or pyenv's",
        ),
        ArchiveError::TooLarge(_) => (Kind::Work, None),
    }
}

pub(super) fn of_shipment(error: &ShipmentError) -> Advice {
    match error {
        ShipmentError::Resolve(error) => of_resolve(error),
        ShipmentError::Uv { .. } => advice(
            Kind::Network,
            "run again with the network, or leave uv out with `--no-uv`: it is needed only where the \
             lock changes",
        ),
        ShipmentError::Store(error) => of_store(error),
        ShipmentError::Archive(error) => of_archive(error),
    }
}
