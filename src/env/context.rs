//! What every step of the pipeline works with.

use std::ffi::OsString;
use std::path::PathBuf;

use dht_store::Store;

use super::fetch::Fetcher;
use crate::model::progress::Progress;
use crate::model::tool_lock::Pins;
use crate::python::build::Strategy;
use crate::tools::runner::Cancel;

/// The machine that the program runs on, as far as the pipeline asks for it.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// Where programs are looked up.
    pub path: OsString,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// Where pyenv keeps its versions, if the user says so.
    pub pyenv_root: Option<OsString>,
    /// `UV_PYTHON_DOWNLOADS_JSON_URL`.
    pub python_downloads: Option<String>,
    /// `UV_PYTHON_INSTALL_MIRROR`.
    pub python_mirror: Option<String>,
    /// `UV_PYPY_INSTALL_MIRROR`.
    pub pypy_mirror: Option<String>,
    /// `CFLAGS`.
    pub c_flags: Option<String>,
    /// `CXXFLAGS`.
    pub cxx_flags: Option<String>,
    /// Folders outside of the project that a lock may name, absolute.
    pub allowed_folders: Vec<PathBuf>,
    /// Whether another build of Python may serve where the pinned one cannot be reached.
    pub any_python: bool,
    /// Origins that a lock may name although they are not secure.
    pub allowed_origins: Vec<String>,
}

/// The store, the ways to the outside, and who listens.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Where inputs and results are kept.
    pub store: &'a Store,
    /// How archives come here.
    pub fetcher: &'a Fetcher,
    /// Whether nothing may be fetched.
    pub offline: bool,
    /// Who hears how far the work has come.
    pub progress: &'a dyn Progress,
    /// Stops programs that were started.
    pub cancel: &'a Cancel,
    /// The machine.
    pub machine: &'a Machine,
    /// The only source of Pythons that counts; any, in their order, when `None`.
    pub python_strategy: Option<Strategy>,
    /// Where the project pins its Python and uv.
    pub pins: &'a Pins,
    /// The project's folder: nothing in it is ever run by its name alone.
    pub project: &'a std::path::Path,
}
