//! `kill -9` at any moment: the old or the new environment works, and the next run completes.
//!
//! One window is left. A change in place prepares every piece first and then puts each in place by one
//! rename; a kill between the first and the last of them leaves pieces of both side by side, which
//! validation tells, and the next run finishes. It lasts as long as the renames: a kill at a random
//! moment never hit it here, one at every call does.

use std::fs;
use std::time::Duration;

use dhtl_test_kit::host::host_program;

use super::mutations::Dice;
use super::{MODES, World};

/// Looks at everything that a killed run may have spoiled, then runs once more. Returns whether the
/// environment was between the old and the new.
fn recover(world: &World, args: &[&str], when: &str) -> bool {
    let between = world.venv().exists() && world.imports().code != Some(0);
    if between {
        let (code, drift) = world.drift(&[]);
        assert!(
            code == Some(1) && !drift.is_empty(),
            "{when}: nothing is told"
        );
    }
    let verified = world.dhtl(&["store", "verify"]);
    assert_eq!(verified.code, Some(0), "{when}: {verified}");
    let again = world.dhtl(args);
    assert_eq!(again.code, Some(0), "{when}: {again}");
    let _ = world.imports().success();
    world.assert_right(when);
    assert_eq!(world.leftovers(), [""; 0], "{when}");
    between
}

fn is_hollow_without_store(world: &World) -> bool {
    let state = fs::read_to_string(world.venv().join(".dht/state.json")).unwrap_or_default();
    state.contains("symlink")
}

/// Kills `count` runs at random moments, each after a random switch of lock and link mode.
fn kill_at_random(count: usize, cold: bool) -> usize {
    let Some(world) = World::new() else { return 0 };
    let mut dice = Dice(if cold { 0xfeed } else { 0xbeef });
    let started = std::time::Instant::now();
    let _ = world.regenerate("auto").success();
    let mut longest = started.elapsed().as_micros();
    let mut killed = 0;
    for round in 0..count * 4 {
        if killed == count {
            break;
        }
        if cold {
            if is_hollow_without_store(&world) || dice.below(2) == 0 {
                let _ = fs::remove_dir_all(world.venv());
            }
            let _ = world
                .sandbox
                .run("/bin/rm")
                .arg("-rf")
                .arg(world.store())
                .output()
                .success();
        }
        world.lock(dice.below(2));
        let mut args = vec!["regenerate", "--link-mode", MODES[dice.below(5)]];
        if dice.below(3) == 0 {
            args.push("--compile-bytecode");
        }
        let mut child = world.run(&args).spawn();
        let moment = dice.below(usize::try_from(longest).unwrap());
        std::thread::sleep(Duration::from_micros(moment as u64));
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().code().is_none());
        let began = std::time::Instant::now();
        recover(
            &world,
            &args,
            &format!("{args:?}, round {round}, after {moment} µs"),
        );
        longest = longest.min(began.elapsed().as_micros().max(5_000));
    }
    killed
}

#[test]
fn row_2_killed_at_random_moments() {
    kill_at_random(4, true);
    kill_at_random(6, false);
}

#[test]
#[ignore = "slow"]
fn row_2_killed_at_two_hundred_random_moments() {
    eprintln!(
        "{} cold runs ended by the signal",
        kill_at_random(100, true)
    );
    eprintln!(
        "{} warm runs ended by the signal",
        kill_at_random(100, false)
    );
}

/// Recipe R2: killed at the entry of the n-th call of each kind that changes a folder.
#[test]
#[ignore = "slow: needs strace"]
fn row_2_killed_at_every_change_of_a_folder() {
    let Some(world) = World::new() else { return };
    let Some(strace) = host_program("strace") else {
        eprintln!("SKIPPED: this host has no strace");
        return;
    };
    let calls = [
        "renameat,renameat2,rename",
        "linkat",
        "mkdirat,mkdir",
        "unlinkat,unlink",
        "fsync,syncfs",
        "fchmod,fchmodat,chmod",
        "symlinkat",
        "utimensat",
    ];
    let (mut points, mut mixed) = (0, 0);
    for (cold, mode) in [
        (true, "hardlink"),
        (false, "hardlink"),
        (false, "symlink"),
        (false, "copy"),
    ] {
        for call in calls {
            let mut which = 0;
            for index in 1.. {
                if cold {
                    let _ = world
                        .sandbox
                        .run("/bin/rm")
                        .arg("-rf")
                        .arg(world.store())
                        .arg(world.venv())
                        .output()
                        .success();
                } else if index == 1 {
                    let _ = world.regenerate(mode).success();
                }
                which = 1 - which;
                world.lock(which);
                // All of the first; of the rest, which repeat themselves, some.
                let at = if index <= 12 {
                    index
                } else {
                    12 + (index - 12) * (index - 8)
                };
                let inject = format!("inject={call}:signal=KILL:when={at}");
                let args = ["regenerate", "--link-mode", mode];
                let run = world
                    .sandbox
                    .run(&strace)
                    .args([
                        "-f",
                        "-qq",
                        "-o",
                        "/dev/null",
                        "-e",
                        &format!("trace={call}"),
                        "-e",
                        &inject,
                    ])
                    .arg(env!("CARGO_BIN_EXE_dhtl"))
                    .args(args)
                    .var("RAYON_NUM_THREADS", "1")
                    .in_folder(&world.project)
                    .output();
                let between = recover(&world, &args, &format!("{call} {at}, {mode}, cold: {cold}"));
                mixed += usize::from(between);
                assert!(
                    !(cold && between),
                    "a new environment is complete or not there"
                );
                if run.code == Some(0) {
                    break;
                }
                points += 1;
            }
        }
    }
    eprintln!("killed at {points} points, {mixed} of them between two renames of one change");
}

#[test]
fn row_10_many_at_once() {
    let Some(world) = World::new() else { return };
    let same: Vec<_> = (0..3).map(|_| world.run(&["regenerate"]).spawn()).collect();
    for mut child in same {
        assert!(child.wait().unwrap().success());
    }
    world.assert_right("three at once");
    let _ = world
        .sandbox
        .run("/bin/rm")
        .arg("-rf")
        .arg(world.store())
        .output()
        .success();
    let others: Vec<_> = (0..8)
        .map(|index| {
            world.lock(index % 2);
            let folder = world.sandbox.work().join(format!("other-{index}"));
            fs::create_dir(&folder).unwrap();
            for file in ["pyproject.toml", "pylock.toml", ".python-version"] {
                fs::copy(world.project.join(file), folder.join(file)).unwrap();
            }
            let child = world
                .run(&["regenerate", "--link-mode", MODES[index % 5]])
                .in_folder(&folder)
                .spawn();
            (folder, child)
        })
        .collect();
    for (folder, mut child) in others {
        assert!(child.wait().unwrap().success(), "{}", folder.display());
        let _ = world
            .run(&["validate-env", "--deep"])
            .in_folder(&folder)
            .output()
            .success();
    }
    let _ = world.dhtl(&["store", "verify"]).success();
    assert_eq!(world.leftovers(), [""; 0]);
}
