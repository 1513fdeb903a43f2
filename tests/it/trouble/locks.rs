//! Locks that say something else than the files, and addresses that hold a secret.

use std::fs;

use dhtl_test_kit::LoopbackIndex;

use super::World;

/// Forgets what the store has, except Python.
fn forget(world: &World) {
    for kind in ["wheel", "environment"] {
        let _ = fs::remove_dir_all(world.store().join("realisations").join(kind));
    }
}

#[test]
fn every_given_digest_is_checked_with_a_warm_store_too() {
    let Some(world) = World::new() else { return };
    let _ = world.regenerate("auto").success();
    let wrong = format!("hashes = {{ sha512 = \"{}\", ", "ab".repeat(64));
    let text = world.lock_text().replacen("hashes = { ", &wrong, 1);
    world.write_lock(&text);
    for _ in 0..2 {
        let output = world.regenerate("auto").code(4);
        let _ = output.warns("expected sha512 abab").warns("alpha-1.0");
        forget(&world);
    }
    world.lock(0);
    let _ = world.regenerate("auto").success();
    world.assert_right("after a lock that contradicts itself");
}

#[test]
fn offline_a_file_that_is_another_one_is_named() {
    let Some(world) = World::new() else { return };
    let wheel = "gamma-1.0-py3-none-any.whl";
    let path = world.sandbox.root().join("wheels").join(wheel);
    fs::write(&path, b"something else").unwrap();
    let output = world.regenerate("auto").code(4);
    let _ = output
        .warns(&path.display().to_string())
        .warns("locked digest");
    fs::remove_file(&path).unwrap();
    let output = world.regenerate("auto").code(5);
    let _ = output.warns(wheel).warns("no copy is on this machine");
}

#[test]
fn what_signs_an_address_is_never_shown() {
    let Some(world) = World::new() else { return };
    let server = LoopbackIndex::serve(world.sandbox.root().join("nothing"));
    let text = world
        .lock_text()
        .replace("https://files.pythonhosted.org/packages", &server.url())
        .replace(".whl\", hashes", ".whl?tok=hunter2\", hashes");
    world.write_lock(&text);
    for (offline, code) in [("1", 5), ("0", 5)] {
        let run = world.run(&["regenerate", "-vv"]).var("DHT_FIND_LINKS", "");
        let output = run.var("DHT_OFFLINE", offline).output().code(code);
        let _ = output.never_says("hunter2");
    }
    let _ = world.regenerate("auto").success().never_says("hunter2");
}
