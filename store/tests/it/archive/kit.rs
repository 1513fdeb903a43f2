//! A small store with an environment, and archives of it, taken apart and put together again.
//!
//! What puts archives together is written after `schemas/archive-format.md`, not with the code that
//! it tests.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Write as _};
use std::path::Path;

use dht_store::archive::{
    ArchiveError, ClaimName, ImportOptions, ImportReport, Plan, Source, Wanted,
};
use dht_store::{
    Base, EntryRef, Environment, Fingerprint, Package, RealisationKind, Store, TreePath, TreeSink,
};

use crate::kit::Kit;

pub const WHEEL: RealisationKind = RealisationKind("wheel");
pub const EXTERNAL: RealisationKind = RealisationKind("python-external");
pub const KINDS: [&str; 2] = ["wheel", "environment"];

pub struct Made {
    pub kit: Kit,
    pub fingerprint: Fingerprint,
    pub wanted: Wanted,
}

/// A Python with bytecode, two packages, and what is claimed of them.
pub fn made() -> Made {
    let kit = Kit::new();
    let python = python(&kit);
    let long = format!("site/{}é {}.py", "deep/".repeat(20), "n".repeat(90));
    let demo = kit.add(
        "demo",
        &[
            ("site/demo.py", "x = 1\n"),
            ("scripts/demo", "#!x\n"),
            ("site/empty", ""),
        ],
    );
    let other = kit.add(
        "other",
        &[(&long[..], "long\n"), ("site/other.py", "x = 1\n")],
    );
    let package = |entry: &EntryRef| Package {
        name: entry.name.clone(),
        version: entry.version.clone(),
        entry: entry.entry,
        folder: None,
    };
    let environment = Environment {
        format: "dht-environment/1".to_owned(),
        platform: "linux-x86_64".to_owned(),
        base: Base::Entry(python.clone()),
        mounts: BTreeMap::from([("site".to_owned(), "lib".to_owned())]),
        packages: vec![package(&demo), package(&other)],
        tools: Vec::new(),
    };
    let fingerprint = kit.store.put_environment(&environment).unwrap();
    kit.store.realise_entry(WHEEL, b"demo", &demo).unwrap();
    kit.store
        .realise_text(EXTERNAL, b"3.11", "/tmp/evil")
        .unwrap();
    let wanted = Wanted {
        environments: [fingerprint].into(),
        claims: [
            ClaimName::of(WHEEL, b"demo"),
            ClaimName::of(EXTERNAL, b"3.11"),
        ]
        .into(),
        supplements: [(python.clone(), label(&python))].into(),
        ..Wanted::default()
    };
    Made {
        kit,
        fingerprint,
        wanted,
    }
}

pub fn label(python: &EntryRef) -> String {
    format!("bytecode-{}", python.entry)
}

/// A Python with a symbolic link, an empty folder, and bytecode.
fn python(kit: &Kit) -> EntryRef {
    let transaction = kit.store.begin().unwrap();
    let staged = transaction.stage("cpython", "3.11.7").unwrap();
    let path = |text: &str| TreePath::new(text).unwrap();
    staged
        .file(&path("bin/python3.11"), true, b"\x7fELF")
        .unwrap();
    staged.symlink(&path("bin/python3"), "python3.11").unwrap();
    staged.directory(&path("lib/empty")).unwrap();
    staged.file(&path("lib/os.py"), false, b"pass\n").unwrap();
    let ready = staged.finish().unwrap();
    let python = ready.entry.clone();
    transaction.commit(vec![ready]).unwrap();
    let staged = transaction.stage("cpython", "3.11.7").unwrap();
    let compiled = path("lib/__pycache__/os.cpython-311.pyc");
    staged.file(&compiled, false, b"\xa7\r\r\n").unwrap();
    let derived = vec![(python.clone(), staged.finish().unwrap())];
    transaction
        .commit_supplements(&label(&python), derived)
        .unwrap();
    python
}

pub fn export(store: &Store, wanted: &Wanted) -> Vec<u8> {
    let mut out = Vec::new();
    let plan = Plan::draw(store, wanted).unwrap();
    let report = plan.write(store, &mut out, 3, &|_| {}).unwrap();
    assert_eq!(report.written, out.len() as u64);
    out
}

pub fn options<'a>() -> ImportOptions<'a> {
    ImportOptions {
        id: None,
        environment: None,
        kinds: &KINDS,
        progress: &|_| {},
    }
}

pub fn from_stream(store: &Store, archive: &[u8]) -> Result<ImportReport, ArchiveError> {
    let stream = Box::new(Cursor::new(archive.to_vec()));
    Source::Stream(stream).open()?.import(store, &options())
}

pub fn from_file(store: &Store, archive: &[u8]) -> Result<ImportReport, ArchiveError> {
    Source::File(file(archive))
        .open()?
        .import(store, &options())
}

pub fn file(archive: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(archive).unwrap();
    file
}

/// Everything in a store that somebody could see, apart from what says who is at work.
pub fn seen(store: &Store) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let path = entry.path();
            if path.ends_with("locks") || path.ends_with("leases") {
                continue;
            }
            found.push(path.display().to_string());
            if entry.file_type().unwrap().is_dir() {
                walk(&path, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(store.path(), &mut found);
    found.sort();
    found
}

/// The runs of an archive, each as its tar.
pub fn taken_apart(archive: &[u8]) -> Vec<Vec<u8>> {
    let trailer = &archive[archive.len() - 16..];
    assert_eq!(&trailer[8..], b"DHT-IDX1");
    let length = u64::from_le_bytes(trailer[..8].try_into().unwrap()) as usize;
    let index = &archive[archive.len() - length + 8..archive.len() - 16];
    let lines = std::str::from_utf8(index).unwrap().lines();
    let run = |line: &str| {
        let (offset, length) = line.split_once(' ').unwrap();
        let offset: usize = offset.parse().unwrap();
        let length: usize = length.parse().unwrap();
        zstd::decode_all(&archive[offset..offset + length]).unwrap()
    };
    lines.skip(1).map(run).collect()
}

/// Makes an archive of runs that are small enough for one frame each.
pub fn put_together(runs: &[Vec<u8>]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut index = "dht-archive-index 1\n".to_owned();
    for run in runs {
        let mut packer = zstd::bulk::Compressor::new(3).unwrap();
        packer.include_checksum(true).unwrap();
        let frame = packer.compress(run).unwrap();
        index += &format!("{} {}\n", archive.len(), frame.len());
        archive.extend(frame);
    }
    archive.extend(0x184D_2A5D_u32.to_le_bytes());
    archive.extend((index.len() as u32 + 16).to_le_bytes());
    archive.extend(index.as_bytes());
    archive.extend((index.len() as u64 + 24).to_le_bytes());
    archive.extend(b"DHT-IDX1");
    archive
}
