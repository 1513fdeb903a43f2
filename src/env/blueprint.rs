//! What shall stand in an environment's folder, read from the store: manifests, and the files that
//! are made for this very place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use dht_store::{
    Base, Environment, Generated, GeneratedKind, Layer, Manifest, Package, Store, StoreError, Tool,
};
use rayon::prelude::*;

use super::editable::{self, EditableError, Note};
use super::{isolated, local_archive, shadow};
use crate::model::platform::{ParsePlatformError, Platform};
use crate::model::python::{Implementation, ParsePythonVersionError, PythonRequest, PythonVersion};
use crate::model::target::Target;
use crate::python::venv::{self, VenvError, VenvFileKind, VenvSpec};

/// Everything that decides the content of an environment's folder.
#[derive(Debug)]
pub struct Blueprint {
    /// The document.
    pub environment: Environment,
    /// What it is for.
    pub target: Target,
    packages: Vec<PackageTree>,
    generated: Vec<Generated>,
    notes: Vec<Note>,
    overlaid: BTreeSet<String>,
    /// The isolated tool of each file that is made for one.
    of_tools: BTreeMap<String, String>,
    /// The package of each file that is made for one.
    of_packages: BTreeMap<String, String>,
}

#[derive(Debug)]
struct PackageTree {
    package: Package,
    /// The isolated tool that it belongs to.
    tool: Option<String>,
    source: PathBuf,
    manifest: Manifest,
    bytecode: Option<Manifest>,
    mounts: Vec<(String, String)>,
}

/// Where an environment stands and how it is made.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The folder of the project, absolute.
    pub project: &'a Path,
    /// The environment's folder, absolute.
    pub environment: &'a Path,
    /// The interpreter that the environment is based on, absolute.
    pub interpreter: &'a Path,
    /// Whether bytecode from the store belongs to it.
    pub bytecode: bool,
    /// What shells show while it is active.
    pub prompt: &'a str,
}

/// Why a blueprint cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum BlueprintError {
    /// The store lacks something, or it is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The document names an unknown platform.
    #[error(transparent)]
    Platform(#[from] ParsePlatformError),
    /// The document names no exact version.
    #[error(transparent)]
    Version(#[from] ParsePythonVersionError),
    /// The document names another implementation.
    #[error("the environment document names the unknown implementation `{0}`")]
    Implementation(String),
    /// The environment's own files cannot be rendered.
    #[error(transparent)]
    Venv(#[from] VenvError),
    /// An editable package cannot be rendered.
    #[error(transparent)]
    Editable(#[from] EditableError),
}

/// Returns the label of the bytecode that `base` makes.
pub fn bytecode_label(base: &Base) -> String {
    let digest = match base {
        Base::Entry(entry) => entry.entry.to_string(),
        Base::External { digest, .. } => digest.to_string(),
    };
    format!("bytecode-{digest}")
}

/// Returns what a document was made for.
pub fn target_of(environment: &Environment) -> Result<Target, BlueprintError> {
    let (name, version) = match &environment.base {
        Base::Entry(entry) => (&entry.name, &entry.version),
        Base::External { name, version, .. } => (name, version),
    };
    let implementation = match name.as_str() {
        "cpython" => Implementation::CPython,
        "pypy" => Implementation::PyPy,
        other => return Err(BlueprintError::Implementation(other.to_owned())),
    };
    let version = PythonVersion::from_str(version)?;
    Ok(Target {
        platform: Platform::from_str(&environment.platform)?,
        python: PythonRequest {
            implementation,
            version,
        },
    })
}

impl Blueprint {
    /// Reads everything that `environment` needs from the store.
    pub fn draw(
        store: &Store,
        environment: Environment,
        place: Place<'_>,
    ) -> Result<Self, BlueprintError> {
        let target = target_of(&environment)?;
        let label = place.bytecode.then(|| bytecode_label(&environment.base));
        let wanted: Vec<(Option<&str>, &Package)> = environment.all_packages().collect();
        let trees: Vec<PackageTree> = wanted
            .into_par_iter()
            .map(|package| read_package(store, &environment, package, label.as_deref()))
            .collect::<Result<_, _>>()?;
        let mut generated = venv_files(&target, place)?;
        let mut of_tools = BTreeMap::new();
        for tree in &trees {
            if let Some(tool) = tree.tool.as_ref().filter(|it| **it == tree.package.name) {
                let files = isolated::files(tool, &tree.manifest, &target, place)?;
                of_tools.extend(files.iter().map(|it| (it.path.to_string(), tool.clone())));
                generated.extend(files);
            }
        }
        let mut packages = Vec::with_capacity(trees.len());
        let mut notes = Vec::new();
        let mut overlaid = BTreeSet::new();
        let mut of_packages = BTreeMap::new();
        for tree in trees {
            let Some(folder) = &tree.package.folder else {
                packages.push(tree);
                continue;
            };
            let site = editable::Site {
                project: place.project,
                folder,
                environment: place.environment,
                layout: target.platform.layout(),
            };
            let mounts = &environment.mounts;
            let name = tree.package.name.clone();
            let rendered = match local_archive::record_path(&tree.manifest) {
                None => editable::render(&tree.source, &tree.manifest, mounts, &site)?,
                Some(record) => {
                    let rendered = local_archive::render(&tree.source, record, mounts, &site)?;
                    let paths = rendered.files.iter().map(|file| file.path.to_string());
                    overlaid.extend(paths);
                    packages.push(tree);
                    rendered
                }
            };
            let paths = rendered.files.iter().map(|file| file.path.to_string());
            of_packages.extend(paths.map(|path| (path, name.clone())));
            generated.extend(rendered.files);
            notes.extend(rendered.note);
        }
        Ok(Self {
            environment,
            target,
            packages,
            generated,
            notes,
            overlaid,
            of_tools,
            of_packages,
        })
    }

    /// Returns the layers, in the order in which they win.
    pub fn layers(&self) -> Vec<Layer<'_>> {
        self.packages
            .iter()
            .map(|tree| Layer {
                name: &tree.package.name,
                source: tree.source.clone(),
                nodes: std::iter::once(&tree.manifest)
                    .chain(&tree.bytecode)
                    .map(Manifest::nodes)
                    .collect(),
                mounts: tree
                    .mounts
                    .iter()
                    .map(|(top, to)| (top.as_str(), to.clone()))
                    .collect(),
            })
            .collect()
    }

    /// Returns the package or isolated tool that the file at `path` is made for; `None` of those that are
    /// made for the environment as a whole.
    pub fn made_for(&self, path: &str) -> Option<&str> {
        let made = self.of_packages.get(path).or(self.of_tools.get(path));
        made.map(String::as_str)
    }

    /// Returns the files that are made for this place.
    pub fn generated(&self) -> &[Generated] {
        &self.generated
    }

    /// Returns the files that are written last, and change without being drift.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Returns the modules that packages have and `library`, the standard one, too, each with its package.
    pub fn shadows(&self, library: &BTreeSet<String>) -> Vec<(String, String)> {
        let of = |tree: &PackageTree| {
            let found = shadow::package_modules(&tree.manifest);
            let shared: Vec<_> = found.intersection(library).cloned().collect();
            let name = tree.package.name.clone();
            shared.into_iter().map(move |module| (name.clone(), module))
        };
        let own = self.packages.iter().filter(|tree| tree.tool.is_none());
        own.flat_map(of).collect()
    }

    /// Tells whether a file of a package is replaced on purpose.
    pub fn is_overlaid(&self, path: &str) -> bool {
        self.overlaid.contains(path)
    }

    /// Returns the package of a layer.
    pub fn package(&self, layer: u32) -> &Package {
        &self.packages[layer as usize].package
    }

    /// Returns the isolated tool that a layer belongs to.
    pub fn tool(&self, layer: u32) -> Option<&str> {
        self.packages[layer as usize].tool.as_deref()
    }

    /// Returns the isolated tool that a path belongs to: one of its folder, or a wrapper.
    pub fn tool_at(&self, path: &str) -> Option<&str> {
        let inside = |tool: &&Tool| {
            tool.is_isolated()
                && path
                    .strip_prefix(&isolated::folder(&tool.name))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let made = self.of_tools.get(path).map(String::as_str);
        made.or_else(|| {
            let mut tools = self.environment.tools.iter();
            tools.find(inside).map(|tool| tool.name.as_str())
        })
    }

    /// Returns the folders whose files are never symbolic links: programs look beside themselves.
    pub fn real_folders(&self) -> Vec<String> {
        let programs = venv::programs(self.target.platform.layout());
        let isolated = self
            .environment
            .tools
            .iter()
            .filter(|tool| tool.is_isolated());
        std::iter::once(programs.to_owned())
            .chain(isolated.map(|tool| format!("{}/{programs}", isolated::folder(&tool.name))))
            .collect()
    }
}

/// Tells whether an entry is a template of a package that refers to a folder: it is written anew for
/// each place, and its own files never stand in an environment.
pub fn is_template(package: &Package, manifest: &Manifest) -> bool {
    package.folder.is_some() && local_archive::record_path(manifest).is_none()
}

fn read_package(
    store: &Store,
    environment: &Environment,
    (tool, package): (Option<&str>, &Package),
    label: Option<&str>,
) -> Result<PackageTree, StoreError> {
    let manifest = store.manifest(package.entry)?;
    let bytecode = match label {
        Some(label) if !is_template(package, &manifest) => {
            store.supplement(package.entry, label)?
        }
        _ => None,
    };
    let mounts = environment
        .mounts
        .iter()
        .map(|(top, to)| {
            let to = to.replace("{name}", &package.name);
            let to = if to == "." { String::new() } else { to };
            (top.clone(), isolated::inside(tool, to))
        })
        .collect();
    let source = store.entry_path(&package.entry_ref());
    Ok(PackageTree {
        package: package.clone(),
        tool: tool.map(str::to_owned),
        source,
        manifest,
        bytecode,
        mounts,
    })
}

/// Renders the files that make a folder a virtual environment.
pub(super) fn venv_files(target: &Target, place: Place<'_>) -> Result<Vec<Generated>, VenvError> {
    let spec = VenvSpec {
        python: target.python.clone(),
        platform: target.platform,
        interpreter: place.interpreter.to_owned(),
        prompt: place.prompt.to_owned(),
    };
    let generated = |file: venv::VenvFile| {
        let kind = match file.kind {
            VenvFileKind::Content(content) => GeneratedKind::File {
                executable: file.executable,
                content,
            },
            VenvFileKind::LinkTo(target) => GeneratedKind::Link(target),
            VenvFileKind::CopyOf(sources) => GeneratedKind::CopyOf(
                sources
                    .into_iter()
                    .find(|source| source.is_file())
                    .unwrap_or_default(),
            ),
        };
        Generated {
            path: file.path,
            kind,
        }
    };
    Ok(venv::render(&spec)?.into_iter().map(generated).collect())
}
