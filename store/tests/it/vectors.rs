//! The formats are what `schemas/store-format.md` says, for ever: bytes -> value -> bytes, and the names.
//!
//! Bytes and names were written down by another program than this one, and nothing here can write
//! them: a vector that fails is a break of the format, never a vector to change. New forms get a new
//! folder (`v2`). To check the names without any of this code:
//!
//! ```text
//! (cd schemas/vectors/manifest/v1 && b3sum --check ids)
//! (cd schemas/vectors/environment/v1 && b3sum --check ids)
//! ```

use std::collections::BTreeMap;

use dht_store::format::realisation::Realised;
use dht_store::format::root::Root;
use dht_store::format::store_json::{Access, Refusal, StoreJson};
use dht_store::{
    Base, Digest, EntryId, EntryRef, Environment, Fingerprint, Manifest, ManifestBuilder, NodeKind,
    Package, RealisationKind, Tool, TreePath,
};

use crate::kit::Kit;

const TREE: &str = "c3b0973d075089831bdbae29d13bf9d4ecd0ed122913d5a5c6034029dccbac20";
const LINKS: &str = "e3d1793627eb61c7e14933b2ee2dce17c58b743259fc93580695af61b5586eb6";
const EMPTY: &str = "3a28e0ec53ae0f120b3d7664be55134cfa75c053a75f37e09b0a96228317c91e";
const ENTRY: &str = "82b875bfd01861fe18cacaac0fd91ba6f001b505e9168f4b15434d65e6f68e10";
const EXTERNAL: &str = "fa70e8143f643fed79647de3b1c27c8fc9f724669937ea027ec76e707667743f";
const TOOLS: &str = "5e331580a1f58c1fc232e7e5ac9cdc85625c98dd16df5dc18fecd5913d16c100";

macro_rules! vector {
    ($path:literal) => {
        include_bytes!(concat!("../../../schemas/vectors/", $path)).as_slice()
    };
}

fn manifest(nodes: &[(&str, NodeKind)]) -> Manifest {
    let mut builder = ManifestBuilder::default();
    // Whatever the order in which a tree is told, its listing is one.
    for (path, kind) in nodes.iter().rev() {
        builder.add(TreePath::new(path).unwrap(), kind.clone());
    }
    builder.finish().unwrap()
}

fn file(executable: bool, content: &[u8]) -> NodeKind {
    NodeKind::File {
        executable,
        size: content.len() as u64,
        digest: Digest::of(content),
    }
}

fn link(target: &str) -> NodeKind {
    NodeKind::Symlink {
        target: target.into(),
    }
}

fn entry(name: &str, version: &str, id: &str) -> EntryRef {
    EntryRef {
        name: name.to_owned(),
        version: version.to_owned(),
        entry: id.parse().unwrap(),
    }
}

#[test]
fn manifests_of_version_1() {
    let tree = manifest(&[
        ("headers/demo.h", file(false, b"int demo(void);\n")),
        ("scripts/demo", file(true, b"#!/bin/sh\necho demo\n")),
        ("site-packages/demo/__init__.py", file(false, b"")),
        (
            "site-packages/demo/data file.py",
            file(false, "x = 'é'\n".as_bytes()),
        ),
        (
            "site-packages/demo-1.0.dist-info/INSTALLER",
            file(false, b"pip\n"),
        ),
    ]);
    let links = manifest(&[
        ("bin/python3", link("python3.11")),
        ("bin/python3.11", file(true, b"\x7fELF")),
        ("lib/python3.11/link with spaces", link("../../a b c")),
        ("é", file(false, b"1")),
    ]);
    for (bytes, value, id) in [
        (vector!("manifest/v1/tree"), tree, TREE),
        (vector!("manifest/v1/links"), links, LINKS),
        (vector!("manifest/v1/empty"), manifest(&[]), EMPTY),
    ] {
        assert_eq!(Manifest::parse(bytes).unwrap(), value);
        assert_eq!(value.to_bytes(), bytes);
        assert_eq!(value.id().to_string(), id);
        assert_eq!(EntryId::of(bytes).to_string(), id);
    }
}

#[test]
fn environments_of_version_1() {
    let mounts = [
        ("data", "."),
        ("headers", "include/site/python3.11/{name}"),
        ("scripts", "bin"),
        ("site-packages", "lib/python3.11/site-packages"),
    ];
    let package = |name: &str, version: &str, id: &str, folder: Option<&str>| Package {
        name: name.to_owned(),
        version: version.to_owned(),
        entry: id.parse().unwrap(),
        folder: folder.map(str::to_owned),
    };
    let in_store = Environment {
        format: "dht-environment/1".to_owned(),
        platform: "linux-x86_64".to_owned(),
        base: Base::Entry(entry("cpython", "3.11.7", LINKS)),
        mounts: mounts
            .map(|(top, to)| (top.to_owned(), to.to_owned()))
            .into(),
        packages: vec![
            package("demo", "1.0", TREE, None),
            package("member", "0.1.0", EMPTY, Some("packages/member")),
        ],
        tools: Vec::new(),
    };
    let tool = |name: &str, packages: &[Package]| Tool {
        name: name.to_owned(),
        version: "1.0".to_owned(),
        packages: packages.to_vec(),
    };
    let with_tools = Environment {
        tools: vec![
            tool("demo", &[]),
            tool("lint", &[package("lint", "1.0", TREE, None)]),
        ],
        ..in_store.clone()
    };
    let outside = Environment {
        format: "dht-environment/1".to_owned(),
        platform: "windows-arm64".to_owned(),
        base: Base::External {
            name: "pypy".to_owned(),
            version: "3.11.13".to_owned(),
            digest: Fingerprint::of(b"\x7fELF"),
        },
        mounts: BTreeMap::new(),
        packages: Vec::new(),
        tools: Vec::new(),
    };
    for (bytes, value, fingerprint) in [
        (vector!("environment/v1/entry"), in_store, ENTRY),
        (vector!("environment/v1/external"), outside, EXTERNAL),
        (vector!("environment/v1/tools"), with_tools, TOOLS),
    ] {
        assert_eq!(Environment::parse(bytes).unwrap(), value);
        assert_eq!(value.to_bytes(), bytes);
        assert_eq!(value.fingerprint().to_string(), fingerprint);
        assert_eq!(Fingerprint::of(bytes).to_string(), fingerprint);
    }
}

#[test]
fn the_lists_of_ids_say_the_same() {
    let manifests = format!("{EMPTY}  empty\n{LINKS}  links\n{TREE}  tree\n");
    assert_eq!(vector!("manifest/v1/ids"), manifests.as_bytes());
    let environments = format!("{ENTRY}  entry\n{EXTERNAL}  external\n{TOOLS}  tools\n");
    assert_eq!(vector!("environment/v1/ids"), environments.as_bytes());
}

#[test]
fn store_json_of_version_1() {
    let bytes = vector!("store-json/v1/store.json");
    assert_eq!(StoreJson::check(bytes), Ok(Access::ReadWrite));
    assert_eq!(StoreJson::default().to_bytes(), bytes);
    // What later programs may write is understood as far as it has to be.
    assert_eq!(
        StoreJson::check(vector!("store-json/v1/read-only.json")),
        Ok(Access::ReadOnly)
    );
    assert_eq!(
        StoreJson::check(vector!("store-json/v1/unusable.json")),
        Err(Refusal::UnknownFeatures(vec!["packed".to_owned()]))
    );
    assert_eq!(
        StoreJson::check(vector!("store-json/v1/newer.json")),
        Err(Refusal::TooNew(2))
    );
}

#[test]
fn realisations_of_version_1() {
    for (bytes, value) in [
        (
            vector!("realisation/v1/entry"),
            Realised::Entry(entry("demo-pkg", "1.0", TREE)),
        ),
        (
            vector!("realisation/v1/environment"),
            Realised::Environment(ENTRY.parse().unwrap()),
        ),
        (
            vector!("realisation/v1/text"),
            Realised::Text("lock-version = \"1.0\"\n".to_owned()),
        ),
    ] {
        assert_eq!(Realised::parse(bytes).unwrap(), value);
        assert_eq!(value.to_bytes(), bytes);
    }
}

#[test]
fn roots_of_version_1() {
    let bytes = vector!("root/v1/root");
    let root = Root::new("/home/ada/demo/.venv".into(), ENTRY.parse().unwrap());
    assert_eq!(Root::parse(bytes), Some(root.clone()));
    assert_eq!(root.to_bytes().as_deref(), Some(bytes));
}

#[test]
fn times_follow_from_content() {
    // BLAKE3 of these begins with af1349b9 and 00a0cf9a.
    assert_eq!(Digest::of(b"").mtime(), 1_049_938_414);
    assert_eq!(Digest::of(b"\x7fELF").mtime(), 318_253_926);
}

/// The names of files in a store, too, are part of the format.
#[test]
fn files_have_the_names_that_the_format_gives_them() {
    let kit = Kit::new();
    let demo = kit.add("demo", &[("scripts/demo", "#!/bin/sh\necho demo\n")]);
    let exists = |path: &str| {
        let found = kit.store.path().join(path);
        assert!(found.symlink_metadata().is_ok(), "{path}");
    };
    exists(&format!("entries/{}-demo-1.0/scripts/demo", demo.entry));
    exists(&format!("manifests/{}", demo.entry));
    let hex = Digest::of(b"#!/bin/sh\necho demo\n").to_string();
    exists(&format!("objects/{}/{}x", &hex[..2], &hex[2..]));

    let fingerprint = ENTRY.parse().unwrap();
    let venv = std::path::Path::new("/home/ada/demo/.venv");
    let inside = std::path::Path::new(".dht/root");
    kit.store.set_root(venv, fingerprint, None, inside).unwrap();
    exists("roots/cab02f6b0a63bb0f31ce748e43e09046ac787ffc35b3a1758c3a30acde5453a3");
    kit.store
        .realise_environment(RealisationKind("wheel"), b"form 1\nabc", fingerprint)
        .unwrap();
    exists("realisations/wheel/2d65a5d010ff45a8f4206c3ae67ccddb3931127ca02c10102ba096e3a073eea5");
    exists("CACHEDIR.TAG");
    let store_json = std::fs::read(kit.store.path().join("store.json")).unwrap();
    assert_eq!(store_json, vector!("store-json/v1/store.json"));
}
