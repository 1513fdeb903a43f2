//! What keeps the store's content alive, as far as only the program can tell.

use std::io::ErrorKind;
use std::path::Path;

use dht_store::gc::{Options, Place};

use crate::env::context::Context;
use crate::env::state::{self, State};
use crate::env::uv;

/// Tells what stands at the path of a root. Whatever cannot be told for sure counts as in use.
pub fn survey(path: &Path) -> Place {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Place::Absent,
        Err(error) => return unless_missing(&error),
    }
    if let Some(state) = State::read(path) {
        let interrupted = State::interrupted(path).map(|state| state.fingerprint);
        return Place::Standing(
            std::iter::once(state.fingerprint)
                .chain(interrupted)
                .collect(),
        );
    }
    match std::fs::symlink_metadata(path.join(state::FOLDER)) {
        Ok(_) => Place::Unclear,
        Err(error) => unless_missing(&error),
    }
}

fn unless_missing(error: &std::io::Error) -> Place {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Place::Absent,
        _ => Place::Unclear,
    }
}

/// Adds to the options what `dhtl` itself needs: the uv that it runs, where it brought one.
#[must_use]
pub fn with_own(context: &Context<'_>, mut options: Options) -> Options {
    options
        .own
        .extend(uv::kept(context).map(|entry| entry.entry));
    options
}
