//! The files of a build that is installed in a folder.

use std::fs;
use std::path::Path;

use dht_store::TreePath;

use super::ingest::IngestError;
use super::outline::Node;

/// Lists one folder of an installed build.
pub fn list(
    origin: &Path,
    folder: Option<&TreePath>,
) -> Result<Vec<(TreePath, Node)>, IngestError> {
    let place = folder.map_or_else(|| origin.to_path_buf(), |path| origin.join(path.as_str()));
    let fail = |source| IngestError::File {
        path: place.clone(),
        source,
    };
    let mut nodes = Vec::new();
    for entry in fs::read_dir(&place).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| IngestError::Name {
            name: name.to_string_lossy().into_owned(),
        })?;
        let path = match folder {
            Some(folder) => folder.join(name)?,
            None => TreePath::new(name)?,
        };
        let metadata = entry.metadata().map_err(fail)?;
        let kind = metadata.file_type();
        let node = if kind.is_dir() {
            Node::Directory
        } else if kind.is_file() {
            Node::File {
                executable: is_executable(&metadata),
                size: metadata.len(),
            }
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path()).map_err(fail)?;
            let target = target.into_os_string().into_string();
            let target = target.map_err(|name| IngestError::Name {
                name: name.to_string_lossy().into_owned(),
            })?;
            Node::Symlink { target }
        } else {
            return Err(IngestError::Kind {
                path,
                kind: "neither a file, a folder nor a link",
            });
        };
        nodes.push((path, node));
    }
    Ok(nodes)
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
const fn is_executable(_: &fs::Metadata) -> bool {
    false
}
