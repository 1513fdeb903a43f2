//! An editable installation as a template: what a build backend made, with the place of the
//! project left open, so that it can be written again anywhere without the backend.
//!
//! A build backend writes the project's absolute path into `.pth` files, `direct_url.json` and
//! Python code. [`EditableTemplate::from_installed`] replaces each by a token that says how the
//! path was spelled, and [`EditableTemplate::render`] puts a path in again. Lines of `.pth` files
//! that are a folder become relative to `site-packages`, where Python's `site` starts from, so an
//! environment moves with its project. `RECORD` and the console scripts are made anew.
//!
//! Left out is what belongs to one moment or machine: uv's `uv_cache.json` and lock file.

mod token;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dht_store::TreePath;

use super::cache_info;
use super::wheel::entry_points::{self, EntryPointError};
use super::wheel::launcher::{self, WindowsLauncher};
use super::wheel::record;
use crate::model::platform::Layout;

/// The content of `INSTALLER`.
const INSTALLER: &[u8] = b"dhtl\n";

/// An editable installation cannot be kept or written.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file has a name that not every file system keeps.
    #[error("`{}` is not a name that can be kept", .0.display())]
    Name(PathBuf),
    /// There is something that is neither a file nor a folder.
    #[error("`{0}` is not a file")]
    NotAFile(String),
    /// There is no `.dist-info` folder, or several.
    #[error("it has {0} `.dist-info` folders instead of one")]
    Infos(usize),
    /// A file holds what stands for an open place.
    #[error("`{0}` holds the text that stands for the project's path")]
    Token(String),
    /// The scripts cannot be made.
    #[error("its `entry_points.txt` cannot be used")]
    EntryPoints(#[from] EntryPointError),
    /// The place of the project cannot be spelled in a file.
    #[error("the path `{}` cannot be written into `{file}`", .path.display())]
    Path {
        /// The file.
        file: String,
        /// The path.
        path: PathBuf,
    },
    /// Windows needs programs that start scripts, and none was given.
    #[error("the script `{0}` needs the launcher of Windows, which is not there")]
    NoLauncher(String),
}

/// A file that a build backend installed, relative to the prefix, with slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledFile {
    /// Its path.
    pub path: String,
    /// Whether it may be run.
    pub executable: bool,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The folders whose place is left open.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The folder of the project or member that is installed, absolute.
    pub member: &'a Path,
    /// The folder of the whole project, absolute.
    pub project: &'a Path,
}

/// A file of a template or of what is written from it, in scheme form: `site-packages/…`,
/// `scripts/…`, `data/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFile {
    /// Its path.
    pub path: TreePath,
    /// Whether it may be run.
    pub executable: bool,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// An editable installation with the place of the project left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditableTemplate {
    /// The files, sorted by path: what an entry of the store holds.
    pub files: Vec<TemplateFile>,
    info: String,
}

/// Where a template is written to.
#[derive(Debug, Clone, Copy)]
pub struct RenderTarget<'a> {
    /// The folders of the project.
    pub places: Places<'a>,
    /// `site-packages` of the environment, absolute: paths in `.pth` files become relative to it.
    /// `None` keeps them absolute, as uv writes them.
    pub site_packages: Option<&'a Path>,
    /// The layout of the environment.
    pub layout: Layout,
    /// The programs that start scripts on Windows.
    pub windows_launcher: Option<&'a WindowsLauncher<'a>>,
    /// Whether `uv_cache.json` will be written beside: `RECORD` then names it, without a hash, since
    /// it changes without a new installation.
    pub cache_info: bool,
}

impl EditableTemplate {
    /// Makes a template of what was installed into a prefix of its own.
    ///
    /// # Errors
    ///
    /// When there is not exactly one distribution, or a name cannot be kept.
    pub fn from_installed(
        installed: Vec<InstalledFile>,
        places: &Places<'_>,
    ) -> Result<Self, TemplateError> {
        let site = site_packages(&installed)?;
        let mut files = Vec::new();
        let mut scripts = BTreeMap::new();
        for file in &installed {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            if name == "entry_points.txt" && file.path.contains(".dist-info/") {
                scripts = entry_points::parse(&file.bytes)?;
            }
        }
        for file in installed {
            let Some(path) = scheme_path(&file.path, &site, |stem| scripts.contains_key(stem))
            else {
                continue;
            };
            let path = TreePath::new(&path).map_err(|_| TemplateError::Name(path.into()))?;
            files.push(TemplateFile {
                bytes: open(file.bytes, &path, places)?,
                executable: file.executable,
                path,
            });
        }
        Self::from_files(files)
    }

    /// Takes a template up again from the files that were kept.
    ///
    /// # Errors
    ///
    /// When there is not exactly one distribution.
    pub fn from_files(mut files: Vec<TemplateFile>) -> Result<Self, TemplateError> {
        files.sort_by(|left, right| left.path.cmp(&right.path));
        let mut infos: Vec<String> = files.iter().filter_map(info_of).collect();
        infos.dedup();
        match infos.pop() {
            Some(info) if infos.is_empty() => Ok(Self { files, info }),
            last => Err(TemplateError::Infos(
                infos.len() + usize::from(last.is_some()),
            )),
        }
    }

    /// Returns the name of the `.dist-info` folder.
    pub fn dist_info(&self) -> &str {
        &self.info
    }

    /// Writes the files for one place of the project: console scripts, `INSTALLER` and `RECORD`
    /// included, sorted by path.
    ///
    /// # Errors
    ///
    /// When a path cannot be spelled where it is needed, or a launcher is missing.
    pub fn render(&self, target: &RenderTarget<'_>) -> Result<Vec<TemplateFile>, TemplateError> {
        let mut files = Vec::with_capacity(self.files.len() + 4);
        for file in &self.files {
            files.push(TemplateFile {
                path: file.path.clone(),
                executable: file.executable,
                bytes: close(file, target)?,
            });
        }
        files.extend(self.scripts(target)?);
        let info = |name: &str| format!("site-packages/{}/{name}", self.info);
        files.push(new_file(&info("INSTALLER"), INSTALLER.to_vec(), false)?);
        let mut rows = BTreeMap::new();
        for file in &files {
            let path = record_path(file.path.as_str(), target.layout);
            rows.insert(path, record::row_of(&file.bytes));
        }
        let mut unhashed = vec!["RECORD"];
        unhashed.extend(target.cache_info.then_some(cache_info::FILE_NAME));
        for name in unhashed {
            rows.insert(format!("{}/{name}", self.info), record::Row::default());
        }
        files.push(new_file(&info("RECORD"), record::write(&rows), false)?);
        files.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(files)
    }

    fn scripts(&self, target: &RenderTarget<'_>) -> Result<Vec<TemplateFile>, TemplateError> {
        let path = format!("site-packages/{}/entry_points.txt", self.info);
        let Some(file) = self.files.iter().find(|file| file.path.as_str() == path) else {
            return Ok(Vec::new());
        };
        let scripts = entry_points::parse(&file.bytes)?;
        let make = scripts.iter().map(|(name, script)| {
            let (file, bytes) = match (target.layout, target.windows_launcher) {
                (Layout::Posix, _) => (name.clone(), launcher::posix(script)),
                (Layout::Windows, Some(program)) => (
                    format!("{}.exe", name.strip_suffix(".py").unwrap_or(name)),
                    launcher::windows(script, program),
                ),
                (Layout::Windows, None) => return Err(TemplateError::NoLauncher(name.clone())),
            };
            new_file(&format!("scripts/{file}"), bytes, true)
        });
        make.collect()
    }
}

fn new_file(path: &str, bytes: Vec<u8>, executable: bool) -> Result<TemplateFile, TemplateError> {
    Ok(TemplateFile {
        path: TreePath::new(path).map_err(|_| TemplateError::Name(path.into()))?,
        executable,
        bytes,
    })
}

fn info_of(file: &TemplateFile) -> Option<String> {
    let rest = file.path.as_str().strip_prefix("site-packages/")?;
    let (folder, _) = rest.split_once('/')?;
    folder.ends_with(".dist-info").then(|| folder.to_owned())
}

/// Finds the folder that holds the only `.dist-info`, with a slash behind it.
fn site_packages(installed: &[InstalledFile]) -> Result<String, TemplateError> {
    let mut infos: Vec<&str> = installed
        .iter()
        .filter_map(|file| file.path.strip_suffix(".dist-info/METADATA"))
        .collect();
    infos.dedup();
    match infos.as_slice() {
        [info] => Ok(info.rfind('/').map_or("", |end| &info[..=end]).to_owned()),
        _ => Err(TemplateError::Infos(infos.len())),
    }
}

/// Returns the path in scheme form; `None` for what is left out.
fn scheme_path(path: &str, site: &str, is_script: impl Fn(&str) -> bool) -> Option<String> {
    if let Some(rest) = path.strip_prefix(site) {
        let made_anew = ["RECORD", "INSTALLER", cache_info::FILE_NAME];
        let in_info = rest
            .split_once(".dist-info/")
            .is_some_and(|(_, name)| made_anew.contains(&name));
        let bytecode = rest.split('/').any(|step| step == "__pycache__");
        return (!in_info && !bytecode).then(|| format!("site-packages/{rest}"));
    }
    if let Some(name) = ["bin/", "Scripts/"]
        .iter()
        .find_map(|top| path.strip_prefix(top))
    {
        let stem = name.strip_suffix(".exe").unwrap_or(name);
        return (!is_script(stem) && !is_script(name)).then(|| format!("scripts/{name}"));
    }
    (path != ".lock").then(|| format!("data/{path}"))
}

fn record_path(path: &str, layout: Layout) -> String {
    let (up, bin) = match layout {
        Layout::Posix => ("../../..", "bin"),
        Layout::Windows => ("../..", "Scripts"),
    };
    match path.split_once('/') {
        Some(("site-packages", rest)) => rest.to_owned(),
        Some(("scripts", rest)) => format!("{up}/{bin}/{rest}"),
        Some((_, rest)) => format!("{up}/{rest}"),
        None => path.to_owned(),
    }
}

/// Replaces the places by tokens.
fn open(bytes: Vec<u8>, path: &TreePath, places: &Places<'_>) -> Result<Vec<u8>, TemplateError> {
    // A path inside compiled code has a length that code knows; it cannot be replaced.
    if bytes.contains(&0) {
        return Ok(bytes);
    }
    if token::is_in(&bytes) {
        return Err(TemplateError::Token(path.to_string()));
    }
    let is_script = path.as_str().starts_with("scripts/");
    let bytes = if is_script {
        placeholder_line(bytes)
    } else {
        bytes
    };
    if path.as_str().ends_with(".pth") {
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let lines = lines.flat_map(|line| token::open_line(line, places));
        return Ok(lines.collect());
    }
    Ok(token::open(bytes, places, path.as_str().ends_with(".py")))
}

/// Makes the first line of an installed script what it was in its wheel.
fn placeholder_line(bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(bytes.len());
    let first = &bytes[..end];
    let is_python = first.starts_with(b"#!") && first.windows(6).any(|part| part == b"python");
    if is_python {
        [b"#!python", &bytes[end..]].concat()
    } else {
        bytes
    }
}

/// Puts the places in again.
fn close(file: &TemplateFile, target: &RenderTarget<'_>) -> Result<Vec<u8>, TemplateError> {
    let cannot = |path: &Path| TemplateError::Path {
        file: file.path.to_string(),
        path: path.to_owned(),
    };
    let bytes = token::close(&file.bytes, |place, spelling| {
        let path = place.of(&target.places);
        token::spell(path, spelling, target.site_packages).ok_or_else(|| cannot(path))
    })?;
    let is_script = file.path.as_str().starts_with("scripts/");
    Ok(match target.layout {
        _ if !is_script || !launcher::is_placeholder(&bytes) => bytes,
        Layout::Posix => launcher::rewrite_posix(&bytes),
        Layout::Windows => launcher::rewrite_windows(&bytes),
    })
}

#[cfg(test)]
mod tests;
