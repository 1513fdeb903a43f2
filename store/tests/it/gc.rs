//! Garbage collection: what goes, what stays, and what a kill or a full step leaves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dht_store::gc::{Collected, GcError, Options, Place, Presence};
use dht_store::{
    Base, EntryRef, Environment, Fingerprint, LinkMode, Package, RealisationKind, Store,
};

use crate::kit::Kit;

const INSIDE: &str = ".dht/root";

/// Reads what a test wrote into `<path>/.dht/state`: a fingerprint.
fn survey(path: &Path) -> Place {
    match fs::read_to_string(path.join(".dht/state")) {
        Ok(text) => Place::Standing(vec![text.parse().unwrap()]),
        Err(_) => Place::Absent,
    }
}

fn environment(entries: &[EntryRef]) -> Environment {
    let mut packages: Vec<Package> = entries
        .iter()
        .map(|entry| Package {
            name: entry.name.clone(),
            version: entry.version.clone(),
            entry: entry.entry,
            folder: None,
        })
        .collect();
    packages.sort();
    Environment {
        format: "dht-environment/1".into(),
        platform: "linux-x86_64".into(),
        base: Base::External {
            name: "cpython".into(),
            version: "3.11.7".into(),
            digest: Fingerprint::of(b"python"),
        },
        mounts: [("site".to_owned(), "lib".to_owned())].into(),
        packages,
        tools: Vec::new(),
    }
}

/// Makes an environment at `path` as a command does: root, links, state, witness.
fn make(
    kit: &Kit,
    store: &Store,
    entries: &[EntryRef],
    path: &Path,
    mode: LinkMode,
) -> Fingerprint {
    let fingerprint = store.put_environment(&environment(entries)).unwrap();
    let standing = fs::read_to_string(path.join(".dht/state")).ok();
    let standing = standing.map(|text| text.parse().unwrap());
    store
        .set_root(path, fingerprint, standing, Path::new(INSIDE))
        .unwrap();
    if standing.is_none() {
        assert_eq!(kit.assemble(entries, path, mode).damaged, []);
        fs::create_dir_all(path.join(".dht")).unwrap();
    }
    fs::write(path.join(".dht/state"), fingerprint.to_string()).unwrap();
    store.hold(path, Path::new(INSIDE));
    fingerprint
}

/// Collects as another process does, which knows nothing of the kit's pins.
fn collect_with(kit: &Kit, options: &Options) -> Result<Collected, GcError> {
    let store = Store::open(kit.store.path()).unwrap();
    let prepared = store.plan_gc(options, &survey)?;
    store.gc(&prepared, &survey, &|_| {})
}

fn collect(kit: &Kit) -> Collected {
    collect_with(kit, &Options::default()).unwrap()
}

/// Ends the command whose pins the kit's store holds.
fn end(kit: &mut Kit) {
    kit.store = Store::open(kit.store.path()).unwrap();
}

fn names(folder: PathBuf) -> Vec<String> {
    let mut found: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    found
}

fn objects(kit: &Kit) -> usize {
    let shards = names(kit.path("store/objects"));
    let below = shards
        .iter()
        .map(|shard| names(kit.path("store/objects").join(shard)).len());
    below.sum()
}

#[test]
fn what_no_root_reaches_goes_and_all_that_belongs_to_it() {
    let mut kit = Kit::new();
    let used = kit.add(
        "used",
        &[("site/used/a.py", "shared"), ("site/used/b.py", "b")],
    );
    let unused = kit.add(
        "unused",
        &[("site/un/a.py", "shared"), ("site/un/c.py", "ccc")],
    );
    let path = kit.path("project");
    make(
        &kit,
        &kit.store,
        std::slice::from_ref(&used),
        &path,
        LinkMode::Hardlink,
    );
    kit.store
        .realise_entry(RealisationKind("wheel"), b"unused", &unused)
        .unwrap();
    end(&mut kit);
    let done = collect(&kit);
    assert_eq!(done.entries.len(), 1);
    assert_eq!((done.realisations, done.objects), (1, 1));
    assert!(done.freed > 0);
    assert_eq!(kit.store.entries().unwrap(), std::slice::from_ref(&used));
    assert_eq!(names(kit.path("store/manifests")), [used.entry.to_string()]);
    assert_eq!(objects(&kit), 2);
    assert_eq!(names(kit.path("store/trash")), [""; 0]);
    let again = collect(&kit);
    assert_eq!((again.entries.len(), again.freed), (0, 0));
}

#[test]
fn links_never_outlive_what_they_point_to() {
    let mut kit = Kit::new();
    let entry = kit.add("pkg", &[("site/pkg/a.py", "x = 1")]);
    let path = kit.path("project/venv");
    make(&kit, &kit.store, &[entry], &path, LinkMode::Symlink);
    end(&mut kit);
    // Moved with its project: the witness moves too.
    fs::rename(kit.path("project"), kit.path("elsewhere")).unwrap();
    let store = Store::open(kit.store.path()).unwrap();
    let prepared = store.plan_gc(&Options::default(), &survey).unwrap();
    assert_eq!(prepared.facts.roots[0].presence, Presence::Moved);
    assert_eq!(collect(&kit).entries.len(), 0);
    assert_eq!(
        fs::read_to_string(kit.path("elsewhere/venv/lib/site/pkg/a.py")).unwrap(),
        "x = 1"
    );
    // Another project in its old place does not push it out.
    let other = kit.add("other", &[("site/other/a.py", "y")]);
    make(&kit, &kit.store, &[other], &path, LinkMode::Symlink);
    end(&mut kit);
    assert_eq!(collect(&kit).entries.len(), 0);
    // Deleted, it goes.
    fs::remove_dir_all(kit.path("elsewhere")).unwrap();
    let done = collect(&kit);
    assert_eq!((done.entries.len(), done.roots.len()), (1, 1));
    fs::remove_dir_all(kit.path("project")).unwrap();
    assert_eq!(collect(&kit).entries.len(), 1);
    assert_eq!(names(kit.path("store/roots")), [""; 0]);
}

#[test]
fn what_a_running_command_uses_stays() {
    let mut kit = Kit::new();
    let published = kit.add("published", &[("site/a.py", "a")]);
    let prepared = {
        // The plan was made before the command came.
        let store = Store::open(kit.store.path()).unwrap();
        end(&mut kit);
        store.plan_gc(&Options::default(), &survey).unwrap()
    };
    assert_eq!(prepared.plan.entries.len(), 1);
    assert!(kit.store.has_entry(&published));
    let store = Store::open(kit.store.path()).unwrap();
    let done = store.gc(&prepared, &survey, &|_| {}).unwrap();
    assert_eq!(done.entries.len(), 0);
    assert!(kit.store.has_entry(&published));
    end(&mut kit);
    assert_eq!(collect(&kit).entries.len(), 1);
}

#[test]
fn a_root_that_came_after_the_plan_stays() {
    let mut kit = Kit::new();
    let entry = kit.add("pkg", &[("site/a.py", "a")]);
    let path = kit.path("project");
    let fingerprint = make(
        &kit,
        &kit.store,
        std::slice::from_ref(&entry),
        &path,
        LinkMode::Hardlink,
    );
    fs::rename(&path, kit.path("away")).unwrap();
    fs::remove_file(kit.path("away").join(INSIDE)).unwrap();
    end(&mut kit);
    let store = Store::open(kit.store.path()).unwrap();
    let prepared = store.plan_gc(&Options::default(), &survey).unwrap();
    assert_eq!(prepared.plan.roots.len(), 1);
    // A command brings it back and ends, and its root has the bytes that it had.
    fs::rename(kit.path("away"), &path).unwrap();
    kit.store
        .set_root(&path, fingerprint, Some(fingerprint), Path::new(INSIDE))
        .unwrap();
    end(&mut kit);
    let done = store.gc(&prepared, &survey, &|_| {}).unwrap();
    assert_eq!((done.entries.len(), done.roots.len()), (0, 0));
    assert!(kit.store.has_entry(&entry));
}

#[test]
fn generations_are_kept_up_to_their_number() {
    let mut kit = Kit::new();
    let path = kit.path("project");
    for number in 0..4 {
        let name = format!("p{number}");
        let entry = kit.add(&name, &[("site/a.py", &name)]);
        make(&kit, &kit.store, &[entry], &path, LinkMode::Copy);
    }
    end(&mut kit);
    let keep = |generations| Options {
        generations,
        ..Options::default()
    };
    assert_eq!(collect_with(&kit, &keep(2)).unwrap().entries.len(), 1);
    assert_eq!(collect_with(&kit, &keep(0)).unwrap().entries.len(), 2);
    assert_eq!(kit.store.entries().unwrap().len(), 1);
}

#[test]
fn an_environment_that_is_not_known_stops_the_collection() {
    let mut kit = Kit::new();
    let entry = kit.add("pkg", &[("site/a.py", "a")]);
    let path = kit.path("project");
    let fingerprint = make(
        &kit,
        &kit.store,
        std::slice::from_ref(&entry),
        &path,
        LinkMode::Hardlink,
    );
    end(&mut kit);
    let document = kit.path("store/environments").join(fingerprint.to_string());
    fs::remove_file(document).unwrap();
    let refused = collect_with(&kit, &Options::default());
    assert!(matches!(refused, Err(GcError::Unknown(_))), "{refused:?}");
    assert!(kit.store.has_entry(&entry));
}

#[test]
fn only_what_cannot_be_looked_at_is_forgotten() {
    let mut kit = Kit::new();
    let entry = kit.add("pkg", &[("site/a.py", "a")]);
    let path = kit.path("project");
    make(&kit, &kit.store, &[entry], &path, LinkMode::Hardlink);
    end(&mut kit);
    let forget = |path: &Path| Options {
        forget: BTreeSet::from([path.to_owned()]),
        ..Options::default()
    };
    let refused = collect_with(&kit, &forget(&path));
    assert!(matches!(refused, Err(GcError::InUse(_))), "{refused:?}");
    let refused = collect_with(&kit, &forget(Path::new("/nowhere")));
    assert!(matches!(refused, Err(GcError::NoRoot(_))), "{refused:?}");
    fs::rename(&path, kit.path("moved")).unwrap();
    let done = collect_with(&kit, &forget(&path)).unwrap();
    assert_eq!((done.entries.len(), done.roots), (1, vec![path]));
}

/// What a kill leaves: a tree in the trash, a manifest whose tree is gone, a lease of a dead process.
#[test]
fn the_next_collection_finishes_what_a_killed_one_began() {
    let mut kit = Kit::new();
    let entry = kit.add("pkg", &[("site/a.py", "a")]);
    end(&mut kit);
    let tree = kit.store.entry_path(&entry);
    fs::rename(&tree, kit.path("store/trash/0.0")).unwrap_or_else(|_| {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&tree, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(&tree, kit.path("store/trash/0.0")).unwrap();
    });
    fs::create_dir_all(kit.path("store/leases")).unwrap();
    fs::write(kit.path("store/leases/1-0-0"), format!("{}\n", entry.entry)).unwrap();
    assert!(!kit.store.has_entry(&entry));
    end(&mut kit);
    let done = collect(&kit);
    assert!(done.freed > 0);
    for folder in ["trash", "manifests", "leases", "entries"] {
        assert_eq!(names(kit.path("store").join(folder)), [""; 0], "{folder}");
    }
    assert_eq!(objects(&kit), 0);
}

#[test]
fn nothing_outside_of_the_store_is_deleted() {
    let mut kit = Kit::new();
    let entry = kit.add("pkg", &[("site/a.py", "a")]);
    end(&mut kit);
    let canary = kit.path("canary");
    fs::create_dir(&canary).unwrap();
    fs::write(canary.join("file"), "precious").unwrap();
    let link = |name: &str| {
        let path = kit.path("store").join(name);
        let _ = fs::rename(&path, kit.path("aside"));
        std::os::unix::fs::symlink(&canary, &path).unwrap();
    };
    link("trash/0.0");
    link(&format!("entries/{}", entry.folder()));
    collect(&kit);
    assert_eq!(names(canary.clone()), ["file"]);
    for folder in ["objects/00", "quarantine", "trash", "entries"] {
        let _ = fs::remove_dir_all(kit.path("aside"));
        link(folder);
        let refused = collect_with(&kit, &Options::default());
        assert!(refused.is_err(), "{folder}: {refused:?}");
        assert_eq!(names(canary.clone()), ["file"], "{folder}");
        fs::remove_file(kit.path("store").join(folder)).unwrap();
        fs::create_dir(kit.path("store").join(folder)).unwrap();
    }
}

#[test]
fn an_object_that_a_manifest_names_stays() {
    let mut kit = Kit::new();
    let entry = kit.add("pkg", &[("site/a.py", "content")]);
    let path = kit.path("project");
    make(
        &kit,
        &kit.store,
        std::slice::from_ref(&entry),
        &path,
        LinkMode::Copy,
    );
    end(&mut kit);
    let site = kit.store.entry_path(&entry).join("site");
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&site, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(site.join("a.py")).unwrap();
    assert_eq!(collect(&kit).objects, 0);
    let repaired = kit.store.repair_entry(&entry, false).unwrap();
    assert_eq!(repaired.remaining, []);
    assert_eq!(fs::read_to_string(site.join("a.py")).unwrap(), "content");
}

#[test]
fn usage_counts_each_file_once() {
    let kit = Kit::new();
    let text = "x".repeat(100_000);
    kit.add("one", &[("site/a.py", &text), ("site/b.py", &text)]);
    let before = kit.store.usage().unwrap();
    kit.add("two", &[("site/c.py", &text)]);
    let after = kit.store.usage().unwrap();
    assert!(before.entries >= 100_000, "{before:?}");
    assert!(after.entries - before.entries < 50_000, "{after:?}");
}

#[test]
fn stores_below_are_read_and_never_changed() {
    let mut lower = Kit::new();
    let entry = lower.add("pkg", &[("site/a.py", "a")]);
    let document = environment(std::slice::from_ref(&entry));
    let fingerprint = lower.store.put_environment(&document).unwrap();
    let kind = RealisationKind("environment");
    lower
        .store
        .realise_environment(kind, b"input", fingerprint)
        .unwrap();
    end(&mut lower);
    let kit = Kit::new();
    let below = Store::open_to_read(lower.store.path()).unwrap();
    let store = Store::open(kit.store.path()).unwrap().over(vec![below]);
    assert_eq!(
        store.realised_environment(kind, b"input"),
        Some(fingerprint)
    );
    assert!(store.has_entry(&entry) && !store.owns(&entry));
    assert_eq!(store.entry_path(&entry), lower.store.entry_path(&entry));
    assert_eq!(store.check_entry(&entry, true).unwrap().problems, []);
    // In use, its document is kept by the store that collects.
    let path = kit.path("project");
    fs::create_dir_all(path.join(".dht")).unwrap();
    fs::write(path.join(".dht/state"), fingerprint.to_string()).unwrap();
    let inside = Path::new(INSIDE);
    store.set_root(&path, fingerprint, None, inside).unwrap();
    drop(store);
    assert_eq!(collect(&kit).entries.len(), 0);
    assert!(kit.store.environment(fingerprint).unwrap().is_some());
    assert!(lower.store.owns(&entry));
    assert_eq!(names(lower.path("store/leases")), [""; 0]);
}
