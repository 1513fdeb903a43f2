//! Each kind of drift is named, repaired, and nothing else is touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::{MODES, World};

const SITE: &str = "lib/python3.11/site-packages";

type Change = fn(&World);
/// What is done, the kind that is told, the path, the package.
type Case = (
    &'static str,
    Change,
    &'static str,
    &'static str,
    Option<&'static str>,
);

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn overwrite(path: &Path, content: &str) {
    let mode = fs::metadata(path).unwrap().permissions().mode();
    set(path, 0o644);
    fs::write(path, content).unwrap();
    set(path, mode);
}

fn swap_for_link(path: &Path) {
    fs::remove_file(path).unwrap();
    symlink("/elsewhere", path).unwrap();
}

const CASES: [Case; 17] = [
    (
        "added",
        |w| fs::write(w.site().join("mine.py"), "x").unwrap(),
        "added",
        "{site}/mine.py",
        None,
    ),
    (
        "removed",
        |w| fs::remove_file(w.site().join("alpha/m1.py")).unwrap(),
        "missing",
        "{site}/alpha/m1.py",
        Some("alpha"),
    ),
    (
        "modified",
        |w| overwrite(&w.site().join("alpha/m1.py"), "x"),
        "modified",
        "{site}/alpha/m1.py",
        Some("alpha"),
    ),
    (
        "mode changed",
        |w| set(&w.site().join("alpha/m1.py"), 0o777),
        "mode-changed",
        "{site}/alpha/m1.py",
        Some("alpha"),
    ),
    (
        "retargeted",
        |w| swap_for_link(&w.venv().join("lib64")),
        "retargeted",
        "lib64",
        None,
    ),
    (
        "renamed",
        |w| fs::rename(w.site().join("beta/m1.py"), w.site().join("beta/m1x.py")).unwrap(),
        "missing",
        "{site}/beta/m1.py",
        Some("beta"),
    ),
    (
        "case renamed",
        |w| fs::rename(w.site().join("beta/m1.py"), w.site().join("beta/M1.py")).unwrap(),
        "added",
        "{site}/beta/M1.py",
        None,
    ),
    (
        "package missing",
        |w| fs::remove_dir_all(w.site().join("beta")).unwrap(),
        "missing",
        "{site}/beta",
        Some("beta"),
    ),
    (
        "foreign package",
        |w| {
            let info = w.site().join("foreign-1.0.dist-info");
            fs::create_dir(&info).unwrap();
            fs::write(info.join("METADATA"), "Name: foreign\n").unwrap();
            fs::write(info.join("INSTALLER"), "pip\n").unwrap();
        },
        "added",
        "{site}/foreign-1.0.dist-info",
        Some("foreign"),
    ),
    (
        "wrong interpreter",
        |w| swap_for_link(&w.venv().join("bin/python")),
        "retargeted",
        "bin/python",
        None,
    ),
    (
        "pyvenv.cfg",
        |w| overwrite(&w.venv().join("pyvenv.cfg"), "home = /\n"),
        "modified",
        "pyvenv.cfg",
        None,
    ),
    (
        "activation",
        |w| overwrite(&w.venv().join("bin/activate"), "rm\n"),
        "modified",
        "bin/activate",
        None,
    ),
    (
        "folder for a file",
        |w| {
            fs::remove_file(w.site().join("alpha/m2.py")).unwrap();
            fs::create_dir(w.site().join("alpha/m2.py")).unwrap();
        },
        "wrong-kind",
        "{site}/alpha/m2.py",
        Some("alpha"),
    ),
    (
        "file for a folder",
        |w| {
            fs::remove_dir_all(w.site().join("alpha/sub")).unwrap();
            fs::write(w.site().join("alpha/sub"), "x").unwrap();
        },
        "wrong-kind",
        "{site}/alpha/sub",
        Some("alpha"),
    ),
    (
        "link for a file",
        |w| swap_for_link(&w.site().join("alpha/m3.py")),
        "wrong-kind",
        "{site}/alpha/m3.py",
        Some("alpha"),
    ),
    (
        "script edited",
        |w| overwrite(&w.venv().join("bin/alpha"), "x"),
        "modified",
        "bin/alpha",
        Some("alpha"),
    ),
    (
        "script gone",
        |w| fs::remove_file(w.venv().join("bin/alpha")).unwrap(),
        "missing",
        "bin/alpha",
        Some("alpha"),
    ),
];

#[test]
fn row_9_every_kind_of_drift_is_named_and_repaired() {
    let Some(world) = World::new() else { return };
    for mode in MODES {
        let _ = world.regenerate(mode).success();
        for (what, change, kind, path, package) in CASES {
            let when = format!("{what}, {mode}");
            change(&world);
            let path = path.replace("{site}", SITE);
            let (code, drift) = world.drift(&[]);
            assert_eq!(code, Some(1), "{when}");
            let found = drift.iter().find(|(_, at, _)| *at == path);
            let found = found.unwrap_or_else(|| panic!("{when}: {drift:?}"));
            assert_eq!(found.0, kind, "{when}");
            // Behind a link of symbolic-link mode, what was added stands in a package's entry.
            if mode != "symlink" || kind != "added" {
                assert_eq!(found.2.as_deref(), package, "{when}");
            }
            let _ = world
                .dhtl(&["validate-env", "--fix", "--remove-added"])
                .success();
            world.assert_right(&when);
        }
    }
    let _ = world.dhtl(&["store", "verify"]).success();
}

#[test]
fn what_changes_nothing_is_no_drift() {
    let Some(world) = World::new() else { return };
    for mode in MODES {
        let _ = world.regenerate(mode).success();
        let module = world.site().join("alpha/m1.py");
        let content = fs::read(&module).unwrap();
        // Another time, Python's own bytecode, a hardlink that is broken with equal bytes.
        fs::File::open(&module)
            .unwrap()
            .set_modified(std::time::SystemTime::now())
            .unwrap();
        let _ = world
            .sandbox
            .run(world.venv().join("bin/python"))
            .args(["-c", "import alpha.m2, ns.one"])
            .output()
            .success();
        world.assert_right(&format!("touched, {mode}"));
        if mode != "symlink" {
            let file_mode = fs::metadata(&module).unwrap().permissions().mode();
            fs::remove_file(&module).unwrap();
            fs::write(&module, content).unwrap();
            set(&module, file_mode);
            world.assert_right(&format!("written anew, {mode}"));
        }
        let _ = world.dhtl(&["store", "verify"]).success();
    }
}

#[test]
fn what_the_user_added_stays_until_it_may_go() {
    let Some(world) = World::new() else { return };
    for mode in ["hardlink", "copy"] {
        world.lock(0);
        let _ = world
            .dhtl(&["regenerate", "--link-mode", mode, "--remove-added"])
            .success();
        let mine = [
            "mine.py",
            "alpha/mine.py",
            "alpha/more/mine.txt",
            "gamma/mine.py",
        ];
        fs::create_dir(world.site().join("alpha/more")).unwrap();
        for path in mine {
            fs::write(world.site().join(path), "mine").unwrap();
        }
        let all_there = |when: &str| {
            for path in mine {
                let found = fs::read_to_string(world.site().join(path));
                assert_eq!(
                    found.ok().as_deref(),
                    Some("mine"),
                    "{path}, {when}, {mode}"
                );
            }
        };
        fs::remove_file(world.site().join("alpha/m1.py")).unwrap();
        let _ = world.dhtl(&["validate-env", "--fix"]);
        assert!(world.site().join("alpha/m1.py").exists());
        all_there("after --fix");
        // The second lock replaces alpha, and has no gamma.
        world.lock(1);
        let _ = world.regenerate(mode).success();
        all_there("after a switch of locks");
        assert!(!world.site().join("gamma/m1.py").exists());
        assert!(!world.site().join("gamma-1.0.dist-info").exists());
        let other = if mode == "copy" { "hardlink" } else { "copy" };
        let _ = world.regenerate(other).success();
        all_there("after a switch of link modes");
        let _ = world.imports().success();
        let _ = world
            .dhtl(&["validate-env", "--fix", "--remove-added"])
            .success();
        assert!(!world.site().join("gamma").exists());
        world.assert_right("with nothing added");
    }
}

#[test]
fn a_quick_switch_of_locks_changes_what_differs_and_nothing_else() {
    let Some(world) = World::new() else { return };
    for mode in MODES {
        world.lock(0);
        let _ = world.regenerate(mode).success();
        for lock in [1, 0, 1] {
            world.lock(lock);
            let quick = ["regenerate", "--quick", "--link-mode", mode];
            let _ = world.dhtl(&quick).success();
            world.assert_right(&format!("after a quick switch, {mode}"));
            let _ = world.imports().success();
            let again = world.dhtl(&quick).success();
            assert!(again.stderr.contains("unchanged"), "{again}");
            assert_eq!(world.leftovers(), [""; 0]);
        }
    }
    // The last mode copies: an edit stays in the environment.
    let edited = world.site().join("beta/m1.py");
    let right = fs::read(&edited).unwrap();
    fs::write(&edited, "edited").unwrap();
    world.lock(0);
    let _ = world.dhtl(&["regenerate", "--quick", "--link-mode", "copy"]);
    let path = "lib/python3.11/site-packages/beta/m1.py".to_owned();
    let drift = ("modified".to_owned(), path, Some("beta".to_owned()));
    assert_eq!(world.drift(&[]), (Some(1), vec![drift]));
    let _ = world.regenerate("copy").success();
    assert_eq!(fs::read(&edited).unwrap(), right);
}

#[test]
fn what_a_former_lock_left_goes_even_when_the_store_is_new() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("copy").success();
    fs::rename(world.store(), world.sandbox.root().join("gone")).unwrap();
    world.lock(1);
    let _ = world.regenerate("copy").success();
    world.assert_right("after the store was lost");
    let _ = world.imports().success();
}

/// An edit that went through a hardlink into the store.
#[test]
fn row_9_an_edit_in_place_goes_no_further() {
    let Some(world) = World::new() else { return };
    for mode in ["hardlink", "symlink"] {
        for keeps_time in [false, true] {
            let _ = world
                .dhtl(&["regenerate", "--link-mode", mode, "--deep"])
                .success();
            let module = world.site().join("alpha/m4.py");
            let stat = fs::metadata(&module).unwrap();
            let content = fs::read_to_string(&module).unwrap();
            overwrite(&module, &content.replace("X = 4", "X = 5"));
            if keeps_time {
                fs::File::open(&module)
                    .unwrap()
                    .set_modified(stat.modified().unwrap())
                    .unwrap();
            }
            let other = world
                .sandbox
                .project("other")
                .copy_of(&world.project)
                .build();
            let made = world
                .run(&["regenerate", "--deep", "--link-mode", mode])
                .in_folder(&other)
                .output();
            let _ = made.success().warns("alpha 1.0");
            let found = fs::read_to_string(other.join(".venv").join(SITE).join("alpha/m4.py"));
            assert_eq!(found.unwrap(), content, "{mode}");
            assert!(
                fs::read_dir(world.store().join("quarantine"))
                    .unwrap()
                    .count()
                    > 0
            );
            let _ = world.dhtl(&["validate-env", "--fix", "--deep"]).success();
            let _ = world.dhtl(&["store", "verify"]).success();
            fs::remove_dir_all(&other).unwrap();
        }
    }
}

#[test]
fn all_that_is_repaired_is_counted() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("hardlink").success();
    // Damage in the store takes a second round.
    overwrite(&world.site().join("alpha/m4.py"), "X = 'edited'\n");
    fs::remove_file(world.site().join("alpha/m1.py")).unwrap();
    fs::remove_file(world.site().join("beta/m1.py")).unwrap();
    let _ = world
        .dhtl(&["validate-env", "--fix"])
        .success()
        .warns("✓ Repaired: 3 paths");
}

#[test]
fn row_3_damage_that_cannot_be_restored_is_named_and_costs_nothing() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("hardlink").success();
    overwrite(&world.site().join("alpha/m4.py"), "X = 'edited'\n");
    fs::rename(
        world.sandbox.root().join("wheels"),
        world.sandbox.root().join("away"),
    )
    .unwrap();
    let failed = world.run(&["regenerate", "--link-mode", "copy"]).output();
    let _ = failed.code(5).warns("alpha-1.0").warns("DHT_FIND_LINKS");
    // The edit is still there, and so is the environment.
    let kept = fs::read_to_string(world.site().join("alpha/m4.py")).unwrap();
    assert_eq!(kept, "X = 'edited'\n");
    let _ = world.imports().success();
    assert_eq!(world.leftovers(), [""; 0]);
    fs::rename(
        world.sandbox.root().join("away"),
        world.sandbox.root().join("wheels"),
    )
    .unwrap();
    let _ = world.regenerate("copy").success();
    world.assert_right("after the source came back");
}
