//! Real builds: what pyenv made, packed as uv's builds are, and run where they were not built.
//!
//! They need pyenv's Python 3.11.7 or 3.12.1; where neither is installed, nothing is tested and the
//! test says so.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests run the interpreters that they unpacked"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use dht_store::sink::MemorySink;

use super::{catalogue, ingest_archive, pyenv};
use crate::model::platform::COMMON;
use crate::model::python::{Implementation, PythonRequest};
use crate::python::disk_sink::{DiskSink, pyenv_build, request};

/// Runs `program` where the folder `hidden` is empty, if this user may make such a place.
fn run_hiding(hidden: &Path, program: &Path, arguments: &[&str]) -> String {
    let script = "mount -t tmpfs none \"$0\" && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script]);
    command.arg(hidden).arg(program).args(arguments);
    let output = command.env_clear().output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", program.display());
    String::from_utf8(output.stdout).unwrap()
}

fn pack(build: &Path, out: &Path) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pack-python");
    let output = Command::new(build.join("bin/python3"))
        .args(["-I", "-S", "-B"])
        .arg(script)
        .arg(build)
        .arg(out)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

const QUESTION: &str = "
import ssl, sqlite3, ctypes, lzma, bz2, zlib, sys, sysconfig, json, platform
print(json.dumps({
    'version': platform.python_version(),
    'base': sys.base_prefix,
    'vars': sysconfig.get_config_vars(),
    'paths': sysconfig.get_paths(),
}, default=str))
";

fn assert_names_nothing_of(build: &Path, text: &str) {
    let build = build.to_str().unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(build)).collect();
    assert!(lines.is_empty(), "{lines:#?}");
}

fn check_runs(root: &Path, build: &Path, version: &str) {
    let short = version.rsplit_once('.').unwrap().0;
    let bin = root.join("bin");
    let answer = run_hiding(
        build,
        &bin.join(format!("python{short}")),
        &["-B", "-c", QUESTION],
    );
    assert_names_nothing_of(build, &answer.replace(", ", "\n"));
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["version"], version);
    assert_eq!(answer["base"], root.to_str().unwrap());
    let libdir = root.join("lib");
    assert_eq!(answer["vars"]["LIBDIR"], libdir.to_str().unwrap());
    let config = run_hiding(
        build,
        &bin.join(format!("python{short}-config")),
        &["--ldflags", "--includes", "--prefix", "--configdir"],
    );
    assert_names_nothing_of(build, &config);
    assert!(config.contains(root.to_str().unwrap()), "{config}");
    let pydoc = run_hiding(build, &bin.join(format!("pydoc{short}")), &["textwrap"]);
    assert!(pydoc.contains("TextWrapper"), "{pydoc}");
    let named = files_naming(root, build.to_str().unwrap());
    assert!(named.is_empty(), "{named:#?}");
}

/// Returns the text files below `root` that hold `needle`.
fn files_naming(root: &Path, needle: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file()
                && let Ok(text) = std::fs::read_to_string(entry.path())
                && text.contains(needle)
            {
                found.push(entry.path());
            }
        }
    }
    found
}

#[test]
fn a_packed_build_runs_elsewhere_and_is_the_same_everywhere() {
    for version in ["3.11.7", "3.12.1"] {
        let Some(build) = pyenv_build(version) else {
            continue;
        };
        let temp = tempfile::tempdir().unwrap();
        let archive = pack(&build, &temp.path().join("mirror"));
        let root = temp.path().join("a place of its own").join("python");
        let sink = DiskSink::new(&root);
        let ingested = ingest_archive(&archive, &request(version), &sink).unwrap();
        let short = version.rsplit_once('.').unwrap().0;
        assert_eq!(ingested.interpreter.as_str(), format!("bin/python{short}"));
        assert_eq!(ingested.stdlib.as_str(), format!("lib/python{short}"));
        check_runs(&root, &build, version);
        let first = sink.finish();
        let again = MemorySink::default();
        ingest_archive(&archive, &request(version), &again).unwrap();
        let (second, _) = again.finish().unwrap();
        assert_eq!(first.id(), second.id());
        assert!(first.get("bin/pip3").is_none());
    }
}

#[test]
fn pyenvs_own_folder_gives_a_build_without_what_was_installed_into_it() {
    for version in ["3.11.7", "3.12.1"] {
        let Some(build) = pyenv_build(version) else {
            continue;
        };
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("python");
        let sink = DiskSink::new(&root);
        pyenv::ingest(&build, &request(version), &sink).unwrap();
        check_runs(&root, &build, version);
        let manifest = sink.finish();
        let packages = manifest
            .nodes()
            .iter()
            .filter(|node| node.path.as_str().contains("/site-packages/"))
            .count();
        assert!(packages <= 1, "{packages} files of packages");
    }
}

#[test]
fn another_version_is_refused() {
    let Some(build) = pyenv_build("3.11.7") else {
        return;
    };
    let sink = MemorySink::default();
    let error = pyenv::ingest(&build, &request("3.11.8"), &sink).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "it is Python 3.11.7, not 3.11.8");
}

#[test]
fn uv_lists_a_build_for_every_common_platform() {
    let path = std::env::var_os("PATH").unwrap();
    let Some(uv) = crate::tools::runner::find_program("uv", &path, &[]) else {
        eprintln!("skipped: no uv here");
        return;
    };
    for (python, sort) in [
        (request("3.11.7"), "-install_only"),
        (
            PythonRequest {
                implementation: Implementation::PyPy,
                version: "3.10.16".parse().unwrap(),
            },
            "pypy3.10-",
        ),
    ] {
        let output = Command::new(&uv)
            .args(catalogue::uv_list_arguments(&python))
            .arg("--offline")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        for platform in COMMON {
            let mirrors = catalogue::Mirrors::default();
            let found = catalogue::in_uv_list(&output.stdout, &python, platform, &mirrors);
            let archive = found.unwrap().unwrap();
            assert!(archive.filename.contains(sort), "{archive:?}");
        }
    }
}
