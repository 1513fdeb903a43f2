//! Bad input, and machines that refuse: each a clear error, and nothing lost.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use dhtl_test_kit::host::host_program;
use dhtl_test_kit::{Output, Snapshot};

use super::World;

/// Runs something that has to fail, with an environment that has to stay, then runs as usual.
fn refused(world: &World, fail: impl FnOnce() -> Output) -> Output {
    world.lock(1);
    let _ = world.regenerate("copy").success();
    world.lock(0);
    let before = Snapshot::of(&world.venv());
    let output = fail();
    let difference = before.differences(&Snapshot::of(&world.venv()));
    assert!(difference.is_empty(), "{difference:?}\n{output}");
    assert!(
        output.stderr.contains("hint: ") || output.stderr.contains("caused by"),
        "{output}"
    );
    let _ = world.dhtl(&["store", "verify"]).success();
    world.lock(0);
    let _ = world.regenerate("copy").success();
    world.assert_right("after the trouble");
    assert_eq!(world.leftovers(), [""; 0]);
    output
}

#[test]
fn input_11_a_lock_without_hashes() {
    let Some(world) = World::new() else { return };
    let output = refused(&world, || {
        let text = world.lock_text().to_owned();
        let without: Vec<&str> = text.split(", hashes = {").collect();
        let cut: String = without
            .iter()
            .map(|part| part.split_once("\" } ").map_or(*part, |(_, rest)| rest))
            .collect();
        world.write_lock(&cut);
        world.regenerate("copy")
    });
    let _ = output.code(3).warns("pylock.toml");
}

#[test]
fn row_25_bytes_that_are_not_those_of_the_lock() {
    let Some(world) = World::new() else { return };
    let server = dhtl_test_kit::LoopbackIndex::serve(world.sandbox.root().join("wheels"));
    let wheel = world
        .sandbox
        .root()
        .join("wheels/gamma-1.0-py3-none-any.whl");
    let good = fs::read(&wheel).unwrap();
    for bad in [&good[..good.len() - 9], b"<html>please log in</html>"] {
        let output = refused(&world, || {
            fs::write(&wheel, bad).unwrap();
            let text = world
                .lock_text()
                .replace("https://files.pythonhosted.org/packages", &server.url());
            world.write_lock(&text);
            let _ = fs::remove_dir_all(world.store().join("realisations/wheel"));
            let _ = fs::remove_dir_all(world.store().join("realisations/environment"));
            let run = world.run(&["regenerate", "--link-mode", "copy"]);
            let output = run
                .var("DHT_OFFLINE", "0")
                .var("DHT_FIND_LINKS", "")
                .output();
            fs::write(&wheel, &good).unwrap();
            output
        });
        let _ = output.code(4).warns("gamma-1.0-py3-none-any.whl");
    }
}

#[test]
fn an_index_that_cannot_be_reached() {
    let Some(world) = World::new() else { return };
    let output = refused(&world, || {
        let _ = fs::remove_dir_all(world.store().join("realisations"));
        let run = world.run(&["regenerate", "--link-mode", "copy"]);
        run.var("DHT_OFFLINE", "0")
            .var("DHT_FIND_LINKS", "")
            .var("DHT_INDEX_URL", "http://127.0.0.1:9/simple")
            .var("HTTPS_PROXY", "http://127.0.0.1:9")
            .output()
    });
    let _ = output.code(5);
}

#[test]
fn a_python_that_does_not_exist() {
    let Some(world) = World::new() else { return };
    let output = refused(&world, || {
        world.dhtl(&["regenerate", "--python", "3.11.99"])
    });
    let _ = output
        .code(10)
        .warns("3.11.99")
        .warns("pyenv install 3.11.99");
}

#[test]
fn row_8_few_open_files_are_enough() {
    let Some(world) = World::new() else { return };
    let Some(prlimit) = host_program("prlimit") else {
        return;
    };
    for (files, args) in [
        ("64", ["--compile-bytecode", "--link-mode", "hardlink"]),
        ("24", ["--compile-bytecode", "--link-mode", "symlink"]),
        ("24", ["--deep", "--link-mode", "copy"]),
    ] {
        let limit = format!("--nofile={files}:{files}");
        let run = world
            .sandbox
            .run(&prlimit)
            .arg(&limit)
            .arg(env!("CARGO_BIN_EXE_dhtl"))
            .arg("regenerate");
        let _ = run.args(args).in_folder(&world.project).output().success();
        let run = world
            .sandbox
            .run(&prlimit)
            .arg(&limit)
            .arg(env!("CARGO_BIN_EXE_dhtl"));
        let _ = run
            .args(["validate-env", "--deep"])
            .in_folder(&world.project)
            .output()
            .success();
    }
}

#[test]
fn input_44_homes_and_folders_of_every_kind() {
    let Some(world) = World::new() else { return };
    let folders: [&[u8]; 5] = [
        b"a b",
        b"it's \"q\"",
        b"new\nline",
        b"$HOME",
        "\u{fc}n\u{ef}".as_bytes(),
    ];
    for name in folders {
        let folder = world.sandbox.work().join(OsStr::from_bytes(name));
        let _ = dhtl_test_kit::ProjectBuilder::at(&folder)
            .copy_of(&world.project)
            .build();
        let run = |args: &[&str]| world.run(args).in_folder(&folder).output().success();
        let _ = run(&["regenerate"]);
        let _ = run(&["validate-env"]);
        let script = world.sandbox.run(folder.join(".venv/bin/alpha")).output();
        assert_eq!(script.success().stdout, "1.0\n");
    }
    let folder = world.sandbox.work().join(OsStr::from_bytes(b"\xff\xfe"));
    let _ = dhtl_test_kit::ProjectBuilder::at(&folder)
        .copy_of(&world.project)
        .build();
    let _ = world
        .run(&["regenerate"])
        .in_folder(&folder)
        .output()
        .code(1)
        .warns("not Unicode")
        .warns("hint: ");
    let none = world.run(&["regenerate"]).var("HOME", "").output();
    let _ = none.code(1).warns("DHT_HOME");
}

#[test]
fn row_16_a_wrong_clock_changes_nothing() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("hardlink").success();
    let far = std::time::SystemTime::now() + Duration::from_secs(70 * 365 * 86_400);
    for folder in ["", "roots", "locks", "staging", "entries", "objects"] {
        fs::File::open(world.store().join(folder))
            .unwrap()
            .set_modified(far)
            .unwrap();
    }
    fs::File::open(world.venv().join(".dht/state.json"))
        .unwrap()
        .set_modified(far)
        .unwrap();
    world.assert_right("in 2096");
    world.lock(1);
    let _ = world.regenerate("hardlink").success();
    world.assert_right("switched in 2096");
}

#[test]
fn input_46_signals_end_the_program_within_a_second() {
    let Some(world) = World::new() else { return };
    // A program that hangs, with a child of its own.
    let slow = world.sandbox.root().join("bin/uv");
    fs::write(&slow, "#!/bin/sh\n/bin/sleep 60 & /bin/sleep 60\n").unwrap();
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).unwrap();
    let kill = host_program("kill").unwrap();
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = world
            .run(&["regenerate", "--python", "3.11.99"])
            .var("DHT_OFFLINE", "0")
            .spawn();
        std::thread::sleep(Duration::from_millis(400));
        let sent = Instant::now();
        let _ = world
            .sandbox
            .run(&kill)
            .arg(format!("-{name}"))
            .arg(child.id().to_string())
            .output()
            .success();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(
            sent.elapsed() < Duration::from_secs(1),
            "{:?}",
            sent.elapsed()
        );
    }
    fs::remove_file(&slow).unwrap();
    let _ = world.regenerate("auto").success();
    assert_eq!(world.leftovers(), [""; 0]);
}

/// Runs a script as root in a mount namespace of its own.
fn with_mounts(world: &World, script: &str) -> Output {
    let unshare = host_program("unshare").unwrap();
    let run = world
        .sandbox
        .run(unshare)
        .args(["--mount", "/bin/bash", "-c", script]);
    run.var("D", env!("CARGO_BIN_EXE_dhtl"))
        .var("S", world.store())
        .var(
            "PATH",
            format!(
                "/usr/bin:/bin:/usr/sbin:/sbin:{}",
                dhtl_test_kit::host::pyenv_build("3.11.7")
                    .unwrap()
                    .join("bin")
                    .display()
            ),
        )
        .in_folder(&world.project)
        .output()
}

#[test]
#[ignore = "slow: needs root and mounts"]
fn row_14_a_store_that_can_only_be_read() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("copy").success();
    world.lock(0);
    let script = "set -e; mount --bind $S $S; mount -o remount,bind,ro $S
        for mode in hardlink symlink copy; do rm -rf .venv; $D regenerate -q --link-mode $mode; $D validate-env --deep -q; done
        $D store verify -q; rm -rf .venv; $D regenerate -q; sed -i s/gamma/delta/g pylock.toml
        set +e; $D regenerate; echo code $?";
    let output = with_mounts(&world, script).success().says("code 6");
    let _ = output.warns("read-only").warns("DHT_STORE");
}

#[test]
#[ignore = "slow: needs root and mounts"]
fn row_4_a_full_disk_at_every_size() {
    let Some(world) = World::new() else { return };
    let script = r#"
        small=$HOME/small; mkdir $small
        try() { # OPTION MORE
          rm -rf .venv; mount -t tmpfs -o $1 tmpfs $small
          DHT_STORE=$small/store $D regenerate -q 2>err; code=$?
          [ $code = 0 ] || { [ $code = 6 ] && grep -q "free some space" err; } || { echo "BAD $1: $code"; cat err; }
          [ -z "$(ls -d .venv.dht* 2>/dev/null)" ] || echo "BAD $1: left"
          mount -o remount,$2 $small
          DHT_STORE=$small/store $D store verify -q || echo "BAD $1: verify"
          DHT_STORE=$small/store $D regenerate -q || echo "BAD $1: again"
          DHT_STORE=$small/store $D validate-env --deep -q || echo "BAD $1: validate"
          [ -z "$(ls $small/store/staging)" ] || echo "BAD $1: staging"
          umount $small
        }
        for size in $(seq 16 24 700); do try size=${size}k size=64m; done
        for inodes in $(seq 10 15 420); do try size=64m,nr_inodes=$inodes nr_inodes=100000; done
        echo done"#;
    let output = with_mounts(&world, script).success().says("done");
    let _ = output.never_says("BAD");
}

#[test]
#[ignore = "slow: needs root, mounts and another user"]
fn row_7_another_disk_and_another_owner() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("hardlink").success();
    let script = "set -e; other=$HOME/other; mkdir $other; mount -t tmpfs tmpfs $other
        cp pyproject.toml pylock.toml .python-version $other; $D -C $other regenerate; $D -C $other validate-env --deep -q
        $D -C $other fingerprint; $D fingerprint";
    let output = with_mounts(&world, script)
        .success()
        .warns("the store is on another file system");
    let prints: Vec<&str> = output
        .stdout
        .lines()
        .filter(|line| line.starts_with("blake3:"))
        .collect();
    assert_eq!(prints.len(), 2);
    assert_eq!(prints[0], prints[1]);
}

#[test]
#[ignore = "slow: needs strace"]
fn rows_5_and_6_calls_that_fail() {
    let Some(world) = World::new() else { return };
    let Some(strace) = host_program("strace") else {
        return;
    };
    let inject = |calls: &str, error: &str| {
        let _ = world
            .sandbox
            .run("/bin/rm")
            .arg("-rf")
            .arg(world.store())
            .arg(world.venv())
            .output()
            .success();
        let run = world.sandbox.run(&strace).args([
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={calls}"),
        ]);
        let run = run
            .args(["-e", &format!("inject={calls}:error={error}")])
            .arg(env!("CARGO_BIN_EXE_dhtl"));
        run.args(["regenerate", "--link-mode", "hardlink"])
            .in_folder(&world.project)
            .output()
    };
    for error in ["EMLINK", "EPERM", "EXDEV"] {
        let _ = inject("linkat", error).success().warns("were copied");
        world.assert_right(error);
        let _ = world.dhtl(&["store", "verify"]).success();
    }
    for calls in ["syncfs", "fsync"] {
        let _ = inject(calls, "EIO").code(6).warns("hint: ");
        assert!(!world.venv().exists());
        let entries = fs::read_dir(world.store().join("entries"))
            .into_iter()
            .flatten()
            .count();
        assert_eq!(entries, 0, "{calls}");
        let _ = world.regenerate("hardlink").success();
        world.assert_right(calls);
    }
}
