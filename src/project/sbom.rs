//! The inventory of what stands: packages, versions, licences and hashes, read from the store alone.
//!
//! It follows from the environment and the project's name: the same environment gives the same
//! inventory on every machine and at every time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dht_store::fs::FsError;
use dht_store::{
    Base, Digest, EntryId, Environment, Fingerprint, NodeKind, Package, Store, StoreError,
};
use rayon::prelude::*;
use uv_pep508::MarkerEnvironment;

use super::discover::{DiscoverError, ProjectRoot};
use super::regenerate::VENV;
use crate::env::assemble::{Standing, standing};
use crate::env::blueprint::{BlueprintError, target_of};
use crate::model::license::{License, license};
use crate::python::core_metadata::CoreMetadata;

/// One package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The isolated tool that it belongs to; `None` for the packages of the environment itself.
    pub tool: Option<String>,
    /// Its normalised name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The entry: the root hash over all of its files.
    pub entry: EntryId,
    /// Its package URL; `None` for a folder of the project.
    pub purl: Option<String>,
    /// What it says it is for.
    pub summary: Option<String>,
    /// Its licence.
    pub license: Option<License>,
    /// Where more is told of it.
    pub website: Option<String>,
    /// What it needs of the other packages, without extras. Sorted.
    pub needs: Vec<String>,
}

/// Everything that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The project's name.
    pub project: String,
    /// The environment, the subject of the inventory.
    pub fingerprint: Fingerprint,
    /// The platform.
    pub platform: String,
    /// The implementation and the version of Python, and the root hash of its build or program.
    pub python: (String, String, Digest),
    /// The packages, then those of isolated tools, each sorted by name.
    pub components: Vec<Component>,
}

/// Why there is no inventory.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// No environment of ours stands.
    #[error("there is no environment of dhtl at `{}`", .0.display())]
    Nothing(PathBuf),
    /// The store does not know what it is.
    #[error("the store does not hold the environment {0}")]
    Unknown(Fingerprint),
    /// The project could not be read.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// The document names an unknown target.
    #[error(transparent)]
    Document(#[from] BlueprintError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the store is damaged.
    #[error("`{}` is not what its manifest says", .0.display())]
    Damaged(PathBuf),
    /// The disk refused.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// Lists what stands in the project.
pub fn inventory(store: &Store, root: &ProjectRoot) -> Result<Inventory, SbomError> {
    let folder = root.folder.join(VENV);
    let Standing::Ours(state) = standing(&folder) else {
        return Err(SbomError::Nothing(folder));
    };
    let fingerprint = state.fingerprint;
    let environment = store
        .environment(fingerprint)?
        .ok_or(SbomError::Unknown(fingerprint))?;
    let markers = target_of(&environment)?.marker_environment();
    let packages: Vec<(Option<&str>, &Package)> = environment.all_packages().collect();
    let names: BTreeSet<(Option<&str>, &str)> = packages
        .iter()
        .map(|(tool, package)| (*tool, package.name.as_str()))
        .collect();
    let components = packages
        .par_iter()
        .map(|package| component(store, *package, &markers, &names))
        .collect::<Result<_, _>>()?;
    Ok(Inventory {
        project: project_name(root)?,
        fingerprint,
        platform: environment.platform.clone(),
        python: python(&environment),
        components,
    })
}

fn project_name(root: &ProjectRoot) -> Result<String, SbomError> {
    let declared = root.facts()?.pyproject.name;
    let folder = root.folder.file_name().unwrap_or_default();
    Ok(declared.map_or_else(
        || folder.to_string_lossy().into_owned(),
        |name| name.to_string(),
    ))
}

fn python(environment: &Environment) -> (String, String, Digest) {
    match &environment.base {
        Base::Entry(entry) => (entry.name.clone(), entry.version.clone(), entry.entry.0),
        Base::External {
            name,
            version,
            digest,
        } => (name.clone(), version.clone(), digest.0),
    }
}

fn component(
    store: &Store,
    (tool, package): (Option<&str>, &Package),
    markers: &MarkerEnvironment,
    names: &BTreeSet<(Option<&str>, &str)>,
) -> Result<Component, SbomError> {
    let found = read(store, package, "METADATA")?.unwrap_or_default();
    let metadata = CoreMetadata::parse(&found);
    let direct = read(store, package, "direct_url.json")?;
    let needs = metadata.needs(markers).into_iter();
    let website = ["homepage", "home", "repository", "source", "source code"];
    let of_urls = website.iter().find_map(|label| {
        let mut urls = metadata.urls.iter();
        urls.find(|(name, _)| name.eq_ignore_ascii_case(label))
    });
    let of_urls = of_urls.map(|(_, url)| url.clone());
    let website = metadata.home_page.clone().or(of_urls);
    Ok(Component {
        tool: tool.map(str::to_owned),
        name: package.name.clone(),
        version: package.version.clone(),
        entry: package.entry,
        purl: purl(package, direct.as_deref()),
        license: license(
            metadata.license_expression.as_deref(),
            metadata.license.as_deref(),
            &metadata.license_classifiers,
        ),
        website: website.filter(|url| url::Url::parse(url).is_ok()),
        needs: needs
            .map(|name| name.to_string())
            .filter(|name| names.contains(&(tool, name.as_str())) && *name != package.name)
            .collect(),
        summary: metadata.summary,
    })
}

/// Reads a file of the package's metadata folder, and checks its bytes.
fn read(store: &Store, package: &Package, name: &str) -> Result<Option<Vec<u8>>, SbomError> {
    let manifest = store.manifest(package.entry)?;
    let found = manifest.nodes().iter().find_map(|node| {
        let path = Path::new(node.path.as_str());
        let folder = path.parent()?;
        let is_metadata = folder.extension().is_some_and(|it| it == "dist-info")
            && folder.parent() == Some(Path::new("site-packages"));
        match node.kind {
            NodeKind::File { digest, .. } if is_metadata && path.file_name()? == name => {
                Some((path, digest))
            }
            _ => None,
        }
    });
    let Some((path, digest)) = found else {
        return Ok(None);
    };
    let path = store.entry_path(&package.entry_ref()).join(path);
    let bytes = std::fs::read(&path).map_err(FsError::at("read", &path))?;
    if Digest::of(&bytes) != digest {
        return Err(SbomError::Damaged(path));
    }
    Ok(Some(bytes))
}

/// Returns the package URL (purl-spec, type `pypi`).
fn purl(package: &Package, direct_url: Option<&[u8]>) -> Option<String> {
    let plain = format!(
        "pkg:pypi/{}@{}",
        package.name,
        encoded(&package.version, b"._-~")
    );
    let Some(direct_url) = direct_url else {
        return package.folder.is_none().then_some(plain);
    };
    let origin: serde_json::Value = serde_json::from_slice(direct_url).ok()?;
    let url = origin.get("url")?.as_str()?;
    if url.starts_with("file:") {
        return None;
    }
    let allowed = b"._-~:/";
    match origin.get("vcs_info") {
        Some(vcs) => {
            let commit = vcs.get("commit_id")?.as_str()?;
            let kind = vcs.get("vcs")?.as_str()?;
            let address = encoded(&format!("{kind}+{url}@{commit}"), allowed);
            Some(format!("{plain}?vcs_url={address}"))
        }
        None => Some(format!("{plain}?download_url={}", encoded(url, allowed))),
    }
}

/// Percent-encodes everything but letters, digits and what is allowed (RFC 3986, section 2.1).
fn encoded(text: &str, allowed: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || allowed.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(version: &str, folder: Option<&str>) -> Package {
        Package {
            name: "demo".into(),
            version: version.into(),
            entry: EntryId::of(b"demo"),
            folder: folder.map(str::to_owned),
        }
    }

    #[test]
    fn package_urls_say_where_a_package_is_from() {
        let git = br#"{"url":"https://h/a b","vcs_info":{"vcs":"git","commit_id":"abc"}}"#;
        let archive = br#"{"url":"https://h/d-1.0.zip","archive_info":{}}"#;
        let local = br#"{"url":"file:///home/ada/demo","dir_info":{"editable":true}}"#;
        for (direct, expected) in [
            (None, Some("pkg:pypi/demo@1.0%2Bcpu")),
            (
                Some(git.as_slice()),
                Some("pkg:pypi/demo@1.0%2Bcpu?vcs_url=git%2Bhttps://h/a%20b%40abc"),
            ),
            (
                Some(archive.as_slice()),
                Some("pkg:pypi/demo@1.0%2Bcpu?download_url=https://h/d-1.0.zip"),
            ),
            (Some(local.as_slice()), None),
        ] {
            let found = purl(&package("1.0+cpu", None), direct);
            assert_eq!(found.as_deref(), expected);
        }
        assert_eq!(purl(&package("1", Some(".")), None), None);
    }
}
