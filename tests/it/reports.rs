//! What `--json` prints keeps the contracts in `schemas/`.

use std::fs;
use std::path::{Path, PathBuf};

use dhtl_test_kit::host::pyenv_build;
use dhtl_test_kit::{Output, Sandbox, WheelBuilder};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::schemas::validator;

const PYTHON: &str = "3.11.7";

/// A project of wheels, and a Python on `PATH`; `None`, said aloud, where this host has none.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn project(wheels: &[&WheelBuilder]) -> Option<(Sandbox, PathBuf)> {
    let Some(python) = pyenv_build(PYTHON) else {
        eprintln!("SKIPPED: this host has no pyenv build of CPython {PYTHON}");
        return None;
    };
    // Taken from `PATH` it is used in place, so that the test need not bring a Python into a store.
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_dhtl"))
        .with_path(python.join("bin"))
        .with_var("DHT_OFFLINE", "1");
    let folder = sandbox
        .project("sample")
        .pyproject(">=3.11", &["demo"])
        .file(".python-version", PYTHON)
        .file("pylock.toml", lock(wheels))
        .build();
    for wheel in wheels {
        wheel.write_to(&folder);
    }
    Some((sandbox, folder))
}

fn demo() -> WheelBuilder {
    WheelBuilder::new("demo", "1.0")
        .file("demo/__init__.py", "VALUE = 1\n")
        .console_script("demo", "demo:main")
}

fn lock(wheels: &[&WheelBuilder]) -> String {
    let mut text = String::from(
        "lock-version = \"1.0\"\ncreated-by = \"test\"\nrequires-python = \">=3.11\"\n",
    );
    for wheel in wheels {
        let sha256: String = Sha256::digest(wheel.build())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let file = wheel.filename();
        let name = file.split('-').next().unwrap();
        text.push_str(&format!(
            "\n[[packages]]\nname = \"{name}\"\nversion = \"1.0\"\n\n[[packages.wheels]]\n\
             name = \"{file}\"\npath = \"{file}\"\nhashes = {{ sha256 = \"{sha256}\" }}\n"
        ));
    }
    text
}

fn dhtl(sandbox: &Sandbox, project: &Path, args: &[&str]) -> Output {
    sandbox
        .dhtl_run()
        .args(args)
        .arg("--json")
        .in_folder(project)
        .output()
}

/// Checks what was printed against the contract that it names, which has to be this one.
fn keeps(schema: &str, output: &Output) -> Value {
    let value: Value = serde_json::from_str(&output.stdout).unwrap();
    let validator = validator(&format!("report-{schema}"));
    let problems: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:?}\n{output}");
    assert_eq!(value["schema"], format!("dhtl/{schema}/1"));
    value
}

#[test]
fn reports_keep_their_schemas() {
    let Some((sandbox, project)) = project(&[&demo()]) else {
        return;
    };
    let run = |args: &[&str]| dhtl(&sandbox, &project, args);

    let made = keeps("regenerate", &run(&["regenerate"]).success());
    assert_eq!(made["created"], true);
    let again = keeps("regenerate", &run(&["regenerate", "--check"]).success());
    assert_eq!(again["created"], false);
    let fingerprint = keeps("fingerprint", &run(&["fingerprint"]).success());
    assert_eq!(fingerprint["fingerprint"], made["fingerprint"]);
    let valid = keeps("validate-env", &run(&["validate-env"]).success());
    assert_eq!(valid["valid"], true);
    let listing = keeps("store-ls", &run(&["store", "ls"]).success());
    assert_eq!(listing["entries"][0]["name"], "demo");
    keeps("store-verify", &run(&["store", "verify"]).success());
    let info = keeps("store-info", &run(&["store", "info"]).success());
    assert_eq!(info["writable"], true);
    let entry = keeps("store-entry", &run(&["store", "info", "demo"]).success());
    let place = keeps("store-path", &run(&["store", "path", "demo"]).success());
    assert_eq!(entry["path"], place["path"]);

    let quick = sandbox.dhtl_run().args(["validate-env", "--quick"]);
    let _ = quick
        .in_folder(&project)
        .output()
        .success()
        .warns("files were not looked at");

    let module = project.join(".venv/lib/python3.11/site-packages/demo/__init__.py");
    fs::remove_file(&module).unwrap();
    let drifted = keeps("validate-env", &run(&["validate-env"]).code(1));
    assert_eq!(drifted["drift"][0]["kind"], "missing");
    assert_eq!(drifted["drift"][0]["package"], "demo");

    let folder = sandbox.run(env!("CARGO_BIN_EXE_dhtl"));
    let folder = folder.args(["store", "path", "demo"]).output().success();
    let kept = Path::new(folder.stdout.trim()).join("site-packages/demo/__init__.py");
    fs::set_permissions(&kept, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    fs::write(&kept, "VALUE = 2\n").unwrap();
    let damaged = keeps("store-verify", &run(&["store", "verify"]).code(4));
    assert_eq!(damaged["damaged"][0]["problems"][0]["kind"], "modified");
}

#[test]
fn what_the_lock_no_longer_names_goes_and_what_the_user_added_stays() {
    let other = WheelBuilder::new("other", "1.0")
        .file("other/__init__.py", "")
        .console_script("other", "other:main");
    let Some((sandbox, project)) = project(&[&demo(), &other]) else {
        return;
    };
    let run = |args: &[&str]| dhtl(&sandbox, &project, args).success();
    let _ = run(&["regenerate"]);
    let site = project.join(".venv/lib/python3.11/site-packages");
    fs::write(site.join("mine.py"), "").unwrap();
    fs::write(project.join("pylock.toml"), lock(&[&demo()])).unwrap();

    let checked = dhtl(&sandbox, &project, &["regenerate", "--check"]).code(1);
    assert_eq!(keeps("regenerate", &checked)["removed"], 3);
    let changed = keeps("regenerate", &run(&["regenerate"]));
    assert_eq!(changed["removed"], 3, "a program and two folders");
    assert_eq!(
        changed["added"],
        serde_json::json!(["lib/python3.11/site-packages/mine.py"])
    );
    assert!(!site.join("other").exists());
    assert!(!project.join(".venv/bin/other").exists());
    assert!(site.join("demo/__init__.py").exists());
    assert!(site.join("mine.py").exists());
}

#[test]
fn an_environment_without_interpreter_runs_no_other() {
    let Some((sandbox, project)) = project(&[&demo()]) else {
        return;
    };
    let _ = dhtl(&sandbox, &project, &["regenerate"]).success();
    let run = || {
        let run = sandbox.dhtl_run().args(["run", "python", "--version"]);
        run.in_folder(&project).output()
    };
    assert_eq!(run().success().stdout, format!("Python {PYTHON}\n"));
    fs::remove_file(project.join(".venv/bin/python")).unwrap();
    let _ = run()
        .code(1)
        .warns("no interpreter")
        .warns("dhtl regenerate");
}
