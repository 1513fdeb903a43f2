//! Editable packages: a template in the store, rendered for the place where the project stands.
//!
//! The template is an entry like any other, with two placeholders in its files: one for the folder of
//! the package, one for the path that leads to it from `site-packages`. What is rendered is private
//! to the environment; its `RECORD` is written last.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dht_store::fs::{Dir, FsError};
use dht_store::{Generated, GeneratedKind, Manifest, NodeKind, TreePath, TreePathError};

use crate::python::wheel::record;

/// Stands for the absolute path of the package's folder.
pub const FOLDER_PLACEHOLDER: &str = "@DHT_PACKAGE_FOLDER@";
/// Stands for the address of the package's folder, as in `file:///home/me/project`.
pub const URL_PLACEHOLDER: &str = "@DHT_PACKAGE_URL@";
/// Stands for the path of the package's folder, relative to `site-packages`.
pub const RELATIVE_PLACEHOLDER: &str = "@DHT_PACKAGE_RELATIVE@";

/// Where a template is rendered.
#[derive(Debug, Clone)]
pub struct Site {
    folder: PathBuf,
    relative: String,
}

/// Why a template cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum EditableError {
    /// It cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// It holds a path that cannot stand in an environment.
    #[error(transparent)]
    Path(#[from] TreePathError),
    /// The project's path cannot be written into a text file.
    #[error("the path `{}` is not Unicode, so editable packages cannot refer to it", .0.display())]
    NotUnicode(PathBuf),
}

impl Site {
    /// Returns the place of the package in `folder`, relative to `project`, seen from an environment
    /// in the project's `.venv`.
    pub fn new(project: &Path, folder: &str, mounts: &BTreeMap<String, String>) -> Self {
        let depth = mounts
            .get("site-packages")
            .map_or(0, |path| path.split('/').count());
        let mut relative = "../".repeat(depth + 1);
        let path = if folder == "." {
            relative.pop();
            project.to_owned()
        } else {
            relative.push_str(folder);
            project.join(folder)
        };
        Self {
            folder: path,
            relative,
        }
    }

    fn render(&self, content: &[u8]) -> Result<Vec<u8>, EditableError> {
        let Ok(text) = std::str::from_utf8(content) else {
            return Ok(content.to_vec());
        };
        if !text.contains("@DHT_PACKAGE_") {
            return Ok(content.to_vec());
        }
        let not_unicode = || EditableError::NotUnicode(self.folder.clone());
        let folder = self.folder.to_str().ok_or_else(not_unicode)?;
        let url = url::Url::from_file_path(&self.folder).map_err(|()| not_unicode())?;
        Ok(text
            .replace(RELATIVE_PLACEHOLDER, &self.relative)
            .replace(URL_PLACEHOLDER, url.as_str())
            .replace(FOLDER_PLACEHOLDER, folder)
            .into_bytes())
    }
}

/// Renders the template in `source`, an entry's folder.
pub fn render(
    source: &Path,
    manifest: &Manifest,
    mounts: &[(String, String)],
    site: &Site,
) -> Result<Vec<Generated>, EditableError> {
    let dir = Dir::open(source).map_err(FsError::at("open", source))?;
    let mut files = Vec::new();
    let mut rows = BTreeMap::new();
    let mut record_path = None;
    for node in manifest.nodes() {
        let NodeKind::File { executable, .. } = node.kind else {
            continue;
        };
        let Some((top, rest)) = node.path.as_str().split_once('/') else {
            continue;
        };
        let Some((_, to)) = mounts.iter().find(|(from, _)| from == top) else {
            continue;
        };
        let path = match to.as_str() {
            "" => TreePath::new(rest)?,
            to => TreePath::new(&format!("{to}/{rest}"))?,
        };
        let content = dir
            .read_file(Path::new(node.path.as_str()))
            .map_err(FsError::at("read", source.join(node.path.as_str())))?;
        let content = site.render(&content)?;
        if top == "site-packages" && rest.ends_with(".dist-info/RECORD") {
            record_path = Some((path, rest.to_owned()));
            continue;
        }
        rows.insert(recorded(mounts, top, rest, &path), record::row_of(&content));
        let kind = GeneratedKind::File {
            executable,
            content,
        };
        files.push(Generated { path, kind });
    }
    if let Some((path, own)) = record_path {
        rows.insert(own, record::Row::default());
        let content = record::write(&rows);
        files.push(Generated {
            path,
            kind: GeneratedKind::File {
                executable: false,
                content,
            },
        });
    }
    Ok(files)
}

/// Returns the path that `RECORD` gives: relative to `site-packages`.
fn recorded(mounts: &[(String, String)], top: &str, rest: &str, path: &TreePath) -> String {
    if top == "site-packages" {
        return rest.to_owned();
    }
    let depth = mounts
        .iter()
        .find(|(from, _)| from == "site-packages")
        .map_or(0, |(_, to)| to.split('/').count());
    format!("{}{path}", "../".repeat(depth))
}
