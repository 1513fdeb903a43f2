//! Where an archive is: an address without secrets, or a file.

use std::fmt;
use std::path::PathBuf;

use url::Url;

/// Where the bytes of an archive are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// An `https` or `http` address.
    Url(CleanUrl),
    /// A file on this machine, absolute.
    File(PathBuf),
}

impl Location {
    /// Returns the whole address or path, as text that is never shown.
    pub fn whole(&self) -> String {
        match self {
            Self::Url(url) => url.as_url().as_str().to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(formatter),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

/// An address that holds no user name, no password and no signed query: safe to print, to keep and
/// to hash.
///
/// Credentials are joined to a request at the last moment, from netrc or the environment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CleanUrl(Url);

impl CleanUrl {
    /// Drops the user information and every query parameter that signs the request.
    ///
    /// The user name of an `ssh` address stays: it is part of where the repository is (`git@`), and
    /// says nothing without a key.
    pub fn new(mut url: Url) -> Self {
        // Both fail only for addresses that cannot have user information in the first place.
        if url.scheme() != "ssh" {
            let _ = url.set_username("");
        }
        let _ = url.set_password(None);
        let secret = |key: &str| {
            let key = key.to_ascii_lowercase();
            key.starts_with("x-amz-")
                || key.starts_with("x-goog-")
                || [
                    "token",
                    "signature",
                    "sig",
                    "password",
                    "access_token",
                    "private_token",
                ]
                .contains(&key.as_str())
        };
        if url.query_pairs().any(|(key, _)| secret(&key)) {
            let kept: Vec<(String, String)> = url
                .query_pairs()
                .filter(|(key, _)| !secret(key))
                .map(|(key, value)| (key.into(), value.into()))
                .collect();
            url.query_pairs_mut().clear().extend_pairs(kept);
            if url.query() == Some("") {
                url.set_query(None);
            }
        }
        Self(url)
    }

    /// Returns the address.
    pub const fn as_url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for CleanUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CleanUrl({self})")
    }
}

/// Shown without its query: what signs a request has no name that could be known.
impl fmt::Display for CleanUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.as_str();
        let shown = match (text.find('?'), text.find('#')) {
            (Some(query), Some(fragment)) if fragment < query => text,
            (Some(query), _) => &text[..query],
            (None, _) => text,
        };
        formatter.write_str(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_no_secret() {
        let clean = |text: &str| {
            let url = CleanUrl::new(text.parse().unwrap());
            url.as_url().as_str().to_owned()
        };
        assert_eq!(clean("https://me:pw@host/a.whl#x"), "https://host/a.whl#x");
        assert_eq!(
            clean("https://host/a?X-Amz-Signature=1&v=2"),
            "https://host/a?v=2"
        );
        assert_eq!(clean("https://host/a?token=1"), "https://host/a");
        assert_eq!(clean("ssh://git:pw@host/a"), "ssh://git@host/a");
    }

    #[test]
    fn shows_no_query() {
        let shown = |text: &str| CleanUrl::new(text.parse().unwrap()).to_string();
        assert_eq!(shown("https://host/a.whl?tok=1#x"), "https://host/a.whl");
        assert_eq!(shown("https://host/a.whl#x?y"), "https://host/a.whl#x?y");
    }
}
