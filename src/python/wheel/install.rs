//! Unpacks a wheel into the form that it has once installed.
//!
//! Law: the tree depends on the wheel and on the [`InstallTarget`] alone. The index, the names and
//! the metadata are checked as a whole before the first file is written; contents are checked
//! against the archive and `RECORD` while they are unpacked, and a failure leaves a tree that the
//! caller must drop. Nothing of the wheel is run.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use dht_store::{TreePath, TreeSink};
use rayon::prelude::*;
use uv_distribution_filename::WheelFilename;
use uv_normalize::PackageName;
use uv_pep440::Version;

use super::archive::Archive;
use super::entry_points::EntryPoint;
use super::error::WheelError;
use super::inflate::{ContentError, IN_MEMORY, Inflater, Stream};
use super::launcher::{self, WindowsLauncher};
use super::names::PortabilityProblem;
use super::plan::{Plan, Unpacked, plan};
use super::record::{self, Hasher, Row};
use crate::model::platform::Layout;

/// What the installed form depends on beside the wheel.
#[derive(Debug, Clone)]
pub struct InstallTarget<'a> {
    /// The folder layout of the environment.
    pub layout: Layout,
    /// Whether file systems of the platform take `A` and `a` for one name (macOS, Windows).
    pub folds_case: bool,
    /// The folder of the standard library: `python3.11`.
    pub python_lib: String,
    /// The programs that start scripts on Windows; needed for wheels with scripts there.
    pub windows_launcher: Option<WindowsLauncher<'a>>,
    /// The content of `direct_url.json` (PEP 610), for a wheel that comes from no index.
    pub direct_url: Option<String>,
    /// Whether the wheel was built here, as uv notes in `uv_build.json`.
    pub built_here: bool,
}

/// What was installed.
#[derive(Debug, Clone)]
pub struct InstalledWheel {
    /// The normalised name.
    pub name: PackageName,
    /// The version, as the file name gives it.
    pub version: Version,
    /// Whether the tree depends on [`InstallTarget::python_lib`].
    pub uses_python_lib: bool,
    /// Whether the wheel says that it is pure.
    pub root_is_purelib: bool,
    /// Files that run code whenever Python starts: `.pth` files with import lines,
    /// `sitecustomize`, `usercustomize`. Sorted.
    pub startup_files: Vec<TreePath>,
    /// Why the tree could not stand on every platform, if so.
    pub portability: Option<PortabilityProblem>,
    /// The generated scripts, by name.
    pub entry_points: BTreeMap<String, EntryPoint>,
    /// The unpacked size of the archive, in bytes.
    pub size: u64,
}

/// Unpacks the wheel in `archive` into `sink`.
///
/// Files are unpacked in parallel, the largest first. `was_read` is told of each part of the archive
/// that was unpacked and will not be read again.
pub fn install(
    archive: &[u8],
    filename: &WheelFilename,
    target: &InstallTarget<'_>,
    sink: &dyn TreeSink,
    was_read: &(dyn Fn(Range<usize>) + Sync),
) -> Result<InstalledWheel, WheelError> {
    let archive = Archive::read(archive)?;
    let mut plan = plan(&archive, filename, target)?;
    plan.unpacked.sort_by(|left, right| {
        right
            .file
            .size
            .cmp(&left.file.size)
            .then_with(|| left.path.cmp(right.path))
    });
    for folder in &plan.folders {
        sink.directory(folder)?;
    }
    let written = unpack_all(&archive, &plan, target.layout, sink, was_read)?;

    let mut rows = BTreeMap::new();
    let mut startup_files = Vec::new();
    for (file, written) in plan.unpacked.iter().zip(written) {
        rows.insert(file.place.record.clone(), written.row);
        if written.startup {
            startup_files.push(file.place.tree.clone());
        }
    }
    startup_files.sort();
    for file in &plan.generated {
        sink.file(&file.place.tree, file.place.script, &file.content)?;
        rows.insert(file.place.record.clone(), record::row_of(&file.content));
    }
    rows.insert(plan.record.record.clone(), Row::default());
    sink.file(
        &plan.record.tree,
        plan.record_executable,
        &record::write(&rows),
    )?;

    Ok(InstalledWheel {
        name: filename.name.clone(),
        version: filename.version.clone(),
        uses_python_lib: plan.uses_python_lib,
        root_is_purelib: plan.root_is_purelib,
        startup_files,
        portability: plan.portability,
        entry_points: plan.scripts,
        size: archive.size(),
    })
}

struct Written {
    row: Row,
    startup: bool,
}

/// Unpacks every file; the results are in the order of the plan.
fn unpack_all(
    archive: &Archive<'_>,
    plan: &Plan<'_>,
    layout: Layout,
    sink: &dyn TreeSink,
    was_read: &(dyn Fn(Range<usize>) + Sync),
) -> Result<Vec<Written>, WheelError> {
    // A shared counter, since splitting the list among threads would not start with the largest.
    let next = AtomicUsize::new(0);
    let lanes = (0..rayon::current_num_threads())
        .into_par_iter()
        .map(|_| {
            let mut unpacker = Unpacker {
                archive,
                layout,
                sink,
                inflater: Inflater::default(),
            };
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(file) = plan.unpacked.get(index) else {
                    return Ok(done);
                };
                match unpacker.unpack(file) {
                    Ok(written) => {
                        was_read(file.file.data.clone());
                        done.push((index, written));
                    }
                    Err(error) => {
                        next.store(plan.unpacked.len(), Ordering::Relaxed);
                        return Err(error);
                    }
                }
            }
        })
        .collect::<Result<Vec<_>, WheelError>>()?;
    let mut done: Vec<_> = lanes.into_iter().flatten().collect();
    done.sort_unstable_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, written)| written).collect())
}

struct Unpacker<'a> {
    archive: &'a Archive<'a>,
    layout: Layout,
    sink: &'a dyn TreeSink,
    inflater: Inflater,
}

impl Unpacker<'_> {
    fn unpack(&mut self, unpacked: &Unpacked<'_>) -> Result<Written, WheelError> {
        let Unpacked {
            path,
            file,
            place,
            row,
        } = unpacked;
        if file.size > IN_MEMORY {
            return self.stream(unpacked);
        }
        let content = self
            .inflater
            .content(self.archive, file)
            .map_err(|source| content_error(path, source))?;
        let mut hasher = Hasher::for_row(row.as_ref().unwrap_or(&Row::default()));
        hasher.update(&content);
        check(unpacked, &hasher.finish())?;
        let startup = is_startup(place.tree.as_str(), &content);
        if place.script && launcher::is_placeholder(&content) {
            let script = match self.layout {
                Layout::Posix => launcher::rewrite_posix(&content),
                Layout::Windows => launcher::rewrite_windows(&content),
            };
            self.sink.file(&place.tree, true, &script)?;
            let row = record::row_of(&script);
            return Ok(Written { row, startup });
        }
        self.sink
            .file(&place.tree, file.executable || place.script, &content)?;
        let row = row.clone().unwrap_or_else(|| record::row_of(&content));
        Ok(Written { row, startup })
    }

    fn stream(&self, unpacked: &Unpacked<'_>) -> Result<Written, WheelError> {
        let Unpacked {
            path,
            file,
            place,
            row,
        } = unpacked;
        let mut head = [0; 8];
        let read = Stream::new(self.archive, file).read_exact(&mut head);
        read.map_err(|_| content_error(path, ContentError::Deflate))?;
        if place.script && launcher::is_placeholder(&head) {
            return Err(WheelError::Placement {
                path: (*path).clone(),
                reason: "it is too large for a Python script",
            });
        }
        let mut content = Hashing {
            stream: Stream::new(self.archive, file),
            hasher: Hasher::for_row(row.as_ref().unwrap_or(&Row::default())),
        };
        let executable = file.executable || place.script;
        let result = self.sink.stream(&place.tree, executable, &mut content);
        if let Some(failure) = content.stream.failure {
            return Err(content_error(path, failure));
        }
        result?;
        let hash = content.hasher.finish();
        check(unpacked, &hash)?;
        let size = file.size.to_string();
        let row = row.clone().unwrap_or(Row { hash, size });
        Ok(Written {
            row,
            startup: is_startup(place.tree.as_str(), b"import "),
        })
    }
}

fn content_error(path: &TreePath, source: ContentError) -> WheelError {
    let path = path.clone();
    WheelError::Content { path, source }
}

/// Compares a hash with the row of `RECORD`, which only signatures may lack.
fn check(unpacked: &Unpacked<'_>, hash: &str) -> Result<(), WheelError> {
    match &unpacked.row {
        Some(row) if !row.hash.is_empty() => Ok(record::check_hash(unpacked.path, row, hash)?),
        _ => Ok(()),
    }
}

/// Whether Python runs code of this file whenever it starts (the `site` module).
fn is_startup(path: &str, content: &[u8]) -> bool {
    let Some(name) = path.strip_prefix("site-packages/") else {
        return false;
    };
    let module = name.split(['/', '.']).next().unwrap_or(name);
    if matches!(module, "sitecustomize" | "usercustomize") {
        return true;
    }
    let imports = |line: &[u8]| line.starts_with(b"import ") || line.starts_with(b"import\t");
    !name.contains('/')
        && name.ends_with(".pth")
        && content
            .split(|&byte| byte == b'\n' || byte == b'\r')
            .map(|line| line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line))
            .any(imports)
}

struct Hashing<'a> {
    stream: Stream<'a>,
    hasher: Hasher,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}
