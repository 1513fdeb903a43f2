//! The interpreter that an environment is based on: a build in the store, or the system's own.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use dht_store::{Base, EntryRef, RealisationKind, StoreError, TreeSink};

use super::context::Context;
use crate::model::platform::{Layout, Platform};
use crate::model::python::{Implementation, PythonRequest, PythonVersion};
use crate::model::target::Target;
use crate::python::build::{IngestError, pyenv};

/// Builds of Python, by version and platform.
const PYTHON: RealisationKind = RealisationKind("python");

/// An interpreter that environments can be based on.
#[derive(Debug, Clone)]
pub struct Interpreter {
    /// How the environment's document names it.
    pub base: Base,
    /// The program, absolute.
    pub program: PathBuf,
    /// Where it came from, for the report; `None` when the store had it.
    pub origin: Option<String>,
}

/// Why no interpreter could be provided.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// A build could not be brought into the store.
    #[error("could not bring the build of {python} from `{}` into the store", origin.display())]
    Ingest {
        /// What was asked for.
        python: PythonRequest,
        /// Where the build is.
        origin: PathBuf,
        /// What went wrong.
        source: IngestError,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing that was tried has it.
    #[error("found no {python} for {platform}; tried: {}", tried.join("; "))]
    Nothing {
        /// What was asked for.
        python: PythonRequest,
        /// For which platform.
        platform: Platform,
        /// Each thing that was tried, and why it did not serve.
        tried: Vec<String>,
    },
}

/// Returns the interpreter for `python` on `platform`, if the store remembers one.
pub fn remembered(
    context: &Context<'_>,
    python: &PythonRequest,
    platform: Platform,
) -> Option<Interpreter> {
    let entry = context
        .store
        .realised_entry(PYTHON, &input(python, platform))?;
    Some(in_store(context, python, platform, entry, None))
}

/// Returns the program of a base.
pub fn program_of(context: &Context<'_>, base: &Base, target: &Target) -> PathBuf {
    match base {
        Base::Entry(entry) => {
            in_store(
                context,
                &target.python,
                target.platform,
                entry.clone(),
                None,
            )
            .program
        }
        Base::External { .. } => remembered(context, &target.python, target.platform)
            .map(|interpreter| interpreter.program)
            .unwrap_or_default(),
    }
}

fn input(python: &PythonRequest, platform: Platform) -> Vec<u8> {
    format!("form 1\n{python}\n{platform}").into_bytes()
}

/// Provides the interpreter for `python` on `platform`.
pub fn provide(
    context: &Context<'_>,
    python: &PythonRequest,
    platform: Platform,
) -> Result<Interpreter, BaseError> {
    match remembered(context, python, platform) {
        Some(interpreter) => Ok(interpreter),
        None => provide_again(context, python, platform),
    }
}

/// Brings the interpreter into the store, whether or not the store remembers one: a damaged build
/// is replaced.
pub fn provide_again(
    context: &Context<'_>,
    python: &PythonRequest,
    platform: Platform,
) -> Result<Interpreter, BaseError> {
    let input = input(python, platform);
    let mut tried = Vec::new();
    let home = context.machine.home.as_deref();
    match pyenv::folder(python, context.machine.pyenv_root.clone(), home) {
        Some(folder) if folder.is_dir() && Platform::host() == Some(platform) => {
            let entry = ingest(context, python, &folder, &|sink| {
                pyenv::ingest(&folder, python, sink)
            })?;
            context.store.realise_entry(PYTHON, &input, &entry)?;
            let origin = format!("pyenv, {}", folder.display());
            return Ok(in_store(context, python, platform, entry, Some(origin)));
        }
        Some(folder) => tried.push(format!("pyenv: `{}` is not there", folder.display())),
        None => tried.push("pyenv: no root folder".to_owned()),
    }
    Err(BaseError::Nothing {
        python: python.clone(),
        platform,
        tried,
    })
}

type Fill<'a> =
    &'a dyn Fn(&dyn TreeSink) -> Result<crate::python::build::IngestedBuild, IngestError>;

fn ingest(
    context: &Context<'_>,
    python: &PythonRequest,
    origin: &Path,
    fill: Fill<'_>,
) -> Result<EntryRef, BaseError> {
    let transaction = context.store.begin()?;
    let staged = transaction.stage(
        &python.implementation.to_string(),
        &python.version.to_string(),
    )?;
    fill(&staged).map_err(|source| BaseError::Ingest {
        python: python.clone(),
        origin: origin.to_owned(),
        source,
    })?;
    let ready = staged.finish()?;
    let entry = ready.entry.clone();
    transaction.commit(vec![ready])?;
    Ok(entry)
}

/// Returns the interpreter in an entry of the store.
pub fn in_store(
    context: &Context<'_>,
    python: &PythonRequest,
    platform: Platform,
    entry: EntryRef,
    origin: Option<String>,
) -> Interpreter {
    let program = match platform.layout() {
        Layout::Posix => format!("bin/{}", python.lib_name()),
        Layout::Windows => "python.exe".to_owned(),
    };
    let program = context.store.entry_path(&entry).join(program);
    Interpreter {
        base: Base::Entry(entry),
        program,
        origin,
    }
}

/// Lists the versions that can be had without the network: what the store has, and pyenv.
pub fn known(context: &Context<'_>) -> Vec<PythonRequest> {
    let mut known = Vec::new();
    let add = |name: &str, version: &str, known: &mut Vec<PythonRequest>| {
        let implementation = match name {
            "cpython" => Implementation::CPython,
            "pypy" => Implementation::PyPy,
            _ => return,
        };
        if let Ok(version) = PythonVersion::from_str(version) {
            known.push(PythonRequest {
                implementation,
                version,
            });
        }
    };
    for entry in context.store.entries().unwrap_or_default() {
        add(&entry.name, &entry.version, &mut known);
    }
    let root = context.machine.pyenv_root.clone().map(PathBuf::from);
    let home = context
        .machine
        .home
        .as_ref()
        .map(|home| home.join(".pyenv"));
    if let Some(versions) = root.or(home).map(|root| root.join("versions"))
        && let Ok(folders) = std::fs::read_dir(versions)
    {
        for folder in folders.flatten() {
            add("cpython", &folder.file_name().to_string_lossy(), &mut known);
        }
    }
    known.sort_by(|left, right| left.version.cmp(&right.version));
    known.dedup();
    known
}
