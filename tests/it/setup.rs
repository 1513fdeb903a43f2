//! `dhtl setup`, and what `dhtl regenerate` makes of what it wrote down.

use std::fs;
use std::path::{Path, PathBuf};

use dhtl_test_kit::host::pyenv_build;
use dhtl_test_kit::{Output, Sandbox, WheelBuilder};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::schemas::validator;

const PYTHON: &str = "3.11.7";

/// A sandbox with a Python on `PATH`; `None`, said aloud, where this host has none.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
pub fn sandbox() -> Option<Sandbox> {
    let Some(python) = pyenv_build(PYTHON) else {
        eprintln!("SKIPPED: this host has no pyenv build of CPython {PYTHON}");
        return None;
    };
    Some(
        Sandbox::new(env!("CARGO_BIN_EXE_dhtl"))
            .with_path(python.join("bin"))
            .with_var("DHT_OFFLINE", "1"),
    )
}

fn lock(version: &str, folder: &Path) -> String {
    let wheel = WheelBuilder::new("demo", version).file("demo/__init__.py", "VALUE = 1\n");
    wheel.write_to(folder);
    let name = wheel.filename();
    let sha256: String = Sha256::digest(wheel.build())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        "lock-version = \"1.0\"\ncreated-by = \"test\"\n\n[[packages]]\nname = \"demo\"\nversion = \"{version}\"\n\n\
         [[packages.wheels]]\nname = \"{name}\"\npath = \"{name}\"\nhashes = {{ sha256 = \"{sha256}\" }}\n"
    )
}

/// A project whose lock is there already, so that nothing needs uv.
pub fn locked_project(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox
        .project("sample")
        .pyproject(">=3.11", &["demo"])
        .file(".python-version", PYTHON)
        .file(
            "app.py",
            "import os\nos.environ['DATABASE_URL']\nos.getenv('LEVEL')\n",
        )
        .file(
            ".gitattributes",
            "*.bin filter=lfs diff=lfs merge=lfs -text\n",
        )
        .file(
            ".pre-commit-config.yaml",
            "default_install_hook_types: [pre-commit, commit-msg]\nrepos: []\n",
        )
        .build();
    fs::write(folder.join("pylock.toml"), lock("1.0", &folder)).unwrap();
    folder
}

fn dhtl(sandbox: &Sandbox, folder: &Path, args: &[&str]) -> Output {
    sandbox.dhtl_run().args(args).in_folder(folder).output()
}

fn config(folder: &Path) -> String {
    fs::read_to_string(folder.join(".dhtconfig")).unwrap()
}

#[test]
fn a_project_is_captured_once_and_then_matches() {
    let Some(sandbox) = sandbox() else { return };
    let folder = locked_project(&sandbox);
    let run = |args: &[&str]| dhtl(&sandbox, &folder, args);

    let _ = run(&["setup", "--dry-run"])
        .success()
        .warns("✓ Python 3.11.7 environment would be created")
        .warns("✓ .dhtconfig would be generated");
    let _ = run(&["setup", "--check"]).code(1);
    assert!(!folder.join(".dhtconfig").exists() && !folder.join(".venv").exists());

    let told = run(&["setup", "--tool", "demo"]).success();
    // Offline, and without uv, the tools cannot be locked by themselves.
    let told = told.warns("`.dht/tools.lock` is not written");
    let told = told.stderr.lines().filter(|line| line.starts_with('✓'));
    let lines: Vec<&str> = told.collect();
    assert_eq!(lines[0], "✓ Python 3.11.7 environment created");
    assert_eq!(lines[1], "✓ Dependencies locked (pylock.toml, unchanged)");
    assert_eq!(lines[2], "✓ .dhtconfig generated");
    let checksum = lines[3]
        .strip_prefix("✓ Environment checksum: ")
        .and_then(|rest| rest.split(' ').next())
        .unwrap();
    let fingerprint = lines[4]
        .strip_prefix("✓ Environment fingerprint: ")
        .unwrap();
    let written = config(&folder);
    for part in [
        "version: \"3.11.7\"",
        "- pylock.toml",
        "required:\n    - DATABASE_URL\n",
        "optional:\n    - LEVEL\n",
        "commit_msg: true",
        "lfs: true",
        "demo: \"1.0\"",
        "config_checksum: \"blake3:",
        "venv_checksum: \"blake3:",
        checksum,
        fingerprint,
    ] {
        assert!(written.contains(part), "{part} in {written}");
    }

    let _ = run(&["setup"]).success().warns("✓ .dhtconfig unchanged");
    let _ = run(&["setup", "--check"]).success();
    assert_eq!(config(&folder), written);
    let _ = run(&["regenerate"])
        .success()
        .warns(&format!("✓ Environment validated: {checksum} ✓ MATCH"));
    let json: Value = serde_json::from_str(&run(&["setup", "--json"]).success().stdout).unwrap();
    assert!(validator("report-setup").is_valid(&json), "{json}");
}

#[test]
fn what_differs_is_told() {
    let Some(sandbox) = sandbox() else { return };
    let folder = locked_project(&sandbox);
    let run = |args: &[&str]| dhtl(&sandbox, &folder, args);
    let _ = run(&["setup"]).success();

    fs::write(folder.join("pylock.toml"), lock("2.0", &folder)).unwrap();
    let _ = run(&["regenerate"])
        .code(1)
        .warns("✗ Environment: blake3:")
        .warns("    demo: expected 1.0, found 2.0")
        .warns("✗ Configuration: blake3:")
        .warns("    `pylock.toml` changed\n")
        .warns("✗ Environment asked for: blake3:")
        .warns("    demo: 1.0 became 2.0\n")
        .never_says("MATCH");
    let json = run(&["regenerate", "--json"]).code(1);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(validator("report-regenerate").is_valid(&json), "{json}");

    let _ = run(&["setup"])
        .success()
        .warns("✓ .dhtconfig updated: validation");
    let _ = run(&["regenerate"]).success().warns("✓ MATCH");
}

#[test]
fn what_a_person_wrote_stays() {
    let Some(sandbox) = sandbox() else { return };
    let folder = locked_project(&sandbox);
    let mine = "# Ours.\nversion: \"2.0\"\nenv_template:\n  optional:\n    - DATABASE_URL # has a default in production\nassembly: {link_mode: copy} # for the build server\n";
    fs::write(folder.join(".dhtconfig"), mine).unwrap();
    let _ = dhtl(&sandbox, &folder, &["setup"])
        .success()
        .warns("✓ .dhtconfig updated: ");
    let written = config(&folder);
    for line in mine.lines() {
        assert!(written.lines().any(|it| it == line), "{line} in {written}");
    }
    assert_eq!(written.matches("DATABASE_URL").count(), 1, "{written}");
    let _ = dhtl(&sandbox, &folder, &["setup"]).success();
    assert_eq!(config(&folder), written);
    let _ = dhtl(&sandbox, &folder, &["setup", "--tool", "ruff"])
        .code(3)
        .warns("the lock has no `ruff`");
}

#[test]
fn what_the_files_of_a_project_tell_is_written_down() {
    let Some(sandbox) = sandbox() else { return };
    let folder = locked_project(&sandbox);
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write(
        "Dockerfile",
        "FROM python:3.11-slim\nENV API_KEY=hunter2 PIP_NO_CACHE_DIR=1\nRUN apt-get update \\\n  && apt-get install -y libpq-dev=15.* curl $MORE\n",
    );
    write(".nvmrc", "v18.17.0\n");
    write("rust-toolchain", "stable\n");
    write(
        ".gitmodules",
        "[submodule \"x\"]\n\tpath = vendor/x\n\turl = ../x\n",
    );
    write("look.py", "from gi.repository import Gtk\n");
    let run = |args: &[&str]| dhtl(&sandbox, &folder, args);
    let lines = [
        "    env_template.optional: API_KEY (Dockerfile:2)",
        "    git.submodules: vendor/x (.gitmodules)",
        "    binaries.required: node 18.17.0 (.nvmrc)",
        "    platform_deps.linux.apt: libpq-dev (Dockerfile)",
        "    platform_deps.generic: postgresql-client (Dockerfile, `libpq-dev`)",
        "    platform_deps.generic: gobject-introspection (`import gi`)",
        "warning: `rust-toolchain` asks for rust `stable`, which is no exact version",
        "warning: `Dockerfile`: `$MORE` is not the name of a package of apt",
    ];
    let told = run(&["setup", "--dry-run"]).success();
    let told = lines.iter().fold(told, |told, line| told.warns(line));
    drop(told.never_says("hunter2"));
    assert!(!folder.join(".dhtconfig").exists());
    let _ = run(&["setup"]).success().never_says("hunter2");
    let written = config(&folder);
    for part in [
        "generic:\n    - postgresql-client\n    - gobject-introspection\n",
        "apt:\n      - libpq-dev\n      - curl\n",
        "- name: node\n      version: \"18.17.0\"\n",
        "submodules:\n    - vendor/x\n",
        "- API_KEY\n",
    ] {
        assert!(written.contains(part), "{part} in {written}");
    }
    assert!(!written.contains("hunter2") && !written.contains("PIP_NO"));
    let _ = run(&["setup"]).success().warns("✓ .dhtconfig unchanged");
    assert_eq!(config(&folder), written);
}

#[test]
#[ignore = "network: needs uv"]
fn requirements_and_old_projects_are_locked() {
    let Some(sandbox) = sandbox() else { return };
    let sandbox = sandbox.with_host_program("uv").with_var("DHT_OFFLINE", "0");
    let build = |name: &str, files: &[(&str, &str)]| {
        let project = sandbox.project(name).file(".python-version", PYTHON);
        let files = files.iter();
        files
            .fold(project, |project, (file, text)| project.file(file, text))
            .build()
    };
    let run = |folder: &Path, args: &[&str]| dhtl(&sandbox, folder, args);
    let lock = |folder: &Path| fs::read_to_string(folder.join("requirements.lock")).unwrap();

    let folder = build(
        "unpinned",
        &[
            ("requirements.in", "-c bounds.txt\nrequests\n"),
            ("bounds.txt", "requests<2.32\n"),
            (
                "requirements.txt",
                "requests==2.30.0\nidna==3.6  # via requests\n",
            ),
        ],
    );
    let _ = run(&folder, &["setup", "--check"])
        .code(1)
        .warns("✓ Dependencies would be locked (requirements.lock)");
    let _ = run(&folder, &["setup"])
        .success()
        .warns("✓ Dependencies locked (requirements.lock)");
    let first = lock(&folder);
    for part in ["requests==2.30.0 \\\n", "idna==3.6 \\\n", "--hash=sha256:"] {
        assert!(first.contains(part), "{part} in {first}");
    }
    assert!(
        config(&folder).contains("strategy: pip-tools\n  lock_files:\n    - requirements.lock\n")
    );
    let _ = run(&folder, &["setup", "--check"]).success();
    let _ = run(&folder, &["regenerate"]).success().warns("✓ MATCH");
    fs::write(folder.join("bounds.txt"), "requests<2.30\n").unwrap();
    let _ = run(&folder, &["setup"])
        .success()
        .warns("✓ Dependencies locked anew (requirements.lock)");
    assert!(lock(&folder).contains("requests==2.29") && lock(&folder).contains("idna==3.6"));

    let setup_py = "from setuptools import setup\nsetup(name='old-demo', version='1', py_modules=['old_demo'], install_requires=['idna==3.7'])\n";
    let folder = build("old", &[("setup.py", setup_py), ("old_demo.py", "")]);
    let _ = run(&folder, &["setup"]).success();
    assert!(lock(&folder).contains("-e .\n    # via -r setup.py\n"));
    let _ = run(&folder, &["run", "python", "-c", "import old_demo, idna"]).success();
    let _ = run(&folder, &["setup", "--check"]).success();

    let setup_cfg = "[metadata]\nname = cfg\n[options]\ninstall_requires =\n  idna==3.7\n";
    let folder = build("cfg", &[("setup.cfg", setup_cfg)]);
    let _ = run(&folder, &["setup"]).success();
    assert!(lock(&folder).contains("idna==3.7"));
}

#[test]
#[ignore = "network: needs uv"]
fn a_project_without_a_lock_is_locked() {
    let Some(sandbox) = sandbox() else { return };
    let sandbox = sandbox.with_host_program("uv");
    let folder = sandbox
        .project("fresh")
        .pyproject(">=3.11", &[])
        .file(".python-version", PYTHON)
        .build();
    let run = |args: &[&str]| dhtl(&sandbox, &folder, args);
    let _ = run(&["setup", "--dry-run"])
        .success()
        .warns("✓ Dependencies would be locked (uv.lock)");
    assert!(!folder.join("uv.lock").exists());
    let _ = run(&["setup"])
        .success()
        .warns("✓ Dependencies locked (uv.lock)");
    let _ = run(&["setup", "--check"]).success();
    let _ = run(&["regenerate"]).success().warns("✓ MATCH");

    let text = fs::read_to_string(folder.join("pyproject.toml")).unwrap();
    fs::write(
        folder.join("pyproject.toml"),
        text.replace(">=3.11", ">=3.11.2"),
    )
    .unwrap();
    let _ = run(&["setup", "--check"])
        .code(1)
        .warns("would be locked anew")
        .warns(".dhtconfig would be updated: validation");
    let _ = run(&["setup"])
        .success()
        .warns("✓ Dependencies locked anew (uv.lock)");
    let _ = run(&["setup", "--check"]).success();
}

fn checksum_of(sandbox: &Sandbox, folder: &Path) -> String {
    dhtl(sandbox, folder, &["fingerprint", "--asked"])
        .success()
        .stdout
}

#[test]
fn what_differs_is_put_right_when_that_is_asked_for() {
    let Some(sandbox) = sandbox() else { return };
    let folder = locked_project(&sandbox);
    let run = |args: &[&str]| dhtl(&sandbox, &folder, args);
    let _ = run(&["setup"]).success();
    let before = config(&folder);
    assert!(before.contains(checksum_of(&sandbox, &folder).trim()));

    fs::write(folder.join("pylock.toml"), lock("2.0", &folder)).unwrap();
    let _ = run(&["regenerate", "--fix"])
        .success()
        .warns("✗ Environment asked for: blake3:")
        .warns("    demo: 1.0 became 2.0\n")
        .warns("✓ MATCH");
    assert_ne!(config(&folder), before);
    let _ = run(&["regenerate"]).success().warns("✓ MATCH");
    assert!(config(&folder).contains(checksum_of(&sandbox, &folder).trim()));
}

#[test]
fn which_part_differs_is_told_where_nothing_is_known_of_before() {
    let Some(sandbox) = sandbox() else { return };
    let folder = locked_project(&sandbox);
    let _ = dhtl(&sandbox, &folder, &["setup"]).success();
    fs::write(folder.join("pylock.toml"), lock("2.0", &folder)).unwrap();
    let text = config(&folder).replace("LEVEL", "LEVEL2");
    fs::write(folder.join(".dhtconfig"), text).unwrap();
    let other = sandbox
        .dhtl_run()
        .args(["regenerate"])
        .in_folder(&folder)
        .var("DHT_HOME", sandbox.root().join("other"))
        .output();
    let _ = other
        .code(1)
        .warns("    packages: others than before\n")
        .warns("    `.dhtconfig` changed\n")
        .warns("    `pylock.toml` changed\n")
        .never_says("`.pre-commit-config.yaml` changed");
}

#[test]
fn a_checksum_of_another_algorithm_is_checked_too() {
    let Some(sandbox) = sandbox() else { return };
    let folder = locked_project(&sandbox);
    let _ = dhtl(&sandbox, &folder, &["setup"]).success();
    let text = config(&folder);
    let start = text.find("venv_checksum: \"").unwrap();
    let old = &text[start..][..text[start..].find('\n').unwrap()];
    let wrong = format!("venv_checksum: \"sha256:{}\"", "0".repeat(64));
    fs::write(folder.join(".dhtconfig"), text.replace(old, &wrong)).unwrap();
    let told = dhtl(&sandbox, &folder, &["regenerate"]).code(1);
    let _ = told
        .warns("✗ Environment asked for: blake3:")
        .warns("sha256:0000");
    let placeholder = "venv_checksum: \"sha256:abcd1234...\"";
    fs::write(folder.join(".dhtconfig"), text.replace(old, placeholder)).unwrap();
    let _ = dhtl(&sandbox, &folder, &["regenerate"]).success();
}

#[test]
fn git_tells_what_was_another() {
    let Some(sandbox) = sandbox() else { return };
    let sandbox = sandbox.with_host_program("git");
    let folder = locked_project(&sandbox);
    let git = |args: &[&str]| {
        let program = sandbox.root().join("bin/git");
        let run = sandbox.run(program).in_folder(&folder);
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let _ = run.args(who).args(args).output().success();
    };
    let _ = dhtl(&sandbox, &folder, &["setup"]).success();
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "one"]);
    fs::write(folder.join("pylock.toml"), lock("2.0", &folder)).unwrap();
    git(&["commit", "-qam", "forgot to run setup"]);
    let other = sandbox
        .dhtl_run()
        .args(["regenerate"])
        .in_folder(&folder)
        .var("DHT_HOME", sandbox.root().join("other"))
        .output();
    let _ = other
        .code(1)
        .warns("    since commit ")
        .warns("    demo: 1.0 became 2.0\n");
}
