//! An archive on the disk: complete under its name, or not there.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use dht_store::archive::ArchiveError;
use dht_store::fs::FsError;

/// Writes a file through `write`: beside its place first, synced, and renamed.
///
/// # Errors
///
/// When `write` fails or the disk does; what stood at `path` stands there still.
pub fn write<T>(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    let parent = parent.unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // What the user's umask leaves of it.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let failed = |source| ArchiveError::from(FsError::at("write", path)(source));
    let mut temporary = builder.tempfile_in(parent).map_err(failed)?;
    let mut out = BufWriter::with_capacity(1 << 20, temporary.as_file_mut());
    let done = write(&mut out)?;
    out.flush().map_err(ArchiveError::Write)?;
    drop(out);
    temporary.as_file().sync_all().map_err(failed)?;
    temporary
        .persist(path)
        .map_err(|error| failed(error.error))?;
    Ok(done)
}

/// Opens an archive for reading.
///
/// # Errors
///
/// When it cannot be opened.
pub fn open(path: &Path) -> Result<File, ArchiveError> {
    Ok(File::open(path).map_err(FsError::at("open", path))?)
}
