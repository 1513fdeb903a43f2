//! From text to a checked [`Pylock`].

use std::str::FromStr;

use serde::Deserialize;
use toml::de::{DeTable, DeValue, Deserializer};
use uv_normalize::PackageName;
use uv_pep440::Version;
use uv_pep508::MarkerTree;

use super::check::{
    Expected, file_address, further, last_segment, marker, names, normalised, sdist_extension,
    sha256, specifiers, subdirectory,
};
use super::location::{address, archive_url, git_url, inside, local_path};
use super::raw::{RawDirectory, RawFile, RawLock, RawPackage, RawVcs};
use super::{
    LockOrigin, LockPolicy, LockedPackage, LockedWheel, MAX_BYTES, PackageSource, Problem, Pylock,
    PylockError, keys,
};
use crate::model::location::{CleanUrl, Location};
use crate::model::selection::Archive;

impl Pylock {
    /// Reads and checks a lock.
    ///
    /// # Errors
    ///
    /// When the text is not PEP 751, or names something that `policy` does not allow.
    pub fn parse(
        text: &str,
        origin: &LockOrigin,
        policy: &LockPolicy,
    ) -> Result<Self, PylockError> {
        Reader {
            text,
            origin,
            policy,
        }
        .lock()
    }
}

struct Reader<'a> {
    text: &'a str,
    origin: &'a LockOrigin,
    policy: &'a LockPolicy,
}

/// A problem and the key, inside its package, that has it.
struct Keyed(String, Problem);

fn at<T>(key: &str, result: Result<T, Problem>) -> Result<T, Keyed> {
    result.map_err(|problem| Keyed(key.to_owned(), problem))
}

impl Reader<'_> {
    fn error(&self, offset: Option<usize>, key: Option<String>, problem: Problem) -> PylockError {
        let line = offset.map(|offset| {
            let before = &self.text.as_bytes()[..offset.min(self.text.len())];
            before.iter().filter(|byte| **byte == b'\n').count() + 1
        });
        PylockError {
            file: self.origin.file.clone(),
            line,
            package: None,
            key,
            problem: Box::new(problem),
        }
    }

    fn toml_error(&self, error: &toml::de::Error) -> PylockError {
        let message = error.message().chars().take(300).collect();
        self.error(
            error.span().map(|span| span.start),
            None,
            Problem::Toml(message),
        )
    }

    fn lock(&self) -> Result<Pylock, PylockError> {
        if self.text.len() > MAX_BYTES {
            return Err(self.error(None, None, Problem::TooLarge(self.text.len())));
        }
        if self.text.starts_with('\u{feff}') {
            return Err(self.error(Some(0), None, Problem::ByteOrderMark));
        }
        let table = DeTable::parse(self.text).map_err(|error| self.toml_error(&error))?;
        self.check_version(table.get_ref())?;
        let raw = RawLock::deserialize(Deserializer::from(table))
            .map_err(|error| self.toml_error(&error))?;
        self.checked(raw)
    }

    fn check_version(&self, table: &DeTable<'_>) -> Result<(), PylockError> {
        let entry = table
            .iter()
            .find(|(key, _)| key.get_ref() == "lock-version");
        let Some((key, DeValue::String(version))) =
            entry.map(|(key, value)| (key, value.get_ref()))
        else {
            let missing = Problem::LockVersion(String::new());
            return Err(self.error(None, Some("lock-version".to_owned()), missing));
        };
        let numbers = version
            .split_once('.')
            .map(|(major, minor)| (major, minor.parse::<u32>()));
        match numbers {
            Some(("1", Ok(0))) => match keys::first_unknown(table) {
                Some((path, offset)) => {
                    Err(self.error(Some(offset), Some(path), Problem::UnknownKey))
                }
                None => Ok(()),
            },
            Some(("1", Ok(_))) => Ok(()),
            _ => Err(self.error(
                Some(key.span().start),
                Some("lock-version".to_owned()),
                Problem::LockVersion(version.to_string()),
            )),
        }
    }

    fn checked(&self, raw: RawLock) -> Result<Pylock, PylockError> {
        let top = |Keyed(key, problem)| self.error(None, Some(key), problem);
        let environments = raw.environments.iter().map(|text| marker(text));
        let environments: Result<Vec<_>, _> = environments.collect();
        let mut packages = Vec::with_capacity(raw.packages.len());
        for package in raw.packages {
            let offset = package.span().start;
            let package = package.into_inner();
            let name = package.name.chars().take(120).collect();
            packages.push(
                self.package(package)
                    .map_err(|Keyed(key, problem)| PylockError {
                        package: Some(name),
                        ..self.error(Some(offset), Some(key), problem)
                    })?,
            );
        }
        // Stable: entries of one name keep the order of the lock.
        packages.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(Pylock {
            created_by: raw.created_by,
            requires_python: at("requires-python", specifiers(raw.requires_python)).map_err(top)?,
            environments: at("environments", environments).map_err(top)?,
            extras: at("extras", names(&raw.extras)).map_err(top)?,
            dependency_groups: at("dependency-groups", names(&raw.dependency_groups))
                .map_err(top)?,
            default_groups: at("default-groups", names(&raw.default_groups)).map_err(top)?,
            packages,
        })
    }

    fn package(&self, raw: RawPackage) -> Result<LockedPackage, Keyed> {
        let name: PackageName = at("name", normalised(&raw.name))?;
        let version = raw
            .version
            .as_deref()
            .map(|text| Version::from_str(text).map_err(|_| Problem::Version(text.to_owned())));
        let version = at("version", version.transpose())?;
        let kinds = [
            raw.vcs.is_some(),
            raw.directory.is_some(),
            raw.archive.is_some(),
            raw.sdist.is_some() || raw.wheels.as_ref().is_some_and(|wheels| !wheels.is_empty()),
        ];
        if kinds.into_iter().filter(|given| *given).count() != 1 {
            return Err(Keyed("packages".to_owned(), Problem::SourceKinds));
        }
        let expected = Expected {
            name: &name,
            version: version.as_ref(),
        };
        let source = if let Some(vcs) = raw.vcs {
            self.git(vcs)?
        } else if let Some(directory) = raw.directory {
            self.directory(directory)?
        } else if let Some(archive) = raw.archive {
            self.archive(archive, &expected)?
        } else {
            self.files(raw.sdist, raw.wheels.unwrap_or_default(), &expected)?
        };
        let index = raw
            .index
            .map(|text| address(&text).map(|found| CleanUrl::new(found.url)));
        Ok(LockedPackage {
            marker: at(
                "marker",
                raw.marker
                    .map_or(Ok(MarkerTree::TRUE), |text| marker(&text)),
            )?,
            requires_python: at("requires-python", specifiers(raw.requires_python))?,
            index: at("index", index.transpose())?,
            name,
            version,
            source,
        })
    }

    fn git(&self, raw: RawVcs) -> Result<PackageSource, Keyed> {
        if raw.kind != "git" {
            return Err(Keyed("vcs.type".to_owned(), Problem::Vcs(raw.kind)));
        }
        let full = matches!(raw.commit_id.len(), 40 | 64)
            && raw.commit_id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !full {
            return Err(Keyed(
                "vcs.commit-id".to_owned(),
                Problem::Commit(raw.commit_id),
            ));
        }
        let url = match (raw.url, raw.path) {
            (Some(url), _) => at("vcs.url", address(&url))?.url,
            (None, Some(path)) => {
                let folder = at("vcs.path", local_path(&path, self.origin, self.policy))?;
                at("vcs.path", file_address(folder))?
            }
            (None, None) => return Err(Keyed("vcs".to_owned(), Problem::NoLocation)),
        };
        Ok(PackageSource::Git {
            url: at("vcs.url", git_url(url, self.origin, self.policy))?,
            commit: raw.commit_id.to_ascii_lowercase(),
            requested_revision: raw.requested_revision,
            subdirectory: at("vcs.subdirectory", subdirectory(raw.subdirectory))?,
        })
    }

    fn directory(&self, raw: RawDirectory) -> Result<PackageSource, Keyed> {
        let mut path = at(
            "directory.path",
            local_path(&raw.path, self.origin, self.policy),
        )?;
        if let Some(inner) = at("directory.subdirectory", subdirectory(raw.subdirectory))? {
            path.push(inner);
        }
        Ok(PackageSource::Directory {
            path,
            editable: raw.editable,
        })
    }

    fn archive(&self, raw: RawFile, expected: &Expected<'_>) -> Result<PackageSource, Keyed> {
        let inner = at(
            "archive.subdirectory",
            subdirectory(raw.subdirectory.clone()),
        )?;
        let archive = self.file("archive", raw)?;
        let wheel = if archive.filename.ends_with(".whl") {
            Some(at("archive", expected.wheel(&archive.filename))?)
        } else {
            // Its name is free: hosts call archives `main.zip`. The built wheel's name is checked.
            at("archive", sdist_extension(&archive.filename))?;
            None
        };
        Ok(PackageSource::Archive {
            archive,
            wheel,
            subdirectory: inner,
        })
    }

    fn files(
        &self,
        sdist: Option<RawFile>,
        wheels: Vec<RawFile>,
        expected: &Expected<'_>,
    ) -> Result<PackageSource, Keyed> {
        let mut checked = Vec::with_capacity(wheels.len());
        for (index, raw) in wheels.into_iter().enumerate() {
            let key = format!("wheels[{index}]");
            let archive = self.file(&key, raw)?;
            checked.push(LockedWheel {
                filename: at(&key, expected.wheel(&archive.filename))?,
                archive,
            });
        }
        let sdist = match sdist {
            Some(raw) => {
                let archive = self.file("sdist", raw)?;
                at("sdist", expected.sdist(&archive.filename))?;
                Some(archive)
            }
            None => None,
        };
        Ok(PackageSource::Files {
            sdist,
            wheels: checked,
        })
    }

    fn file(&self, key: &str, raw: RawFile) -> Result<Archive, Keyed> {
        let inner = |name: &str| format!("{key}.{name}");
        let (location, basename, fragment) = match (raw.url, raw.path) {
            (Some(text), _) => {
                let found = at(&inner("url"), address(&text))?;
                let basename = last_segment(&found.url);
                let location = archive_url(found.url, self.origin, self.policy);
                (at(&inner("url"), location)?, basename, found.fragment)
            }
            (None, Some(text)) => {
                let path = at(&inner("path"), local_path(&text, self.origin, self.policy))?;
                let basename = path
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned());
                (Location::File(path), basename, None)
            }
            (None, None) => return Err(Keyed(key.to_owned(), Problem::NoLocation)),
        };
        let filename = raw.name.or(basename).unwrap_or_default();
        if filename.contains(['/', '\\']) {
            return Err(Keyed(inner("name"), Problem::HiddenStep(filename)));
        }
        let sha256 = sha256(&raw.hashes, fragment.as_deref(), self.policy);
        let sha256 = at(&inner("hashes"), sha256)?;
        if let (None, Location::File(path)) = (sha256, &location) {
            let confined = inside(path.clone(), self.origin, self.policy);
            at(&inner("path"), confined)?;
        }
        Ok(Archive {
            location,
            filename,
            sha256,
            also: at(&inner("hashes"), further(&raw.hashes))?,
            size: raw.size,
        })
    }
}
