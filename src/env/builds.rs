//! Which builds of Python can be fetched, as uv lists them.

use std::collections::BTreeMap;

use dht_store::fs::read_plain;

use super::context::Context;
use super::fetch::{Origin, Quiet};
use super::uv::provide_uv;
use crate::model::location::Location;
use crate::model::platform::{ALL, Platform};
use crate::model::python::{Implementation, PythonRequest};
use crate::model::selection::Archive;
use crate::model::tool_lock::{PinnedFile, PythonPins};
use crate::python::build::catalogue::{self, Mirrors};

/// The largest list of builds that is read, in bytes.
const MAX_LIST_BYTES: usize = 64 * 1024 * 1024;

/// A list of builds, in one of two forms.
enum Catalogue {
    /// As `UV_PYTHON_DOWNLOADS_JSON_URL` leads to it.
    Metadata(Vec<u8>),
    /// As `uv python list` prints it.
    UvList(Vec<u8>),
}

/// Finds uv's build of a Python, or tells why none is known.
pub(super) fn find_archive(
    context: &Context<'_>,
    python: &PythonRequest,
    platform: Platform,
) -> Result<Archive, String> {
    let list = read_catalogue(context, &catalogue::uv_list_arguments(python))?;
    let mut archive = list.find(python, platform, &mirrors(context))?;
    if matches!(list, Catalogue::Metadata(_)) {
        return Ok(archive);
    }
    if archive.sha256.is_none()
        && let Some(location) = catalogue::sums_location(&archive)
        && let Ok(sums) = read_list(context, location)
    {
        let sums = String::from_utf8_lossy(&sums);
        archive.sha256 = catalogue::sha256_in_sums(&sums, &archive.filename);
    }
    Ok(archive)
}

impl Catalogue {
    fn find(
        &self,
        python: &PythonRequest,
        platform: Platform,
        mirrors: &Mirrors,
    ) -> Result<Archive, String> {
        let found = match self {
            Self::Metadata(json) => catalogue::in_metadata(json, python, platform, mirrors),
            Self::UvList(json) => catalogue::in_uv_list(json, python, platform, mirrors),
        };
        let none = || "uv names no build of this version for this platform".to_owned();
        found.map_err(|error| chain(&error))?.ok_or_else(none)
    }
}

/// Finds what pins a Python on every platform that it is built for: addresses as they are published,
/// not those of a mirror.
///
/// # Errors
///
/// Tells why none is known with its hash.
pub fn python_pins(context: &Context<'_>, python: &PythonRequest) -> Result<PythonPins, String> {
    let list = read_catalogue(context, &catalogue::uv_list_arguments(python))?;
    let mut why = "uv names no build of this version".to_owned();
    let mut sums: BTreeMap<String, Result<String, String>> = BTreeMap::new();
    let mut builds = BTreeMap::new();
    for platform in ALL {
        let Ok(published) = list.find(python, platform, &Mirrors::default()) else {
            continue;
        };
        let Location::Url(url) = published.location else {
            continue;
        };
        let mut sha256 = published.sha256;
        if sha256.is_none()
            && let Ok(reached) = list.find(python, platform, &mirrors(context))
            && let Some(location) = catalogue::sums_location(&reached)
        {
            let text = sums.entry(location.to_string()).or_insert_with(|| {
                let bytes = read_list(context, location)?;
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            });
            match text {
                Ok(text) => sha256 = catalogue::sha256_in_sums(text, &reached.filename),
                Err(error) => why.clone_from(error),
            }
        }
        if let Some(sha256) = sha256 {
            builds.insert(platform, PinnedFile { url, sha256 });
        }
    }
    if builds.is_empty() {
        return Err(why);
    }
    Ok(PythonPins {
        python: python.clone(),
        builds,
    })
}

/// Returns the archives that a pinned build may be fetched from, the best first, or why there is none.
///
/// An address where Pythons are released is used; any other one only where the list that the user
/// names has a build with the same hash.
pub(super) fn pinned_archives(
    context: &Context<'_>,
    python: &PythonRequest,
    platform: Platform,
    pin: &PinnedFile,
) -> Result<Vec<Archive>, String> {
    let mut archives = Vec::new();
    if context.machine.python_downloads.is_some() {
        let listed = find_archive(context, python, platform);
        archives.extend(listed.ok().filter(|it| it.sha256 == Some(pin.sha256)));
    }
    let (url, mirrors) = (pin.url.to_string(), mirrors(context));
    let released = catalogue::released(&url, pin.sha256, python, &mirrors);
    archives.extend(released.map_err(|error| chain(&error))?);
    if archives.is_empty() {
        return Err("no Python is released at this address".to_owned());
    }
    Ok(archives)
}

/// Returns every Python of `implementation` that can be fetched for `platform`, or tells why that is not
/// known.
pub(super) fn downloadable(
    context: &Context<'_>,
    implementation: Implementation,
    platform: Platform,
) -> Result<Vec<PythonRequest>, String> {
    let listed = match read_catalogue(context, &catalogue::uv_list_all_arguments(implementation))? {
        Catalogue::Metadata(json) => catalogue::all_in_metadata(&json, implementation, platform),
        Catalogue::UvList(json) => catalogue::all_in_uv_list(&json, implementation, platform),
    };
    listed.map_err(|error| chain(&error))
}

/// Reads the list that the user names, or asks uv for its own with `arguments`.
fn read_catalogue(context: &Context<'_>, arguments: &[String]) -> Result<Catalogue, String> {
    if let Some(text) = &context.machine.python_downloads {
        let location = catalogue::location_of(text).map_err(|error| chain(&error))?;
        return read_list(context, location).map(Catalogue::Metadata);
    }
    let uv = provide_uv(context).map_err(|error| chain(&error))?;
    let list = uv.python_list(arguments, context.cancel);
    list.map(Catalogue::UvList).map_err(|error| chain(&error))
}

fn mirrors(context: &Context<'_>) -> Mirrors {
    Mirrors {
        python: context.machine.python_mirror.clone(),
        pypy: context.machine.pypy_mirror.clone(),
        ..Mirrors::default()
    }
}

/// Reads a text that is somewhere.
fn read_list(context: &Context<'_>, location: Location) -> Result<Vec<u8>, String> {
    let filename = match &location {
        Location::File(path) => path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        Location::Url(url) => {
            let segments = url.as_url().path_segments();
            segments
                .and_then(Iterator::last)
                .unwrap_or("list")
                .to_owned()
        }
    };
    let archive = Archive {
        location,
        filename,
        sha256: None,
        also: Vec::new(),
        size: None,
    };
    let fetched = context.fetcher.fetch(&archive, &Quiet);
    let file = fetched.map_err(|error| chain(&error))?;
    let text = read_plain(&file.path, MAX_LIST_BYTES);
    if file.origin != Origin::Local {
        // A list is asked for anew each time.
        let _ = std::fs::remove_file(&file.path);
    }
    text.map_err(|error| format!("reading `{}`: {error}", file.path.display()))
}

/// Returns an error with all its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
