//! Bytecode of many sources, made by a few processes.
//!
//! The files are those that the interpreter itself would write beside its sources: checked by the
//! time and the size of the source (PEP 552), named by PEP 3147. The sources are read where they
//! stand, so their times must be final. Bytecode is derived: its bytes differ from run to run, and
//! no fingerprint depends on them.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dht_store::TreePath;

use crate::model::python::{Implementation, PythonRequest};
use crate::tools::runner::{Call, Cancel, RunError};

/// What each process runs.
const WORKER: &str = include_str!("bytecode/worker.py");
/// How long one process may take: 100,000 files take about three minutes.
const TIMEOUT: Duration = Duration::from_secs(3600);
/// Fewer files than this are not worth another process.
const FILES_PER_PROCESS: usize = 50;

/// One source to be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileJob {
    /// Where the source is.
    pub source: PathBuf,
    /// What the code object is called until it is imported: the path in the tree of the entry.
    pub label: TreePath,
    /// Where the bytecode goes; its folder is made.
    pub output: PathBuf,
}

/// What became of the sources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompileReport {
    /// How many files of bytecode were written.
    pub compiled: usize,
    /// The sources that are not valid in this Python, such as templates and tests of parsers.
    pub skipped: Vec<TreePath>,
}

/// Why sources could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum BytecodeError {
    /// What the processes read could not be written.
    #[error("could not write temporary files in `{}`", folder.display())]
    Scratch {
        /// The folder for temporary files.
        folder: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A process failed.
    #[error("could not compile with `{}`", interpreter.display())]
    Run {
        /// The interpreter.
        interpreter: PathBuf,
        /// What went wrong.
        source: RunError,
    },
    /// A process ended without having compiled everything.
    #[error("`{}` ended before every source was compiled", interpreter.display())]
    Incomplete {
        /// The interpreter.
        interpreter: PathBuf,
    },
}

/// Returns what the names of this Python's bytecode hold: `cpython-311`, `pypy311` (PEP 3147).
pub fn cache_tag(python: &PythonRequest) -> String {
    let name = match python.implementation {
        Implementation::CPython => "cpython-",
        Implementation::PyPy => "pypy",
    };
    format!("{name}{}{}", python.version.major, python.version.minor)
}

/// Returns where the bytecode of a source is looked for: `a/m.py` gives
/// `a/__pycache__/m.cpython-311.pyc`. `None` when the file is no source, or lies in a folder that no
/// package can have.
pub fn cache_path(source: &TreePath, tag: &str) -> Option<TreePath> {
    let stem = source.file_name().strip_suffix(".py")?;
    if stem.is_empty() || source.components().any(|part| part == "__pycache__") {
        return None;
    }
    let name = format!("__pycache__/{stem}.{tag}.pyc");
    match source.parent() {
        Some(folder) => TreePath::new(&format!("{folder}/{name}")).ok(),
        None => TreePath::new(&name).ok(),
    }
}

/// Makes the folders that the bytecode goes to. The processes make none: one that outlives a killed
/// run must not make a folder again that was cleaned away.
fn make_folders(jobs: &[CompileJob], scratch: &Path) -> Result<(), BytecodeError> {
    let folders: BTreeSet<&Path> = jobs.iter().filter_map(|job| job.output.parent()).collect();
    folders
        .into_iter()
        .try_for_each(std::fs::create_dir_all)
        .map_err(|source| BytecodeError::Scratch {
            folder: scratch.to_owned(),
            source,
        })
}

/// Compiles every job with as many processes as there are processors.
///
/// `scratch` is a folder for temporary files.
pub fn compile(
    interpreter: &Path,
    python: &PythonRequest,
    jobs: &[CompileJob],
    scratch: &Path,
    cancel: &Cancel,
) -> Result<CompileReport, BytecodeError> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let processes = processors.min(jobs.len().div_ceil(FILES_PER_PROCESS));
    make_folders(jobs, scratch)?;
    let shares = divide(jobs, processes);
    let tag = cache_tag(python);
    let worker = write_file(WORKER.as_bytes(), scratch)?;
    let call = Call::new(interpreter)
        .args(["-I", "-S", "-B"])
        .args([worker.path().as_os_str(), tag.as_ref()])
        .timeout(TIMEOUT);
    let run = |share: &Vec<&CompileJob>| run_worker(interpreter, &call, share, scratch, cancel);
    let reports: Vec<Result<CompileReport, BytecodeError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = shares
            .iter()
            .map(|share| scope.spawn(|| run(share)))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let mut total = CompileReport::default();
    for report in reports {
        let report = report?;
        total.compiled += report.compiled;
        total.skipped.extend(report.skipped);
    }
    total.skipped.sort();
    Ok(total)
}

/// Divides the jobs so that every process reads about as many bytes, the largest files first.
fn divide(jobs: &[CompileJob], processes: usize) -> Vec<Vec<&CompileJob>> {
    let size = |job: &CompileJob| job.source.metadata().map_or(0, |metadata| metadata.len());
    let mut sized: Vec<(u64, &CompileJob)> = jobs.iter().map(|job| (size(job), job)).collect();
    sized.sort_by_key(|(size, _)| Reverse(*size));
    let mut shares: Vec<(u64, Vec<&CompileJob>)> = vec![(0, Vec::new()); processes];
    for (size, job) in sized {
        if let Some(share) = shares.iter_mut().min_by_key(|(load, _)| *load) {
            // Every file costs a little, an empty one too.
            share.0 += size + 500;
            share.1.push(job);
        }
    }
    shares.into_iter().map(|(_, share)| share).collect()
}

fn run_worker(
    interpreter: &Path,
    call: &Call,
    jobs: &[&CompileJob],
    scratch: &Path,
    cancel: &Cancel,
) -> Result<CompileReport, BytecodeError> {
    let listing = write_file(&list(jobs), scratch)?;
    let output = call
        .clone()
        .arg(listing.path())
        .run(cancel)
        .map_err(|source| BytecodeError::Run {
            interpreter: interpreter.to_path_buf(),
            source,
        })?;
    parse_report(&String::from_utf8_lossy(&output.stdout), jobs).ok_or_else(|| {
        BytecodeError::Incomplete {
            interpreter: interpreter.to_path_buf(),
        }
    })
}

fn list(jobs: &[&CompileJob]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for job in jobs {
        for word in [
            job.source.as_os_str().as_encoded_bytes(),
            job.label.as_str().as_bytes(),
            job.output.as_os_str().as_encoded_bytes(),
        ] {
            bytes.extend_from_slice(word);
            bytes.push(0);
        }
    }
    bytes
}

fn write_file(bytes: &[u8], scratch: &Path) -> Result<tempfile::NamedTempFile, BytecodeError> {
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(scratch)?;
        file.write_all(bytes)?;
        file.flush()?;
        Ok(file)
    };
    write().map_err(|source| BytecodeError::Scratch {
        folder: scratch.to_path_buf(),
        source,
    })
}

/// Reads what a process printed; `None` when it did not come to its end.
fn parse_report(text: &str, jobs: &[&CompileJob]) -> Option<CompileReport> {
    let mut lines: Vec<&str> = text.lines().collect();
    let done = lines.pop()?.strip_prefix("done ")?;
    if done.parse() != Ok(jobs.len()) {
        return None;
    }
    let skipped: Vec<TreePath> = lines
        .iter()
        .map(|line| Some(jobs.get(line.parse::<usize>().ok()?)?.label.clone()))
        .collect::<Option<_>>()?;
    Some(CompileReport {
        compiled: jobs.len() - skipped.len(),
        skipped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_bytecode_as_python_does() {
        let path = |source: &str| {
            cache_path(&TreePath::new(source).unwrap(), "cpython-311").map(|path| path.to_string())
        };
        assert_eq!(path("a/b.py").unwrap(), "a/__pycache__/b.cpython-311.pyc");
        assert_eq!(path("b.py").unwrap(), "__pycache__/b.cpython-311.pyc");
        for source in ["a/b.pyi", "a/__pycache__/b.py", "a/.py"] {
            assert_eq!(path(source), None, "{source}");
        }
    }

    #[test]
    fn a_report_without_its_end_is_none() {
        let job = CompileJob {
            source: "/a.py".into(),
            label: TreePath::new("a.py").unwrap(),
            output: "/a.pyc".into(),
        };
        let jobs = [&job, &job];
        assert_eq!(parse_report("0\ndone 2\n", &jobs).unwrap().compiled, 1);
        for text in ["", "0\n", "0\ndone 1\n", "7\ndone 2\n", "x\ndone 2\n"] {
            assert_eq!(parse_report(text, &jobs), None, "{text:?}");
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod real;
