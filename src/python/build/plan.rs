//! In which order the sources of a Python are tried, and what is told when none has it.

use std::fmt;
use std::path::PathBuf;

use crate::model::platform::Platform;
use crate::model::python::{Implementation, PythonRequest};
use crate::model::selection::Archive;

/// A source of Pythons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// A build that uv names, fetched and brought into the store.
    Uv,
    /// A build that pyenv made on this machine, brought into the store.
    Pyenv,
    /// An interpreter of the system, used where it is.
    System,
}

impl Strategy {
    /// Every source, in the order in which they are tried.
    pub const ALL: [Self; 3] = [Self::Uv, Self::Pyenv, Self::System];

    /// Returns the word of `--python-strategy`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Uv => "uv",
            Self::Pyenv => "pyenv",
            Self::System => "system",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Uv => "uv's build",
            Self::Pyenv => "pyenv's build",
            Self::System => "the system's interpreter",
        })
    }
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Fetch the archive and ingest it.
    Fetch(Archive),
    /// Ingest what stands in this folder.
    Pyenv(PathBuf),
    /// Look through `PATH`.
    System,
}

impl Step {
    /// Returns the source that the step asks.
    pub const fn strategy(&self) -> Strategy {
        match self {
            Self::Fetch(_) => Strategy::Uv,
            Self::Pyenv(_) => Strategy::Pyenv,
            Self::System => Strategy::System,
        }
    }
}

/// Something that was tried and did not give the Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The source.
    pub strategy: Strategy,
    /// What exactly: an address, a folder, a program.
    pub what: String,
    /// Why it did not serve.
    pub why: String,
}

/// What to try, in order, and what is ruled out before anything is tried.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The steps; the first that succeeds ends the plan.
    pub steps: Vec<Step>,
    /// What cannot give this Python.
    pub ruled_out: Vec<Attempt>,
}

/// What is known before anything is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The build that uv names, or why none is known.
    pub archive: Result<Archive, String>,
    /// The folder of pyenv's build; `None` when there is none.
    pub pyenv: Option<PathBuf>,
    /// The platform of this machine.
    pub host: Option<Platform>,
}

/// Orders the sources: uv's build, which is the same on every machine; pyenv's; the system's.
///
/// For another platform than this machine's only the first can serve.
///
/// With `wanted` only that source is tried.
pub fn plan(platform: Platform, known: Known, wanted: Option<Strategy>) -> Plan {
    let mut plan = all(platform, known);
    if let Some(wanted) = wanted {
        plan.steps.retain(|step| step.strategy() == wanted);
        plan.ruled_out.retain(|attempt| attempt.strategy == wanted);
    }
    plan
}

fn all(platform: Platform, known: Known) -> Plan {
    let mut plan = Plan::default();
    match known.archive {
        Ok(archive) => plan.steps.push(Step::Fetch(archive)),
        Err(why) => plan.ruled_out.push(Attempt {
            strategy: Strategy::Uv,
            what: format!("for {platform}"),
            why,
        }),
    }
    if known.host == Some(platform) {
        match known.pyenv {
            Some(folder) => plan.steps.push(Step::Pyenv(folder)),
            None => plan.ruled_out.push(Attempt {
                strategy: Strategy::Pyenv,
                what: "this version".to_owned(),
                why: "it is not installed".to_owned(),
            }),
        }
        plan.steps.push(Step::System);
    } else {
        plan.ruled_out.push(Attempt {
            strategy: Strategy::System,
            what: format!("for {platform}"),
            why: "this machine is another platform".to_owned(),
        });
    }
    plan
}

/// No source has the Python.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found no {request} for {platform}{}", told(tried))]
pub struct NoPython {
    /// What was asked for.
    pub request: PythonRequest,
    /// The platform that it was asked for.
    pub platform: Platform,
    /// Everything that was tried, in order.
    pub tried: Vec<Attempt>,
}

impl NoPython {
    /// Returns what the user can do.
    pub fn advice(&self) -> Vec<String> {
        let version = &self.request.version;
        let mut advice = vec![
            "name a mirror of uv's builds that can be reached in UV_PYTHON_INSTALL_MIRROR, or a list of them in UV_PYTHON_DOWNLOADS_JSON_URL"
                .to_owned(),
        ];
        if self.request.implementation == Implementation::CPython
            && self
                .tried
                .iter()
                .any(|attempt| attempt.strategy == Strategy::Pyenv)
        {
            advice.push(format!("or run `pyenv install {version}`"));
        }
        advice.push("or ask for another version with --python".to_owned());
        advice
    }
}

fn told(tried: &[Attempt]) -> String {
    let lines = tried.iter().map(
        |Attempt {
             strategy,
             what,
             why,
         }| format!("\n  {strategy}, {what}: {why}"),
    );
    let lines: String = lines.collect();
    if lines.is_empty() {
        lines
    } else {
        format!("; tried were{lines}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::location::Location;

    fn archive() -> Archive {
        Archive {
            location: Location::File("/m/a.tar.gz".into()),
            filename: "a.tar.gz".into(),
            sha256: None,
            also: Vec::new(),
            size: None,
        }
    }

    #[test]
    fn tries_the_reproducible_source_first() {
        let platform: Platform = "linux-x86_64".parse().unwrap();
        let known = Known {
            archive: Ok(archive()),
            pyenv: Some("/p".into()),
            host: Some(platform),
        };
        let plan = plan(platform, known, None);
        assert_eq!(
            plan.steps,
            [
                Step::Fetch(archive()),
                Step::Pyenv("/p".into()),
                Step::System
            ]
        );
        assert_eq!(plan.ruled_out, []);
    }

    #[test]
    fn one_source_alone_can_be_wanted() {
        let platform: Platform = "linux-x86_64".parse().unwrap();
        let known = || Known {
            archive: Ok(archive()),
            pyenv: None,
            host: Some(platform),
        };
        let steps = |wanted| plan(platform, known(), Some(wanted)).steps;
        assert_eq!(steps(Strategy::System), [Step::System]);
        assert_eq!(steps(Strategy::Uv), [Step::Fetch(archive())]);
        let pyenv = plan(platform, known(), Some(Strategy::Pyenv));
        assert_eq!((pyenv.steps.len(), pyenv.ruled_out.len()), (0, 1));
    }

    #[test]
    fn another_platform_comes_from_an_archive_alone() {
        let known = Known {
            archive: Ok(archive()),
            pyenv: Some("/p".into()),
            host: Some("linux-x86_64".parse().unwrap()),
        };
        let plan = plan("darwin-arm64".parse().unwrap(), known, None);
        assert_eq!(plan.steps, [Step::Fetch(archive())]);
        assert_eq!(plan.ruled_out.len(), 1);
    }

    #[test]
    fn names_everything_that_was_tried() {
        let platform: Platform = "linux-x86_64".parse().unwrap();
        let known = Known {
            archive: Err("uv knows no such version".into()),
            pyenv: None,
            host: Some(platform),
        };
        let error = NoPython {
            request: PythonRequest {
                implementation: Implementation::CPython,
                version: "3.11.99".parse().unwrap(),
            },
            platform,
            tried: plan(platform, known, None).ruled_out,
        };
        assert_eq!(
            error.to_string(),
            "found no cpython 3.11.99 for linux-x86_64; tried were\n  uv's build, for linux-x86_64: uv knows no such version\n  pyenv's build, this version: it is not installed"
        );
        assert!(
            error
                .advice()
                .iter()
                .any(|line| line.contains("pyenv install 3.11.99"))
        );
    }
}
