//! Packages that refer to a folder of the project: a template in the store, rendered for the place
//! where the project stands.
//!
//! The template is an entry like any other; what is rendered is private to the environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dht_store::fs::{Dir, FsError};
use dht_store::{Generated, GeneratedKind, Manifest, NodeKind, TreePath, TreePathError};

use crate::model::platform::Layout;
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

/// Renders the template in `source`, an entry's folder.
pub fn render(
    source: &Path,
    manifest: &Manifest,
    mounts: &BTreeMap<String, String>,
    site: &Site<'_>,
) -> Result<Vec<Generated>, EditableError> {
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
    let files = template
        .render(&RenderTarget {
            places: Places {
                member: &member,
                project: site.project,
            },
            site_packages: Some(&site_packages),
            layout: site.layout,
            windows_launcher: None,
        })
        .map_err(failed)?;
    files
        .into_iter()
        .filter_map(|file| place(file, mounts).transpose())
        .collect()
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
