//! `--python-strategy`: which source of Pythons serves.
//!
//! Neither docker nor podman is here: a program of that name writes down what it is asked, and in the
//! place of a container runs nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use dhtl_test_kit::{Output, Sandbox};

use crate::setup::{locked_project, sandbox};

fn dhtl(sandbox: &Sandbox, folder: &Path, args: &[&str]) -> Output {
    sandbox.dhtl_run().args(args).in_folder(folder).output()
}

/// A folder for `PATH` with a docker that answers as `answers` says, and the file of what it was asked.
fn docker(sandbox: &Sandbox, name: &str, answers: bool) -> (PathBuf, PathBuf) {
    let folder = sandbox.tmp().join(format!("{name}-{answers}"));
    fs::create_dir_all(&folder).unwrap();
    let asked = folder.join("asked");
    let program = folder.join(name);
    let text = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" >>'{}'\n[ \"$1\" != version ] || exit {}\n[ \"$1\" != run ] || exit 7\n",
        asked.display(),
        i32::from(!answers)
    );
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    (folder, asked)
}

#[test]
fn the_report_says_which_source_served() {
    let Some(sandbox) = sandbox() else { return };
    let folder = locked_project(&sandbox);
    let run = |args: &[&str]| dhtl(&sandbox, &folder, args);
    let _ = run(&["regenerate", "--python-strategy", "system"])
        .success()
        .warns("Python: cpython 3.11.7 (the system's own, not kept in the store)");
    let json = run(&["regenerate", "--json"]).success().stdout;
    assert!(json.contains("\"strategy\": \"system\""), "{json}");
    for (source, reason) in [
        ("pyenv", "pyenv's build, this version: it is not installed"),
        ("uv", "uv's build, for linux-x86_64:"),
    ] {
        let told = run(&["regenerate", "--python-strategy", source])
            .code(10)
            .warns("found no cpython 3.11.7")
            .warns(reason);
        let other = if source == "uv" {
            "pyenv's build,"
        } else {
            "uv's build,"
        };
        drop(told.never_says(other));
    }
    let _ = run(&["validate-env"]).success();
    let _ = run(&["validate-env", "--python-strategy", "system"]).success();
}

#[test]
fn a_container_is_built_and_runs_dhtl() {
    let Some(sandbox) = sandbox() else { return };
    for name in ["docker", "podman"] {
        let (path, asked) = docker(&sandbox, name, true);
        let folder = locked_project(&sandbox);
        let file = folder.join("Dockerfile");
        let run = || {
            let args = [
                "-C",
                ".",
                "regenerate",
                "--python-strategy=docker",
                "--no-dev",
            ];
            let run = sandbox.dhtl_run().args(args).in_folder(&folder);
            run.var("PATH", &path).output()
        };
        // The container's own exit code comes back.
        let _ = run()
            .code(7)
            .warns("✓ Python: from the image that `Dockerfile` describes");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains("\nFROM python:3.11.7-slim\n"), "{text}");
        let words = fs::read_to_string(&asked).unwrap();
        let words: Vec<&str> = words.lines().collect();
        let (root, image) = (folder.canonicalize().unwrap(), words[7]);
        assert!(image.starts_with("dhtl-python:"), "{image}");
        let store = sandbox.home().join(".dht/store");
        let mount = |path: &Path, target: &str, end: &str| {
            format!("type=bind,source={},target={target}{end}", path.display())
        };
        let same = |path: &Path| mount(path, &path.display().to_string(), "");
        let program = Path::new(env!("CARGO_BIN_EXE_dhtl"));
        let user = format!(
            "{}:{}",
            rustix::process::getuid().as_raw(),
            rustix::process::getgid().as_raw()
        );
        let expected = [
            "3",
            "version",
            "--format",
            "{{.Server.Version}}",
            "6",
            "build",
            "--tag",
            image,
            "--file",
            &file.display().to_string(),
            words[10],
            "22",
            "run",
            "--rm",
            "--mount",
            &same(&root),
            "--mount",
            &same(&store),
            "--mount",
            &mount(program, "/usr/local/bin/dhtl", ",readonly"),
            "--user",
            &user,
            "--env",
            &format!("DHT_STORE={}", store.display()),
            "--env",
            "HOME=/tmp",
            "--workdir",
            &root.display().to_string(),
            image,
            "/usr/local/bin/dhtl",
            "regenerate",
            "--no-dev",
            "--python-strategy",
            "system",
        ];
        assert_eq!(words, expected);
        assert!(!Path::new(words[10]).exists(), "the empty folder is gone");
    }
}

#[test]
fn a_dockerfile_of_ones_own_stays() {
    let Some(sandbox) = sandbox() else { return };
    let (path, _) = docker(&sandbox, "docker", true);
    let folder = locked_project(&sandbox);
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let run = || {
        let args = ["regenerate", "--python-strategy", "docker"];
        let run = sandbox.dhtl_run().args(args).in_folder(&folder);
        run.var("PATH", &path).output().code(7)
    };
    let _ = run();
    let text = read("Dockerfile");
    let _ = run();
    assert_eq!(read("Dockerfile"), text);
    fs::write(folder.join("Dockerfile"), "FROM scratch\n").unwrap();
    let _ = run().warns("✓ Python: from the image that `Dockerfile.dhtl` describes");
    assert_eq!(read("Dockerfile"), "FROM scratch\n");
    assert_eq!(read("Dockerfile.dhtl"), text);
}

#[test]
fn without_an_answer_it_is_said_how() {
    let Some(sandbox) = sandbox() else { return };
    let (path, asked) = docker(&sandbox, "docker", false);
    let folder = locked_project(&sandbox);
    let run = |args: &[&str]| {
        let run = sandbox.dhtl_run().args(args).in_folder(&folder);
        run.var("PATH", &path).output()
    };
    for command in ["regenerate", "setup"] {
        let _ = run(&[command, "--python-strategy", "docker"])
            .code(8)
            .warns("no container can be run")
            .warns("`podman` is not on PATH")
            .warns("docker build --tag dhtl-python:")
            .warns("docker run --rm --mount type=bind,source=");
    }
    assert!(!fs::read_to_string(asked).unwrap().contains("build"));
    assert!(folder.join("Dockerfile").is_file());
    let _ = run(&[
        "regenerate",
        "--python-strategy",
        "docker",
        "--python",
        "3.11",
    ])
    .code(3)
    .warns("an image has one exact Python");
}

#[test]
fn a_lock_of_other_requirements_is_refused_where_it_must_fit() {
    let Some(sandbox) = sandbox() else { return };
    let lock = format!(
        "# Locked by `dhtl setup` from requirements.in for Python 3.11.7 and newer (blake3:{})\ndemo==1.0 \\\n    --hash=sha256:{}\n",
        "0".repeat(64),
        "0".repeat(64)
    );
    let folder = sandbox
        .project("listed")
        .file(".python-version", "3.11.7")
        .file(
            ".dhtconfig",
            "version: \"2.0\"\ndependencies:\n  lock_files: [requirements.lock]\n",
        )
        .file("requirements.in", "demo\nother\n")
        .file("requirements.lock", lock)
        .build();
    let _ = dhtl(&sandbox, &folder, &["regenerate", "--locked"])
        .code(1)
        .warns("requirements.lock` does not match what the project asks for")
        .warns("hint: run `dhtl setup`, and commit the lock");
    let unchecked = dhtl(&sandbox, &folder, &["regenerate"]);
    drop(unchecked.never_says("does not match what the project asks for"));
    assert!(!folder.join(".venv").exists());
}
