//! Which addresses and paths a lock may name.
//!
//! A lock comes with a repository, so it is a stranger's text. `https` is always allowed: the
//! SHA-256 decides what the bytes are worth. `http` is allowed on this machine (loopback), since it
//! can be read by nobody else. `file` addresses and absolute paths are allowed below the project's
//! folder. A path relative to the lock may leave it (`../sibling` is how repositories that stand
//! side by side name each other), but not to a file without a digest. Everything else needs the user's word, never the repository's.

use std::path::{Component, Path, PathBuf};

use url::{Host, Url};

use super::Problem;
use crate::model::location::{CleanUrl, Location};

/// Where a lock stands.
#[derive(Debug, Clone)]
pub struct LockOrigin {
    /// The file, for messages.
    pub file: PathBuf,
    /// The folder that relative paths start from, absolute.
    pub folder: PathBuf,
}

/// What the user allows a lock to do. The default is what a stranger's lock may do.
#[derive(Debug, Clone, Default)]
pub struct LockPolicy {
    /// Archives without a SHA-256.
    pub allow_missing_hashes: bool,
    /// Origins such as `http://mirror.internal:8080`, from which insecure schemes are fetched too.
    pub allowed_origins: Vec<String>,
    /// Folders outside the project, absolute, that `file` addresses and absolute paths may name.
    pub allowed_folders: Vec<PathBuf>,
}

/// An address with what its fragment said.
pub(super) struct Address {
    pub url: Url,
    pub fragment: Option<String>,
}

pub(super) fn address(text: &str) -> Result<Address, Problem> {
    // The parser resolves `..`, hidden or not, so the text itself is looked at.
    let path = text.split(['?', '#']).next().unwrap_or(text);
    let hidden = path.split('/').any(|segment| {
        let lower = segment.to_ascii_lowercase();
        let plain = lower.replace("%2e", ".");
        plain == "."
            || plain == ".."
            || ["%2f", "%5c", "%00", "\\"]
                .iter()
                .any(|bad| lower.contains(bad))
    });
    let shown = || shown(text);
    if hidden || text.chars().any(char::is_control) {
        return Err(Problem::HiddenStep(shown()));
    }
    let mut url = Url::parse(text).map_err(|_| Problem::Url(shown()))?;
    let fragment = url.fragment().map(str::to_owned);
    url.set_fragment(None);
    Ok(Address { url, fragment })
}

/// Returns the text as it may be shown: without secrets, not endless.
fn shown(text: &str) -> String {
    let clean = Url::parse(text).map_or_else(
        |_| {
            let path = text.split('?').next().unwrap_or(text);
            path.rsplit('@').next().unwrap_or(path).to_owned()
        },
        |url| CleanUrl::new(url).to_string(),
    );
    clean
        .chars()
        .filter(|c| !c.is_control())
        .take(300)
        .collect()
}

/// Checks an address of an archive.
pub(super) fn archive_url(
    url: Url,
    origin: &LockOrigin,
    policy: &LockPolicy,
) -> Result<Location, Problem> {
    match url.scheme() {
        "https" if url.has_host() => Ok(Location::Url(CleanUrl::new(url))),
        "http" if is_loopback(&url) || is_allowed(&url, policy) => {
            Ok(Location::Url(CleanUrl::new(url)))
        }
        "file" => file_url(&url, origin, policy).map(Location::File),
        scheme => Err(Problem::Scheme {
            scheme: scheme.to_owned(),
            url: CleanUrl::new(url.clone()).to_string(),
        }),
    }
}

/// Checks the address of a git repository.
pub(super) fn git_url(
    mut url: Url,
    origin: &LockOrigin,
    policy: &LockPolicy,
) -> Result<CleanUrl, Problem> {
    let refused = |url: &Url| Problem::Scheme {
        scheme: url.scheme().to_owned(),
        url: CleanUrl::new(url.clone()).to_string(),
    };
    if let Some(scheme) = url.scheme().strip_prefix("git+").map(str::to_owned) {
        let text = url.as_str().replacen(url.scheme(), &scheme, 1);
        url = Url::parse(&text).map_err(|_| Problem::Url(shown(&text)))?;
    }
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        // A host or user that starts with a dash would be read as an option by ssh.
        "https" | "ssh" if host.is_empty() || host.starts_with('-') => Err(refused(&url)),
        "ssh" if url.username().starts_with('-') => Err(refused(&url)),
        "https" | "ssh" => Ok(CleanUrl::new(url)),
        "http" if is_loopback(&url) || is_allowed(&url, policy) => Ok(CleanUrl::new(url)),
        "file" => file_url(&url, origin, policy).map(|_| CleanUrl::new(url)),
        _ => Err(refused(&url)),
    }
}

fn file_url(url: &Url, origin: &LockOrigin, policy: &LockPolicy) -> Result<PathBuf, Problem> {
    let path = url
        .to_file_path()
        .map_err(|()| Problem::Url(CleanUrl::new(url.clone()).to_string()))?;
    inside(path, origin, policy)
}

/// Checks a path: relative ones start at the lock's folder.
pub(super) fn local_path(
    text: &str,
    origin: &LockOrigin,
    policy: &LockPolicy,
) -> Result<PathBuf, Problem> {
    if text.contains('\0') {
        return Err(Problem::HiddenStep(shown(text)));
    }
    let path = Path::new(text);
    if path.is_absolute() {
        return inside(normal(path), origin, policy);
    }
    let rooted = matches!(
        path.components().next(),
        Some(Component::RootDir | Component::Prefix(_))
    );
    if rooted {
        return Err(Problem::Outside(shown(text)));
    }
    Ok(normal(&origin.folder.join(path)))
}

/// Checks that a path stays in the project, or in a folder that the user allows.
pub(super) fn inside(
    path: PathBuf,
    origin: &LockOrigin,
    policy: &LockPolicy,
) -> Result<PathBuf, Problem> {
    let mut folders = std::iter::once(&origin.folder).chain(&policy.allowed_folders);
    if folders.any(|folder| path.starts_with(folder)) {
        Ok(path)
    } else {
        Err(Problem::Outside(path.display().to_string()))
    }
}

/// Resolves `.` and `..` by the text alone.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn is_allowed(url: &Url, policy: &LockPolicy) -> bool {
    let origin = url.origin().ascii_serialization();
    policy
        .allowed_origins
        .iter()
        .any(|allowed| allowed.trim_end_matches('/') == origin)
}
