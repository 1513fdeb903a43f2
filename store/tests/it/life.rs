//! Entries are published once, shared by content, and found again when damaged.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use dht_store::check::ProblemKind;
use dht_store::{Depth, DifferenceKind, LinkMode, StoreError, TreePath, TreeSink};

use crate::kit::{Kit, MODES};

const FILES: &[(&str, &str)] = &[
    ("site/pkg/__init__.py", "x = 1\n"),
    ("site/pkg/sub/a.py", ""),
    ("scripts/run", "#!/bin/sh\n"),
];

#[test]
fn an_entry_is_a_read_only_tree_named_by_its_manifest() {
    let kit = Kit::new();
    let entry = kit.add("pkg", FILES);
    let path = kit.store.entry_path(&entry);
    let manifest = fs::read(kit.path("store/manifests").join(entry.entry.to_string())).unwrap();
    assert_eq!(
        blake3::hash(&manifest).to_hex().as_str(),
        entry.entry.to_string()
    );
    let mode = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(
        (
            mode("site/pkg/__init__.py"),
            mode("scripts/run"),
            mode("site/pkg"),
            mode("")
        ),
        (0o444, 0o555, 0o555, 0o555)
    );
    assert_eq!(fs::read_dir(kit.path("store/staging")).unwrap().count(), 0);
    assert!(kit.store.has_entry(&entry));
    assert_eq!(kit.store.entries().unwrap(), [entry]);
}

#[test]
fn equal_content_is_stored_once_across_entries() {
    let kit = Kit::new();
    let one = kit.add(
        "one",
        &[("site/one/x.py", "same"), ("site/one/y.py", "same")],
    );
    let two = kit.add(
        "two",
        &[("site/two/x.py", "same"), ("site/two/empty.py", "")],
    );
    let inode = |entry, name| {
        fs::metadata(kit.store.entry_path(entry).join(name))
            .unwrap()
            .ino()
    };
    assert_eq!(inode(&one, "site/one/x.py"), inode(&two, "site/two/x.py"));
    assert_eq!(inode(&one, "site/one/x.py"), inode(&one, "site/one/y.py"));
}

#[test]
fn every_mode_makes_the_same_content() {
    let kit = Kit::new();
    let entries = [
        kit.add("pkg", FILES),
        kit.add("other", &[("site/other/x.py", "2")]),
    ];
    for mode in MODES {
        let target = kit.path(&format!("env-{mode:?}"));
        let report = kit.assemble(&entries, &target, mode);
        assert_eq!(report.damaged, []);
        assert_eq!(
            fs::read_to_string(target.join("lib/site/pkg/__init__.py")).unwrap(),
            "x = 1\n"
        );
        assert!(
            !fs::symlink_metadata(target.join("bin/run"))
                .unwrap()
                .is_symlink()
        );
        for depth in [Depth::Stat, Depth::Deep] {
            assert_eq!(kit.compare(&entries, &target, mode, depth), [], "{mode:?}");
        }
    }
}

#[test]
fn every_kind_of_drift_is_named() {
    let kit = Kit::new();
    let entries = [kit.add("pkg", FILES)];
    let target = kit.path("env");
    kit.assemble(&entries, &target, LinkMode::Copy);
    let site = target.join("lib/site/pkg");
    fs::write(site.join("added.py"), "").unwrap();
    fs::remove_file(site.join("sub/a.py")).unwrap();
    fs::create_dir(site.join("sub/a.py")).unwrap();
    fs::write(site.join("__init__.py"), "x = 2\n").unwrap();
    fs::set_permissions(target.join("bin/run"), PermissionsExt::from_mode(0o777)).unwrap();
    fs::create_dir(site.join("__pycache__")).unwrap();
    fs::write(site.join("__pycache__/a.cpython-311.pyc"), "").unwrap();
    let found = kit.compare(&entries, &target, LinkMode::Copy, Depth::Stat);
    let expected = [
        ("bin/run", DifferenceKind::ModeChanged),
        ("lib/site/pkg/__init__.py", DifferenceKind::Modified),
        ("lib/site/pkg/added.py", DifferenceKind::Added),
        ("lib/site/pkg/sub/a.py", DifferenceKind::WrongKind),
    ]
    .map(|(path, kind)| (path.to_owned(), kind));
    assert_eq!(found, expected);
}

#[test]
fn an_edit_through_a_hardlink_is_found_and_goes_no_further() {
    let kit = Kit::new();
    let entries = [kit.add("pkg", FILES)];
    let target = kit.path("env");
    kit.assemble(&entries, &target, LinkMode::Hardlink);
    let file = target.join("lib/site/pkg/__init__.py");
    fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    fs::write(&file, "x = 3\n").unwrap();
    fs::set_permissions(&file, PermissionsExt::from_mode(0o444)).unwrap();

    let found = kit.compare(&entries, &target, LinkMode::Hardlink, Depth::Stat);
    assert_eq!(
        found,
        [(
            "lib/site/pkg/__init__.py".to_owned(),
            DifferenceKind::Modified
        )]
    );
    let again = kit.path("again");
    let report = kit.assemble(&entries, &again, LinkMode::Hardlink);
    assert_eq!(report.damaged.len(), 1);
    assert!(!again.join("lib/site/pkg/__init__.py").exists());
    let problems = kit.store.check_entry(&entries[0], false).unwrap().problems;
    assert_eq!(problems[0].kind, ProblemKind::Modified);

    assert_eq!(kit.add("pkg", FILES), entries[0]);
    assert_eq!(
        kit.store.check_entry(&entries[0], true).unwrap().problems,
        []
    );
    assert_eq!(
        fs::read_dir(kit.path("store/quarantine")).unwrap().count(),
        1
    );
    let last = kit.path("last");
    assert_eq!(
        kit.assemble(&entries, &last, LinkMode::Hardlink).damaged,
        []
    );
    assert_eq!(
        fs::read_to_string(last.join("lib/site/pkg/__init__.py")).unwrap(),
        "x = 1\n"
    );
}

#[test]
fn a_touched_file_with_the_right_bytes_is_healed() {
    let kit = Kit::new();
    let entry = kit.add("pkg", FILES);
    let file = kit.store.entry_path(&entry).join("site/pkg/__init__.py");
    fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    let report = kit.store.check_entry(&entry, false).unwrap();
    assert_eq!(
        (report.problems, report.healed),
        (vec![], vec!["site/pkg/__init__.py".into()])
    );
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o444
    );
}

#[test]
fn bad_input_39_a_newer_store_is_left_alone() {
    let kit = Kit::new();
    let file = kit.path("store/store.json");
    fs::write(&file, r#"{"format":"dht-store","version":2}"#).unwrap();
    let error = dht_store::Store::open(kit.store.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::TooNew { found: 2, .. }),
        "{error}"
    );
    fs::write(&file, "").unwrap();
    dht_store::Store::open(kit.store.path()).unwrap();
}

#[test]
fn what_a_dead_transaction_left_is_removed() {
    let kit = Kit::new();
    let transaction = kit.store.begin().unwrap();
    let alive = transaction.path();
    let dead = kit.path("store/staging/dead");
    fs::create_dir(&dead).unwrap();
    fs::write(kit.path("store/staging/dead.lock"), "").unwrap();
    drop(kit.store.begin().unwrap());
    assert!(!dead.exists());
    assert!(alive.exists());
}

#[test]
fn the_store_repairs_what_it_can() {
    let kit = Kit::new();
    let entry = kit.add("pkg", FILES);
    let path = kit.store.entry_path(&entry);
    let folder = path.join("site/pkg");
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
    fs::write(folder.join("extra.py"), "").unwrap();
    fs::remove_file(folder.join("__init__.py")).unwrap();
    let report = kit.store.repair_entry(&entry, false).unwrap();
    assert_eq!((report.repaired.len(), report.remaining.len()), (2, 0));
    assert_eq!(kit.store.check_entry(&entry, true).unwrap().problems, []);
    assert_eq!(fs::metadata(&folder).unwrap().mtime(), 315_619_200);
}

#[test]
fn a_damaged_supplement_is_forgotten_and_made_again() {
    let kit = Kit::new();
    let entry = kit.add("pkg", FILES);
    let add = |label: &str, file: &str| {
        let transaction = kit.store.begin().unwrap();
        let staged = transaction.stage("pkg", "1.0").unwrap();
        let path = format!("site/pkg/cache/{file}");
        staged
            .file(&TreePath::new(&path).unwrap(), false, label.as_bytes())
            .unwrap();
        let ready = staged.finish().unwrap();
        transaction
            .commit_supplements(label, vec![(entry.clone(), ready)])
            .unwrap();
    };
    let has = |label: &str| kit.store.supplement(entry.entry, label).unwrap().is_some();
    add("one", "a");
    add("two", "b");
    let damaged = kit.store.entry_path(&entry).join("site/pkg/cache/a");
    fs::set_permissions(&damaged, PermissionsExt::from_mode(0o644)).unwrap();
    fs::write(&damaged, "poison").unwrap();

    let report = kit.store.repair_entry(&entry, false).unwrap();
    assert_eq!((report.repaired.len(), report.remaining.len()), (1, 0));
    assert!(!damaged.exists());
    assert!(!has("one") && has("two"), "the other one stays");
    assert_eq!(kit.store.check_entry(&entry, true).unwrap().problems, []);

    add("one", "a");
    assert_eq!(fs::read_to_string(&damaged).unwrap(), "one");
    assert_eq!(kit.store.check_entry(&entry, true).unwrap().problems, []);
}
