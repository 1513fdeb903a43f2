//! What an installation will write, decided from the index and the metadata of a wheel.
//!
//! Law: planning writes nothing, and a plan is made only when every name, size and row of the
//! wheel is right. Contents alone remain to be checked, while they are unpacked.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use dht_store::TreePath;
use uv_distribution_filename::WheelFilename;

use super::archive::{Archive, EntryKind, FileEntry};
use super::entry_points::{self, EntryPoint};
use super::error::WheelError;
use super::inflate::{IN_MEMORY, Inflater};
use super::install::InstallTarget;
use super::record::{self, Row};
use super::scheme::{Place, Scheme, Top};
use super::{launcher, metadata, names};
use crate::model::platform::Layout;

/// A file that is unpacked.
#[derive(Debug)]
pub(super) struct Unpacked<'a> {
    pub path: &'a TreePath,
    pub file: &'a FileEntry,
    pub place: Place,
    pub row: Option<Row>,
}

/// A file that is made here.
#[derive(Debug)]
pub(super) struct Generated {
    pub place: Place,
    pub content: Vec<u8>,
}

/// Everything that will be written, but for `RECORD`'s content.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub unpacked: Vec<Unpacked<'a>>,
    pub generated: Vec<Generated>,
    pub folders: Vec<TreePath>,
    pub record: Place,
    pub record_executable: bool,
    pub scripts: BTreeMap<String, EntryPoint>,
    pub uses_python_lib: bool,
    pub root_is_purelib: bool,
    pub portability: Option<names::PortabilityProblem>,
}

/// The two special folders of a wheel.
struct Folders {
    info: String,
    data: String,
}

/// Plans the installation of `archive`.
pub(super) fn plan<'a>(
    archive: &'a Archive<'_>,
    filename: &WheelFilename,
    target: &InstallTarget<'_>,
) -> Result<Plan<'a>, WheelError> {
    let folders = find_folders(archive, filename)?;
    let read = |name: &str| read_info(archive, &folders, name);
    metadata::check_metadata(&need(read("METADATA")?, "no `METADATA`")?, filename)?;
    let root_is_purelib = metadata::check_wheel(&need(read("WHEEL")?, "no `WHEEL`")?)?;
    let mut scripts = match read("entry_points.txt")? {
        Some(content) => entry_points::parse(&content)?,
        None => BTreeMap::new(),
    };
    let versioned = versioned_pip(&mut scripts, &target.python_lib);
    let record_path = TreePath::new(&format!("{}/RECORD", folders.info))?;
    let mut rows = record::parse(&need(read("RECORD")?, "no `RECORD`")?)?;
    let sizes = archive.files().map(|(path, file)| (path, file.size));
    record::check(&rows, &record_path, sizes)?;

    let scheme = Scheme {
        layout: target.layout,
        python_lib: &target.python_lib,
        distribution: filename.name.as_str(),
    };
    let mut plan = Plan {
        unpacked: Vec::new(),
        generated: Vec::new(),
        folders: Vec::new(),
        record: scheme.place(Top::SitePackages, record_path.as_str())?,
        record_executable: archive
            .file(&record_path)
            .is_some_and(|file| file.executable),
        scripts,
        uses_python_lib: versioned,
        root_is_purelib,
        portability: None,
    };
    plan.place_files(archive, &scheme, &folders, &mut rows)?;
    plan.generate(&scheme, &folders, target)?;
    plan.check_names(target)?;
    Ok(plan)
}

fn need(content: Option<Vec<u8>>, problem: &'static str) -> Result<Vec<u8>, WheelError> {
    content.ok_or(WheelError::Structure(problem))
}

fn find_folders(archive: &Archive<'_>, filename: &WheelFilename) -> Result<Folders, WheelError> {
    let mut found = BTreeSet::new();
    for (path, kind) in archive.entries() {
        let top = path.components().next().unwrap_or_default();
        let is_folder = top.len() < path.as_str().len() || *kind == EntryKind::Folder;
        if is_folder && top.to_lowercase().ends_with(".dist-info") {
            found.insert(top);
        }
    }
    let mut found = found.into_iter();
    let (info, None) = (
        found
            .next()
            .ok_or(WheelError::Structure("no `.dist-info` folder"))?,
        found.next(),
    ) else {
        return Err(WheelError::Structure("two `.dist-info` folders"));
    };
    let stem = info
        .strip_suffix(".dist-info")
        .ok_or(WheelError::Structure("no `.dist-info` folder"))?;
    metadata::check_folder(stem, filename)?;
    Ok(Folders {
        info: info.to_owned(),
        data: format!("{stem}.data"),
    })
}

fn read_info(
    archive: &Archive<'_>,
    folders: &Folders,
    name: &str,
) -> Result<Option<Vec<u8>>, WheelError> {
    let path = TreePath::new(&format!("{}/{name}", folders.info))?;
    let Some(file) = archive.file(&path) else {
        return Ok(None);
    };
    if file.size > IN_MEMORY {
        return Err(WheelError::Placement {
            path,
            reason: "it is too large for what it is",
        });
    }
    match Inflater::default().content(archive, file) {
        Ok(content) => Ok(Some(content)),
        Err(source) => Err(WheelError::Content { path, source }),
    }
}

/// Gives `pip` the script that names the version of the environment's Python (`pip3.11`), in
/// place of whichever the wheel was built with; returns whether there is one.
fn versioned_pip(scripts: &mut BTreeMap<String, EntryPoint>, python_lib: &str) -> bool {
    scripts.retain(|name, _| {
        name.strip_prefix("pip3.")
            .is_none_or(|minor| minor.parse::<u8>().is_err())
    });
    let (Some(script), Some((_, minor))) =
        (scripts.get("pip3").cloned(), python_lib.rsplit_once('.'))
    else {
        return false;
    };
    scripts.insert(format!("pip3.{minor}"), script);
    true
}

impl<'a> Plan<'a> {
    fn place_files(
        &mut self,
        archive: &'a Archive<'_>,
        scheme: &Scheme<'_>,
        folders: &Folders,
        rows: &mut BTreeMap<TreePath, Row>,
    ) -> Result<(), WheelError> {
        let replaced =
            ["RECORD", "INSTALLER", "REQUESTED"].map(|name| format!("{}/{name}", folders.info));
        for (path, kind) in archive.entries() {
            let is_folder = *kind == EntryKind::Folder;
            let Some((top, rest)) = scheme.split(path, &folders.data, is_folder)? else {
                continue;
            };
            let EntryKind::File(file) = kind else {
                self.folders.push(scheme.place(top, rest)?.tree);
                continue;
            };
            let generated = top == Top::Scripts && self.is_generated(rest);
            if generated || replaced.iter().any(|name| name == path.as_str()) {
                continue;
            }
            self.uses_python_lib |= top == Top::Headers;
            self.unpacked.push(Unpacked {
                path,
                file,
                place: scheme.place(top, rest)?,
                row: rows.remove(path),
            });
        }
        Ok(())
    }

    /// Whether a script of `.data/scripts` is an older form of a generated one.
    fn is_generated(&self, name: &str) -> bool {
        let stem = [".exe", "-script.py", ".pya"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name);
        self.scripts.contains_key(stem)
    }

    fn generate(
        &mut self,
        scheme: &Scheme<'_>,
        folders: &Folders,
        target: &InstallTarget<'_>,
    ) -> Result<(), WheelError> {
        for (name, script) in &self.scripts {
            let (file, content) = match (target.layout, &target.windows_launcher) {
                (Layout::Posix, _) => (name.clone(), launcher::posix(script)),
                (Layout::Windows, Some(program)) => (
                    format!("{}.exe", name.strip_suffix(".py").unwrap_or(name)),
                    launcher::windows(script, program),
                ),
                (Layout::Windows, None) => return Err(WheelError::NoLauncher(name.clone())),
            };
            self.generated.push(Generated {
                place: scheme.place(Top::Scripts, &file)?,
                content,
            });
        }
        let mut add = |name: &str, content: &[u8]| -> Result<(), WheelError> {
            let path = format!("{}/{name}", folders.info);
            self.generated.push(Generated {
                place: scheme.place(Top::SitePackages, &path)?,
                content: content.to_vec(),
            });
            Ok(())
        };
        add("INSTALLER", b"dhtl\n")?;
        add("REQUESTED", b"")?;
        if let Some(direct_url) = &target.direct_url {
            let path = TreePath::new(&format!("{}/direct_url.json", folders.info))?;
            self.unpacked.retain(|file| *file.path != path);
            add("direct_url.json", direct_url.as_bytes())?;
        }
        if target.built_here {
            add("uv_build.json", b"{}")?;
        }
        Ok(())
    }

    /// Refuses two files at one place, a file where a folder is, and what `target` cannot hold.
    fn check_names(&mut self, target: &InstallTarget<'_>) -> Result<(), WheelError> {
        let unpacked = self.unpacked.iter().map(|file| &file.place.tree);
        let generated = self.generated.iter().map(|file| &file.place.tree);
        let mut files = BTreeSet::new();
        for path in unpacked.chain(generated).chain([&self.record.tree]) {
            if !files.insert(path) {
                return Err(WheelError::Conflict(path.clone()));
            }
        }
        if let Some(path) = self.folders.iter().find(|path| files.contains(path)) {
            return Err(WheelError::Conflict(path.clone()));
        }
        let mut checked = HashSet::new();
        for path in files.iter().copied().chain(&self.folders) {
            for folder in names::folders(path) {
                if files.contains(&folder) {
                    return Err(WheelError::Conflict(folder));
                }
                if !checked.insert(folder) {
                    break;
                }
            }
        }

        let all = || files.iter().copied().chain(&self.folders);
        let collision = names::collision(all());
        let windows = names::windows_problem(all());
        let refused = match target.layout {
            Layout::Windows => collision.as_ref().or(windows.as_ref()),
            Layout::Posix => collision.as_ref().filter(|_| target.folds_case),
        };
        if let Some(problem) = refused {
            return Err(WheelError::NotPortable(problem.clone()));
        }
        self.portability = collision.or(windows);
        Ok(())
    }
}
