//! One of two things that are compared: what it is, and what is known of it.

use std::path::{Path, PathBuf};

use dht_store::{Base, Environment, Fingerprint};

use super::{DiffError, Installed};
use crate::env::assemble::{Standing, standing};
use crate::env::context::Context;
use crate::model::asked::Asked;
use crate::model::config::Config;
use crate::model::config::text::ProjectPath;
use crate::model::platform::Platform;
use crate::project::checksum;
use crate::project::discover::{self, ProjectRoot};
use crate::project::history::{self, Snapshot};
use crate::project::resolve;
use crate::project::spec::{self, Spec, SpecError, Wishes};

/// A thing that can be compared with another.
#[derive(Debug)]
pub struct Side {
    /// What a person calls it.
    pub shown: String,
    /// What it asks for; nothing of an environment.
    pub asked: Option<Asked>,
    spec: Option<Box<Spec>>,
    installed: Option<Installed>,
    _snapshot: Option<Snapshot>,
}

impl Side {
    /// Finds what `text` names: a folder with an environment, a project's folder, a lock file, a
    /// fingerprint of the store, or a revision of the project's repository.
    pub fn find(
        context: &Context<'_>,
        root: Option<&ProjectRoot>,
        folder: &Path,
        text: &str,
    ) -> Result<Self, DiffError> {
        let path = folder.join(text);
        if path.is_dir() {
            if let Some(side) = Self::environment(context, &path)? {
                return Ok(side);
            }
            let root = std::fs::canonicalize(&path).map_or(path, |path| path);
            return Self::project(&discover::discover(&root)?);
        }
        if path.is_file() {
            return Self::lock(&path);
        }
        if let Ok(fingerprint) = text.strip_prefix("blake3:").unwrap_or(text).parse() {
            return Self::fingerprint(context, text, fingerprint);
        }
        let place = root.map_or(folder, |root| &root.folder);
        Self::revision(context, place, text)
    }

    /// Returns the environment in `folder`; `None` when none stands there.
    pub fn environment(context: &Context<'_>, folder: &Path) -> Result<Option<Self>, DiffError> {
        let shown = format!("`{}`", folder.display());
        let known = match standing(folder) {
            Standing::Ours(state) => context.store.environment(state.fingerprint)?,
            _ => None,
        };
        let found = match known {
            Some(environment) => installed_of(environment),
            None if folder.join("pyvenv.cfg").is_file() => listed(folder),
            None => return Ok(None),
        };
        Ok(Some(Self {
            shown,
            asked: None,
            spec: None,
            installed: Some(found),
            _snapshot: None,
        }))
    }

    /// Returns a project as its files are now.
    pub fn project(root: &ProjectRoot) -> Result<Self, DiffError> {
        let shown = format!("the project in `{}`", root.folder.display());
        Self::asking(shown, root, None)
    }

    /// Returns the project in `folder` as it was.
    pub fn revision(
        context: &Context<'_>,
        folder: &Path,
        revision: &str,
    ) -> Result<Self, DiffError> {
        let snapshot = history::snapshot(context, folder, revision)?;
        let shown = format!("`{revision}` ({})", &snapshot.commit[..12]);
        let mut side = Self::asking(shown, &snapshot.root, None)?;
        side._snapshot = Some(snapshot);
        Ok(side)
    }

    fn fingerprint(
        context: &Context<'_>,
        text: &str,
        fingerprint: Fingerprint,
    ) -> Result<Self, DiffError> {
        let environment = context.store.environment(fingerprint)?;
        let environment = environment.ok_or_else(|| DiffError::Unknown(text.to_owned()))?;
        Ok(Self {
            shown: format!("the environment {}", &fingerprint.to_string()[..12]),
            asked: None,
            spec: None,
            installed: Some(installed_of(environment)),
            _snapshot: None,
        })
    }

    fn lock(path: &Path) -> Result<Self, DiffError> {
        let unknown = || DiffError::Unknown(path.display().to_string());
        let real = std::fs::canonicalize(path).map_err(|_| unknown())?;
        let (folder, name) = real.parent().zip(real.file_name()).ok_or_else(unknown)?;
        let name = ProjectPath::new(&name.to_string_lossy()).map_err(|_| unknown())?;
        let mut root = ProjectRoot::at(folder);
        root.config = None;
        let mut config = Config::default();
        config.dependencies.lock_files = vec![name];
        Self::asking(format!("`{}`", path.display()), &root, Some(config))
    }

    fn asking(
        shown: String,
        root: &ProjectRoot,
        config: Option<Config>,
    ) -> Result<Self, DiffError> {
        let failed = |source| match source {
            SpecError::NoLock(_) => DiffError::NoLock(shown.clone()),
            source => DiffError::Spec {
                shown: shown.clone(),
                source: Box::new(source),
            },
        };
        let config = match (&root.config, config) {
            (_, Some(config)) => config,
            (Some(path), None) => spec::read_config(path).map_err(failed)?,
            (None, None) => Config::default(),
        };
        let spec = Spec::with_config(root, &Wishes::default(), &config).map_err(failed)?;
        let asked = checksum::asked(&spec, &config)?;
        Ok(Self {
            shown,
            asked: Some(asked),
            spec: Some(Box::new(spec)),
            installed: None,
            _snapshot: None,
        })
    }

    /// Returns the environment that this is, or makes on `platform`.
    pub(super) fn installed(
        &self,
        context: &Context<'_>,
        platform: Platform,
    ) -> Result<Installed, DiffError> {
        let spec = match (&self.installed, &self.spec) {
            (Some(installed), _) => return Ok(installed.clone()),
            (None, Some(spec)) => spec,
            (None, None) => return Ok(Installed::default()),
        };
        if let Some(known) = resolve::expected(context, spec, platform)
            && let Some(environment) = context.store.environment(known)?
        {
            return Ok(installed_of(environment));
        }
        let selected = resolve::selection(context, spec, platform);
        let (target, selection) = selected.map_err(|source| DiffError::Resolve {
            shown: self.shown.clone(),
            source: Box::new(source),
        })?;
        let version = |version: Option<uv_pep440::Version>| {
            version.map_or_else(String::new, |it| format!("{it}"))
        };
        let packages = selection.packages.into_iter();
        let packages = packages.map(|it| (it.name.to_string(), (version(it.version), None)));
        Ok(Installed {
            python: Some(target.python.version.to_string()),
            platform: Some(platform.to_string()),
            packages: packages.collect(),
            environment: None,
        })
    }
}

fn installed_of(environment: Environment) -> Installed {
    let python = match &environment.base {
        Base::Entry(entry) => entry.version.clone(),
        Base::External { version, .. } => version.clone(),
    };
    let packages = environment.packages.iter();
    let packages = packages.map(|it| (it.name.clone(), (it.version.clone(), Some(it.entry))));
    Installed {
        python: Some(python),
        platform: Some(environment.platform.clone()),
        packages: packages.collect(),
        environment: Some(environment),
    }
}

/// Returns what the names of metadata folders say of an environment that another tool made.
fn listed(folder: &Path) -> Installed {
    let mut places = vec![folder.join("Lib").join("site-packages")];
    for entry in std::fs::read_dir(folder.join("lib")).into_iter().flatten() {
        places.extend(entry.map(|it| it.path().join("site-packages")));
    }
    let names = |place: PathBuf| std::fs::read_dir(place).into_iter().flatten().flatten();
    let mut found = Installed::default();
    for entry in places.into_iter().flat_map(names) {
        let name = entry.file_name();
        let Some(stem) = name.to_str().and_then(|it| it.strip_suffix(".dist-info")) else {
            continue;
        };
        if let Some((name, version)) = stem.rsplit_once('-')
            && let Ok(name) = name.parse::<uv_normalize::PackageName>()
        {
            let version = (version.to_owned(), None);
            found.packages.insert(name.to_string(), version);
        }
    }
    found
}
