//! Carrying out a plan: moved away in small batches under the lock, deleted without it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::facts::{self, Survey};
use super::plan::{Facts, Marks, Presence, RootFacts, reached};
use super::{Collected, GcError, Prepared, paths, sized};
use crate::entry::environment_path;
use crate::format::realisation::Realised;
use crate::fs::{self, Dir, FileKind, FsError};
use crate::id::EntryId;
use crate::lock::OnWait;
use crate::pins;
use crate::roots::{HELD, now};
use crate::store::Store;

/// How many entries are moved while the lock is held: some milliseconds. The names of so many fit into
/// one block of the trash's folder, so that a full disk can be collected.
const BATCH: usize = 64;
/// How long damaged files are kept for people to look at, and downloads that nobody finishes: a
/// week and a day, in seconds.
const KEEP_QUARANTINE: i64 = 7 * 86_400;
const KEEP_DOWNLOADS: i64 = 86_400;
/// How long a text is kept that a program gave, such as an exported lock: ninety days, in seconds. It
/// is found again at the price of running the program.
const KEEP_TEXTS: i64 = 90 * 86_400;

/// A plan that is being carried out.
pub(super) struct Sweep<'a> {
    store: &'a Store,
    prepared: &'a Prepared,
    survey: Survey<'a>,
    on_wait: OnWait<'a>,
    trash: Dir,
    freed: u64,
    gone: Vec<EntryId>,
    done: Collected,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(
        store: &'a Store,
        prepared: &'a Prepared,
        survey: Survey<'a>,
        on_wait: OnWait<'a>,
    ) -> Result<Self, GcError> {
        Ok(Self {
            store,
            prepared,
            survey,
            on_wait,
            trash: facts::open(store, "trash")?,
            freed: 0,
            gone: Vec::new(),
            done: Collected::default(),
        })
    }

    pub(super) fn run(mut self) -> Result<Collected, GcError> {
        self.empty_trash()?;
        let entries: Vec<EntryId> = self.prepared.plan.entries.iter().copied().collect();
        self.step(&[], true)?;
        for batch in entries.chunks(BATCH) {
            self.step(batch, false)?;
        }
        self.forget_realisations()?;
        self.remove_leftovers()?;
        let objects = super::objects::sweep(self.store)?;
        self.done.objects = objects.count;
        self.done.freed = self.freed + objects.freed;
        self.done.entries = sized(&self.prepared.facts.entries, &self.gone);
        Ok(self.done)
    }

    /// Moves one batch away, of what still nobody reaches, and deletes it.
    fn step(&mut self, batch: &[EntryId], documents: bool) -> Result<(), GcError> {
        let lock = self.store.lock_alone(self.on_wait)?;
        let now = self.look_again()?;
        let marks = reached(&now.facts, &self.prepared.limits)?;
        if documents {
            self.remove_roots(&now.facts.roots)?;
            self.remove_documents(&marks)?;
            self.move_downloads(now.is_alone)?;
        }
        for (index, id) in batch.iter().enumerate() {
            if !marks.entries.contains_key(id) {
                self.move_entry(*id, index)?;
                self.gone.push(*id);
            }
        }
        drop(lock);
        self.empty_trash()
    }

    /// Reads leases first and roots after them: a command that ends in between has left its root.
    fn look_again(&self) -> Result<Now, GcError> {
        let store = self.store;
        let pinned = pins::read(store.dir(), store.path(), true)?;
        let before = &self.prepared.facts;
        let known: BTreeMap<&str, &RootFacts> = before
            .roots
            .iter()
            .map(|root| (root.name.as_str(), root))
            .collect();
        let mut facts = Facts {
            pins: pinned.digests.into_iter().collect(),
            environments: before.environments.clone(),
            entries: before
                .entries
                .keys()
                .map(|id| (*id, Default::default()))
                .collect(),
            ..Facts::default()
        };
        for named in store.named_roots()? {
            let root = match known.get(named.name.as_str()) {
                // What was kept is kept as before; only what seemed gone may have come back.
                Some(root) if root.root == named.root && root.presence != Presence::Gone => {
                    (*root).clone()
                }
                Some(root) if root.root == named.root && self.is_forgotten(root) => (*root).clone(),
                _ => facts::judge(named, self.survey),
            };
            for fingerprint in root.standing.iter().chain([&root.root.environment]) {
                if !facts.environments.contains_key(fingerprint)
                    && let Some(environment) = facts::read_environment(store, *fingerprint)?
                {
                    facts.environments.insert(*fingerprint, environment);
                }
            }
            facts.roots.push(root);
        }
        Ok(Now {
            facts,
            is_alone: pinned.processes == 0,
        })
    }

    /// Tells whether the user said that this root is gone, though its place cannot tell.
    fn is_forgotten(&self, root: &RootFacts) -> bool {
        root.presence == Presence::Gone && self.prepared.forgotten.contains(&root.root.path)
    }

    fn remove_roots(&mut self, roots: &[RootFacts]) -> Result<(), GcError> {
        let folder = facts::open(self.store, "roots")?;
        let gone: Vec<RootFacts> = roots
            .iter()
            .filter(|root| root.presence == Presence::Gone)
            .cloned()
            .collect();
        for root in &gone {
            for name in [root.name.clone(), format!("{}{HELD}", root.name)] {
                self.remove(&folder, Path::new(&name))?;
            }
        }
        self.done.roots = paths(&gone);
        Ok(())
    }

    fn remove_documents(&mut self, marks: &Marks) -> Result<(), GcError> {
        let folder = facts::open(self.store, "environments")?;
        for fingerprint in &self.prepared.plan.environments {
            if !marks.environments.contains(fingerprint) {
                let path = environment_path(*fingerprint);
                self.remove(&folder, Path::new(path.file_name().unwrap_or_default()))?;
                self.done.environments += 1;
            }
        }
        Ok(())
    }

    fn remove(&mut self, folder: &Dir, name: &Path) -> Result<(), GcError> {
        let freed = fs::reclaim_tree(folder, name);
        self.freed += freed.map_err(FsError::at("remove", self.store.path().join(name)))?;
        Ok(())
    }

    /// Moves an entry's trees into the trash, then its listings: a manifest without a tree is no entry.
    fn move_entry(&self, id: EntryId, index: usize) -> Result<(), GcError> {
        let folders = self.prepared.facts.entries.get(&id);
        let folders = folders.into_iter().flat_map(|facts| &facts.folders);
        let mut names: Vec<(&str, String)> =
            folders.map(|entry| ("entries", entry.folder())).collect();
        names.push(("manifests", id.to_string()));
        names.push(("supplements", id.to_string()));
        for (part, (folder, name)) in names.iter().enumerate() {
            let path = self.store.path().join(folder).join(name);
            self.move_away(folder, Path::new(name), &format!("{index}.{part}"))
                .map_err(FsError::at("move away", path))?;
        }
        Ok(())
    }

    fn move_away(&self, folder: &str, name: &Path, to: &str) -> io::Result<()> {
        let folder = match self.store.dir().open_dir(Path::new(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            folder => folder?,
        };
        let stat = match folder.stat(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            stat => stat?,
        };
        // A folder that changes its parent must be writable.
        if stat.kind == FileKind::Directory && stat.mode & 0o200 == 0 {
            folder.set_mode(name, 0o755)?;
        }
        folder.rename(name, &self.trash, Path::new(to))
    }

    /// Moves away what a killed command was fetching, once nobody can be using it.
    fn move_downloads(&mut self, is_alone: bool) -> Result<(), GcError> {
        let folder = facts::open(self.store, "downloads")?;
        let path = self.store.path().join("downloads");
        let names = folder.read().map_err(FsError::at("list", &path))?;
        for entry in names {
            let name = Path::new(&entry.name);
            let old = folder
                .stat(name)
                .is_ok_and(|stat| is_older(stat.changed, KEEP_DOWNLOADS));
            if is_alone || old {
                self.remove(&folder, name)?;
                self.done.leftovers += 1;
            }
        }
        Ok(())
    }

    fn empty_trash(&mut self) -> Result<(), GcError> {
        let path = self.store.path().join("trash");
        let names = self.trash.read().map_err(FsError::at("list", &path))?;
        let freed: Result<Vec<u64>, FsError> = names
            .par_iter()
            .map(|entry| {
                let name = Path::new(&entry.name);
                fs::reclaim_tree(&self.trash, name).map_err(FsError::at("remove", path.join(name)))
            })
            .collect();
        self.freed += freed?.into_iter().sum::<u64>();
        Ok(())
    }

    /// Forgets claims about what is gone. One that is forgotten too many costs its work once more.
    fn forget_realisations(&mut self) -> Result<(), GcError> {
        let store = self.store;
        let entries: BTreeSet<String> =
            store.entries()?.into_iter().map(|it| it.folder()).collect();
        let realisations = facts::open(store, "realisations")?;
        let kinds = realisations
            .read()
            .map_err(FsError::at("list", store.path().join("realisations")))?;
        for kind in kinds.iter().filter(|it| it.kind == FileKind::Directory) {
            let path: PathBuf = Path::new("realisations").join(&kind.name);
            let at = |verb| FsError::at(verb, store.path().join(&path));
            let folder = realisations.open_dir(Path::new(&kind.name));
            let folder = folder.map_err(at("open"))?;
            for entry in folder.read().map_err(at("list"))? {
                let name = Path::new(&entry.name);
                let claim = folder.read_file(name).ok();
                let holds = match claim.as_deref().and_then(Realised::parse) {
                    Some(Realised::Entry(entry)) => entries.contains(&entry.folder()),
                    Some(Realised::Environment(fingerprint)) => {
                        store.dir().stat(&environment_path(fingerprint)).is_ok()
                    }
                    Some(Realised::Text(_)) => {
                        let stat = folder.stat(name);
                        !stat.is_ok_and(|stat| is_older(stat.mtime, KEEP_TEXTS))
                    }
                    None => false,
                };
                if !holds {
                    self.remove(&folder, name)?;
                    self.done.realisations += 1;
                }
            }
        }
        Ok(())
    }

    fn remove_leftovers(&mut self) -> Result<(), GcError> {
        let folder = facts::open(self.store, "quarantine")?;
        let path = self.store.path().join("quarantine");
        for entry in folder.read().map_err(FsError::at("list", &path))? {
            let name = Path::new(&entry.name);
            let stat = folder.stat(name);
            if stat.is_ok_and(|stat| is_older(stat.changed, KEEP_QUARANTINE)) {
                self.remove(&folder, name)?;
                self.done.leftovers += 1;
            }
        }
        Ok(())
    }
}

/// What is true while the lock is held.
struct Now {
    facts: Facts,
    is_alone: bool,
}

/// A time that is still to come is no age.
fn is_older(time: i64, seconds: i64) -> bool {
    now().saturating_sub(time) > seconds
}
