//! Why a package or a file is in an environment: who needs it, where it comes from, and whether it
//! is as it must be.

use std::path::{Component, Path, PathBuf};

use dht_store::union::Origin;
use dht_store::{Digest, EntryId, Environment, GeneratedKind, NodeKind, StoreError, Union};
use schemars::JsonSchema;
use serde::Serialize;
use uv_normalize::PackageName;

use super::checksum;
use super::discover;
use super::regenerate::VENV;
use super::spec::Spec;
use crate::env::assemble::{Standing, standing};
use crate::env::base;
use crate::env::blueprint::{Blueprint, BlueprintError, Place, target_of};
use crate::env::context::Context;
use crate::env::state::State;
use crate::model::config::checksum::Checksum;
use crate::model::dependents::Graph;
use crate::model::tool_lock::LockedTool;

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum WhyError {
    /// There is no environment to look into.
    #[error("there is no environment of dhtl's at `{}`", .0.display())]
    NoEnvironment(PathBuf),
    /// The name is neither a package nor a file.
    #[error("`{0}` is neither a package of the environment or the lock nor a file of `.venv`")]
    Unknown(String),
    /// What should stand could not be told.
    #[error(transparent)]
    Blueprint(#[from] BlueprintError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Of a package.
    Package(PackageWhy),
    /// Of a file.
    File(FileWhy),
}

/// Why a package is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PackageWhy {
    /// Its name.
    pub name: String,
    /// Its version in the environment; nothing where it is not installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its entry in the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<EntryId>,
    /// The folder of the project that it refers to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// How many files it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<usize>,
    /// Whether the locks say who needs whom.
    pub known: bool,
    /// The ways that lead to it, from the project on; the shortest over each package that needs it.
    pub ways: Vec<Vec<String>>,
}

/// Where a file comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileWhy {
    /// Its path in the environment.
    pub path: String,
    /// The package that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageWhy>,
    /// Whether it is made for this very environment.
    pub generated: bool,
    /// Its path in the package's entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The BLAKE3 that its content must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Checksum>,
    /// Its size, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Other packages that have another file at this path, which does not stand there.
    pub losers: Vec<String>,
    /// Packages that have a folder at this path.
    pub owners: Vec<String>,
    /// Whether it is as it must be.
    pub state: FileState,
}

/// Whether a file is as it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// Its content is what it must be.
    Intact,
    /// Its content is another.
    Modified,
    /// It is gone.
    Missing,
    /// Nothing of the environment has this path.
    Added,
    /// It is a folder.
    Folder,
}

/// Tells why `target`, a package or a path in the folder `from` or in `.venv`, is there.
pub fn why(context: &Context<'_>, spec: &Spec, from: &Path, target: &str) -> Result<Why, WhyError> {
    let venv = spec.root.folder.join(VENV);
    let standing = match standing(&venv) {
        Standing::Ours(state) => context
            .store
            .environment(state.fingerprint)?
            .map(|environment| (state, environment)),
        _ => None,
    };
    let graph = graph(spec);
    let environment = standing.as_ref().map(|(_, environment)| environment);
    let path = path_in(&venv, from, target);
    let is_path = target.contains(['/', '\\']) || (path.is_some() && from.join(target).exists());
    if !is_path
        && let Ok(name) = target.parse::<PackageName>()
        && let Some(package) = package(context, environment, &graph, name.as_ref())?
    {
        return Ok(Why::Package(package));
    }
    let path = path.ok_or_else(|| WhyError::Unknown(target.to_owned()))?;
    let (state, environment) = standing.ok_or_else(|| match is_path {
        true => WhyError::NoEnvironment(venv.clone()),
        false => WhyError::Unknown(target.to_owned()),
    })?;
    let program = base::program_of(context, &environment.base, &target_of(&environment)?);
    let place = Place {
        project: &spec.root.folder,
        environment: &venv,
        interpreter: &program,
        bytecode: state.bytecode,
        prompt: &state.prompt,
    };
    let blueprint = Blueprint::draw(context.store, environment, place)?;
    file(context, (&blueprint, &state), &graph, &venv, &path)
        .and_then(|found| found.ok_or_else(|| WhyError::Unknown(target.to_owned())))
        .map(Why::File)
}

fn graph(spec: &Spec) -> Graph {
    let pyproject = spec.root.folder.join(discover::PYPROJECT);
    let pyproject = discover::read_pyproject_text(&pyproject).unwrap_or_default();
    let mut graph = Graph::default();
    for lock in &spec.locks {
        let text = checksum::own_text(lock);
        graph.merge(Graph::of(checksum::form(lock), text, &pyproject));
    }
    for tool in spec.tools.wanted.keys() {
        let locked = spec.tools.lock.tools.get(tool);
        let packages = locked.map(LockedTool::versions).unwrap_or_default();
        graph.add_tool(tool.as_ref(), packages.into_iter().map(|(name, _)| name));
    }
    graph
}

/// Returns the path in the environment that `target` means, with slashes.
fn path_in(venv: &Path, from: &Path, target: &str) -> Option<String> {
    let named = from.join(target);
    let inside = named.strip_prefix(venv).map(Path::to_owned);
    let relative = inside.unwrap_or_else(|_| PathBuf::from(target));
    if relative.is_absolute() {
        return None;
    }
    let mut steps = Vec::new();
    for step in relative.components() {
        match step {
            Component::Normal(step) => steps.push(step.to_str()?.to_owned()),
            Component::CurDir => {}
            _ => return None,
        }
    }
    // Said from the project's folder or from elsewhere: `.venv/lib/…`.
    if steps.first().is_some_and(|first| first == VENV) {
        steps.remove(0);
    }
    (!steps.is_empty()).then(|| steps.join("/"))
}

fn package(
    context: &Context<'_>,
    environment: Option<&Environment>,
    graph: &Graph,
    name: &str,
) -> Result<Option<PackageWhy>, StoreError> {
    let mut packages = environment.into_iter().flat_map(Environment::all_packages);
    let installed = packages.find(|(_, it)| it.name == name);
    let installed = installed.map(|(_, package)| package);
    let ways = graph.ways(name);
    if installed.is_none() && ways.is_empty() {
        return Ok(None);
    }
    let files = match installed {
        Some(installed) => {
            let manifest = context.store.manifest(installed.entry)?;
            let nodes = manifest.nodes().iter();
            Some(nodes.filter(|it| it.kind != NodeKind::Directory).count())
        }
        None => None,
    };
    Ok(Some(PackageWhy {
        name: name.to_owned(),
        version: installed.map(|it| it.version.clone()),
        entry: installed.map(|it| it.entry),
        folder: installed.and_then(|it| it.folder.clone()),
        files,
        known: !graph.is_empty(),
        ways,
    }))
}

fn file(
    context: &Context<'_>,
    (blueprint, _): (&Blueprint, &State),
    graph: &Graph,
    venv: &Path,
    path: &str,
) -> Result<Option<FileWhy>, WhyError> {
    let layers = blueprint.layers();
    let union = Union::new(&layers, blueprint.generated());
    let environment = Some(&blueprint.environment);
    let of = |name: &str| package(context, environment, graph, name);
    let standing = venv.join(path);
    let conflicts = union.conflicts.iter().filter(|it| it.path == path);
    let losers = conflicts.map(|it| blueprint.package(it.loser).name.clone());
    let mut found = FileWhy {
        path: path.to_owned(),
        package: None,
        generated: false,
        source: None,
        digest: None,
        size: None,
        losers: losers.collect(),
        owners: Vec::new(),
        state: FileState::Added,
    };
    match union.tree.find_leaf(path).map(|leaf| leaf.origin) {
        Some(Origin::Layer(layer, node)) => {
            let package = blueprint.package(layer);
            found.package = of(&package.name)?.map(|known| PackageWhy {
                version: Some(package.version.clone()),
                entry: Some(package.entry),
                ..known
            });
            found.source = Some(node.path.to_string());
            if let NodeKind::File { size, digest, .. } = node.kind {
                found.digest = Some(Checksum::Blake3(*digest.as_bytes()));
                found.size = Some(size);
            }
            found.state = state_of(&standing, &node.kind);
        }
        Some(Origin::Generated(generated)) => {
            found.generated = true;
            found.package = match blueprint.made_for(path) {
                Some(name) => of(name)?,
                None => None,
            };
            if let GeneratedKind::File { content, .. } = &generated.kind {
                found.digest = Some(Checksum::Blake3(*Digest::of(content).as_bytes()));
                found.size = Some(content.len() as u64);
            }
            found.state = generated_state(&standing, &generated.kind);
        }
        None => {
            if let Some(folder) = union.tree.find_folder(path) {
                let sources = &union.tree.folders[folder as usize].sources;
                let owners = sources
                    .iter()
                    .map(|(it, _)| blueprint.package(*it).name.clone());
                found.owners = owners.collect();
                found.owners.dedup();
                found.state = FileState::Folder;
            } else if std::fs::symlink_metadata(&standing).is_err() {
                return Ok(None);
            }
        }
    }
    Ok(Some(found))
}

fn state_of(path: &Path, kind: &NodeKind) -> FileState {
    match kind {
        NodeKind::Directory => FileState::Folder,
        NodeKind::Symlink { .. } if std::fs::symlink_metadata(path).is_ok() => FileState::Intact,
        NodeKind::Symlink { .. } => FileState::Missing,
        NodeKind::File { digest, .. } => match std::fs::File::open(path) {
            Err(_) => FileState::Missing,
            Ok(mut file) => match Digest::of_reader(&mut file) {
                Ok((found, _)) if found == *digest => FileState::Intact,
                _ => FileState::Modified,
            },
        },
    }
}

fn generated_state(path: &Path, kind: &GeneratedKind) -> FileState {
    let exists = std::fs::symlink_metadata(path).is_ok();
    let right = match kind {
        GeneratedKind::File { content, .. } => std::fs::read(path).is_ok_and(|it| it == *content),
        GeneratedKind::Link(target) => std::fs::read_link(path).is_ok_and(|it| it == *target),
        GeneratedKind::CopyOf(source) => {
            let read = |path: &Path| std::fs::read(path).ok();
            read(path).is_some_and(|found| Some(found) == read(source))
        }
    };
    match (exists, right) {
        (false, _) => FileState::Missing,
        (true, true) => FileState::Intact,
        (true, false) => FileState::Modified,
    }
}
