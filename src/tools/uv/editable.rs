//! The project itself, installed so that the environment refers to its folder.

use std::path::{Path, PathBuf};

use dht_store::fs::read_plain;

use super::super::runner::Cancel;
use super::{Uv, UvError};
use crate::python::editable::{EditableTemplate, InstalledFile, Places, TemplateError};

/// The largest file that a build backend may install for an editable package, in bytes: all of them
/// are held in memory.
const MAX_FILE_BYTES: usize = 512 * 1024 * 1024;

/// A project or member of a workspace to install editable.
#[derive(Debug, Clone)]
pub struct EditableRequest<'a> {
    /// Its folder, absolute.
    pub member: &'a Path,
    /// The folder of the whole project, absolute.
    pub project: &'a Path,
    /// The interpreter that builds.
    pub python: &'a Path,
    /// An empty folder for the work, outside of the project.
    pub work: &'a Path,
}

impl Uv {
    /// Installs a project editable, away from any environment, and returns what its build backend
    /// made, with the project's place left open.
    ///
    /// # Errors
    ///
    /// When the build fails or installs something that cannot be kept.
    pub fn build_editable(
        &self,
        request: &EditableRequest<'_>,
        cancel: &Cancel,
    ) -> Result<EditableTemplate, UvError> {
        let title = request.member.display().to_string();
        let prefix = request.work.join("prefix");
        self.build_call("pip", request.project, request.python)
            .args(["install", "--no-deps", "--link-mode", "copy"])
            .arg("--python")
            .arg(request.python)
            .arg("--prefix")
            .arg(&prefix)
            .arg("--editable")
            .arg(request.member)
            .run(cancel)
            .map_err(|source| Self::failed(format!("install `{title}` editable"), source))?;
        let mut files = Vec::new();
        collect(&prefix, &prefix, &mut files)?;
        let places = Places {
            member: request.member,
            project: request.project,
        };
        EditableTemplate::from_installed(files, &places).map_err(|source| UvError::Editable {
            project: request.member.to_owned(),
            source,
        })
    }
}

fn collect(prefix: &Path, folder: &Path, files: &mut Vec<InstalledFile>) -> Result<(), UvError> {
    let error = |path: &Path| {
        let path = path.to_owned();
        move |source| UvError::Folder { path, source }
    };
    for entry in folder.read_dir().map_err(error(folder))? {
        let entry = entry.map_err(error(folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(error(&path))?;
        if kind.is_dir() {
            collect(prefix, &path, files)?;
            continue;
        }
        let relative = relative(prefix, &path).ok_or_else(|| UvError::Editable {
            project: prefix.to_owned(),
            source: TemplateError::Name(path.clone()),
        })?;
        if !kind.is_file() {
            return Err(UvError::Editable {
                project: prefix.to_owned(),
                source: TemplateError::NotAFile(relative),
            });
        }
        let metadata = entry.metadata().map_err(error(&path))?;
        files.push(InstalledFile {
            path: relative,
            executable: is_executable(&metadata),
            bytes: read_plain(&path, MAX_FILE_BYTES).map_err(error(&path))?,
        });
    }
    Ok(())
}

fn relative(prefix: &Path, path: &Path) -> Option<String> {
    let relative: PathBuf = path.strip_prefix(prefix).ok()?.to_owned();
    let steps: Option<Vec<&str>> = relative.iter().map(|step| step.to_str()).collect();
    steps.map(|steps| steps.join("/"))
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    false
}
