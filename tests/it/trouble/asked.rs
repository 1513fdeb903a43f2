//! What is asked for and is not there, or is no plain file: told as what it is.

use std::fs;
use std::time::{Duration, Instant};

use dhtl_test_kit::PythonMirror;
use dhtl_test_kit::host::host_program;

use super::World;

/// Makes a pipe that nobody writes to.
fn pipe(world: &World, name: &str) {
    let mkfifo = host_program("mkfifo").unwrap();
    let run = world.sandbox.run(mkfifo).arg(world.project.join(name));
    let _ = run.output().success();
}

#[test]
fn a_pipe_in_the_place_of_a_project_file_is_refused_and_not_waited_for() {
    for name in ["setup.py", "setup.cfg", "pyproject.toml"] {
        let Some(world) = World::new() else { return };
        let _ = fs::remove_file(world.project.join(name));
        pipe(&world, name);
        let start = Instant::now();
        for command in ["regenerate", "validate-env", "fingerprint"] {
            if name == "pyproject.toml" {
                // What is no plain file is no project's description either.
                continue;
            }
            let output = world.dhtl(&[command]);
            let _ = output.code(3).warns(name).warns("not a plain file");
        }
        let _ = world.run(&["regenerate"]).output();
        assert!(start.elapsed() < Duration::from_secs(20), "{name}");
    }
    let Some(world) = World::new() else { return };
    fs::remove_file(world.project.join("pylock.toml")).unwrap();
    pipe(&world, "requirements.txt");
    let _ = world.dhtl(&["regenerate"]).code(3).warns("no lock");
}

#[test]
fn a_group_or_extra_that_is_not_there_is_named_with_those_that_are() {
    let Some(world) = World::new() else { return };
    let text = "[project]\nname = \"sample\"\nversion = \"1\"\nrequires-python = \">=3.11\"\n\
        [project.optional-dependencies]\nweb = []\n[dependency-groups]\ntest = []\ndocs = []\n\
        [tool.uv]\npackage = false\n";
    fs::write(world.project.join("pyproject.toml"), text).unwrap();
    fs::write(world.project.join("uv.lock"), "version = 1\n").unwrap();
    for command in ["regenerate", "validate-env", "fingerprint"] {
        for (flag, told) in [
            (
                "--group",
                "there is no dependency group `nosuch`; known are: docs, test",
            ),
            (
                "--no-group",
                "there is no dependency group `nosuch`; known are: docs, test",
            ),
            ("--extra", "there is no extra `nosuch`; known are: web"),
        ] {
            let output = world.dhtl(&[command, flag, "nosuch"]);
            let _ = output.code(2).warns(told).never_says("uv export");
        }
    }
    fs::remove_file(world.project.join("uv.lock")).unwrap();
    let output = world.dhtl(&["regenerate", "--extra", "nosuch"]);
    let _ = output
        .code(2)
        .warns("there is no extra `nosuch`; known are: none");
    let config = "version: \"2.0\"\ndependencies:\n  groups: [nosuch]\n";
    fs::write(world.project.join(".dhtconfig"), config).unwrap();
    let output = world.dhtl(&["regenerate"]);
    let _ = output.code(3).warns("nosuch").warns(".dhtconfig");
}

#[test]
fn an_exact_match_is_said_of_what_was_asked_for_exactly() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("auto").success();
    let output = world.dhtl(&["validate-env"]);
    let _ = output
        .success()
        .warns("Python version: 3.11.7 (exact match)");
    fs::write(world.project.join(".python-version"), "3.11\n").unwrap();
    let output = world.regenerate("auto").success();
    let _ = output.warns("the newest found for `cpython 3.11 >=3.11`");
    let output = world.dhtl(&["validate-env"]);
    let _ = output
        .warns("Python version: 3.11.7 (asked for: cpython 3.11 >=3.11)")
        .never_says("exact match");
    fs::write(world.project.join(".python-version"), "3.11.8\n").unwrap();
    let output = world.dhtl(&["validate-env"]).code(1);
    let _ = output.warns("✗ Python version: 3.11.7 (asked for: cpython 3.11.8)");
    fs::write(world.project.join(".python-version"), "3.10\n").unwrap();
    let output = world.dhtl(&["regenerate"]).code(10);
    let _ = output.warns("no Python fits cpython 3.10").warns("3.11.7");
}

#[test]
#[ignore = "network: packs a Python"]
fn where_no_python_is_here_the_newest_that_can_be_fetched_is() {
    let Some(world) = World::new() else { return };
    fs::remove_file(world.project.join(".python-version")).unwrap();
    let mirror = PythonMirror::of(&["3.11.7"]);
    let run = world.run(&["regenerate"]).var("PATH", "");
    let run = run.var("DHT_OFFLINE", "0");
    let run = run.var("UV_PYTHON_DOWNLOADS_JSON_URL", mirror.downloads_json_url());
    let _ = run
        .output()
        .success()
        .warns("the newest found for `cpython >=3.11`");
    world.assert_right("with a Python that was fetched");
}

#[test]
fn a_program_that_is_not_there_has_the_code_that_shells_give() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("auto").success();
    for program in ["./missing", "nosuchprogram", "/nosuch/program"] {
        let output = world.dhtl(&["run", program]).code(127);
        let _ = output.warns("found no program").warns(program);
    }
    let _ = world.dhtl(&["run", "./pylock.toml"]).code(126);
}

#[test]
fn a_check_that_fails_says_so() {
    let Some(world) = World::new() else { return };
    let output = world.dhtl(&["regenerate", "--check"]).code(1);
    let _ = output
        .warns("✗ Check: `.venv` is not what the lock says")
        .never_says("0 files");
    let _ = world.regenerate("copy").success();
    fs::write(world.site().join("alpha/m1.py"), "").unwrap();
    let output = world.dhtl(&["validate-env"]).code(1);
    let _ = output.warns("1 path differs");
    let wrong = "0".repeat(64);
    let output = world.dhtl(&["validate-env", "--json", "--checksum", &wrong]);
    let _ = output.code(1).says("\"checksum_matches\": false");
}

#[test]
fn a_store_that_is_a_file_and_a_linked_environment_are_told_as_such() {
    let Some(world) = World::new() else { return };
    let file = world.sandbox.root().join("file");
    fs::write(&file, "").unwrap();
    let run = world.run(&["regenerate"]).var("DHT_STORE", &file);
    let _ = run
        .output()
        .code(2)
        .warns("is not a folder")
        .warns("hint: ");
    std::os::unix::fs::symlink("/nosuch", world.venv()).unwrap();
    let output = world.regenerate("auto").code(1);
    let _ = output.warns("is a symbolic link to `/nosuch`");
    let _ = world.dhtl(&["regenerate", "--yes"]).success();
    world.assert_right("in the place of a link");
    let output = world.dhtl(&["store", "info"]).success();
    let _ = output.says("read and write");
}

#[test]
fn what_a_user_put_behind_a_link_is_kept_and_its_place_is_told() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("symlink").success();
    fs::write(world.site().join("alpha/mine.txt"), "mine").unwrap();
    let output = world.regenerate("symlink").success();
    let kept = world.store().join("quarantine");
    let _ = output
        .warns("alpha/mine.txt")
        .warns(&kept.display().to_string());
    let mut names = fs::read_dir(kept)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mine = names.find(|path| path.to_string_lossy().ends_with(".mine.txt"));
    assert_eq!(fs::read_to_string(mine.unwrap()).unwrap(), "mine");
    world.assert_right("after what was added is kept elsewhere");
    for mode in ["hardlink", "copy", "clone"] {
        let _ = world.regenerate(mode).success();
        fs::write(world.site().join("gamma/mine.txt"), mode).unwrap();
        world.lock(1);
        let output = world.regenerate(mode).success();
        let _ = output.warns("gamma/mine.txt");
        let text = fs::read_to_string(world.site().join("gamma/mine.txt")).unwrap();
        assert_eq!(text, mode);
        assert!(!world.site().join("gamma/__init__.py").exists());
        fs::remove_dir_all(world.site().join("gamma")).unwrap();
        world.lock(0);
    }
}
