//! Things that stand where others are expected, and surroundings that are not the usual ones.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use dhtl_test_kit::host::host_program;
use dhtl_test_kit::{Output, ProjectBuilder, Snapshot};

use super::{MODES, World};

fn pipe(world: &World, path: &Path) {
    let mkfifo = host_program("mkfifo").unwrap();
    let _ = world.sandbox.run(mkfifo).arg(path).output().success();
}

/// Runs the program for twenty seconds at most.
fn soon(world: &World, args: &[&str]) -> Output {
    let timeout = host_program("timeout").unwrap();
    let run = world.sandbox.run(timeout).arg("20");
    let run = run.arg(env!("CARGO_BIN_EXE_dhtl")).args(args);
    let output = run.in_folder(&world.project).output();
    assert_ne!(output.code, Some(124), "it waits\n{output}");
    output
}

#[test]
fn input_37_pipes_are_not_waited_for() {
    let Some(world) = World::new() else { return };
    for file in ["state.json", "folders"] {
        let _ = world.regenerate("hardlink").success();
        let path = world.venv().join(".dht").join(file);
        fs::remove_file(&path).unwrap();
        pipe(&world, &path);
        let _ = soon(&world, &["validate-env", "--quick"]);
        let _ = soon(&world, &["regenerate"]).success();
        world.assert_right(file);
    }
    for file in ["store.json", "locks/store"] {
        let path = world.store().join(file);
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        pipe(&world, &path);
        let output = soon(&world, &["regenerate"]);
        assert!(
            output.code == Some(0) || output.stderr.contains(file),
            "{output}"
        );
        fs::remove_file(&path).unwrap();
        fs::write(&path, kept).unwrap();
    }
    world.assert_right("at the end");
}

#[test]
fn input_9_what_is_no_environment_is_replaced_when_that_is_agreed_to() {
    let Some(world) = World::new() else { return };
    let venv = world.venv();
    let precious = world.sandbox.root().join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("file"), "mine").unwrap();
    let before = Snapshot::of(&precious);
    let places: [&dyn Fn(); 5] = [
        &|| fs::write(&venv, "a file").unwrap(),
        &|| symlink("/nonexistent/x", &venv).unwrap(),
        &|| symlink(&precious, &venv).unwrap(),
        &|| pipe(&world, &venv),
        &|| drop(ProjectBuilder::at(&venv).file("file", "mine").build()),
    ];
    for (index, place) in places.iter().enumerate() {
        let _ = fs::remove_file(&venv);
        let _ = fs::remove_dir_all(&venv);
        place();
        let refused = soon(&world, &["regenerate"]);
        let _ = refused.code(1).warns("sample/.venv` ").warns("--yes");
        assert!(fs::symlink_metadata(&venv).is_ok() && !venv.join("bin").exists());
        let _ = soon(&world, &["regenerate", "--yes"]).success();
        world.assert_right(&index.to_string());
        assert_eq!(world.leftovers(), [""; 0]);
    }
    before.assert_same(&Snapshot::of(&precious));
}

/// A container's volume is mounted where the environment shall be: it can be filled, not replaced.
#[test]
fn an_empty_folder_is_filled_in_place() {
    use std::os::unix::fs::MetadataExt;
    let Some(world) = World::new() else { return };
    for mode in ["hardlink", "symlink", "copy"] {
        let _ = fs::remove_dir_all(world.venv());
        fs::create_dir(world.venv()).unwrap();
        let before = fs::metadata(world.venv()).unwrap().ino();
        let _ = world.regenerate(mode).success();
        assert_eq!(fs::metadata(world.venv()).unwrap().ino(), before, "{mode}");
        world.assert_right(mode);
        let _ = world.imports().success();
        assert_eq!(world.leftovers(), [""; 0]);
    }
}

#[test]
fn row_13_links_in_an_environment_are_not_followed() {
    let Some(world) = World::new() else { return };
    let outside = world.sandbox.root().join("outside");
    for (name, agreed) in [("lib", false), ("bin", false), (".dht", true)] {
        for mode in ["hardlink", "copy"] {
            world.lock(0);
            let _ = world
                .dhtl(&["regenerate", "--yes", "--link-mode", mode])
                .success();
            let _ = fs::remove_dir_all(&outside);
            fs::rename(world.venv().join(name), &outside).unwrap();
            symlink(&outside, world.venv().join(name)).unwrap();
            let before = Snapshot::of(&outside);
            world.lock(1);
            if agreed {
                let _ = world.regenerate(mode).code(1).warns("--yes");
            }
            let args = ["regenerate", "--yes", "--link-mode", mode];
            let _ = world.dhtl(&args).success();
            world.assert_right(name);
            before.assert_same(&Snapshot::of(&outside));
        }
    }
}

#[test]
fn input_38_folders_of_the_store_that_are_gone_or_no_folders() {
    let Some(world) = World::new() else { return };
    for lock in [1, 0] {
        world.lock(lock);
        let _ = world.regenerate("copy").success();
    }
    let remove = |path: &Path| {
        let run = world.sandbox.run("/bin/rm").arg("-rf").arg(path);
        let _ = run.output().success();
    };
    let folders = [
        "entries",
        "environments",
        "locks",
        "manifests",
        "objects",
        "realisations",
        "roots",
        "staging",
    ];
    for (which, name) in folders.iter().enumerate() {
        let path = world.store().join(name);
        remove(&path);
        fs::write(&path, "a file").unwrap();
        world.lock(which % 2);
        let output = world.regenerate("copy");
        let told = output.stderr.contains("hint: ");
        assert!(output.code == Some(0) || told, "{name}: {output}");
        fs::remove_file(&path).unwrap();
        let _ = world.regenerate("copy").success();
        if *name == "manifests" {
            // What the other lock needs is not whole yet.
            let found = world.dhtl(&["store", "verify", "--repair"]).code(4);
            let _ = found.warns("gamma").warns("manifests/").never_says("beta");
        }
        world.lock(1 - which % 2);
        let _ = world.regenerate("copy").success();
        let _ = world.dhtl(&["store", "verify"]).success();
        world.assert_right(name);
        assert!(path.is_dir(), "{name}");
    }
    let stray = [
        "",
        "entries",
        "roots",
        "manifests",
        "environments",
        "locks",
        "staging",
    ];
    for folder in stray {
        fs::write(world.store().join(folder).join(".DS_Store"), "?").unwrap();
        fs::write(world.store().join(folder).join("notes~"), "?").unwrap();
    }
    world.lock(1);
    let _ = world.regenerate("hardlink").success();
    let _ = world.dhtl(&["store", "verify"]).success();
    let _ = world.dhtl(&["store", "ls"]).success().never_says("notes");
}

#[test]
fn input_18_no_umask_and_no_locale_changes_what_is_made() {
    let Some(world) = World::new() else { return };
    let mut prints = Vec::new();
    for (umask, locale) in [("077", "C"), ("000", "POSIX"), ("022", "tr_TR.UTF-8")] {
        let home = world.sandbox.root().join(format!("home {umask}"));
        let folder = world.sandbox.work().join(format!("\u{fc}n\u{ef} {umask}"));
        let _ = ProjectBuilder::at(&folder).copy_of(&world.project).build();
        let script = format!(
            "umask {umask}; $D regenerate -q && $D validate-env --deep -q && $D fingerprint"
        );
        let run = world.sandbox.run("/bin/sh").args(["-c", &script]);
        let run = run.at_home(&home).in_folder(&folder).var("LC_ALL", locale);
        let output = run.var("D", env!("CARGO_BIN_EXE_dhtl")).output().success();
        prints.push(output.stdout);
        let script = world.sandbox.run(folder.join(".venv/bin/alpha"));
        let _ = script.var("LC_ALL", locale).output().success().says("1.0");
        for root in [folder.join(".venv"), home.join(".dht")] {
            let items = Snapshot::of(&root).items;
            for name in items.keys().filter(|name| !name.contains("/locks/")) {
                let stat = fs::symlink_metadata(root.join(name)).unwrap();
                let open = stat.permissions().mode() & 0o7022;
                assert!(stat.is_symlink() || open == 0, "{umask}: {name} {open:o}");
            }
        }
    }
    assert!(prints.windows(2).all(|two| two[0] == two[1]), "{prints:?}");
}

#[test]
fn row_10_two_locks_at_once_in_one_environment() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("auto").success();
    for round in 0..3 {
        let children: Vec<_> = (0..4)
            .map(|index| {
                world.lock(index % 2);
                let mode = MODES[(round + index) % MODES.len()];
                let child = match index {
                    3 => world.run(&["validate-env", "--fix"]).spawn(),
                    _ => world.run(&["regenerate", "--link-mode", mode]).spawn(),
                };
                std::thread::sleep(std::time::Duration::from_millis(15));
                child
            })
            .collect();
        for mut child in children {
            assert!(child.wait().unwrap().code().is_some_and(|code| code < 2));
        }
        // Whichever came last, it is one of the two, whole.
        let _ = world.imports().success();
        let _ = world.dhtl(&["store", "verify"]).success();
        let _ = world.regenerate("auto").success();
        world.assert_right(&round.to_string());
        assert_eq!(world.leftovers(), [""; 0]);
    }
}

#[test]
fn input_46_a_pipe_that_closes_and_a_terminal_that_goes() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("copy").success();
    let script = "$D store ls | head -n 1 >/dev/null; $D store ls >/dev/full; echo $?";
    let run = world.sandbox.run("/bin/bash").args(["-c", script]);
    let run = run.var("D", env!("CARGO_BIN_EXE_dhtl"));
    let output = run.var("PATH", "/usr/bin:/bin").output().success();
    let _ = output.says("6\n").never_says("panicked");
    let kill = host_program("kill").unwrap();
    world.lock(1);
    let mut child = world
        .run(&["regenerate", "--link-mode", "hardlink"])
        .spawn();
    let id = child.id().to_string();
    let _ = world.sandbox.run(kill).args(["-HUP", &id]).output();
    let _ = child.wait().unwrap();
    let _ = world.regenerate("hardlink").success();
    world.assert_right("after the terminal closed");
    assert_eq!(world.leftovers(), [""; 0]);
}

#[test]
#[ignore = "slow: needs root and mounts"]
fn row_44_no_proc_and_no_temporary_folder() {
    let Some(world) = World::new() else { return };
    let script = "set -e; for at in /proc /sys; do mount -t tmpfs t $at; done; export TMPDIR=/does/not/exist
        for mode in hardlink symlink copy; do rm -rf .venv; $D regenerate -q --compile-bytecode --link-mode $mode; $D validate-env --deep -q; done
        $D store verify -q; .venv/bin/alpha";
    let unshare = host_program("unshare").unwrap();
    let run = world
        .sandbox
        .run(unshare)
        .args(["--mount", "/bin/bash", "-c", script]);
    let run = run
        .var("D", env!("CARGO_BIN_EXE_dhtl"))
        .var("PATH", host_path());
    let _ = run.in_folder(&world.project).output().success().says("1.0");
}

/// The system's programs, and the Python of the tests.
fn host_path() -> String {
    let python = dhtl_test_kit::host::pyenv_build("3.11.7").unwrap();
    format!(
        "/usr/bin:/bin:/usr/sbin:/sbin:{}",
        python.join("bin").display()
    )
}
