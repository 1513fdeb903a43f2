//! A Python from an image: the `Dockerfile`, the image, and `dhtl` in it.
//!
//! The environment that comes out runs in that image only: its interpreter is there. The store is
//! mounted, so that what was fetched is found again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use dht_store::fs::{FsError, read_plain};

use super::env_vars::{self, EnvVarsError};
use super::spec::PythonWish;
use crate::env::context::Context;
use crate::model::config::Config;
use crate::model::image;
use crate::model::pyproject;
use crate::tools::docker::{ContainerRun, Engine, PROGRAMS};
use crate::tools::runner::RunError;

/// Why no container served.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The Python is not named exactly, so that no image is.
    #[error("an image has one exact Python, and the project asks for {0}")]
    Inexact(String),
    /// No program answers.
    #[error("no container can be run: {}; `{file}` is written", tried.join("; "))]
    NoEngine {
        /// What was found of each program.
        tried: Vec<String>,
        /// The file that describes the image.
        file: String,
        /// What builds the image, and what runs dhtl in it.
        commands: [String; 2],
    },
    /// This machine's `dhtl` does not run in a container.
    #[error("this dhtl does not run in a container of Linux; `{file}` is written")]
    Foreign {
        /// The file that describes the image.
        file: String,
        /// What builds the image.
        command: String,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] EnvVarsError),
    /// The image could not be built, or the container not be started.
    #[error("could not use the image of `{file}`")]
    Run {
        /// The file.
        file: String,
        /// What was told.
        #[source]
        source: RunError,
    },
}

/// Writes the file that describes the image of a project and returns its path. It is `Dockerfile`, or
/// where the project has one of its own, `Dockerfile.dhtl`; one that is right already is left alone.
pub fn write(
    folder: &Path,
    config: &Config,
    wish: &PythonWish,
) -> Result<(PathBuf, String), ContainerError> {
    let PythonWish::Exact(python) = wish else {
        return Err(ContainerError::Inexact(wish.to_string()));
    };
    let text = image::dockerfile(python, &config.platform_deps);
    for name in [image::FILE, image::BESIDE] {
        let path = folder.join(name);
        let stands = match read_plain(&path, pyproject::MAX_BYTES) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(FsError::at("read", &path)(error).into()),
        };
        match stands {
            Some(stands) if stands == text => return Ok((path, text)),
            Some(stands) if !image::is_ours(&stands) && name == image::FILE => {}
            // Whoever changed the second one means it.
            Some(stands) if !image::is_ours(&stands) => return Ok((path, stands)),
            _ => {
                env_vars::write_plain(&path, &text, 0o644)?;
                return Ok((path, text));
            }
        }
    }
    Ok((folder.join(image::BESIDE), text))
}

/// Builds the image and gives the terminal to `dhtl` in it, which sees the project and the store where
/// they are here; `arguments` are those of that `dhtl`, `program` this one. Returns its exit code.
pub fn run(
    context: &Context<'_>,
    (file, text): (&Path, &str),
    program: &Path,
    arguments: &[OsString],
) -> Result<i32, ContainerError> {
    let name = file.file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let tag = image::tag(text);
    let build = |engine: &str| format!("{engine} build --tag {tag} - < {name}");
    if !cfg!(target_os = "linux") {
        return Err(ContainerError::Foreign {
            file: name.clone(),
            command: build(PROGRAMS[0]),
        });
    }
    let store = context.store.path().to_owned();
    let run = ContainerRun {
        image: &tag,
        mounts: &[(context.project.to_owned(), true), (store.clone(), true)],
        program,
        folder: context.project,
        variables: &[("DHT_STORE", store.into()), ("HOME", "/tmp".into())],
        arguments,
    };
    let engine = match Engine::find(&context.machine.path, context.project, context.cancel) {
        Ok(engine) => engine,
        Err(tried) => {
            return Err(ContainerError::NoEngine {
                tried,
                file: name.clone(),
                commands: [build(PROGRAMS[0]), run.shown(PROGRAMS[0])],
            });
        }
    };
    let told = |source| ContainerError::Run {
        file: name.clone(),
        source,
    };
    engine.build(file, &tag, context.cancel).map_err(told)?;
    engine.hand_over(&run).map_err(told)
}
