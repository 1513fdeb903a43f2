//! Source archives, unpacked where only a part of one is built (PEP 625: a `.tar.gz` with one
//! folder). Names that could leave the target are refused, and so is everything but files, folders
//! and links inside the archive's own tree.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dht_store::{TreePath, TreePathError};
use flate2::read::GzDecoder;
use tar::EntryType;

/// Why a source archive could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum SdistError {
    /// It cannot be read, or a file cannot be written.
    #[error("could not unpack `{}`", archive.display())]
    Io {
        /// The archive.
        archive: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A name is refused.
    #[error("could not unpack `{}`", archive.display())]
    Name {
        /// The archive.
        archive: PathBuf,
        /// What is wrong with the name.
        source: TreePathError,
    },
    /// It holds a link, device or pipe.
    #[error("`{}` holds `{path}`, which is neither a file nor a folder", archive.display())]
    Kind {
        /// The archive.
        archive: PathBuf,
        /// The name.
        path: String,
    },
    /// It holds not exactly one folder.
    #[error("`{}` does not hold exactly one folder", .0.display())]
    Top(PathBuf),
}

/// Unpacks `archive` into the empty folder `target`, and returns the one folder that it holds.
pub fn unpack(archive: &Path, target: &Path) -> Result<PathBuf, SdistError> {
    let failed = |source| SdistError::Io {
        archive: archive.to_owned(),
        source,
    };
    let file = fs::File::open(archive).map_err(failed)?;
    let mut tar = tar::Archive::new(GzDecoder::new(io::BufReader::new(file)));
    let mut top: Option<String> = None;
    for entry in tar.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader | EntryType::XHeader) {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.trim_end_matches('/');
        let path = TreePath::new(name).map_err(|source| SdistError::Name {
            archive: archive.to_owned(),
            source,
        })?;
        let first = path.components().next().unwrap_or_default().to_owned();
        if *top.get_or_insert_with(|| first.clone()) != first {
            return Err(SdistError::Top(archive.to_owned()));
        }
        let place = target.join(path.as_str());
        match kind {
            EntryType::Directory => fs::create_dir_all(&place).map_err(failed)?,
            EntryType::Regular | EntryType::Continuous => {
                if let Some(parent) = place.parent() {
                    fs::create_dir_all(parent).map_err(failed)?;
                }
                let mut file = fs::File::create_new(&place).map_err(failed)?;
                io::copy(&mut entry, &mut file).map_err(failed)?;
            }
            _ => {
                return Err(SdistError::Kind {
                    archive: archive.to_owned(),
                    path: path.to_string(),
                });
            }
        }
    }
    top.map(|top| target.join(top))
        .ok_or_else(|| SdistError::Top(archive.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(folder: &Path, names: &[&str]) -> PathBuf {
        let path = folder.join("a-1.tar.gz");
        let file = fs::File::create(&path).unwrap();
        let encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        let mut tar = tar::Builder::new(encoder);
        for name in names {
            let mut header = tar::Header::new_gnu();
            header.set_size(1);
            header.set_mode(0o644);
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            tar.append(&header, &b"x"[..]).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
        path
    }

    #[test]
    fn unpacks_one_folder_and_refuses_everything_else() {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = |names: &[&str]| {
            let target = tempfile::tempdir_in(folder.path()).unwrap();
            unpack(&archive(folder.path(), names), target.path()).map(|top| top.join("x").is_file())
        };
        assert!(unpacked(&["a-1/x", "a-1/b/y"]).unwrap());
        assert!(matches!(
            unpacked(&["a-1/../../x"]),
            Err(SdistError::Name { .. })
        ));
        assert!(matches!(
            unpacked(&["/a-1/x"]),
            Err(SdistError::Name { .. })
        ));
        assert!(matches!(
            unpacked(&["a-1/x", "b/x"]),
            Err(SdistError::Top(_))
        ));
        assert!(matches!(unpacked(&[]), Err(SdistError::Top(_))));
    }
}
