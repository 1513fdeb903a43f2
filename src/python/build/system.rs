//! Interpreters that the system has: not part of the store, known by the digest of their program.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dht_store::Digest;
use serde::Deserialize;

use super::plan::{Attempt, Strategy};
use crate::model::platform::{Arch, Os, Platform};
use crate::model::python::{Implementation, PythonRequest, PythonVersion};
use crate::tools::runner::{Call, Cancel, find_program};

/// What every candidate is asked.
const PROBE: &str = include_str!("probe.py");
/// How long a candidate may take to answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The minor versions of Python 3 that are looked for by their names.
const MINORS: std::ops::RangeInclusive<u8> = 8..=16;

/// An interpreter of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemPython {
    /// The program itself, not a link to it.
    pub executable: PathBuf,
    /// Where its standard library stands.
    pub base_prefix: PathBuf,
    /// The version of glibc that it runs with, such as `glibc 2.36`; `None` elsewhere.
    pub libc: Option<String>,
    /// The BLAKE3 digest of the program.
    pub digest: Digest,
}

/// What a candidate answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Answer {
    implementation: String,
    version: String,
    executable: PathBuf,
    base_prefix: PathBuf,
    platform: String,
    libc: Option<String>,
    threaded: bool,
}

/// Looks for an interpreter of exactly this Python in the folders of `path`, the value of `PATH`.
///
/// Folders inside of `untrusted` (the project, with its own environment) are passed over. Gives the
/// attempts that failed when none is found.
pub fn find(
    python: &PythonRequest,
    platform: Platform,
    path: &OsStr,
    untrusted: &[&Path],
    cancel: &Cancel,
) -> Result<SystemPython, Vec<Attempt>> {
    let mut tried = Vec::new();
    let mut seen = BTreeSet::new();
    for folder in std::env::split_paths(path) {
        for name in names(python) {
            let Some(candidate) = find_program(&name, folder.as_os_str(), untrusted) else {
                continue;
            };
            let real = candidate
                .canonicalize()
                .unwrap_or_else(|_| candidate.clone());
            if !seen.insert(real) {
                continue;
            }
            match ask(&candidate, python, platform, cancel) {
                Ok(found) => return Ok(found),
                Err(why) => tried.push(Attempt {
                    strategy: Strategy::System,
                    what: format!("`{}`", candidate.display()),
                    why,
                }),
            }
        }
    }
    if tried.is_empty() {
        tried.push(Attempt {
            strategy: Strategy::System,
            what: "the folders of PATH".to_owned(),
            why: format!("they hold no {}", names(python).join(", no ")),
        });
    }
    Err(tried)
}

/// Returns the Pythons in the folders of `path` that `implementation` has a program of. Each is asked.
pub fn list(
    implementation: Implementation,
    platform: Platform,
    path: &OsStr,
    untrusted: &[&Path],
    cancel: &Cancel,
) -> BTreeSet<PythonVersion> {
    let name = match implementation {
        Implementation::CPython => "python",
        Implementation::PyPy => "pypy",
    };
    let minors = MINORS.map(|minor| format!("{name}3.{minor}"));
    let names: Vec<String> = [format!("{name}3"), name.to_owned()]
        .into_iter()
        .chain(minors)
        .collect();
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for folder in std::env::split_paths(path) {
        for name in &names {
            let Some(candidate) = find_program(name, folder.as_os_str(), untrusted) else {
                continue;
            };
            if candidate
                .canonicalize()
                .is_ok_and(|real| !seen.insert(real))
            {
                continue;
            }
            let Ok(answer) = answer_of(&candidate, cancel) else {
                continue;
            };
            let version = answer.version.parse();
            found.extend(version.ok().filter(|version: &PythonVersion| {
                let version = version.clone();
                let python = PythonRequest {
                    implementation,
                    version,
                };
                judge(&answer, &python, platform).is_ok()
            }));
        }
    }
    found
}

/// The names under which the interpreter may be found, the most exact first.
fn names(python: &PythonRequest) -> [String; 3] {
    let name = match python.implementation {
        Implementation::CPython => "python",
        Implementation::PyPy => "pypy",
    };
    [python.lib_name(), format!("{name}3"), name.to_owned()]
}

fn ask(
    candidate: &Path,
    python: &PythonRequest,
    platform: Platform,
    cancel: &Cancel,
) -> Result<SystemPython, String> {
    let answer = answer_of(candidate, cancel)?;
    judge(&answer, python, platform)?;
    let unreadable = |error| format!("its program cannot be read: {error}");
    let mut program = File::open(&answer.executable).map_err(unreadable)?;
    let (digest, _) = Digest::of_reader(&mut program).map_err(unreadable)?;
    Ok(SystemPython {
        executable: answer.executable,
        base_prefix: answer.base_prefix,
        libc: answer.libc,
        digest,
    })
}

fn answer_of(candidate: &Path, cancel: &Cancel) -> Result<Answer, String> {
    let output = Call::new(candidate)
        .args(["-I", "-S", "-B", "-c", PROBE])
        .timeout(TIMEOUT)
        .stdout_limit(1 << 20)
        .output(cancel)
        .map_err(|_| "it cannot be run".to_owned())?;
    if output.code != Some(0) {
        return Err(match output.stderr.lines().next_back() {
            Some(line) => format!("it fails: {line}"),
            None => "it fails".to_owned(),
        });
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|_| "it does not answer as a Python does".to_owned())
}

/// Says why the candidate is not the Python that was asked for.
fn judge(answer: &Answer, python: &PythonRequest, platform: Platform) -> Result<(), String> {
    if answer.implementation != python.implementation.to_string()
        || answer.version != python.version.to_string()
    {
        return Err(format!(
            "it is {} {}",
            answer.implementation, answer.version
        ));
    }
    if answer.threaded {
        return Err("it is built without the global lock, which has wheels of its own".to_owned());
    }
    let has_glibc = answer
        .libc
        .as_deref()
        .is_some_and(|libc| libc.starts_with("glibc"));
    let os = match platform.os {
        Os::Linux => answer.platform.starts_with("linux-") && has_glibc,
        Os::LinuxMusl => answer.platform.starts_with("linux-") && !has_glibc,
        Os::Darwin => answer.platform.starts_with("macosx-"),
        Os::Windows => answer.platform.starts_with("win-"),
    };
    let machine = answer.platform.rsplit('-').next().unwrap_or("");
    let arch = match (platform.os, platform.arch) {
        (Os::Darwin, _) if machine == "universal2" => true,
        (_, Arch::X86_64) => matches!(machine, "x86_64" | "amd64"),
        (_, Arch::Arm64) => matches!(machine, "aarch64" | "arm64"),
    };
    if os && arch {
        Ok(())
    } else {
        Err(format!("it is for {}", answer.platform))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(version: &str) -> PythonRequest {
        PythonRequest {
            implementation: Implementation::CPython,
            version: version.parse().unwrap(),
        }
    }

    fn answer() -> Answer {
        Answer {
            implementation: "cpython".into(),
            version: "3.11.7".into(),
            executable: "/usr/bin/python3.11".into(),
            base_prefix: "/usr".into(),
            platform: "linux-x86_64".into(),
            libc: Some("glibc 2.36".into()),
            threaded: false,
        }
    }

    #[test]
    fn takes_exactly_the_python_that_was_asked_for() {
        let judge = |answer: &Answer, platform: &str| {
            judge(answer, &python("3.11.7"), platform.parse().unwrap())
        };
        assert_eq!(judge(&answer(), "linux-x86_64"), Ok(()));
        assert!(judge(&answer(), "linux-musl-x86_64").is_err());
        assert!(judge(&answer(), "linux-arm64").is_err());
        let mut other = answer();
        other.version = "3.11.8".into();
        assert_eq!(
            judge(&other, "linux-x86_64"),
            Err("it is cpython 3.11.8".to_owned())
        );
        let mut threaded = answer();
        threaded.threaded = true;
        assert!(judge(&threaded, "linux-x86_64").is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn finds_the_interpreter_and_tells_why_others_do_not_fit() {
        let Some(build) = crate::python::disk_sink::pyenv_build("3.11.7") else {
            return;
        };
        let bin = build.join("bin");
        let Some(host) = Platform::host() else {
            return;
        };
        let find = |version, untrusted: &[&Path]| {
            let python = python(version);
            find(
                &python,
                host,
                bin.as_os_str(),
                untrusted,
                &Cancel::default(),
            )
        };
        let found = find("3.11.7", &[]).unwrap();
        assert_eq!(
            found.executable,
            bin.join("python3.11").canonicalize().unwrap()
        );
        assert_eq!(found.base_prefix, build);
        let tried = find("3.11.8", &[]).unwrap_err();
        assert_eq!(tried.len(), 1);
        assert_eq!(tried[0].why, "it is cpython 3.11.7");
        let tried = find("3.11.7", &[&build]).unwrap_err();
        assert_eq!(tried[0].what, "the folders of PATH");
    }
}
