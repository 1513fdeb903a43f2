//! A project's `uv.lock` as PEP 751, and whether it is up to date.

use std::path::Path;

use uv_normalize::PackageName;

use super::super::runner::{Cancel, RunError};
use super::{Uv, UvError};
use crate::model::groups::GroupRequest;

/// How the lock relates to `pyproject.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Take the lock as it is.
    Frozen,
    /// Refuse a lock that does not match.
    Locked,
}

/// What is exported. uv resolves groups and extras itself: what it writes is what is installed.
#[derive(Debug, Clone)]
pub struct ExportRequest<'a> {
    /// The folder of the project or workspace, absolute. Paths in the lock are relative to it.
    pub project: &'a Path,
    /// The groups and extras.
    pub groups: &'a GroupRequest,
    /// How the lock relates to `pyproject.toml`.
    pub freshness: Freshness,
    /// Every member of the workspace.
    pub all_packages: bool,
    /// These members of the workspace; none means the project itself.
    pub packages: &'a [PackageName],
    /// The interpreter that uv uses to look at the project; without one it finds one itself. None
    /// is needed for a frozen lock.
    pub python: Option<&'a Path>,
}

impl Uv {
    /// Returns the text of a `pylock.toml` for the project's `uv.lock`.
    ///
    /// # Errors
    ///
    /// When uv fails, or the lock is stale and [`Freshness::Locked`] was asked for.
    pub fn export(&self, request: &ExportRequest<'_>, cancel: &Cancel) -> Result<String, UvError> {
        let mut call = self
            .call("export", Some(request.project))
            .args(["--format", "pylock.toml", "--no-header"])
            .arg(match request.freshness {
                Freshness::Frozen => "--frozen",
                Freshness::Locked => "--locked",
            })
            .args(group_flags(request.groups));
        if request.all_packages {
            call = call.arg("--all-packages");
        }
        call = call.args(
            request
                .packages
                .iter()
                .map(|name| format!("--package={name}")),
        );
        if let Some(python) = request.python {
            call = call.arg("--python").arg(python);
        }
        let doing = "export the lock";
        let output = call
            .run(cancel)
            .map_err(|source| stale_or(request.project, doing, source))?;
        Self::text(doing, output.stdout)
    }

    /// Checks that `uv.lock` matches `pyproject.toml`, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`UvError::Stale`] when it does not; otherwise when uv fails.
    pub fn check_lock(
        &self,
        project: &Path,
        python: Option<&Path>,
        cancel: &Cancel,
    ) -> Result<(), UvError> {
        let mut call = self.call("lock", Some(project)).arg("--check");
        if let Some(python) = python {
            call = call.arg("--python").arg(python);
        }
        call.run(cancel)
            .map(drop)
            .map_err(|source| stale_or(project, "check the lock", source))
    }
}

fn stale_or(project: &Path, doing: &str, source: RunError) -> UvError {
    let stale = matches!(&source, RunError::Failed { stderr, .. }
        if stderr.contains("needs to be updated"));
    let incompatible = matches!(&source, RunError::Failed { stderr, .. }
        if stderr.contains("are incompatible with the"));
    if incompatible {
        UvError::Incompatible { source }
    } else if stale {
        UvError::Stale {
            project: project.to_owned(),
            source,
        }
    } else {
        Uv::failed(doing, source)
    }
}

/// Says a request in uv's words; the value is part of the flag, so it is never read as another one.
fn group_flags(request: &GroupRequest) -> Vec<String> {
    let mut flags = Vec::new();
    let mut named = |flag: &str, names: &mut dyn Iterator<Item = String>| {
        flags.extend(names.map(|name| format!("--{flag}={name}")));
    };
    named("group", &mut request.groups.iter().map(ToString::to_string));
    named(
        "no-group",
        &mut request.no_groups.iter().map(ToString::to_string),
    );
    named(
        "only-group",
        &mut request.only_groups.iter().map(ToString::to_string),
    );
    named("extra", &mut request.extras.iter().map(ToString::to_string));
    // uv knows `--no-extra` only beside `--all-extras`; without it there is nothing to leave out.
    if request.all_extras {
        named(
            "no-extra",
            &mut request.no_extras.iter().map(ToString::to_string),
        );
    }
    for (flag, asked) in [
        ("--all-groups", request.all_groups),
        ("--all-extras", request.all_extras),
        ("--no-dev", request.no_dev),
        ("--only-dev", request.only_dev),
        ("--no-default-groups", request.no_default_groups),
    ] {
        if asked {
            flags.push(flag.to_owned());
        }
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_a_request_in_flags() {
        assert!(group_flags(&GroupRequest::default()).is_empty());
        let request = GroupRequest {
            groups: ["test".parse().unwrap()].into(),
            no_groups: ["docs".parse().unwrap()].into(),
            no_extras: ["x".parse().unwrap()].into(),
            all_extras: true,
            no_dev: true,
            ..Default::default()
        };
        assert_eq!(
            group_flags(&request),
            [
                "--group=test",
                "--no-group=docs",
                "--no-extra=x",
                "--all-extras",
                "--no-dev"
            ]
        );
    }
}
