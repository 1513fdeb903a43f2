//! Packages that refer to a folder of the project: a template in the store, rendered for the place
//! where the project stands.
//!
//! The template is an entry like any other; what is rendered is private to the environment.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use dht_store::fs::{self, Dir, FsError};
use dht_store::{Generated, GeneratedKind, Manifest, NodeKind, TreePath, TreePathError};

use crate::model::platform::Layout;
use crate::model::pyproject::{self, Pyproject};
use crate::python::cache_info;
use crate::python::editable::{
    EditableTemplate, Places, RenderTarget, TemplateError, TemplateFile,
};

/// Where a template is rendered.
#[derive(Debug, Clone)]
pub struct Site<'a> {
    /// The folder of the project, absolute.
    pub project: &'a Path,
    /// The folder of the package, relative to the project.
    pub folder: &'a str,
    /// The environment's folder, absolute.
    pub environment: &'a Path,
    /// The layout of the environment.
    pub layout: Layout,
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
    /// The project's place cannot be written into it.
    #[error("could not render the editable package in `{}`", folder.display())]
    Template {
        /// The package's folder.
        folder: PathBuf,
        /// What is wrong.
        source: TemplateError,
    },
}

/// What a template became.
#[derive(Debug)]
pub struct Rendered {
    /// The files.
    pub files: Vec<Generated>,
    /// What tells uv whether the package is up to date.
    pub note: Option<Note>,
}

/// A file that tells uv when the folder or archive of a package last changed. It speaks of this machine and this
/// moment, so it is outside of the fingerprint, and no drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its path in the environment, with slashes.
    pub path: String,
    /// What it speaks of.
    source: PathBuf,
}

impl Note {
    /// Returns the note at `path` in the environment that speaks of a folder or archive.
    pub fn new(path: String, source: PathBuf) -> Self {
        Self { path, source }
    }

    /// Writes the file into the environment in `dir`, unless it stands there already;
    /// true if it was written.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read or the file not be written.
    pub fn write(&self, dir: &Dir) -> io::Result<bool> {
        let path = Path::new(&self.path);
        let content = if self.source.is_file() {
            cache_info::of_file(&self.source)?
        } else {
            cache_info::of_folder(&self.source)?
        };
        let content = content.into_bytes();
        match dir.read_file(path) {
            Ok(standing) if standing == content => Ok(false),
            _ => fs::write_atomic(dir, path, &content, 0o644).map(|()| true),
        }
    }
}

/// Renders the template in `source`, an entry's folder.
pub fn render(
    source: &Path,
    manifest: &Manifest,
    mounts: &BTreeMap<String, String>,
    site: &Site<'_>,
) -> Result<Rendered, EditableError> {
    let member = match site.folder {
        "." => site.project.to_owned(),
        folder => site.project.join(folder),
    };
    let failed = |source| EditableError::Template {
        folder: member.clone(),
        source,
    };
    let template = EditableTemplate::from_files(read(source, manifest)?).map_err(failed)?;
    let site_packages = mounts
        .get("site-packages")
        .map(|path| site.environment.join(path))
        .unwrap_or_default();
    let note = mounts
        .get("site-packages")
        .filter(|_| is_told_by_files(&member))
        .map(|path| {
            let path = format!("{path}/{}/{}", template.dist_info(), cache_info::FILE_NAME);
            Note::new(path, member.clone())
        });
    let files = template
        .render(&RenderTarget {
            places: Places {
                member: &member,
                project: site.project,
            },
            site_packages: Some(&site_packages),
            layout: site.layout,
            windows_launcher: None,
            cache_info: note.is_some(),
        })
        .map_err(failed)?;
    let files = files
        .into_iter()
        .filter_map(|file| place(file, mounts).transpose())
        .collect::<Result<_, _>>()?;
    Ok(Rendered { files, note })
}

/// Tells whether the usual files of a project say when it changed, rather than `tool.uv.cache-keys`.
fn is_told_by_files(member: &Path) -> bool {
    let path = member.join("pyproject.toml");
    match fs::read_plain(&path, pyproject::MAX_BYTES) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            Pyproject::parse(&text, &path).is_ok_and(|project| !project.has_cache_keys)
        }
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn read(source: &Path, manifest: &Manifest) -> Result<Vec<TemplateFile>, EditableError> {
    let dir = Dir::open(source).map_err(FsError::at("open", source))?;
    let mut files = Vec::new();
    for node in manifest.nodes() {
        let NodeKind::File { executable, .. } = node.kind else {
            continue;
        };
        let bytes = dir
            .read_file(Path::new(node.path.as_str()))
            .map_err(FsError::at("read", source.join(node.path.as_str())))?;
        files.push(TemplateFile {
            path: node.path.clone(),
            executable,
            bytes,
        });
    }
    Ok(files)
}

fn place(
    file: TemplateFile,
    mounts: &BTreeMap<String, String>,
) -> Result<Option<Generated>, EditableError> {
    let Some((top, rest)) = file.path.as_str().split_once('/') else {
        return Ok(None);
    };
    let Some(to) = mounts.get(top) else {
        return Ok(None);
    };
    let path = match to.as_str() {
        "." => TreePath::new(rest)?,
        to => TreePath::new(&format!("{to}/{rest}"))?,
    };
    let kind = GeneratedKind::File {
        executable: file.executable,
        content: file.bytes,
    };
    Ok(Some(Generated { path, kind }))
}
