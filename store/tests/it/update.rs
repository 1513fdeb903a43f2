//! An environment is changed in place, piece by piece, and what the user added stays.

use std::fs;
use std::path::Path;

use dht_store::fs::Dir;
use dht_store::{Checkout, Comparer, Depth, EntryRef, LinkMode, Union, UpdatePlan};

use crate::kit::{Kit, MODES};

fn update(
    kit: &Kit,
    old: &[EntryRef],
    new: &[EntryRef],
    target: &Path,
    mode: LinkMode,
) -> UpdatePlan {
    let (old_manifests, new_manifests) = (kit.manifests(old), kit.manifests(new));
    let old_layers = kit.layers(old, &old_manifests);
    let old_union = Union::new(&old_layers, &[]);
    let layers = kit.layers(new, &new_manifests);
    let union = Union::new(&layers, &[]);
    let checkout = Checkout::new(&layers, &union.tree, mode, &["bin"]);
    let dir = Dir::open(target).unwrap();
    let found = Comparer::new(&checkout, &union.tree, Depth::Stat, &["scratch"])
        .run(&dir)
        .unwrap();
    let plan = UpdatePlan::new(
        &union.tree,
        &found.differences,
        &|layer| !old.contains(&new[layer as usize]),
        &|path| {
            let path = path.to_str().unwrap();
            old_union.tree.find_leaf(path).is_some() || old_union.tree.find_folder(path).is_some()
        },
    );
    let scratch = target.join("scratch");
    fs::create_dir(&scratch).unwrap();
    plan.apply(&checkout, &union.tree, &dir, &Dir::open(&scratch).unwrap())
        .unwrap();
    dht_store::fs::remove_tree(&dir, Path::new("scratch")).unwrap();
    plan
}

#[test]
fn switches_between_environments_in_every_mode() {
    for mode in MODES {
        let kit = Kit::new();
        let kept = kit.add("kept", &[("site/kept/k.py", "k")]);
        let old = [
            kept.clone(),
            kit.add(
                "a",
                &[
                    ("site/a/x.py", "1"),
                    ("site/a/gone.py", "1"),
                    ("scripts/a", "1"),
                ],
            ),
            kit.add("b", &[("site/b/x.py", "1"), ("site/six.py", "1")]),
        ];
        let new = [
            kept,
            kit.add(
                "a",
                &[
                    ("site/a/x.py", "2"),
                    ("site/a/new/y.py", "2"),
                    ("scripts/a", "2"),
                ],
            ),
        ];
        let target = kit.path("env");
        kit.assemble(&old, &target, mode);
        update(&kit, &old, &new, &target, mode);
        assert_eq!(
            kit.compare(&new, &target, mode, Depth::Deep),
            [],
            "{mode:?}"
        );
        assert!(!target.join("lib/site/b").exists());
        assert!(!target.join("lib/site/a/gone.py").exists());
        assert_eq!(fs::read_to_string(target.join("bin/a")).unwrap(), "2");
        assert!(
            update(&kit, &new, &new, &target, mode).is_empty(),
            "{mode:?}"
        );
    }
}

#[test]
fn what_the_user_added_is_carried_over() {
    let kit = Kit::new();
    let old = [kit.add("a", &[("site/a/x.py", "1")])];
    let new = [kit.add("a", &[("site/a/x.py", "2")])];
    let target = kit.path("env");
    kit.assemble(&old, &target, LinkMode::Hardlink);
    fs::write(target.join("lib/site/a/mine.py"), "mine").unwrap();
    fs::write(target.join("lib/site/own.py"), "own").unwrap();
    update(&kit, &old, &new, &target, LinkMode::Hardlink);
    assert_eq!(
        fs::read_to_string(target.join("lib/site/a/x.py")).unwrap(),
        "2"
    );
    assert_eq!(
        fs::read_to_string(target.join("lib/site/a/mine.py")).unwrap(),
        "mine"
    );
    assert_eq!(
        fs::read_to_string(target.join("lib/site/own.py")).unwrap(),
        "own"
    );
}
