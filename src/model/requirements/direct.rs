//! Requirements that name a file, a folder or a commit instead of a version.

use std::path::Path;
use std::str::FromStr;

use url::Url;
use uv_normalize::PackageName;

use super::error::Fault;
use crate::model::location::CleanUrl;
use crate::model::pins::PinSource;
use crate::model::selection::Sha256;

const ARCHIVES: [&str; 5] = [".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz"];

/// Tells whether a requirement starts with its address instead of a name.
pub(super) fn is_unnamed(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let archive = ARCHIVES.iter().any(|ending| {
        first
            .split('#')
            .next()
            .is_some_and(|path| path.ends_with(ending))
    });
    let is_path = first.starts_with(['.', '/']) || first.starts_with("file:") || archive;
    let scheme = first
        .split_once("://")
        .is_some_and(|(scheme, _)| !scheme.contains(['@', '=', '[']));
    let named = text.split_once('@').is_some_and(|(name, _)| {
        PackageName::from_str(name.split('[').next().unwrap_or_default().trim()).is_ok()
    });
    (is_path || scheme || first.contains('/')) && !named
}

/// Reads an address or a path, and the name of the package where it tells.
pub(super) fn read(text: &str, editable: bool) -> Result<(Option<PackageName>, PinSource), Fault> {
    let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
    let parts = Fragment::read(fragment)?;
    let source = match address.split_once('+') {
        Some(("git", url)) => git(text, url, &parts)?,
        Some(("hg" | "svn" | "bzr", _)) => return Err(Fault::Vcs(text.to_owned())),
        _ if address.starts_with("http://") || address.starts_with("https://") => {
            let url = Url::parse(address).map_err(|_| Fault::Address(text.to_owned()))?;
            PinSource::Url {
                url: CleanUrl::new(url),
                sha256: parts.sha256,
                subdirectory: parts.subdirectory.clone(),
            }
        }
        _ => local(address, editable, &parts)?,
    };
    let name = parts.egg.or_else(|| match &source {
        PinSource::Url { url, .. } => file_name(url.as_url().path()),
        PinSource::File { path, .. } => file_name(path),
        _ => None,
    });
    Ok((name, source))
}

fn git(text: &str, url: &str, parts: &Fragment) -> Result<PinSource, Fault> {
    let path_at = url.find("://").map_or(0, |at| at + 3);
    let path_at = url[path_at..]
        .find('/')
        .map_or(url.len(), |at| path_at + at);
    let (repository, commit) = match url[path_at..].rfind('@') {
        Some(at) => (&url[..path_at + at], &url[path_at + at + 1..]),
        None => (url, ""),
    };
    let full = matches!(commit.len(), 40 | 64) && commit.bytes().all(|b| b.is_ascii_hexdigit());
    if !full {
        return Err(Fault::Commit(text.to_owned()));
    }
    let repository = Url::parse(repository).map_err(|_| Fault::Address(text.to_owned()))?;
    Ok(PinSource::Git {
        url: CleanUrl::new(repository),
        commit: commit.to_ascii_lowercase(),
        requested: None,
        subdirectory: parts.subdirectory.clone(),
    })
}

fn local(address: &str, editable: bool, parts: &Fragment) -> Result<PinSource, Fault> {
    let wrong = || Fault::Address(address.to_owned());
    let path = if address.starts_with("file://") {
        let url = Url::parse(address).map_err(|_| wrong())?;
        let path = url.to_file_path().map_err(|()| wrong())?;
        path.to_str().ok_or_else(wrong)?.to_owned()
    } else {
        address.strip_prefix("file:").unwrap_or(address).to_owned()
    };
    // Extras of a folder: `./a[x]`. Their packages have lines of their own.
    let path = match path
        .strip_suffix(']')
        .and_then(|path| path.rsplit_once('['))
    {
        Some((path, _)) => path.to_owned(),
        None => path,
    };
    let path = path.trim();
    if path.is_empty() || path.contains("://") {
        return Err(wrong());
    }
    if ARCHIVES.iter().any(|ending| path.ends_with(ending)) {
        return Ok(PinSource::File {
            path: path.to_owned(),
            sha256: parts.sha256,
        });
    }
    let path = match &parts.subdirectory {
        Some(inner) => format!("{path}/{inner}"),
        None => path.to_owned(),
    };
    Ok(PinSource::Directory { path, editable })
}

/// Tells the package from the name of an archive.
fn file_name(path: &str) -> Option<PackageName> {
    let name = Path::new(path).file_name()?.to_str()?;
    crate::model::pins::package_of(name)
}

#[derive(Default)]
struct Fragment {
    egg: Option<PackageName>,
    subdirectory: Option<String>,
    sha256: Option<Sha256>,
}

impl Fragment {
    fn read(text: &str) -> Result<Self, Fault> {
        let mut parts = Self::default();
        for (key, value) in text.split('&').filter_map(|pair| pair.split_once('=')) {
            match key {
                "egg" => {
                    let name = value.split('[').next().unwrap_or_default();
                    parts.egg = PackageName::from_str(name).ok();
                }
                "subdirectory" => parts.subdirectory = Some(value.to_owned()),
                "sha256" => {
                    let digest = Sha256::from_hex(value);
                    parts.sha256 =
                        Some(digest.ok_or_else(|| Fault::Hash(format!("sha256={value}")))?);
                }
                _ => {}
            }
        }
        Ok(parts)
    }
}
