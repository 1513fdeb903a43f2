//! Launchers that are run: the part that a shell reads, with a `python` that shows its arguments.
#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    reason = "the launchers are run as a user runs them"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

const PYTHON: &str = "#!/bin/sh\nprintf 'python: %s\\n' \"$0\"\nfor argument; do printf '[%s]\\n' \"$argument\"; done\n";

struct Environment {
    _temporary: tempfile::TempDir,
    bin: PathBuf,
}

/// Makes `bin` with a launcher `x` and a `python`, in a folder with a difficult name.
fn environment(folder: &str) -> Environment {
    let temporary = tempfile::tempdir().unwrap();
    let bin = temporary.path().join(folder).join("bin");
    fs::create_dir_all(&bin).unwrap();
    let installed = install_posix(&demo().console_script("x", "demo:main")).unwrap();
    for (name, content) in [("x", installed.text("scripts/x")), ("python", PYTHON)] {
        fs::write(bin.join(name), content).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    Environment {
        _temporary: temporary,
        bin,
    }
}

fn run(program: &Path, environment: &Environment) {
    let arguments = ["", "a b", "\"", "'", "$HOME", "*", "\\"];
    let output = Command::new(program).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let shown: Vec<_> = text.lines().collect();
    let python = fs::canonicalize(Path::new(shown[0].strip_prefix("python: ").unwrap())).unwrap();
    assert_eq!(
        python,
        fs::canonicalize(environment.bin.join("python")).unwrap()
    );
    assert_eq!(shown[1], format!("[{}]", program.display()), "the script");
    let given: Vec<_> = arguments
        .iter()
        .map(|argument| format!("[{argument}]"))
        .collect();
    assert_eq!(shown[2..], given);
}

#[test]
fn bad_input_28_a_launcher_runs_from_any_folder() {
    let long = "long/".repeat(40);
    for folder in [
        "plain",
        "with space",
        "quote'\"s",
        "$HOME `id` \\n",
        "-dash",
        "üñí",
        &long,
    ] {
        let environment = environment(folder);
        run(&environment.bin.join("x"), &environment);
    }
}

#[test]
fn bad_input_28_a_launcher_runs_through_links() {
    let environment = environment("a b");
    let elsewhere = environment.bin.join("../else where");
    fs::create_dir_all(&elsewhere).unwrap();
    symlink(environment.bin.join("x"), elsewhere.join("absolute")).unwrap();
    symlink("../bin/x", elsewhere.join("relative")).unwrap();
    symlink("relative", elsewhere.join("-chain")).unwrap();
    for name in ["absolute", "relative", "-chain"] {
        run(&elsewhere.join(name), &environment);
    }
}

#[test]
fn a_launcher_runs_by_name_and_in_every_shell() {
    let environment = environment("a b");
    let path = format!("{}:/usr/bin:/bin", environment.bin.display());
    for shell in ["sh", "dash", "bash", "zsh", "ksh", "busybox"] {
        let mut command = Command::new(shell);
        if shell == "busybox" {
            command.arg("sh");
        }
        let output = command
            .arg("x")
            .current_dir(&environment.bin)
            .env("PATH", &path)
            .output();
        // Not every machine has every shell; `sh` it must have.
        let Ok(output) = output else {
            assert_ne!(shell, "sh");
            continue;
        };
        let text = String::from_utf8(output.stdout).unwrap();
        // Some shells make the program's path absolute before they start it.
        let python = text
            .strip_suffix("\n[x]\n")
            .and_then(|text| text.strip_prefix("python: "));
        let python = fs::canonicalize(environment.bin.join(python.unwrap())).unwrap();
        assert_eq!(
            python,
            fs::canonicalize(environment.bin.join("python")).unwrap(),
            "{shell}"
        );
    }
    let output = Command::new("/bin/sh")
        .args(["-c", "x 1"])
        .env("PATH", &path)
        .output()
        .unwrap();
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .ends_with("/bin/x]\n[1]\n")
    );
}
