//! Whether an environment is looked at when a shell activates it.
//!
//! The activation scripts ask for a file in the environment's own folder, so that their text is the
//! same in every environment; they call `dhtl validate-env --quick --quiet`, and warn.

use std::io;
use std::path::Path;

use dht_store::fs::{self, Dir, FsError};

use super::state::FOLDER;

/// The file that the scripts ask for.
const FILE: &str = ".dht/on-activation";

/// What it holds, for people.
const TEXT: &[u8] =
    b"While this file is here, activation warns of drift. `.dhtconfig` decides: assembly.activation_hook.\n";

/// Makes the environment in `folder` be looked at on activation, or not.
pub fn keep(folder: &Path, is_wanted: bool) -> Result<(), FsError> {
    let change = || -> io::Result<()> {
        let dir = Dir::open(folder)?;
        let stands = dir.stat(Path::new(FILE)).is_ok();
        match (is_wanted, stands) {
            (true, false) => {
                fs::create_dirs(&dir, Path::new(FOLDER))?;
                fs::write_swapped(&dir, Path::new(FILE), TEXT, 0o644)
            }
            (false, true) => dir.remove_file(Path::new(FILE)),
            _ => Ok(()),
        }
    };
    change().map_err(FsError::at("change", folder.join(FILE)))
}
