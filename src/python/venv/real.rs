//! The activation scripts, read by the shells that they are for.
//!
//! A shell that is not installed is skipped, and the test says so.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests start the shells that the scripts are for"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{VenvFileKind, VenvSpec, render};
use crate::python::build::pyenv;
use crate::python::disk_sink::{DiskSink, pyenv_build, request};

const ODD: &str = "odd 'name' \"of\" $HOME `x` & (it)";

/// Writes an environment whose interpreter is a script that prints where it was called.
fn environment(root: &Path) -> PathBuf {
    let base = root.join("base/bin");
    fs::create_dir_all(&base).unwrap();
    let spec = VenvSpec {
        python: request("3.11.7"),
        platform: "linux-x86_64".parse().unwrap(),
        interpreter: base.join("python3.11"),
        prompt: "my project".into(),
    };
    fs::write(&spec.interpreter, "#!/bin/sh\necho ran \"$0\"\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&spec.interpreter, mode).unwrap();
    let venv = root.join(ODD).join(".venv");
    write(&spec, &venv);
    venv
}

fn write(spec: &VenvSpec, venv: &Path) {
    for file in render(spec).unwrap() {
        let place = venv.join(file.path.as_str());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        match file.kind {
            VenvFileKind::Content(bytes) => fs::write(place, bytes).unwrap(),
            VenvFileKind::LinkTo(target) => symlink(target, place).unwrap(),
            VenvFileKind::CopyOf(_) => unreachable!("only on Windows"),
        }
    }
}

/// Finds a program, or says that the test is skipped.
fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap();
    let found = crate::tools::runner::find_program(name, &path, &[]);
    if found.is_none() {
        eprintln!("skipped: no {name} here");
    }
    found
}

/// Runs `script` with `shell`; `None` when there is no such shell. `$V` is the environment; `@V@` is its path.
fn run(shell: &[&str], script: &str, venv: &Path) -> Option<String> {
    let name = shell[0];
    let program = which(name)?;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("script");
    fs::write(&file, script.replace("@V@", venv.to_str().unwrap())).unwrap();
    let output = Command::new(program)
        .args(&shell[1..])
        .arg(&file)
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("PYTHONHOME", "/python/home")
        .env("V", venv)
        .current_dir(venv.parent().unwrap())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {stderr}");
    assert_eq!(stderr, "", "{name}");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn check(shell: &[&str], script: &str) {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    let venv = environment(&root);
    // A second place: nothing may remember the first one.
    let moved = root.join("moved $PATH 'it'");
    fs::rename(venv.parent().unwrap(), &moved).unwrap();
    let venv = moved.join(".venv");
    let Some(printed) = run(shell, script, &venv) else {
        return;
    };
    let place = venv.to_str().unwrap();
    let expected = format!(
        "{place}\nmy project\nran {place}/bin/python\nno home\nback /usr/local/bin:/usr/bin:/bin:/later\nhome /python/home\nleft\n"
    );
    assert_eq!(printed, expected, "{shell:?}");
}

const POSIX: &str = r#"
set -u
PS1='$ '
. "$V/bin/activate"
. .venv/bin/activate
echo "$VIRTUAL_ENV"
echo "$VIRTUAL_ENV_PROMPT"
python
echo "${PYTHONHOME-no home}"
[ "$PS1" = '(my project) $ ' ] || echo "prompt $PS1"
PATH="$PATH:/later"
deactivate
[ "$PS1" = '$ ' ] || echo "prompt $PS1"
echo "back $PATH"
echo "home $PYTHONHOME"
[ -z "${VIRTUAL_ENV+x}" ] && echo left
"#;

#[test]
fn bash_enters_and_leaves() {
    check(&["bash"], POSIX);
    check(&["bash", "-eu"], POSIX);
}

#[test]
fn zsh_enters_and_leaves() {
    check(&["zsh", "-f"], POSIX);
}

#[test]
fn dash_enters_and_leaves() {
    check(&["dash"], POSIX);
}

#[test]
fn fish_enters_and_leaves() {
    let script = r#"
function fish_prompt; echo 'old>'; end
source "$V/bin/activate.fish"
source .venv/bin/activate.fish
echo $VIRTUAL_ENV
echo $VIRTUAL_ENV_PROMPT
python
set -q PYTHONHOME; or echo no home
test (fish_prompt | string collect) = '(my project) old>'; or fish_prompt
set PATH $PATH /later
deactivate
test (fish_prompt) = 'old>'; or fish_prompt
echo back (string join : $PATH)
echo home $PYTHONHOME
set -q VIRTUAL_ENV; or echo left
"#;
    check(&["fish", "--no-config"], script);
}

#[test]
fn tcsh_enters_and_leaves() {
    // csh restores the PATH that it had, so that what was added in between is added after.
    let script = r#"
set prompt = "old> "
source "$V:q/bin/activate.csh"
source .venv/bin/activate.csh
echo "$VIRTUAL_ENV:q"
echo "$VIRTUAL_ENV_PROMPT:q"
python
if ( ! $?PYTHONHOME ) echo no home
if ( "$prompt:q" != "(my project) old> " ) echo "prompt $prompt:q"
deactivate
if ( "$prompt:q" != "old> " ) echo "prompt $prompt:q"
setenv PATH "$PATH:q":/later
echo "back $PATH:q"
echo "home $PYTHONHOME:q"
if ( ! $?VIRTUAL_ENV ) echo left
"#;
    check(&["tcsh", "-f"], script);
}

#[test]
fn nu_enters_and_leaves() {
    // nu reads `overlay use` before it runs anything, so the place is a constant.
    let script = r##"
const place = r#'@V@/bin/activate.nu'#
overlay use $place
print $env.VIRTUAL_ENV
print $env.VIRTUAL_ENV_PROMPT
print (^python | str trim)
if not ("PYTHONHOME" in $env) { print "no home" }
deactivate
print $"back ($env.PATH | append /later | str join :)"
print $"home ($env.PYTHONHOME)"
if not ("VIRTUAL_ENV" in $env) { print left }
"##;
    check(&["nu", "--no-config-file"], script);
}

fn ask(program: &Path, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env_remove("VIRTUAL_ENV")
        .env_remove("PYTHONPATH")
        .env("PIP_NO_INDEX", "1")
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .env("UV_CACHE_DIR", folder.join("cache"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap() + &stderr
}

const PROJECT: &str = "[project]
name = \"p\"
version = \"1\"
requires-python = \"==3.11.*\"

[tool.uv]
package = false
";

#[test]
fn python_pip_and_uv_accept_the_environment_wherever_it_stands() {
    let Some(build) = pyenv_build("3.11.7") else {
        return;
    };
    let temp = tempfile::tempdir().unwrap();
    let temp = temp.path().canonicalize().unwrap();
    let base = temp.join("base");
    let sink = DiskSink::new(&base);
    let ingested = pyenv::ingest(&build, &request("3.11.7"), &sink).unwrap();
    sink.finish();
    let spec = VenvSpec {
        python: request("3.11.7"),
        platform: "linux-x86_64".parse().unwrap(),
        interpreter: base.join(ingested.interpreter.as_str()),
        prompt: "p".into(),
    };
    let first = temp.join("first");
    write(&spec, &first.join(".venv"));
    fs::create_dir_all(first.join(".venv/lib/python3.11/site-packages")).unwrap();
    fs::write(first.join("pyproject.toml"), PROJECT).unwrap();
    let question = "import sys, sysconfig; print(sys.prefix, sys.base_prefix, sysconfig.get_config_var('LIBDIR'))";
    let python = |project: &Path| project.join(".venv/bin/python3.11");
    ask(&python(&first), &["-m", "ensurepip"], &first);
    let second = temp.join("second place");
    fs::rename(&first, &second).unwrap();
    let answer = ask(&python(&second), &["-c", question], &second);
    let expected = format!("{0}/.venv {1} {1}/lib\n", second.display(), base.display());
    assert_eq!(answer, expected);
    let listed = ask(&python(&second), &["-m", "pip", "list"], &second);
    assert!(listed.contains("setuptools"), "{listed}");
    ask(
        &python(&second),
        &["-m", "pip", "uninstall", "-y", "setuptools"],
        &second,
    );
    let Some(uv) = which("uv") else {
        return;
    };
    let listed = ask(&uv, &["pip", "list", "--offline"], &second);
    assert!(
        listed.contains("pip ") && !listed.contains("setuptools"),
        "{listed}"
    );
    ask(
        &python(&second),
        &["-m", "pip", "uninstall", "-y", "pip"],
        &second,
    );
    let python = base.join("bin/python3.11");
    let lock = ["lock", "--offline", "--python", python.to_str().unwrap()];
    ask(&uv, &lock, &second);
    let checked = ask(&uv, &["sync", "--frozen", "--check", "--offline"], &second);
    assert!(checked.contains("Would make no changes"), "{checked}");
}
