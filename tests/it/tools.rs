//! Development tools: among the project's packages where they agree with them, apart where not.

use std::fs;
use std::path::{Path, PathBuf};

use dhtl_test_kit::host::pyenv_build;
use dhtl_test_kit::{Output, PythonMirror, Sandbox, WheelBuilder};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::schemas::validator;

const PYTHON: &str = "3.11.7";

/// A sandbox with a Python on `PATH`; `None`, said aloud, where this host has none.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn sandbox() -> Option<Sandbox> {
    let Some(python) = pyenv_build(PYTHON) else {
        eprintln!("SKIPPED: this host has no pyenv build of CPython {PYTHON}");
        return None;
    };
    Some(Sandbox::new(env!("CARGO_BIN_EXE_dhtl")).with_path(python.join("bin")))
}

fn dhtl(sandbox: &Sandbox, folder: &Path, args: &[&str]) -> Output {
    sandbox.dhtl_run().args(args).in_folder(folder).output()
}

/// Writes wheels into the project, and returns their packages below `heading`.
fn packages(folder: &Path, heading: &str, wheels: &[WheelBuilder]) -> String {
    let mut text = String::new();
    for wheel in wheels {
        wheel.write_to(folder);
        let file = wheel.filename();
        let mut parts = file.split('-');
        let (name, version) = (parts.next().unwrap(), parts.next().unwrap());
        let sha256: String = Sha256::digest(wheel.build())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        text.push_str(&format!(
            "\n[[{heading}]]\nname = \"{name}\"\nversion = \"{version}\"\nwheels = [{{ path = \"{file}\", hashes = {{ sha256 = \"{sha256}\" }} }}]\n"
        ));
    }
    text
}

fn shared(version: &str) -> WheelBuilder {
    WheelBuilder::new("shared", version)
        .file("shared/__init__.py", format!("VERSION = '{version}'\n"))
}

/// A tool that prints its own version and that of what it needs.
fn tool(name: &str, version: &str) -> WheelBuilder {
    let code = format!(
        "import shared\ndef main():\n    print('{name} {version} with shared', shared.VERSION)\n"
    );
    WheelBuilder::new(name, version)
        .file(&format!("{name}/__init__.py"), code)
        .console_script(name, &format!("{name}:main"))
}

const LOCK: &str = "lock-version = \"1.0\"\ncreated-by = \"test\"\n";

/// A project with `shared` 1.0, and two tools: `lint` needs 2.0 of it, `check` agrees.
fn project(sandbox: &Sandbox, tools: &str) -> PathBuf {
    let folder = sandbox
        .project("sample")
        .pyproject(">=3.11", &["shared"])
        .file(".python-version", PYTHON)
        .file(
            ".dhtconfig",
            format!("version: \"2.0\"\ntools:\n{tools}assembly:\n  link_mode: copy\n"),
        )
        .build();
    let own = packages(&folder, "packages", &[shared("1.0")]);
    fs::write(folder.join("pylock.toml"), format!("{LOCK}{own}")).unwrap();
    let section = |name: &str, head: &str, wheels: &[WheelBuilder]| {
        let heading = format!("tools.{name}.lock.packages");
        let packages = packages(&folder, &heading, wheels);
        format!("\n[tools.{name}]\nversion = {head}\n\n[tools.{name}.lock]\n{LOCK}{packages}")
    };
    let text = format!(
        "format = \"dht-tools-lock/1\"\n{}{}",
        section("check", "\"1.0\"", &[tool("check", "1.0"), shared("1.0")]),
        section(
            "lint",
            "\"3.1\"\nalone = true",
            &[tool("lint", "3.1"), shared("2.0")]
        )
    );
    fs::create_dir(folder.join(".dht")).unwrap();
    fs::write(folder.join(".dht/tools.lock"), text).unwrap();
    folder
}

fn says(sandbox: &Sandbox, program: PathBuf) -> String {
    sandbox.run(program).output().success().stdout
}

#[test]
fn a_tool_that_agrees_joins_and_one_that_does_not_stands_apart() {
    let Some(sandbox) = sandbox() else { return };
    let sandbox = sandbox.with_var("DHT_OFFLINE", "1");
    let folder = project(&sandbox, "  check: \"1.0\"\n  lint: \"3.1\"\n");
    let run = |args: &[&str]| dhtl(&sandbox, &folder, args);
    let _ = run(&["regenerate"])
        .success()
        .warns("✓ Tools: check 1.0, lint 3.1 (isolated)");
    let _ = run(&["why", "lint"])
        .success()
        .says("lint 3.1\n")
        .says("    tools of .dhtconfig → lint\n");
    let wrapper = run(&["why", "bin/lint"]).success();
    let _ = wrapper.says("bin/lint\n  made here for lint\n");
    let programs = |folder: &Path| {
        let of = |name: &str| says(&sandbox, folder.join(".venv/bin").join(name));
        assert_eq!(of("check"), "check 1.0 with shared 1.0\n");
        assert_eq!(of("lint"), "lint 3.1 with shared 2.0\n");
    };
    programs(&folder);
    let _ = run(&["validate-env"])
        .success()
        .warns("✓ Tools: all present with correct versions (check 1.0, lint 3.1 (isolated))");
    let json = run(&["validate-env", "--json"]).success();
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(validator("report-validate-env").is_valid(&json), "{json}");
    let json = run(&["regenerate", "--json"]).success();
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(validator("report-regenerate").is_valid(&json), "{json}");

    let apart = folder.join(".venv/.tools/lint/lib/python3.11/site-packages");
    fs::remove_file(apart.join("shared/__init__.py")).unwrap();
    fs::remove_file(folder.join(".venv/bin/lint")).unwrap();
    let _ = run(&["validate-env"])
        .code(1)
        .warns("site-packages/shared/__init__.py (shared of lint)")
        .warns("bin/lint (lint)")
        .warns("✗ Tools: lint 3.1 (isolated): 2 paths differ");
    let _ = run(&["validate-env", "--fix"]).success();
    programs(&folder);

    let moved = folder.with_file_name("moved");
    fs::rename(&folder, &moved).unwrap();
    programs(&moved);
}

#[test]
fn a_tool_that_goes_leaves_nothing_and_is_told() {
    let Some(sandbox) = sandbox() else { return };
    let sandbox = sandbox.with_var("DHT_OFFLINE", "1");
    let folder = project(&sandbox, "  lint: \"3.1\"\n");
    let run = |args: &[&str]| dhtl(&sandbox, &folder, args);
    let _ = run(&["regenerate"]).success();
    let config = |tools: &str| {
        let text = format!("version: \"2.0\"\n{tools}assembly:\n  link_mode: copy\n");
        fs::write(folder.join(".dhtconfig"), text).unwrap();
    };
    config("tools:\n  lint: \"3.2\"\n");
    let _ = run(&["regenerate"])
        .code(3)
        .warns("the tool `lint` is asked for in version 3.2, and `.dht/tools.lock` locks 3.1")
        .warns("dhtl freeze-tools --write");
    let _ = run(&["validate-env"])
        .code(1)
        .warns("✗ Tools: lint is 3.1 instead of 3.2");
    config("tools:\n  shared: \"2.0\"\n");
    let _ = run(&["regenerate"])
        .code(3)
        .warns("the tool `shared` is asked for in version 2.0, and the project's lock has 1.0");
    config("");
    let _ = run(&["regenerate", "--quick"])
        .success()
        .never_says("Tools");
    let _ = run(&["validate-env", "--deep"]).success();
    assert!(!folder.join(".venv/.tools").exists());
    assert!(!folder.join(".venv/bin/lint").exists());
}

/// A project whose lock has an old `click`, which black does not take.
fn real_project(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox
        .project("real")
        .file(
            "pyproject.toml",
            "[project]\nname = \"real\"\nversion = \"1\"\nrequires-python = \">=3.11\"\ndependencies = [\"flask<2\", \"click==7.1.2\"]\n\n\
             [dependency-groups]\ndev = [\"pytest==7.4.0\"]\n",
        )
        .file(".python-version", PYTHON)
        .file(
            ".pre-commit-config.yaml",
            "repos:\n- repo: https://github.com/astral-sh/ruff-pre-commit\n  rev: v0.4.0\n  hooks:\n  - id: ruff\n",
        )
        .build();
    let _ = sandbox
        .run("uv")
        .args(["lock", "-q"])
        .in_folder(&folder)
        .output()
        .success();
    folder
}

#[test]
#[ignore = "network: locks and installs real tools"]
fn a_real_tool_that_contradicts_the_lock_runs_isolated() {
    let Some(sandbox) = sandbox() else { return };
    let sandbox = sandbox
        .with_host_program("uv")
        .with_host_program("sh")
        .with_network();
    let folder = real_project(&sandbox);
    let run = |args: &[&str]| dhtl(&sandbox, &folder, args);
    let told = "black 24.1.0 (isolated), pytest 7.4.0, ruff 0.4.0";
    let _ = run(&["setup", "--tool", "black==24.1.0"])
        .success()
        .warns(&format!("✓ Tools locked: {told}"));
    let lock = folder.join(".dht/tools.lock");
    let (config, locked) = (
        fs::read(folder.join(".dhtconfig")).unwrap(),
        fs::read(&lock).unwrap(),
    );
    let _ = run(&["setup"])
        .success()
        .warns("✓ Tools locked, unchanged")
        .warns("✓ .dhtconfig unchanged");
    let _ = run(&["setup", "--check"]).success();
    assert_eq!(fs::read(folder.join(".dhtconfig")).unwrap(), config);

    // A shell empties the file before it is written.
    let program = env!("CARGO_BIN_EXE_dhtl");
    let _ = sandbox
        .run("sh")
        .args(["-c", &format!("{program} freeze-tools > .dht/tools.lock")])
        .in_folder(&folder)
        .output()
        .success();
    assert_eq!(fs::read(&lock).unwrap(), locked);
    let _ = run(&["freeze-tools", "--check"]).success();

    let _ = run(&["regenerate"])
        .success()
        .warns(&format!("✓ Tools: {told}"))
        .warns("✓ MATCH");
    let venv = folder.join(".venv/bin");
    let version = says_version(&sandbox, &venv.join("black"));
    assert!(version.starts_with("black, 24.1.0 "), "{version}");
    assert_eq!(says_version(&sandbox, &venv.join("ruff")), "ruff 0.4.0\n");
    let click = sandbox
        .run(venv.join("python"))
        .args(["-c", "import click, pytest; print(click.__version__)"])
        .output();
    assert_eq!(click.success().stdout, "7.1.2\n");
    let _ = run(&["validate-env", "--deep"]).success().warns(told);
    fs::remove_dir_all(folder.join(".venv")).unwrap();
    let _ = run(&["--offline", "regenerate"]).success().warns("✓ MATCH");
}

fn says_version(sandbox: &Sandbox, program: &Path) -> String {
    let run = sandbox.run(program).args(["--version"]);
    run.output().success().stdout
}

#[test]
#[ignore = "network: packs a pyenv build, and needs uv"]
fn a_pinned_python_is_the_same_everywhere_or_an_error() {
    let Some(sandbox) = sandbox() else { return };
    let sandbox = sandbox.with_host_program("uv");
    let mirror = PythonMirror::of(&[PYTHON]);
    let folder = project(&sandbox, "  lint: \"3.1\"\n");
    let list = ("UV_PYTHON_DOWNLOADS_JSON_URL", mirror.downloads_json_url());
    let with = |args: &[&str]| {
        let run = sandbox.dhtl_run().args(args).var(list.0, &list.1);
        run.in_folder(&folder).output()
    };
    let frozen = with(&["freeze-tools"]).success();
    assert!(frozen.stdout.contains("[python.builds]\nlinux-"));
    fs::write(folder.join(".dht/tools.lock"), frozen.stdout).unwrap();
    let print = with(&["fingerprint"]).success().stdout;

    let elsewhere = sandbox.root().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let there = |args: &[&str]| {
        let run = sandbox.dhtl_run().args(args).at_home(&elsewhere);
        run.in_folder(&folder).output()
    };
    let _ = there(&["regenerate"])
        .code(10)
        .warns("cannot have the build of Python that `.dht/tools.lock` pins")
        .warns("--any-python");
    let other = there(&["regenerate", "--any-python"]).success();
    let other = other.warns("is not the build that `.dht/tools.lock` pins");
    assert!(!other.stderr.contains(print.trim()));
    let same = sandbox.dhtl_run().args(["regenerate"]).var(list.0, &list.1);
    let same = same.at_home(&elsewhere).in_folder(&folder).output();
    let _ = same.success().warns(print.trim());
}
