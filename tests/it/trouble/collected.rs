//! Garbage collection from outside: what it takes and leaves while others work, and when it is killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dhtl_test_kit::Output;
use dhtl_test_kit::host::host_program;
use serde_json::Value;

use super::World;
use super::mutations::Dice;

/// Makes another project with the lock that is in place.
fn other(world: &World, name: &str) -> PathBuf {
    let folder = world.sandbox.work().join(name);
    fs::create_dir_all(&folder).unwrap();
    for file in ["pyproject.toml", "pylock.toml", ".python-version"] {
        fs::copy(world.project.join(file), folder.join(file)).unwrap();
    }
    folder
}

fn json(output: &Output) -> Value {
    assert_eq!(output.code, Some(0), "{output}");
    serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output}"))
}

fn gc(world: &World, args: &[&str]) -> Value {
    json(&world.run(&["gc", "--json"]).args(args).output())
}

fn names(report: &Value) -> Vec<String> {
    let entries = report["entries"].as_array().unwrap();
    let mut names: Vec<String> = entries
        .iter()
        .map(|entry| format!("{} {}", entry["name"], entry["version"]).replace('"', ""))
        .collect();
    names.sort();
    names
}

#[test]
fn collects_what_a_deleted_project_needed() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("hardlink").success();
    world.lock(1);
    let second = other(&world, "second");
    let _ = world
        .run(&["regenerate"])
        .in_folder(&second)
        .output()
        .success();
    world.lock(0);
    assert!(names(&gc(&world, &[])).is_empty());
    let why = world.dhtl(&["gc", "--why", "delta"]);
    assert!(why.stderr.contains("second/.venv"), "{why}");
    fs::remove_dir_all(second).unwrap();
    let planned = gc(&world, &["--dry-run"]);
    assert_eq!(
        names(&planned),
        ["alpha 2.0", "delta 1.0", "ns-two 1.0"],
        "{planned}"
    );
    let done = gc(&world, &[]);
    assert_eq!(names(&done), names(&planned));
    assert!(done["freed"].as_u64().unwrap() > 0);
    world.assert_right("after a collection");
    let _ = world.dhtl(&["store", "verify"]).success();
    let du = json(&world.dhtl(&["store", "du", "--json"]));
    assert_eq!(du["collectable"], 0);
}

#[test]
fn goes_back_offline_and_forward_again() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("auto").success();
    world.lock(1);
    let _ = world.regenerate("auto").success();
    assert!(names(&gc(&world, &[])).is_empty());
    let listed = json(&world.dhtl(&["generations", "--json"]));
    let numbers: Vec<&Value> = listed["generations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["generation"])
        .collect();
    assert_eq!(numbers, [2, 1], "{listed}");
    let back = world
        .run(&["rollback"])
        .var("DHT_FIND_LINKS", "/nowhere")
        .output();
    let _ = back.success();
    // It is what the first lock says, byte for byte.
    world.lock(0);
    world.assert_right("after a rollback");
    let _ = world.imports().success();
    let again = world.dhtl(&["rollback", "2"]);
    let _ = again.success();
    world.lock(1);
    world.assert_right("after a second rollback");
    let missing = world.dhtl(&["rollback", "9"]);
    assert_eq!(missing.code, Some(1), "{missing}");
    // Without generations the first one goes, and nothing can be brought back.
    let done = gc(&world, &["--keep-generations", "0"]);
    assert!(names(&done).contains(&"gamma 1.0".to_owned()), "{done}");
    assert_eq!(world.dhtl(&["rollback"]).code, Some(1));
    world.assert_right("after its generations went");
}

#[test]
fn a_moved_environment_of_links_stays_whole() {
    let Some(world) = World::new() else { return };
    let second = other(&world, "second");
    let _ = world
        .run(&["regenerate", "--link-mode", "symlink"])
        .in_folder(&second)
        .output()
        .success();
    let moved = world.sandbox.work().join("moved");
    fs::rename(&second, &moved).unwrap();
    let report = gc(&world, &[]);
    assert!(names(&report).is_empty(), "{report}");
    assert_eq!(report["uncertain"][0]["presence"], "moved");
    let code = "import alpha.m3, beta.sub, gamma.m7, ns.one";
    let python = moved.join(".venv/bin/python");
    let _ = world
        .sandbox
        .run(python)
        .args(["-B", "-c", code])
        .output()
        .success();
    let _ = world
        .run(&["regenerate", "--link-mode", "symlink"])
        .in_folder(&moved)
        .output()
        .success();
    let report = gc(&world, &[]);
    assert_eq!(report["uncertain"], serde_json::json!([]));
    assert_eq!(report["roots"].as_array().unwrap().len(), 1, "{report}");
}

#[test]
fn stays_within_the_size_that_the_user_gave() {
    let Some(world) = World::new() else { return };
    let second = other(&world, "second");
    let _ = world
        .run(&["regenerate"])
        .in_folder(&second)
        .output()
        .success();
    fs::remove_dir_all(second).unwrap();
    world.lock(1);
    let told = world
        .run(&["regenerate"])
        .var("DHT_STORE_MAX_SIZE", "1KiB")
        .output()
        .success();
    assert!(told.stderr.contains("collected"), "{told}");
    let gone = world.dhtl(&["store", "path", "gamma"]);
    assert_eq!(gone.code, Some(1), "{gone}");
    world.assert_right("after an automatic collection");
}

#[test]
fn a_store_below_serves_and_is_left_alone() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("auto").success();
    let below = world.sandbox.root().join("below");
    fs::rename(world.store(), &below).unwrap();
    fs::remove_dir_all(world.venv()).unwrap();
    let listing = |folder: &Path| {
        let mut found: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|it| it.unwrap().path())
            .collect();
        found.sort();
        found
    };
    let before = (
        listing(&below.join("entries")),
        listing(&below.join("roots")),
    );
    for mode in ["hardlink", "symlink", "copy"] {
        let made = world
            .run(&["regenerate", "--link-mode", mode])
            .var("DHT_STORE_PATHS", &below)
            .var("DHT_FIND_LINKS", "/nowhere")
            .output();
        let _ = made.success();
        let valid = world
            .run(&["validate-env", "--deep"])
            .var("DHT_STORE_PATHS", &below)
            .output();
        let _ = valid.success();
        let _ = world.imports().success();
    }
    assert!(listing(&world.store().join("entries")).is_empty());
    let collected = world.run(&["gc"]).var("DHT_STORE_PATHS", &below).output();
    let _ = collected.success();
    assert_eq!(
        (
            listing(&below.join("entries")),
            listing(&below.join("roots"))
        ),
        before
    );
}

#[test]
fn the_inventory_is_the_same_everywhere() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("auto").success();
    for form in ["cyclonedx", "spdx"] {
        let first = world.dhtl(&["sbom", "--format", form]).success();
        let _: Value = serde_json::from_str(&first.stdout).unwrap();
        assert!(first.stdout.contains("pkg:pypi/alpha@1.0"), "{first}");
        let _ = fs::remove_dir_all(world.venv());
        let _ = world.regenerate("copy").success();
        let again = world.dhtl(&["sbom", "--format", form]);
        assert_eq!(again.stdout, first.stdout);
    }
}

/// Collects while projects change their locks and the store is verified: nothing fails, and nothing
/// that is needed is lost.
fn work_while_collecting(rounds: usize) {
    let Some(world) = World::new() else { return };
    let projects: Vec<PathBuf> = (0..4)
        .map(|index| other(&world, &format!("p{index}")))
        .collect();
    for round in 0..rounds {
        let mut children = Vec::new();
        for (index, project) in projects.iter().enumerate() {
            world.lock((round + index) % 2);
            fs::copy(
                world.project.join("pylock.toml"),
                project.join("pylock.toml"),
            )
            .unwrap();
            if (round + index) % 3 == 0 {
                let _ = fs::remove_dir_all(project.join(".venv"));
            }
            let mode = ["hardlink", "symlink", "copy"][(round + index) % 3];
            let run = world.run(&["regenerate", "--link-mode", mode]);
            children.push(run.in_folder(project).spawn());
        }
        children.push(world.run(&["gc", "--keep-generations", "0", "-q"]).spawn());
        children.push(world.run(&["store", "verify", "-q"]).spawn());
        for (index, mut child) in children.into_iter().enumerate() {
            let status = child.wait().unwrap();
            assert!(status.success(), "round {round}, process {index}: {status}");
        }
        for project in &projects {
            let run = world.run(&["validate-env", "--deep"]).in_folder(project);
            let _ = run.output().success();
        }
    }
    let _ = world.dhtl(&["store", "verify"]).success();
}

#[test]
fn row_11_collecting_while_others_work() {
    work_while_collecting(3);
}

#[test]
#[ignore = "slow"]
fn row_11_collecting_while_others_work_for_long() {
    work_while_collecting(60);
}

/// Looks at everything that a killed collection may have spoiled, and lets the next one finish.
fn recover(world: &World, when: &str) {
    let verified = world.dhtl(&["store", "verify"]);
    assert_eq!(verified.code, Some(0), "{when}: {verified}");
    world.assert_right(when);
    let _ = world.imports().success();
    let _ = gc(world, &[]);
    for folder in ["trash", "leases"] {
        let left: Vec<_> = fs::read_dir(world.store().join(folder)).unwrap().collect();
        // The lease of this very listing is gone: its process ended.
        assert!(left.is_empty(), "{when}: {left:?}");
    }
    let planned = gc(world, &["--dry-run"]);
    assert!(names(&planned).is_empty(), "{when}: {planned}");
}

/// Makes garbage: a project that comes and goes.
fn litter(world: &World) {
    world.lock(1);
    let second = other(world, "second");
    let made = world
        .run(&["regenerate", "--link-mode", "copy"])
        .in_folder(&second);
    let _ = made.output().success();
    fs::remove_dir_all(second).unwrap();
    world.lock(0);
}

fn kill_collections(count: usize) {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("symlink").success();
    let mut dice = Dice(0xc0ffee);
    let mut longest = 40_000;
    for round in 0..count {
        litter(&world);
        let moment = dice.below(longest);
        let began = std::time::Instant::now();
        let mut child = world.run(&["gc", "-q"]).spawn();
        std::thread::sleep(Duration::from_micros(moment as u64));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            longest = usize::try_from(began.elapsed().as_micros()).unwrap();
        }
        recover(&world, &format!("round {round}, after {moment} µs"));
    }
}

#[test]
fn row_2_a_collection_killed_at_random_moments() {
    kill_collections(4);
}

#[test]
#[ignore = "slow"]
fn row_2_a_collection_killed_at_a_hundred_random_moments() {
    kill_collections(100);
}

/// Recipe R2: killed at the entry of the n-th call of each kind that a collection changes the store by.
#[test]
#[ignore = "slow: needs strace"]
fn row_2_a_collection_killed_at_every_change() {
    let Some(world) = World::new() else { return };
    let Some(strace) = host_program("strace") else {
        eprintln!("SKIPPED: this host has no strace");
        return;
    };
    let _ = world.regenerate("symlink").success();
    let mut points = 0;
    for call in [
        "renameat,renameat2,rename",
        "unlinkat,unlink",
        "fchmod,fchmodat,chmod",
        "flock",
    ] {
        for index in 1.. {
            litter(&world);
            let at = if index <= 12 {
                index
            } else {
                12 + (index - 12) * 9
            };
            let inject = format!("inject={call}:signal=KILL:when={at}");
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
                .arg("gc")
                .var("RAYON_NUM_THREADS", "1")
                .in_folder(&world.project)
                .output();
            recover(&world, &format!("{call} {at}"));
            if run.code == Some(0) {
                break;
            }
            points += 1;
        }
    }
    eprintln!("killed at {points} points");
}
