//! The strict walk over the archive of a build.
//!
//! Only folders, regular files, symbolic links and hard links are accepted; every other kind of
//! entry is refused, and no name is rewritten. Two shapes are known: one folder at the top
//! (`python/` of python-build-standalone, `pypy3.11-v7.3.20-linux64/` of PyPy), which is stripped,
//! and the full archives of python-build-standalone, of which only `python/install/` is the build.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use dht_store::TreePath;
use tar::EntryType;

use super::ingest::IngestError;
use super::outline::Node;

/// The largest window that a zstd frame may ask for: 128 MiB, the limit of `zstd` itself.
const WINDOW_LOG: u32 = 27;
/// The largest telling file that is read into memory during the first walk, in bytes.
const BUFFER: usize = 256 << 10;

/// How the files of an archive are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One folder at the top.
    Install,
    /// `python/install/` is the build, `python/build/` and `python/PYTHON.json` are not.
    Full,
}

/// One accepted entry.
pub struct Item<'a> {
    /// Its path in the build.
    pub path: TreePath,
    /// What it is.
    pub node: Node,
    /// Its content.
    pub content: &'a mut dyn Read,
}

/// Opens the archive and calls `visit` for each entry of the build, in the archive's order.
pub fn walk(
    archive: &Path,
    shape: Shape,
    visit: &mut dyn FnMut(Item<'_>) -> Result<(), IngestError>,
) -> Result<(), IngestError> {
    let fail = |source| IngestError::Read {
        archive: archive.to_path_buf(),
        source,
    };
    let mut tar = tar::Archive::new(open(archive)?);
    for entry in tar.entries().map_err(fail)? {
        let mut entry = entry.map_err(fail)?;
        let bytes = entry.path_bytes().into_owned();
        let Some(path) = strip(&bytes, shape)? else {
            continue;
        };
        let node = node_of(&entry, &path, shape)?;
        visit(Item {
            path,
            node,
            content: &mut entry,
        })?;
    }
    read_end(&mut tar.into_inner()).map_err(fail)
}

/// Reads what follows the last entry, so that the checksum of the compressed data is compared too.
fn read_end(rest: &mut dyn Read) -> std::io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match rest.read(&mut buffer)? {
            0 => return Ok(()),
            length if buffer[..length].iter().all(|&byte| byte == 0) => {}
            _ => {
                return Err(std::io::Error::new(
                    std::io::ErrorKind::InvalidData,
                    "other data follows the end of the archive",
                ));
            }
        }
    }
}

/// Tells the shape of the archive from the names in it.
pub fn shape_of(archive: &Path) -> Result<Shape, IngestError> {
    let fail = |source| IngestError::Read {
        archive: archive.to_path_buf(),
        source,
    };
    let mut tar = tar::Archive::new(open(archive)?);
    for entry in tar.entries().map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let bytes = entry.path_bytes();
        let name = trimmed(&bytes);
        if name.starts_with(b"python/install/")
            || name.starts_with(b"python/build/")
            || name == b"python/PYTHON.json"
        {
            return Ok(Shape::Full);
        }
        if entry.header().entry_type() != EntryType::Directory {
            break;
        }
    }
    Ok(Shape::Install)
}

fn open(archive: &Path) -> Result<Box<dyn Read>, IngestError> {
    let fail = |source| IngestError::Read {
        archive: archive.to_path_buf(),
        source,
    };
    let mut file = File::open(archive).map_err(fail)?;
    let mut magic = Vec::new();
    Read::by_ref(&mut file)
        .take(4)
        .read_to_end(&mut magic)
        .map_err(fail)?;
    file.rewind().map_err(fail)?;
    let file = BufReader::with_capacity(BUFFER, file);
    if magic.starts_with(&[0x1f, 0x8b]) {
        let decoder = flate2::bufread::MultiGzDecoder::new(file);
        Ok(Box::new(BufReader::with_capacity(BUFFER, decoder)))
    } else if magic == [0x28, 0xb5, 0x2f, 0xfd] {
        let mut decoder = zstd::Decoder::with_buffer(file).map_err(fail)?;
        decoder.window_log_max(WINDOW_LOG).map_err(fail)?;
        Ok(Box::new(BufReader::with_capacity(BUFFER, decoder)))
    } else {
        Err(IngestError::Format {
            archive: archive.to_path_buf(),
        })
    }
}

/// Drops what tar itself adds to a name: `./` before it, and `/` after a folder.
fn trimmed(name: &[u8]) -> &[u8] {
    let name = name.strip_prefix(b"./").unwrap_or(name);
    name.strip_suffix(b"/").unwrap_or(name)
}

/// Returns the path inside of the build; `None` for what stands outside of it in the archive.
fn strip(name: &[u8], shape: Shape) -> Result<Option<TreePath>, IngestError> {
    let text = std::str::from_utf8(trimmed(name)).map_err(|_| IngestError::Name {
        name: String::from_utf8_lossy(name).into_owned(),
    })?;
    if text.is_empty() || text == "." {
        return Ok(None);
    }
    // Checked before anything is stripped, so that a bad name cannot hide in the stripped part.
    let whole = TreePath::new(text)?;
    let rest = match shape {
        Shape::Install => whole.as_str().split_once('/').map(|(_, rest)| rest),
        Shape::Full => whole.as_str().strip_prefix("python/install/"),
    };
    Ok(rest.map(TreePath::new).transpose()?)
}

fn node_of<R: Read>(
    entry: &tar::Entry<'_, R>,
    path: &TreePath,
    shape: Shape,
) -> Result<Node, IngestError> {
    let header = entry.header();
    let refused = || IngestError::Kind {
        path: path.clone(),
        kind: kind_name(header.entry_type()),
    };
    let link = || entry.link_name_bytes().ok_or_else(refused);
    match header.entry_type() {
        EntryType::Directory => Ok(Node::Directory),
        EntryType::Regular => {
            let mode = header.mode().map_err(|_| refused())?;
            Ok(Node::File {
                executable: mode & 0o100 != 0,
                size: entry.size(),
            })
        }
        EntryType::Symlink => {
            let target = String::from_utf8(link()?.into_owned()).map_err(|_| refused())?;
            Ok(Node::Symlink { target })
        }
        EntryType::Link => {
            let target = strip(&link()?, shape)?.ok_or_else(refused)?;
            Ok(Node::Hardlink { target })
        }
        _ => Err(refused()),
    }
}

const fn kind_name(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Fifo => "a named pipe",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::GNUSparse => "a sparse file",
        EntryType::XGlobalHeader => "a header for all files",
        EntryType::Symlink | EntryType::Link => "a link with a bad target",
        EntryType::Regular => "a file with a bad mode",
        _ => "of an unknown kind",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_the_top_and_refuses_bad_names() {
        let strip = |name: &str, shape| {
            strip(name.as_bytes(), shape).map(|path| path.map(|path| path.to_string()))
        };
        let install = |name| strip(name, Shape::Install);
        assert_eq!(install("python/bin/x").unwrap().unwrap(), "bin/x");
        assert_eq!(install("./python/lib/").unwrap().unwrap(), "lib");
        assert_eq!(install("python/").unwrap(), None);
        let full = |name| strip(name, Shape::Full).unwrap();
        assert_eq!(full("python/install/bin/x").unwrap(), "bin/x");
        assert_eq!(full("python/PYTHON.json"), None);
        for name in [
            "../x",
            "python/../../x",
            "/python/x",
            "python//x",
            "python/a\\b",
        ] {
            assert!(install(name).is_err(), "{name}");
        }
    }
}
