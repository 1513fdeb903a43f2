//! Requirements, pinned with hashes for every platform.

use std::io::Write as _;
use std::path::Path;

use tempfile::NamedTempFile;

use super::super::runner::Cancel;
use super::{Uv, UvError};

/// What is pinned.
#[derive(Debug, Clone)]
pub struct CompileRequest<'a> {
    /// The folder that paths in the requirements are relative to, absolute.
    pub project: &'a Path,
    /// Requirements files, by their paths in the project.
    pub files: &'a [String],
    /// More requirements, and what messages and remarks call the place that they are from.
    pub lines: Option<(&'a str, &'a str)>,
    /// The lock as it stands: versions that still fit stay.
    pub former: &'a str,
    /// The interpreter that looks at sources.
    pub python: &'a Path,
    /// The oldest Python that the lock is for, exact.
    pub version: &'a str,
}

impl Uv {
    /// Returns requirements that pin everything that `request` asks for, on every platform, each file
    /// with its hash. Writes nothing in the project.
    ///
    /// # Errors
    ///
    /// When uv fails.
    pub fn compile(
        &self,
        request: &CompileRequest<'_>,
        cancel: &Cancel,
    ) -> Result<String, UvError> {
        let doing = "lock the requirements";
        let lock = scratch(request.former, ".lock")?;
        let lines = request.lines;
        let lines = lines.map(|(text, _)| scratch(text, ".in")).transpose()?;
        let mut call = self
            .call("pip", Some(request.project))
            .args(["compile", "--universal", "--generate-hashes", "--no-header"])
            .args(index_flags(request))
            .arg("--python")
            .arg(request.python)
            .args(["--python-version", request.version])
            .arg("--output-file")
            .arg(lock.path())
            .args(request.files);
        if let Some(lines) = &lines {
            call = call.arg(lines.path());
        }
        call.run(cancel)
            .map_err(|source| Self::failed(doing, source))?;
        let bytes = std::fs::read(lock.path()).map_err(|source| folder(lock.path(), source))?;
        let text = Self::text(doing, bytes)?;
        Ok(match (&lines, request.lines) {
            (Some(file), Some((_, name))) => {
                text.replace(&file.path().to_string_lossy().into_owned(), name)
            }
            _ => text,
        })
    }
}

/// Keeps in the lock what the requirements say of indexes, so that its files are found again; what the
/// user's own settings say stays theirs.
fn index_flags(request: &CompileRequest<'_>) -> Vec<&'static str> {
    let texts = request
        .files
        .iter()
        .filter_map(|file| std::fs::read_to_string(request.project.join(file)).ok());
    let says = |text: &str, options: &[&str]| {
        let mut lines = text.lines().map(str::trim_start);
        lines.any(|line| options.iter().any(|option| line.starts_with(option)))
    };
    let mut flags = Vec::new();
    for text in texts {
        for (options, flag) in [
            (
                ["--index-url", "-i ", "--extra-index-url"].as_slice(),
                "--emit-index-url",
            ),
            (&["--find-links", "-f "], "--emit-find-links"),
            (&["--no-binary", "--only-binary"], "--emit-build-options"),
        ] {
            if says(&text, options) && !flags.contains(&flag) {
                flags.push(flag);
            }
        }
    }
    flags
}

fn folder(path: &Path, source: std::io::Error) -> UvError {
    UvError::Folder {
        path: path.to_owned(),
        source,
    }
}

fn scratch(text: &str, suffix: &str) -> Result<NamedTempFile, UvError> {
    let write = || {
        let mut file = tempfile::Builder::new().suffix(suffix).tempfile()?;
        file.write_all(text.as_bytes())?;
        file.flush()?;
        Ok(file)
    };
    write().map_err(|source| folder(&std::env::temp_dir(), source))
}
