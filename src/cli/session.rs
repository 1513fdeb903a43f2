//! What a command works with: made once from the options and the environment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dht_store::Store;

use super::failure::{Failure, Kind};
use super::globals::Globals;
use super::vars;
use super::{interrupt, limits};
use crate::env::context::{Context, Machine};
use crate::env::fetch::{FetchSettings, Fetcher};
use crate::model::platform::Platform;
use crate::model::progress::Progress;
use crate::model::pyproject::Pyproject;
use crate::model::tool_lock::Pins;
use crate::project::discover::{self, ProjectRoot};
use crate::project::tools;
use crate::tools::runner::Cancel;
use crate::ui::Ui;

/// The store, the ways to the outside, and the way to the user.
pub struct Session {
    /// The way to the user.
    pub ui: Ui,
    /// The options.
    pub globals: Globals,
    /// The folder that the command works in, absolute.
    pub folder: PathBuf,
    progress: Arc<dyn Progress>,
    cancel: Cancel,
    machine: Machine,
}

/// A session with an open store.
pub struct Open<'a> {
    session: &'a Session,
    /// The store.
    pub store: Store,
    fetcher: Fetcher,
    pins: Pins,
    project: PathBuf,
}

impl Session {
    /// Reads the options and the environment.
    pub fn new(globals: &Globals, ui: Ui) -> Result<Self, Failure> {
        let current = std::env::current_dir()
            .map_err(|source| dht_store::fs::FsError {
                verb: "find the folder",
                path: PathBuf::from("."),
                source,
            })
            .map_err(|error| Failure::from_machine(Kind::Work, error))
            .map_err(|failure| {
                failure.hint("the current folder is gone: change to one that exists")
            })?;
        let folder = match &globals.directory {
            Some(directory) => current.join(directory),
            None => current,
        };
        let folder = std::fs::canonicalize(&folder).map_err(|source| {
            let verb = "open the folder";
            Failure::from_machine(
                Kind::Usage,
                dht_store::fs::FsError {
                    verb,
                    path: folder,
                    source,
                },
            )
        })?;
        let text = |name: &str| vars::read(name).and_then(|value| value.into_string().ok());
        let home = vars::read(vars::HOME).or_else(|| vars::read(vars::USERPROFILE));
        let machine = Machine {
            path: vars::read(vars::PATH).unwrap_or_default(),
            home: home.map(PathBuf::from),
            pyenv_root: vars::read(vars::PYENV_ROOT),
            python_downloads: text(vars::UV_PYTHON_DOWNLOADS_JSON_URL),
            python_mirror: text(vars::UV_PYTHON_INSTALL_MIRROR),
            pypy_mirror: text(vars::UV_PYPY_INSTALL_MIRROR),
            c_flags: text(vars::CFLAGS),
            cxx_flags: text(vars::CXXFLAGS),
            allowed_folders: globals
                .allowed_folders
                .iter()
                .map(|allowed| folder.join(allowed))
                .collect(),
            any_python: globals.any_python,
            allowed_origins: globals.allowed_origins.clone(),
        };
        let progress = ui.progress();
        let cancel = Cancel::default();
        interrupt::listen(cancel.clone());
        Ok(Self {
            ui,
            globals: globals.clone(),
            folder,
            progress,
            cancel,
            machine,
        })
    }

    /// Returns where the store is.
    pub fn store_path(&self) -> Result<PathBuf, Failure> {
        if let Some(store) = &self.globals.store {
            return Ok(self.folder.join(store));
        }
        if let Some(home) = &self.globals.home {
            return Ok(self.folder.join(home).join("store"));
        }
        let home = self.machine.home.as_ref().filter(|home| home.is_absolute());
        home.map(|home| home.join(".dht").join("store"))
            .ok_or_else(|| {
                Failure::new(
                    Kind::Work,
                    "cannot tell where the store is: there is no home folder",
                )
                .hint("set `DHT_HOME` to a folder for dhtl's files, or `HOME`")
            })
    }

    /// Opens the stores that are read where ours lacks something. One that cannot be opened is told of,
    /// and does without: everything in it can be had in another way.
    fn stores_below(&self) -> Vec<Store> {
        let paths = vars::read(vars::DHT_STORE_PATHS).unwrap_or_default();
        let paths: Vec<PathBuf> = std::env::split_paths(&paths)
            .filter(|path| !path.as_os_str().is_empty())
            .collect();
        let mut stores = Vec::new();
        for path in paths {
            match Store::open_to_read(&self.folder.join(&path)) {
                Ok(store) => stores.push(store),
                Err(error) => self.ui.warning(format!(
                    "the store `{}` of DHT_STORE_PATHS is left out: {}",
                    path.display(),
                    crate::ui::chain::causes(&error)
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(": ")
                )),
            }
        }
        stores
    }

    /// Opens the store for work on the project in `project`.
    pub fn open(&self, project: &Path) -> Result<Open<'_>, Failure> {
        limits::raise();
        let path = self.store_path()?;
        if path.exists() && !path.is_dir() {
            let told = format!("the store `{}` is not a folder", path.display());
            return Err(Failure::new(Kind::Usage, told)
                .hint("name a folder, new or that of a store, with `--store` or `DHT_STORE`"));
        }
        let store = Store::open(&path)?.over(self.stores_below());
        store.enter()?;
        let mut settings = FetchSettings::from_environment(&vars::read)
            .map_err(|error| Failure::new(Kind::Usage, error))?;
        settings.offline |= self.globals.offline;
        for (name, url) in indexes(project) {
            if let Ok(url) = url.parse() {
                settings.add_named_index(&name, &url, &vars::read);
            }
        }
        let downloads = store.path().join("downloads");
        Ok(Open {
            session: self,
            fetcher: Fetcher::new(settings, downloads),
            store,
            // A file that is wrong is told of when the project is read.
            pins: tools::read_lock(project).unwrap_or_default().pins,
            project: project.to_owned(),
        })
    }

    /// Finds the project that the folder belongs to.
    pub fn project(&self) -> Result<ProjectRoot, Failure> {
        Ok(discover::discover(&self.folder)?)
    }

    /// Finds the project that the folder belongs to, whether or not it has a lock.
    pub fn unlocked_project(&self) -> Result<ProjectRoot, Failure> {
        Ok(discover::discover_unlocked(&self.folder)?)
    }

    /// Returns the platform that was asked for, or this machine's.
    pub fn platform(&self, asked: Option<Platform>) -> Result<Platform, Failure> {
        asked.or_else(Platform::host).ok_or_else(|| {
            Failure::new(
                Kind::Unsuitable,
                "environments cannot be made on this platform",
            )
        })
    }

    /// Stops the programs that were started; called on a signal.
    pub fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }
}

impl Open<'_> {
    /// Returns what the pipeline works with.
    pub fn context(&self) -> Context<'_> {
        Context {
            store: &self.store,
            fetcher: &self.fetcher,
            offline: self.fetcher.is_offline(),
            progress: &*self.session.progress,
            cancel: &self.session.cancel,
            machine: &self.session.machine,
            python_strategy: None,
            pins: &self.pins,
            project: &self.project,
        }
    }
}

/// Returns the named indexes of the project in `folder`: the environment may hold their logins.
fn indexes(folder: &Path) -> Vec<(String, String)> {
    let path = folder.join(discover::PYPROJECT);
    if !path.is_file() {
        return Vec::new();
    }
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    // A file that is wrong is told of when the project is read.
    Pyproject::parse(&text, &path)
        .map(|project| project.indexes)
        .unwrap_or_default()
}
