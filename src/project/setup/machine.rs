//! What a project needs of the machine: programs, system packages. What is there already stays.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uv_normalize::PackageName;

use super::SetupError;
use super::files::read;
use crate::model::clues::dockerfile::{self, Dockerfile, Manager};
use crate::model::clues::{binaries, needs};
use crate::model::config::Config;
use crate::model::config::packages::{ApkPackage, AptPackage, GenericPackage, RpmPackage};
use crate::model::config::text::TextError;
use crate::model::image;
use crate::model::pins::{PinSource, Wanted};
use crate::model::python_pin::PythonPin;
use crate::project::discover::ProjectRoot;
use crate::project::env_vars;
use crate::project::lock::Lock;

/// The file that describes an image.
pub(super) const DOCKERFILE: &str = "Dockerfile";

/// Something that was found and is new in `.dhtconfig`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Found {
    /// The key that it stands under.
    pub key: String,
    /// What was found; of variables, the name.
    pub value: String,
    /// What tells it: a file, a package.
    pub from: String,
}

/// What files say of the machine.
#[derive(Debug, Default)]
pub(super) struct Clues {
    dockerfile: Dockerfile,
    pinned: binaries::Pinned,
}

impl Clues {
    /// Reads the files of a project.
    pub fn read(root: &ProjectRoot) -> Result<Self, SetupError> {
        let mut failed = None;
        let pinned = binaries::read(&mut |file| {
            read(&root.folder.join(file)).unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        if let Some(error) = failed {
            return Err(error.into());
        }
        let text = read(&root.folder.join(DOCKERFILE))?;
        Ok(Self {
            // What dhtl wrote tells nothing new.
            dockerfile: text
                .filter(|text| !image::is_ours(text))
                .map(|text| dockerfile::read(&text))
                .unwrap_or_default(),
            pinned,
        })
    }

    /// Returns the Python that these files name, which counts where nothing else does.
    pub fn python(&self) -> Option<PythonPin> {
        let pinned = self.pinned.python.clone();
        pinned.or_else(|| self.dockerfile.python.clone())
    }

    /// Adds what the files name to `config`, and tells what is new, and what could not be taken over.
    pub fn add_to(&self, config: &mut Config) -> (Vec<Found>, Vec<String>) {
        let mut found = Vec::new();
        let required = &config.binaries.required;
        let is_open = |name: &str| !required.iter().any(|it| it.name.as_str() == name);
        let remarks = self.pinned.remarks.iter().filter(|(name, _)| is_open(name));
        let mut remarks: Vec<String> = remarks.map(|(_, text)| text.clone()).collect();
        for (binary, file) in &self.pinned.exact {
            let required = &mut config.binaries.required;
            if !required.iter().any(|other| other.name == binary.name) {
                found.push(Found {
                    key: "binaries.required".to_owned(),
                    value: format!("{} {}", binary.name, binary.version),
                    from: (*file).to_owned(),
                });
                required.push(binary.clone());
            }
        }
        let deps = &mut config.platform_deps;
        let linux = &mut deps.linux;
        for (manager, name) in &self.dockerfile.packages {
            let (key, outcome) = match manager {
                Manager::Apt => ("apt", put(&mut linux.apt, name, AptPackage::new)),
                Manager::Apk => ("apk", put(&mut linux.apk, name, ApkPackage::new)),
                Manager::Dnf => ("dnf", put(&mut linux.dnf, name, RpmPackage::new)),
                Manager::Yum => ("yum", put(&mut linux.yum, name, RpmPackage::new)),
                Manager::Zypper => ("zypper", put(&mut linux.zypper, name, RpmPackage::new)),
            };
            match outcome {
                Ok(true) => found.push(Found {
                    key: format!("platform_deps.linux.{key}"),
                    value: name.clone(),
                    from: DOCKERFILE.to_owned(),
                }),
                Ok(false) => {}
                Err(error) => remarks.push(format!("`{DOCKERFILE}`: {error}; it was left out")),
            }
            if let Some(generic) = needs::generic(key, name) {
                let from = format!("{DOCKERFILE}, `{name}`");
                found.extend(add_generic(&mut deps.generic, generic, from));
            }
        }
        (found, remarks)
    }
}

fn put<T: PartialEq>(
    list: &mut Vec<T>,
    name: &str,
    read: impl Fn(&str) -> Result<T, TextError>,
) -> Result<bool, TextError> {
    let name = read(name)?;
    let is_new = !list.contains(&name);
    if is_new {
        list.push(name);
    }
    Ok(is_new)
}

fn add_generic(
    list: &mut Vec<GenericPackage>,
    name: GenericPackage,
    from: String,
) -> Option<Found> {
    if list.contains(&name) {
        return None;
    }
    let found = Found {
        key: "platform_deps.generic".to_owned(),
        value: name.to_string(),
        from,
    };
    list.push(name);
    Some(found)
}

/// Adds the system libraries that locked packages and imported modules need.
pub(super) fn add_needs(root: &ProjectRoot, locks: &[Lock], config: &mut Config) -> Vec<Found> {
    let packages: BTreeSet<needs::Locked> = locks.iter().flat_map(locked).collect();
    let modules = env_vars::imports(&root.folder);
    let needs = needs::of(&packages, &modules).into_iter();
    let list = &mut config.platform_deps.generic;
    needs
        .filter_map(|(need, by)| add_generic(list, need, by))
        .collect()
}

#[derive(Deserialize)]
struct TomlLock {
    #[serde(default, alias = "packages")]
    package: Vec<TomlPackage>,
}

#[derive(Deserialize)]
struct TomlPackage {
    name: PackageName,
    #[serde(default)]
    wheels: Vec<toml::Table>,
    sdist: Option<toml::Value>,
}

fn locked(lock: &Lock) -> Vec<needs::Locked> {
    if let Some(pins) = lock.pins() {
        let pins = pins.pins.iter();
        return pins
            .map(|pin| needs::Locked {
                name: pin.name.clone(),
                has_linux_wheel: match &pin.source {
                    PinSource::Index {
                        files: Wanted::Names(names),
                        ..
                    } => Some(names.keys().any(|name| runs_on_linux(name))),
                    _ => None,
                },
            })
            .collect();
    }
    let Ok(lock) = toml::from_str::<TomlLock>(&lock.text) else {
        return Vec::new();
    };
    let packages = lock.package.into_iter();
    packages
        .map(|package| needs::Locked {
            has_linux_wheel: (package.sdist.is_some() || !package.wheels.is_empty()).then(|| {
                let mut texts = package.wheels.iter().flat_map(|wheel| {
                    let text = |key: &str| wheel.get(key)?.as_str();
                    [text("name"), text("url"), text("path"), text("filename")]
                });
                texts.any(|text| text.is_some_and(runs_on_linux))
            }),
            name: package.name,
        })
        .collect()
}

fn runs_on_linux(filename: &str) -> bool {
    let name = filename.split('#').next().unwrap_or_default();
    let platform = name
        .strip_suffix(".whl")
        .and_then(|stem| stem.rsplit('-').next());
    platform.is_some_and(|it| it.contains("linux") || it == "any")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::lock::LockKind;

    #[test]
    fn tells_which_packages_have_wheels_for_linux() {
        let text = "version = 1\n[[package]]\nname = \"psycopg2\"\nsdist = { url = \"https://h/p.tar.gz\" }\nwheels = [{ url = \"https://h/psycopg2-2.9.9-cp311-cp311-win_amd64.whl\" }]\n[[package]]\nname = \"six\"\nwheels = [{ url = \"https://h/six-1-py2.py3-none-any.whl\" }]\n[[package]]\nname = \"own\"\n";
        let lock = Lock {
            path: "uv.lock".into(),
            text: text.to_owned(),
            kind: LockKind::Uv,
        };
        let found: Vec<_> = locked(&lock)
            .into_iter()
            .map(|it| (it.name.to_string(), it.has_linux_wheel))
            .collect();
        assert_eq!(
            found,
            [
                ("psycopg2".to_owned(), Some(false)),
                ("six".to_owned(), Some(true)),
                ("own".to_owned(), None)
            ]
        );
    }

    #[test]
    fn what_a_person_wrote_stays() {
        let dockerfile =
            dockerfile::read("FROM python:3.12\nRUN apt-get install -y libpq-dev curl $MORE\n");
        let clues = Clues {
            dockerfile,
            ..Clues::default()
        };
        let text = "version: \"2.0\"\nplatform_deps: {linux: {apt: [curl]}}\n";
        let mut config = crate::model::config::read(".dhtconfig", text.as_bytes()).unwrap();
        let (found, remarks) = clues.add_to(&mut config);
        let told: Vec<String> = found
            .iter()
            .map(|it| format!("{} {}", it.key, it.value))
            .collect();
        assert_eq!(
            told,
            [
                "platform_deps.linux.apt libpq-dev",
                "platform_deps.generic postgresql-client"
            ]
        );
        assert_eq!(remarks.len(), 1, "{remarks:?}");
        assert_eq!(config.platform_deps.linux.apt.len(), 2);
        assert_eq!(clues.add_to(&mut config).0, []);
    }
}
