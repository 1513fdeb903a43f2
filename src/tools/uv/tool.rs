//! Locking one tool with everything that it needs, for every platform.

use std::path::Path;

use super::super::runner::{Cancel, RunError};
use super::{Uv, UvError};

/// What is locked.
#[derive(Debug, Clone, Copy)]
pub struct ToolRequest<'a> {
    /// The folder of the project, whose uv settings (indexes and the like) apply.
    pub project: &'a Path,
    /// The interpreter that uv asks for metadata where packages have to be built for that.
    pub python: &'a Path,
    /// The lowest version of Python that the lock is for, such as `3.11`.
    pub python_version: &'a str,
    /// The requirement, such as `black==24.1.0`.
    pub requirement: &'a str,
    /// Versions that packages have if they are needed, a requirement on each line.
    pub constraints: &'a str,
    /// An empty folder for the work.
    pub work: &'a Path,
}

impl Uv {
    /// Returns the text of a `pylock.toml` for the requirement; `None` where no versions fulfil it.
    ///
    /// # Errors
    ///
    /// When uv fails for another reason.
    pub fn lock_tool(
        &self,
        request: &ToolRequest<'_>,
        cancel: &Cancel,
    ) -> Result<Option<String>, UvError> {
        let write = |name: &str, text: &str| {
            let path = request.work.join(name);
            match std::fs::write(&path, text) {
                Ok(()) => Ok(path),
                Err(source) => Err(UvError::Folder { path, source }),
            }
        };
        let wanted = write("tool.in", &format!("{}\n", request.requirement))?;
        let constraints = write("constraints.txt", request.constraints)?;
        let doing = format!("lock `{}`", request.requirement);
        let output = self
            .build_call("pip", request.project, request.python)
            .arg("compile")
            .arg(&wanted)
            .arg("--constraint")
            .arg(&constraints)
            .args(["--universal", "--format", "pylock.toml", "--no-header"])
            .args(["--python-version", request.python_version])
            .arg("--python")
            .arg(request.python)
            .run(cancel);
        match output {
            Ok(output) => Self::text(&doing, output.stdout).map(Some),
            Err(RunError::Failed { stderr, .. }) if stderr.contains("No solution found") => {
                Ok(None)
            }
            Err(source) => Err(Self::failed(doing, source)),
        }
    }
}
