//! A store in a folder of its own, and a short way to make entries in it.

use std::path::{Path, PathBuf};

use dht_store::fs::Dir;
use dht_store::{
    Checkout, CheckoutReport, Comparer, Depth, Difference, DifferenceKind, EntryRef, Layer,
    LinkMode, Manifest, Store, TreePath, TreeSink, Union,
};

pub struct Kit {
    pub folder: tempfile::TempDir,
    pub store: Store,
}

impl Kit {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        Self { folder, store }
    }

    /// In memory, where the system has a folder for that: for tests that make thousands of changes.
    pub fn in_memory() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm");
        let folder = folder.or_else(|_| tempfile::tempdir()).unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        Self { folder, store }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn add(&self, name: &str, files: &[(&str, &str)]) -> EntryRef {
        let transaction = self.store.begin().unwrap();
        let staged = transaction.stage(name, "1.0").unwrap();
        for (path, content) in files {
            let executable = path.starts_with("scripts/");
            staged
                .file(
                    &TreePath::new(path).unwrap(),
                    executable,
                    content.as_bytes(),
                )
                .unwrap();
        }
        let ready = staged.finish().unwrap();
        let entry = ready.entry.clone();
        transaction.commit(vec![ready]).unwrap();
        entry
    }

    pub fn manifests(&self, entries: &[EntryRef]) -> Vec<Manifest> {
        entries
            .iter()
            .map(|entry| self.store.manifest(entry.entry).unwrap())
            .collect()
    }

    pub fn layers<'a>(&self, entries: &'a [EntryRef], manifests: &'a [Manifest]) -> Vec<Layer<'a>> {
        entries
            .iter()
            .zip(manifests)
            .map(|(entry, manifest)| Layer {
                name: &entry.name,
                source: self.store.entry_path(entry),
                nodes: vec![manifest.nodes()],
                mounts: vec![("site", "lib/site".into()), ("scripts", "bin".into())],
            })
            .collect()
    }

    pub fn assemble(&self, entries: &[EntryRef], target: &Path, mode: LinkMode) -> CheckoutReport {
        let manifests = self.manifests(entries);
        let layers = self.layers(entries, &manifests);
        let union = Union::new(&layers, &[]);
        let checkout = Checkout::new(&layers, &union.tree, mode, &["bin"]);
        std::fs::create_dir_all(target).unwrap();
        checkout
            .fill(0, &Dir::open(target).unwrap(), target)
            .unwrap();
        checkout.finish()
    }

    pub fn compare(
        &self,
        entries: &[EntryRef],
        target: &Path,
        mode: LinkMode,
        depth: Depth,
    ) -> Vec<(String, DifferenceKind)> {
        let manifests = self.manifests(entries);
        let layers = self.layers(entries, &manifests);
        let union = Union::new(&layers, &[]);
        let checkout = Checkout::new(&layers, &union.tree, mode, &["bin"]);
        let comparer = Comparer::new(&checkout, &union.tree, depth, &[]);
        let found = comparer.run(&Dir::open(target).unwrap()).unwrap();
        found.differences.into_iter().map(shown).collect()
    }
}

pub fn shown(difference: Difference) -> (String, DifferenceKind) {
    (
        difference.path.to_str().unwrap().to_owned(),
        difference.kind,
    )
}

pub const MODES: [LinkMode; 5] = [
    LinkMode::Auto,
    LinkMode::Hardlink,
    LinkMode::Symlink,
    LinkMode::Clone,
    LinkMode::Copy,
];
