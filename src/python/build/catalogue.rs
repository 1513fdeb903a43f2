//! Where uv's builds of a Python are.
//!
//! Pure over two texts that name them: the metadata that `UV_PYTHON_DOWNLOADS_JSON_URL` leads to (an
//! object of downloads, with hashes), and what `uv python list --output-format json` prints (a list,
//! without hashes). Mirrors replace the beginning of an address as uv documents it. The releases of
//! python-build-standalone carry a `SHA256SUMS` beside each archive.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use crate::model::location::{CleanUrl, Location};
use crate::model::platform::{Arch, Os, Platform};
use crate::model::python::{Implementation, PythonRequest};
use crate::model::selection::{Archive, Sha256};

/// Where CPython's builds are released, and where they are mirrored by their maker.
const CPYTHON: [&str; 2] = [
    "https://github.com/astral-sh/python-build-standalone/releases/download",
    "https://releases.astral.sh/github/python-build-standalone/releases/download",
];
/// Where PyPy is released.
const PYPY: &str = "https://downloads.python.org/pypy";
/// What `UV_ASTRAL_MIRROR_URL` replaces.
const ASTRAL: &str = "https://releases.astral.sh";

/// The mirrors that the user names, each as in the environment variable of uv.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrors {
    /// `UV_PYTHON_INSTALL_MIRROR`.
    pub python: Option<String>,
    /// `UV_PYPY_INSTALL_MIRROR`.
    pub pypy: Option<String>,
    /// `UV_ASTRAL_MIRROR_URL`, used where the more specific one is not set.
    pub astral: Option<String>,
}

/// Why a catalogue could not be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It is no JSON of the expected form.
    #[error("the list of Python downloads is malformed")]
    Json(#[from] serde_json::Error),
    /// An address is neither `https`, `http` nor `file`.
    #[error("`{url}` is not an address that a Python can be fetched from")]
    Address {
        /// The address, without credentials where it could be read at all.
        url: String,
    },
    /// A hash is not one of SHA-256.
    #[error("`{sha256}` is given as the SHA-256 of `{filename}`, and is none")]
    Hash {
        /// What is given.
        sha256: String,
        /// The archive.
        filename: String,
    },
}

/// The arguments that make uv print every build of this version that it can download.
pub fn uv_list_arguments(python: &PythonRequest) -> Vec<String> {
    list_arguments(format!("{}@{}", python.implementation, python.version))
}

/// The arguments that make uv print every build of this implementation that it can download.
pub fn uv_list_all_arguments(implementation: Implementation) -> Vec<String> {
    list_arguments(implementation.to_string())
}

fn list_arguments(request: String) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "python",
        "list",
        "--no-config",
        "--only-downloads",
        "--all-versions",
        "--all-platforms",
        "--all-arches",
        "--output-format",
        "json",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.push(request);
    arguments
}

/// One download in the metadata of uv (`download-metadata.json`).
#[derive(Deserialize)]
struct Download {
    name: String,
    arch: ArchField,
    os: String,
    libc: String,
    major: u8,
    minor: u8,
    patch: u8,
    prerelease: Option<String>,
    url: String,
    sha256: Option<String>,
    variant: Option<String>,
    build: Option<String>,
}

/// An architecture: a name alone, or a family with the variant that needs a newer processor.
#[derive(Deserialize)]
#[serde(untagged)]
enum ArchField {
    Name(String),
    Family {
        family: String,
        variant: Option<String>,
    },
}

/// One line of `uv python list`.
#[derive(Deserialize)]
struct Listed {
    implementation: String,
    version: String,
    os: String,
    arch: String,
    libc: String,
    variant: Option<String>,
    url: Option<String>,
}

impl Download {
    fn version(&self) -> String {
        let prerelease = self.prerelease.as_deref().unwrap_or("");
        format!("{}.{}.{}{prerelease}", self.major, self.minor, self.patch)
    }

    fn is_for(&self, platform: Platform) -> bool {
        let arch = match &self.arch {
            ArchField::Name(name) => name,
            ArchField::Family {
                family,
                variant: None,
            } => family,
            ArchField::Family { .. } => return false,
        };
        is_default(self.variant.as_deref()) && is_platform(platform, &self.os, arch, &self.libc)
    }
}

impl Listed {
    fn is_for(&self, platform: Platform) -> bool {
        is_default(self.variant.as_deref())
            && is_platform(platform, &self.os, &self.arch, &self.libc)
    }
}

/// Returns every Python of `implementation` in uv's metadata that has a build for `platform`.
pub fn all_in_metadata(
    json: &[u8],
    implementation: Implementation,
    platform: Platform,
) -> Result<Vec<PythonRequest>, CatalogueError> {
    let downloads: BTreeMap<String, Download> = serde_json::from_slice(json)?;
    let named = downloads
        .into_values()
        .filter(|download| download.is_for(platform))
        .map(|download| (download.name.clone(), download.version()));
    Ok(requests(named, implementation))
}

/// Returns every Python of `implementation` that `uv python list` printed a build of for `platform`.
pub fn all_in_uv_list(
    json: &[u8],
    implementation: Implementation,
    platform: Platform,
) -> Result<Vec<PythonRequest>, CatalogueError> {
    let listed: Vec<Listed> = serde_json::from_slice(json)?;
    let named = listed
        .into_iter()
        .filter(|listed| listed.url.is_some() && listed.is_for(platform))
        .map(|listed| (listed.implementation, listed.version));
    Ok(requests(named, implementation))
}

fn requests(
    named: impl Iterator<Item = (String, String)>,
    implementation: Implementation,
) -> Vec<PythonRequest> {
    named
        .filter(|(name, _)| *name == implementation.to_string())
        .filter_map(|(_, version)| version.parse().ok())
        .map(|version| PythonRequest {
            implementation,
            version,
        })
        .collect()
}

/// Finds the build in uv's metadata; `None` when there is none for this Python and platform.
pub fn in_metadata(
    json: &[u8],
    python: &PythonRequest,
    platform: Platform,
    mirrors: &Mirrors,
) -> Result<Option<Archive>, CatalogueError> {
    let downloads: BTreeMap<String, Download> = serde_json::from_slice(json)?;
    let found = downloads
        .into_values()
        .filter(|download| {
            fits(python, &download.name, &download.version()) && download.is_for(platform)
        })
        .max_by(|left, right| left.build.cmp(&right.build));
    found
        .map(|download| archive(&download.url, download.sha256.as_deref(), python, mirrors))
        .transpose()
}

/// Finds the build in what `uv python list` printed; its hash is not known from there.
pub fn in_uv_list(
    json: &[u8],
    python: &PythonRequest,
    platform: Platform,
    mirrors: &Mirrors,
) -> Result<Option<Archive>, CatalogueError> {
    let listed: Vec<Listed> = serde_json::from_slice(json)?;
    listed
        .into_iter()
        .filter(|listed| {
            fits(python, &listed.implementation, &listed.version) && listed.is_for(platform)
        })
        .find_map(|listed| listed.url)
        .map(|url| archive(&url, None, python, mirrors))
        .transpose()
}

/// Returns the archive at an address that a lock pins, through the mirrors; `None` for an address
/// where no Python is released: which program runs is not the project's to say.
pub fn released(
    url: &str,
    sha256: Sha256,
    python: &PythonRequest,
    mirrors: &Mirrors,
) -> Result<Option<Archive>, CatalogueError> {
    let below = |prefix: &&str| {
        url.strip_prefix(*prefix)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let is_released = match python.implementation {
        Implementation::CPython => CPYTHON.iter().any(below),
        Implementation::PyPy => below(&PYPY),
    };
    if !is_released {
        return Ok(None);
    }
    let found = archive(url, None, python, mirrors)?;
    Ok(Some(Archive {
        sha256: Some(sha256),
        ..found
    }))
}

fn fits(python: &PythonRequest, name: &str, version: &str) -> bool {
    name == python.implementation.to_string() && version == python.version.to_string()
}

fn is_default(variant: Option<&str>) -> bool {
    matches!(variant, None | Some("" | "default"))
}

fn is_platform(platform: Platform, os: &str, arch: &str, libc: &str) -> bool {
    let os = match platform.os {
        Os::Linux => os == "linux" && libc == "gnu",
        Os::LinuxMusl => os == "linux" && libc == "musl",
        Os::Darwin => matches!(os, "darwin" | "macos"),
        Os::Windows => os == "windows",
    };
    let arch = match platform.arch {
        Arch::X86_64 => arch == "x86_64",
        Arch::Arm64 => matches!(arch, "aarch64" | "arm64"),
    };
    os && arch
}

fn archive(
    url: &str,
    sha256: Option<&str>,
    python: &PythonRequest,
    mirrors: &Mirrors,
) -> Result<Archive, CatalogueError> {
    let location = location_of(&through_mirror(url, python, mirrors))?;
    let filename = file_name(&location);
    let sha256 = sha256
        .map(|hex| {
            Sha256::from_hex(hex).ok_or_else(|| CatalogueError::Hash {
                sha256: hex.chars().take(80).collect(),
                filename: filename.clone(),
            })
        })
        .transpose()?;
    Ok(Archive {
        location,
        filename,
        sha256,
        also: Vec::new(),
        size: None,
    })
}

/// Replaces the beginning of the address by the mirror's; other addresses stay as they are.
fn through_mirror(url: &str, python: &PythonRequest, mirrors: &Mirrors) -> String {
    let swap = |prefix: &str, mirror: &Option<String>| {
        let mirror = mirror.as_deref().filter(|mirror| !mirror.is_empty())?;
        let rest = url
            .strip_prefix(prefix)
            .filter(|rest| rest.starts_with('/'))?;
        Some(format!("{}{rest}", mirror.trim_end_matches('/')))
    };
    let swapped = match python.implementation {
        Implementation::CPython => CPYTHON
            .iter()
            .find_map(|prefix| swap(prefix, &mirrors.python)),
        Implementation::PyPy => swap(PYPY, &mirrors.pypy),
    };
    swapped
        .or_else(|| swap(ASTRAL, &mirrors.astral))
        .unwrap_or_else(|| url.to_owned())
}

/// Reads an address, or the path of a file (as `UV_PYTHON_DOWNLOADS_JSON_URL` may be).
pub fn location_of(text: &str) -> Result<Location, CatalogueError> {
    let refuse = || CatalogueError::Address {
        url: Url::parse(text).map_or_else(
            |_| text.chars().take(200).collect(),
            |url| CleanUrl::new(url).to_string(),
        ),
    };
    if !text.contains("://") {
        return Ok(Location::File(PathBuf::from(text)));
    }
    let url = Url::parse(text).map_err(|_| refuse())?;
    match url.scheme() {
        "https" | "http" => Ok(Location::Url(CleanUrl::new(url))),
        "file" => url
            .to_file_path()
            .map(Location::File)
            .map_err(|()| refuse()),
        _ => Err(refuse()),
    }
}

/// Returns the last part of the address, as it is named on disk.
fn file_name(location: &Location) -> String {
    match location {
        Location::File(path) => path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        Location::Url(url) => {
            let segments = url.as_url().path_segments();
            percent_decoded(segments.and_then(|mut all| all.next_back()).unwrap_or(""))
        }
    }
}

/// Decodes `%2B` and the like; what is malformed stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%').then(|| tail.get(..2)).flatten();
        let code = code
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Returns where the hashes of the release are that `archive` is part of.
pub fn sums_location(archive: &Archive) -> Option<Location> {
    match &archive.location {
        Location::File(path) => Some(Location::File(path.with_file_name("SHA256SUMS"))),
        Location::Url(url) => {
            let sums = url.as_url().join("SHA256SUMS").ok()?;
            Some(Location::Url(CleanUrl::new(sums)))
        }
    }
}

/// Finds the hash of `filename` in a `SHA256SUMS` (`<64 digits>  <name>` or `<64 digits> *<name>`).
///
/// `None` when it is not listed, or listed with two different hashes.
pub fn sha256_in_sums(text: &str, filename: &str) -> Option<Sha256> {
    let mut found = text.lines().filter_map(|line| {
        let (hex, name) = line.trim_end().split_once([' ', '\t'])?;
        let name = name.trim_start();
        (name.strip_prefix('*').unwrap_or(name) == filename).then(|| Sha256::from_hex(hex))
    });
    let first = found.next()??;
    found.all(|other| other == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests;
