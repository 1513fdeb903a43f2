//! Locking the tools of a project: what `dhtl freeze-tools` and `dhtl setup` write to
//! `.dht/tools.lock`.
//!
//! The law: the same project and the same file before give the same bytes; a tool that is locked stays
//! as it is while its version, its Python and the project's versions of what it shares stay. Nothing in
//! the project is changed here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dht_store::fs::{self, Dir, FsError};
use dht_store::{Digest, RealisationKind};
use uv_normalize::PackageName;
use uv_pep440::Version;

use super::env_vars::{EnvVarsError, write_plain};
use super::pep751;
use super::resolve::{self, ResolveError};
use super::spec::Spec;
use super::tools::{self, ToolError, Tools};
use crate::env::base::{self, Interpreter};
use crate::env::builds;
use crate::env::context::Context;
use crate::env::uv::{UvSetupError, provide_uv, uv_pins};
use crate::model::placement::PlacementError;
use crate::model::platform::Platform;
use crate::model::pylock::Pylock;
use crate::model::pyproject;
use crate::model::python::PythonRequest;
use crate::model::tool_lock::{LockedTool, Pins, PythonPins, TOOL_LOCK, ToolLock};
use crate::tools::git::Git;
use crate::tools::uv::{ToolRequest, UvError};

/// Locks of tools, by everything that decides them: so that a run after a shell emptied the file
/// gives what the run before gave.
const TOOL: RealisationKind = RealisationKind("tool-lock");

/// Why the tools cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// The project's own lock cannot be read.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// uv could not be had.
    #[error(transparent)]
    UvSetup(#[from] UvSetupError),
    /// uv failed.
    #[error("cannot lock the tool `{name}`")]
    Uv {
        /// The tool.
        name: PackageName,
        /// Why.
        #[source]
        source: UvError,
    },
    /// There is no such version, or what it needs contradicts itself.
    #[error(
        "cannot lock the tool `{name}` {version}: no versions of what it needs agree for {python}"
    )]
    NoSolution {
        /// The tool.
        name: PackageName,
        /// Its version.
        version: Version,
        /// The Python.
        python: String,
    },
    /// A folder for the work could not be made.
    #[error("cannot make a folder to lock the tools in")]
    Work(#[source] std::io::Error),
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] EnvVarsError),
    /// What uv wrote is refused, or the project's lock has another version.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

/// What was locked.
#[derive(Debug, Clone, Default)]
pub struct Frozen {
    /// The lock.
    pub lock: ToolLock,
    /// The tools that were locked now, not before.
    pub locked: Vec<PackageName>,
    /// What a user should know.
    pub warnings: Vec<String>,
}

/// How tools are locked.
#[derive(Debug, Clone, Copy, Default)]
pub struct FreezeOptions {
    /// Locks everything anew, with the newest versions that there are.
    pub upgrade: bool,
}

/// Locks the tools that `spec` asks for.
///
/// # Errors
///
/// When one of them cannot be locked.
pub fn freeze(
    context: &Context<'_>,
    spec: &Spec,
    platform: Platform,
    options: FreezeOptions,
) -> Result<Frozen, FreezeError> {
    let mut frozen = Frozen::default();
    let former = former(context, spec);
    let python = resolve::choose_python(context, &spec.python, platform)?;
    frozen.lock.pins = pins(
        context,
        &python,
        &former.pins,
        options,
        &mut frozen.warnings,
    );
    if spec.tools.wanted.is_empty() {
        return Ok(frozen);
    }
    let interpreter = base::provide(context, &python, platform).map_err(ResolveError::from)?;
    let whole = pep751::whole(context, spec, &interpreter)?;
    let work = Freezing {
        context,
        spec,
        python,
        interpreter,
        theirs: Theirs::of(&whole.lock),
        options,
    };
    for (name, version) in &spec.tools.wanted {
        work.theirs.check(name, version)?;
        let kept = former.tools.get(name).filter(|it| work.stays(it, version));
        let tool = match kept {
            Some(kept) => kept.clone(),
            None => {
                frozen.locked.push(name.clone());
                work.lock(name, version)?
            }
        };
        frozen.lock.tools.insert(name.clone(), tool);
    }
    Ok(frozen)
}

/// Writes the lock into the project in `folder`, in one step.
///
/// # Errors
///
/// When it cannot be written, or something else than a plain file stands there.
pub fn write(folder: &Path, text: &str) -> Result<(), FreezeError> {
    let path = folder.join(TOOL_LOCK);
    let parent = Path::new(TOOL_LOCK).parent().unwrap_or(Path::new("."));
    Dir::open(folder)
        .and_then(|dir| fs::create_dirs(&dir, parent))
        .map_err(FsError::at("make", folder.join(parent)))
        .map_err(EnvVarsError::from)?;
    Ok(write_plain(&path, text, 0o644)?)
}

/// Returns what was locked before: what the file says; where a shell emptied it, what was committed.
fn former(context: &Context<'_>, spec: &Spec) -> ToolLock {
    let Tools { lock, .. } = &spec.tools;
    let folder = &spec.root.folder;
    let is_emptied = std::fs::metadata(folder.join(TOOL_LOCK)).is_ok_and(|it| it.len() == 0);
    if !is_emptied {
        return lock.clone();
    }
    let git = Git::locate(&context.machine.path, context.project);
    let bytes = git.and_then(|git| git.content(folder, "HEAD", TOOL_LOCK, context.cancel).ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.and_then(|text| ToolLock::parse(&text).ok())
        .unwrap_or_default()
}

/// Returns what pins Python and uv: what is pinned already, or what is found.
fn pins(
    context: &Context<'_>,
    python: &PythonRequest,
    former: &Pins,
    options: FreezeOptions,
    warnings: &mut Vec<String>,
) -> Pins {
    let kept = |pins: &&PythonPins| pins.python == *python && !options.upgrade;
    let pinned = match former.python.as_ref().filter(kept) {
        Some(kept) => Some(kept.clone()),
        None if context.offline => None,
        None => builds::python_pins(context, python)
            .map_err(|why| warnings.push(format!("the builds of {python} are not pinned: {why}")))
            .ok(),
    };
    let uv = former.uv.clone().filter(|_| !options.upgrade);
    Pins {
        python: pinned,
        uv: Some(uv.unwrap_or_else(uv_pins)),
    }
}

/// The versions of the project's own lock.
struct Theirs {
    versions: BTreeMap<PackageName, BTreeSet<Version>>,
    constraints: String,
}

impl Theirs {
    fn of(lock: &Pylock) -> Self {
        let mut versions: BTreeMap<PackageName, BTreeSet<Version>> = BTreeMap::new();
        for package in &lock.packages {
            let versions = versions.entry(package.name.clone()).or_default();
            versions.extend(package.version.clone());
        }
        // A package that is locked in several versions, by marker, constrains nothing.
        let constraints = versions
            .iter()
            .filter(|(_, versions)| versions.len() == 1)
            .filter_map(|(name, versions)| Some(format!("{name}=={}\n", versions.first()?)))
            .collect();
        Self {
            versions,
            constraints,
        }
    }

    /// Checks that the project's lock does not have the tool in another version.
    fn check(&self, name: &PackageName, wanted: &Version) -> Result<(), ToolError> {
        let Some(versions) = self.versions.get(name) else {
            return Ok(());
        };
        if versions.contains(wanted) {
            return Ok(());
        }
        let locked: Vec<String> = versions.iter().map(ToString::to_string).collect();
        Err(ToolError::Place(PlacementError::OtherVersion {
            name: name.clone(),
            wanted: Box::new(wanted.clone()),
            locked: match locked.as_slice() {
                [] => "it from a folder".to_owned(),
                _ => locked.join(", "),
            },
        }))
    }

    /// Tells whether nothing that a tool needs is there in another version.
    fn agrees(&self, tool: &LockedTool) -> bool {
        tool.versions().into_iter().all(|(name, version)| {
            let theirs = name
                .parse()
                .ok()
                .and_then(|name: PackageName| self.versions.get(&name));
            let same = |theirs: &BTreeSet<Version>| {
                theirs.is_empty()
                    || version
                        .parse()
                        .is_ok_and(|version| theirs.contains(&version))
            };
            theirs.is_none_or(same)
        })
    }
}

struct Freezing<'a> {
    context: &'a Context<'a>,
    spec: &'a Spec,
    python: PythonRequest,
    interpreter: Interpreter,
    theirs: Theirs,
    options: FreezeOptions,
}

impl Freezing<'_> {
    /// Tells whether a tool that is locked stays as it is.
    fn stays(&self, locked: &LockedTool, version: &Version) -> bool {
        let python = self.python.version.to_string().parse::<Version>();
        let fits = python.is_ok_and(|python| {
            let requires = locked.requires_python();
            requires.is_none_or(|requires| requires.contains(&python))
        });
        !self.options.upgrade
            && locked.version == *version
            && fits
            && (locked.alone || self.theirs.agrees(locked))
    }

    /// Locks a tool with the project's versions; where they do not allow it, without them.
    fn lock(&self, name: &PackageName, version: &Version) -> Result<LockedTool, FreezeError> {
        for (alone, constraints) in [(false, self.theirs.constraints.as_str()), (true, "")] {
            let Some(text) = self.compiled(name, version, constraints)? else {
                continue;
            };
            let tool =
                LockedTool::from_pylock(version.clone(), alone, &text).map_err(ToolError::from)?;
            let policy = pep751::policy(self.context, self.spec);
            tools::lock_of(&self.spec.root.folder, name, &tool, &policy)?;
            return Ok(tool);
        }
        Err(FreezeError::NoSolution {
            name: name.clone(),
            version: version.clone(),
            python: self.python.to_string(),
        })
    }

    fn compiled(
        &self,
        name: &PackageName,
        version: &Version,
        constraints: &str,
    ) -> Result<Option<String>, FreezeError> {
        let PythonRequest {
            version: python, ..
        } = &self.python;
        let python_version = format!("{}.{}", python.major, python.minor);
        let requirement = format!("{name}=={version}");
        let settings = self.settings();
        let input = format!("form 1\n{requirement}\n{python_version}\n{settings}\n{constraints}");
        let store = self.context.store;
        if !self.options.upgrade
            && let Some(text) = store.realised_text(TOOL, input.as_bytes())
        {
            // Nothing at all: no versions agree.
            return Ok(Some(text).filter(|text| !text.is_empty()));
        }
        let transaction = store.begin().map_err(ResolveError::from)?;
        let work = tempfile::tempdir_in(transaction.path()).map_err(FreezeError::Work)?;
        let request = ToolRequest {
            project: &self.spec.root.folder,
            python: &self.interpreter.program,
            python_version: &python_version,
            requirement: &requirement,
            constraints,
            work: work.path(),
        };
        let uv = provide_uv(self.context)?;
        let found = uv.lock_tool(&request, self.context.cancel);
        let found = found.map_err(|source| FreezeError::Uv {
            name: name.clone(),
            source,
        })?;
        // A version that is not there today may be published tomorrow.
        if found.is_some() || !constraints.is_empty() {
            let text = found.as_deref().unwrap_or_default();
            store
                .realise_text(TOOL, input.as_bytes(), text)
                .map_err(ResolveError::from)?;
        }
        Ok(found)
    }

    /// Returns the hash of the file that holds the settings by which uv looks for packages.
    fn settings(&self) -> Digest {
        let file = self.spec.root.pyproject.as_deref();
        let text = file.and_then(|file| fs::read_plain(file, pyproject::MAX_BYTES).ok());
        Digest::of(&text.unwrap_or_default())
    }
}
