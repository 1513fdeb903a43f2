//! The JSON Schema of `.dhtconfig` in an environment's own folder, where a line of the file tells editors
//! to look for it: the same relative path in every clone, and no address.

use std::io;
use std::path::Path;

use dht_store::fs::{self, Dir, FsError};

use super::state::FOLDER;

/// The file, relative to the environment.
const FILE: &str = ".dht/dhtconfig.schema.json";

/// The schema, as it is generated from the types.
const SCHEMA: &[u8] = include_bytes!("../../schemas/dhtconfig.schema.json");

/// Puts the schema into the environment in `folder`.
pub fn keep(folder: &Path) -> Result<(), FsError> {
    let path = folder.join(FILE);
    if std::fs::read(&path).is_ok_and(|stands| stands == SCHEMA) {
        return Ok(());
    }
    let write = || -> io::Result<()> {
        let dir = Dir::open(folder)?;
        fs::create_dirs(&dir, Path::new(FOLDER))?;
        fs::write_swapped(&dir, Path::new(FILE), SCHEMA, 0o644)
    };
    write().map_err(FsError::at("write", path))
}
