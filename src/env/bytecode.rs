//! Bytecode for entries: compiled once for each entry and Python, kept in the store, linked.
//!
//! It is derived, not part of an entry's identity: see [`dht_store::supplement`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dht_store::{
    Base, EntryRef, Manifest, NodeKind, StoreError, TreePath, TreePathError, TreeSink,
};
use rayon::prelude::*;

use super::blueprint::bytecode_label;
use super::context::Context;
use crate::model::progress::Stage;
use crate::model::python::PythonRequest;
use crate::python::bytecode::{self, BytecodeError, CompileJob};

/// Why bytecode could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DeriveError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The compiler failed.
    #[error(transparent)]
    Compile(#[from] BytecodeError),
    /// A source has a name for which there is no bytecode.
    #[error(transparent)]
    Path(#[from] TreePathError),
    /// A compiled file could not be read back.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// Makes the bytecode that is missing for `entries`, and returns how many modules were compiled.
pub fn derive(
    context: &Context<'_>,
    base: &Base,
    interpreter: &Path,
    python: &PythonRequest,
    entries: &[EntryRef],
) -> Result<usize, DeriveError> {
    let label = bytecode_label(base);
    let missing: Vec<(EntryRef, Manifest)> = entries
        .par_iter()
        .filter(|entry| !context.store.has_supplement(entry.entry, &label))
        // To those of a store below ours nothing is added.
        .filter(|entry| context.store.owns(entry))
        .map(|entry| Ok((entry.clone(), context.store.manifest(entry.entry)?)))
        .collect::<Result<_, StoreError>>()?;
    if missing.is_empty() {
        return Ok(0);
    }
    let transaction = context.store.begin()?;
    let scratch = transaction.path().join("bytecode");
    let mut jobs = Vec::new();
    let mut places: BTreeMap<PathBuf, (usize, TreePath)> = BTreeMap::new();
    let tag = bytecode::cache_tag(python);
    for (index, (entry, manifest)) in missing.iter().enumerate() {
        let root = context.store.entry_path(entry);
        for node in manifest.nodes() {
            let is_source = matches!(node.kind, NodeKind::File { .. });
            let Some(path) = is_source
                .then(|| cache_path(manifest, &node.path, &tag))
                .flatten()
            else {
                continue;
            };
            let output = scratch.join(index.to_string()).join(path.as_str());
            places.insert(output.clone(), (index, path));
            let source = root.join(node.path.as_str());
            jobs.push(CompileJob {
                source,
                label: node.path.clone(),
                output,
            });
        }
    }
    context.progress.begin(Stage::Compile, jobs.len() as u64);
    let report = bytecode::compile(
        interpreter,
        python,
        &jobs,
        &transaction.path(),
        context.cancel,
    )?;
    context.progress.finish(Stage::Compile);
    let ready = stage(&transaction, &missing, &places)?;
    transaction.commit_supplements(&label, ready)?;
    Ok(report.compiled)
}

/// Returns where the bytecode of a source belongs; `None` for what is no importable source, or where
/// the package ships a `__pycache__` of its own.
fn cache_path(manifest: &Manifest, source: &TreePath, tag: &str) -> Option<TreePath> {
    let top = source.components().next()?;
    if matches!(top, "scripts" | "headers" | "data" | "bin") {
        return None;
    }
    let path = bytecode::cache_path(source, tag)?;
    manifest.get(path.parent()?).is_none().then_some(path)
}

type Staged = Vec<(EntryRef, dht_store::ReadyEntry)>;

fn stage(
    transaction: &dht_store::Transaction<'_>,
    entries: &[(EntryRef, Manifest)],
    places: &BTreeMap<PathBuf, (usize, TreePath)>,
) -> Result<Staged, DeriveError> {
    let staged: Vec<_> = entries
        .iter()
        .map(|(entry, _)| transaction.stage(&entry.name, &entry.version))
        .collect::<Result<_, _>>()?;
    places.par_iter().try_for_each(|(output, (index, path))| {
        let content = match std::fs::read(output) {
            Ok(content) => content,
            // Sources that are not valid in this Python have no bytecode.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(source) => {
                return Err(DeriveError::Read {
                    path: output.clone(),
                    source,
                });
            }
        };
        staged[*index]
            .file(path, false, &content)
            .map_err(StoreError::from)?;
        Ok(())
    })?;
    entries
        .iter()
        .zip(staged)
        .map(|((entry, _), staged)| Ok((entry.clone(), staged.finish()?)))
        .collect()
}
