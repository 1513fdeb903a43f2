//! The interpreter that an environment is based on: a build in the store, or the system's own.
//!
//! Tried in this order, once; the store remembers what served: uv's build, which is the same on
//! every machine; pyenv's build; the system's interpreter, which stays outside of the store and is
//! known by the digest of its executable.

use std::path::PathBuf;

use dht_store::archive::ClaimName;
use dht_store::{Base, EntryRef, Fingerprint, RealisationKind, StoreError, TreeSink};

use super::blueprint::bytecode_label;
use super::builds::{chain, find_archive, pinned_archives};
use super::bytecode::{self, DeriveError};
use super::context::Context;
use super::fetch::{FetchError, Origin};
use super::watch::FetchWatch;
use crate::model::platform::{Layout, Platform};
use crate::model::progress::Stage;
use crate::model::python::PythonRequest;
use crate::model::selection::{Archive, Sha256};
use crate::model::target::Target;
use crate::model::tool_lock::{PinnedFile, Pins, TOOL_LOCK};
use crate::python::build::{
    Attempt, IngestError, IngestedBuild, Known, NoPython, Step, Strategy, ingest_archive, plan,
    pyenv, system,
};

/// Builds of Python, by version and platform.
pub const PYTHON: RealisationKind = RealisationKind("python");
/// Interpreters outside of the store, by version and platform.
const EXTERNAL: RealisationKind = RealisationKind("python-external");
/// Which source gave a Python, by version and platform.
pub const SERVED: RealisationKind = RealisationKind("python-served");
/// The form in which builds are kept; another number makes all realisations void.
const FORM: u32 = 3;

/// An interpreter that environments can be based on.
#[derive(Debug, Clone)]
pub struct Interpreter {
    /// How the environment's document names it.
    pub base: Base,
    /// The program, absolute.
    pub program: PathBuf,
    /// Where it came from, for the report; `None` when the store had it.
    pub origin: Option<String>,
    /// Which source served, now or when the store got it; `None` where that was not noted.
    pub served: Option<Strategy>,
}

/// Why no interpreter could be provided.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// A build could not be brought into the store.
    #[error("could not bring the build of {python} from `{origin}` into the store")]
    Ingest {
        /// What was asked for.
        python: Box<PythonRequest>,
        /// Where the build is.
        origin: String,
        /// What went wrong.
        source: IngestError,
    },
    /// The bytes of a build are not those of its hash.
    #[error(transparent)]
    Integrity(FetchError),
    /// Its standard library could not be compiled.
    #[error("could not compile the standard library of {python}")]
    Bytecode {
        /// What was asked for.
        python: Box<PythonRequest>,
        /// What went wrong.
        source: DeriveError,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing that was tried has it.
    #[error(transparent)]
    Nothing(Box<NoPython>),
    /// The build that the project pins cannot be had, and no other one may serve.
    #[error("cannot have the build of Python that `{TOOL_LOCK}` pins")]
    Pinned(#[source] Box<NoPython>),
}

/// Returns the build that the project pins, unless another source of Pythons is asked for.
fn pin_of<'a>(
    context: &Context<'a>,
    python: &PythonRequest,
    platform: Platform,
) -> Option<&'a PinnedFile> {
    match context.python_strategy {
        None | Some(Strategy::Uv) => context.pins.build(python, platform),
        Some(Strategy::Pyenv | Strategy::System) => None,
    }
}

/// Tells whether an interpreter is another one than the project pins.
pub fn is_unpinned(context: &Context<'_>, interpreter: &Interpreter, target: &Target) -> bool {
    let Target { python, platform } = target;
    let pin = context.pins.build(python, *platform);
    pin.is_some_and(|pin| {
        let input = pinned_input(python, *platform, pin.sha256);
        let pinned = context.store.realised_entry(PYTHON, &input);
        pinned.map(Base::Entry).as_ref() != Some(&interpreter.base)
    })
}

/// Returns the interpreter for `python` on `platform`, if the store remembers one.
pub fn remembered(
    context: &Context<'_>,
    python: &PythonRequest,
    platform: Platform,
) -> Option<Interpreter> {
    let input = input(context, python, platform);
    let served = context.store.realised_text(SERVED, &input);
    let served = Strategy::ALL
        .into_iter()
        .find(|strategy| served.as_deref() == Some(strategy.word()));
    let interpreter = match context.store.realised_entry(PYTHON, &input) {
        Some(entry) => in_store(context, python, platform, entry),
        None => match context.store.realised_text(EXTERNAL, &input) {
            Some(program) => external(python, program.into())?,
            None => return remembered_other(context, python, platform),
        },
    };
    Some(Interpreter {
        served,
        ..interpreter
    })
}

/// Returns another build than the pinned one, where that is agreed to.
fn remembered_other(
    context: &Context<'_>,
    python: &PythonRequest,
    platform: Platform,
) -> Option<Interpreter> {
    pin_of(context, python, platform).filter(|_| context.machine.any_python)?;
    let pins = &Pins::default();
    remembered(&Context { pins, ..*context }, python, platform)
}

/// Names the claims about which build in the store is this Python, and where it came from.
pub fn claims(context: &Context<'_>, python: &PythonRequest, platform: Platform) -> [ClaimName; 2] {
    let input = input(context, python, platform);
    [PYTHON, SERVED].map(|kind| ClaimName::of(kind, &input))
}

/// Returns an interpreter outside of the store, known by its digest.
fn external(python: &PythonRequest, program: PathBuf) -> Option<Interpreter> {
    let mut file = std::fs::File::open(&program).ok()?;
    let (digest, _) = dht_store::Digest::of_reader(&mut file).ok()?;
    let base = Base::External {
        name: python.implementation.to_string(),
        version: python.version.to_string(),
        digest: Fingerprint(digest),
    };
    Some(Interpreter {
        base,
        program,
        origin: None,
        served: None,
    })
}

/// Returns the program of a base.
pub fn program_of(context: &Context<'_>, base: &Base, target: &Target) -> PathBuf {
    let Target { python, platform } = target;
    if let Base::Entry(entry) = base {
        return in_store(context, python, *platform, entry.clone()).program;
    }
    // The same Python may have been asked of one source alone.
    let wanted = std::iter::once(None).chain(Strategy::ALL.map(Some));
    let mut known = wanted.filter_map(|python_strategy| {
        let context = Context {
            python_strategy,
            pins: &Pins::default(),
            ..*context
        };
        remembered(&context, python, *platform)
    });
    let found = known.find(|interpreter| interpreter.base == *base);
    found
        .map(|interpreter| interpreter.program)
        .unwrap_or_default()
}

/// Returns what the store remembers a Python by. What one project pins does not change the Python of
/// others.
fn input(context: &Context<'_>, python: &PythonRequest, platform: Platform) -> Vec<u8> {
    if let Some(pin) = pin_of(context, python, platform) {
        return pinned_input(python, platform, pin.sha256);
    }
    let alone = context
        .python_strategy
        .map(|strategy| format!("\n{} alone", strategy.word()));
    let alone = alone.unwrap_or_default();
    format!("form {FORM}\n{python}\n{platform}{alone}").into_bytes()
}

/// The input of the realisation of one very build.
fn pinned_input(python: &PythonRequest, platform: Platform, sha256: Sha256) -> Vec<u8> {
    format!("form {FORM}\n{python}\n{platform}\nsha256 {sha256}").into_bytes()
}

/// Provides the interpreter for `python` on `platform`: the build that the project pins, if it pins one.
pub fn provide(
    context: &Context<'_>,
    python: &PythonRequest,
    platform: Platform,
) -> Result<Interpreter, BaseError> {
    match remembered(context, python, platform) {
        Some(interpreter) => {
            compile_library(context, python, platform, &interpreter)?;
            Ok(interpreter)
        }
        None => provide_again(context, python, platform),
    }
}

/// Compiles the standard library of a build in the store, once, before anyone runs it: programs run
/// from the store itself, where Python must find nothing to write.
fn compile_library(
    context: &Context<'_>,
    python: &PythonRequest,
    platform: Platform,
    interpreter: &Interpreter,
) -> Result<(), BaseError> {
    let Base::Entry(entry) = &interpreter.base else {
        return Ok(());
    };
    let label = bytecode_label(&interpreter.base);
    if Platform::host() != Some(platform) || context.store.has_supplement(entry.entry, &label) {
        return Ok(());
    }
    let Interpreter { base, program, .. } = interpreter;
    bytecode::derive(context, base, program, python, std::slice::from_ref(entry))
        .map(drop)
        .map_err(|source| BaseError::Bytecode {
            python: Box::new(python.clone()),
            source,
        })
}

/// Brings the interpreter into the store, whether or not the store remembers one: a damaged build
/// is replaced.
pub fn provide_again(
    context: &Context<'_>,
    python: &PythonRequest,
    platform: Platform,
) -> Result<Interpreter, BaseError> {
    if let Some(pin) = pin_of(context, python, platform) {
        return provide_pinned(context, python, platform, pin);
    }
    let home = context.machine.home.as_deref();
    let wanted = context.python_strategy;
    let archive = match wanted {
        None | Some(Strategy::Uv) => find_archive(context, python, platform),
        Some(Strategy::Pyenv | Strategy::System) => Err("another source is wanted".to_owned()),
    };
    let known = Known {
        archive,
        pyenv: pyenv::folder(python, context.machine.pyenv_root.clone(), home)
            .filter(|folder| folder.is_dir()),
        host: Platform::host(),
    };
    let plan = plan(platform, known, wanted);
    let mut tried = plan.ruled_out;
    for step in plan.steps {
        let strategy = step.strategy();
        match take(context, python, platform, step)? {
            Ok(interpreter) => {
                return served_by(context, (python, platform), interpreter, strategy);
            }
            Err(attempts) => tried.extend(attempts),
        }
    }
    let request = python.clone();
    Err(BaseError::Nothing(Box::new(NoPython {
        request,
        platform,
        tried,
    })))
}

/// Notes which source served.
fn served_by(
    context: &Context<'_>,
    (python, platform): (&PythonRequest, Platform),
    interpreter: Interpreter,
    strategy: Strategy,
) -> Result<Interpreter, BaseError> {
    let input = input(context, python, platform);
    context
        .store
        .realise_text(SERVED, &input, strategy.word())?;
    let interpreter = Interpreter {
        served: Some(strategy),
        ..interpreter
    };
    compile_library(context, python, platform, &interpreter)?;
    Ok(interpreter)
}

/// Brings the pinned build into the store; where it cannot be had, another one if that is agreed to.
fn provide_pinned(
    context: &Context<'_>,
    python: &PythonRequest,
    platform: Platform,
    pin: &PinnedFile,
) -> Result<Interpreter, BaseError> {
    let mut tried = Vec::new();
    match pinned_archives(context, python, platform, pin) {
        Ok(archives) => {
            for archive in archives {
                match take(context, python, platform, Step::Fetch(archive))? {
                    Ok(found) => {
                        return served_by(context, (python, platform), found, Strategy::Uv);
                    }
                    Err(attempts) => tried.extend(attempts),
                }
            }
        }
        Err(why) => tried.push(Attempt {
            strategy: Strategy::Uv,
            what: pin.url.to_string(),
            why,
        }),
    }
    if context.machine.any_python {
        let pins = &Pins::default();
        return provide(&Context { pins, ..*context }, python, platform);
    }
    Err(BaseError::Pinned(Box::new(NoPython {
        request: python.clone(),
        platform,
        tried,
    })))
}

type Taken = Result<Result<Interpreter, Vec<Attempt>>, BaseError>;

fn take(context: &Context<'_>, python: &PythonRequest, platform: Platform, step: Step) -> Taken {
    let input = input(context, python, platform);
    let keep = |origin: String, sha256: Option<Sha256>, fill: Fill<'_>| -> Taken {
        let entry = ingest(context, python, &origin, fill)?;
        context.store.realise_entry(PYTHON, &input, &entry)?;
        if let Some(sha256) = sha256 {
            // A project may pin this very build later.
            let pinned = pinned_input(python, platform, sha256);
            context.store.realise_entry(PYTHON, &pinned, &entry)?;
        }
        Ok(Ok(Interpreter {
            origin: Some(origin),
            ..in_store(context, python, platform, entry)
        }))
    };
    match step {
        Step::Fetch(archive) => {
            let what = archive.location.to_string();
            let sha256 = archive.sha256;
            let path = match fetch(context, archive) {
                Ok(path) => path,
                Err(error) if error.is_integrity() => return Err(BaseError::Integrity(error)),
                Err(error) => {
                    return Ok(Err(vec![Attempt {
                        strategy: Strategy::Uv,
                        what,
                        why: chain(&error),
                    }]));
                }
            };
            let kept = keep(what, sha256, &|sink| ingest_archive(&path.0, python, sink));
            if path.1 && kept.is_ok() {
                // A download that stays costs space only.
                let _ = std::fs::remove_file(&path.0);
            }
            kept
        }
        Step::Pyenv(folder) => keep(format!("pyenv, {}", folder.display()), None, &|sink| {
            pyenv::ingest(&folder, python, sink)
        }),
        Step::System => {
            let path = &context.machine.path;
            let found = system::find(python, platform, path, &[context.project], context.cancel);
            Ok(found.and_then(|found| {
                let program = found.executable;
                let text = program.to_str().map(str::to_owned);
                let remembered =
                    text.map(|text| context.store.realise_text(EXTERNAL, &input, &text));
                let missing = |why: &str| {
                    vec![Attempt {
                        strategy: Strategy::System,
                        what: program.display().to_string(),
                        why: why.to_owned(),
                    }]
                };
                match remembered {
                    Some(Ok(())) => {}
                    _ => return Err(missing("the store cannot remember its path")),
                }
                external(python, program.clone()).ok_or_else(|| missing("it cannot be read"))
            }))
        }
    }
}

/// Fetches a build; true when the file is a download.
fn fetch(context: &Context<'_>, archive: Archive) -> Result<(PathBuf, bool), FetchError> {
    context
        .progress
        .begin(Stage::Fetch, archive.size.unwrap_or(0));
    let fetched = context
        .fetcher
        .fetch(&archive, &FetchWatch::new(context.progress));
    context.progress.finish(Stage::Fetch);
    fetched.map(|file| (file.path, file.origin != Origin::Local))
}

type Fill<'a> = &'a dyn Fn(&dyn TreeSink) -> Result<IngestedBuild, IngestError>;

fn ingest(
    context: &Context<'_>,
    python: &PythonRequest,
    origin: &str,
    fill: Fill<'_>,
) -> Result<EntryRef, BaseError> {
    let transaction = context.store.begin()?;
    let staged = transaction.stage(
        &python.implementation.to_string(),
        &python.version.to_string(),
    )?;
    fill(&staged).map_err(|source| BaseError::Ingest {
        python: Box::new(python.clone()),
        origin: origin.to_owned(),
        source,
    })?;
    let ready = staged.finish()?;
    let entry = ready.entry.clone();
    transaction.commit(vec![ready])?;
    Ok(entry)
}

/// Returns the interpreter in an entry of the store.
fn in_store(
    context: &Context<'_>,
    python: &PythonRequest,
    platform: Platform,
    entry: EntryRef,
) -> Interpreter {
    let program = match platform.layout() {
        Layout::Posix => format!("bin/{}", python.lib_name()),
        Layout::Windows => "python.exe".to_owned(),
    };
    let program = context.store.entry_path(&entry).join(program);
    Interpreter {
        base: Base::Entry(entry),
        program,
        origin: None,
        served: None,
    }
}
