//! Which login belongs to which address.
//!
//! A login goes to the origin it was given for (scheme, host and port) and to no other. Within an
//! origin the login with the longest matching path counts; an address outside every given path gets
//! the origin's login only when there is exactly one (an index at `/simple` often keeps its files at
//! `/packages`). Logins of `netrc` know no scheme, so they are used for `https` and for this machine only.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use url::{Host, Url};

use super::FetchError;
use super::netrc::{self, Login};
use super::secret::Secret;
use super::settings::Netrc;

/// A login and where it may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    scheme: String,
    host: String,
    port: Option<u16>,
    path: String,
    login: Login,
}

impl Credential {
    /// Returns a login for everything below `url`. `None` when the address has no host.
    pub fn new(url: &Url, user: String, password: Secret) -> Option<Self> {
        let path = url.path().trim_end_matches('/').to_owned();
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.to_ascii_lowercase(),
            port: url.port_or_known_default(),
            path,
            login: Login { user, password },
        })
    }

    /// Returns the login that is written into `url`, if there is one.
    pub fn of_url(url: &Url) -> Option<Self> {
        if url.username().is_empty() && url.password().is_none() {
            return None;
        }
        let user = decoded(url.username());
        let password = Secret::new(decoded(url.password().unwrap_or_default()));
        Self::new(url, user, password)
    }

    fn has_origin_of(&self, url: &Url) -> bool {
        self.scheme == url.scheme()
            && url
                .host_str()
                .is_some_and(|host| host.eq_ignore_ascii_case(&self.host))
            && self.port == url.port_or_known_default()
    }

    fn covers_path(&self, path: &str) -> bool {
        path.strip_prefix(self.path.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Undoes percent-encoding (RFC 3986, 2.1); what is not UTF-8 afterwards keeps its encoding.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        if let Some(byte) = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            plain.push(byte);
            at += 3;
        } else {
            plain.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(plain).unwrap_or_else(|_| text.to_owned())
}

/// All logins that may be used.
#[derive(Debug)]
pub(super) struct Credentials {
    given: Vec<Credential>,
    netrc: Option<Netrc>,
    logins: OnceLock<BTreeMap<String, Login>>,
}

impl Credentials {
    pub(super) const fn new(given: Vec<Credential>, netrc: Option<Netrc>) -> Self {
        Self {
            given,
            netrc,
            logins: OnceLock::new(),
        }
    }

    /// Returns the login for `url`.
    pub(super) fn login(&self, url: &Url) -> Result<Option<&Login>, FetchError> {
        if let Some(login) = self.given_login(url) {
            return Ok(Some(login));
        }
        let Some(host) = url.host_str() else {
            return Ok(None);
        };
        if url.scheme() != "https" && !is_this_machine(url) {
            return Ok(None);
        }
        Ok(self.netrc_logins()?.get(&host.to_ascii_lowercase()))
    }

    fn given_login(&self, url: &Url) -> Option<&Login> {
        let of_origin = || self.given.iter().filter(|given| given.has_origin_of(url));
        let longest = of_origin()
            .filter(|given| given.covers_path(url.path()))
            // Of equal paths the first counts, and `max_by_key` returns the last.
            .rev()
            .max_by_key(|given| given.path.len());
        if let Some(given) = longest {
            return Some(&given.login);
        }
        let first = &of_origin().next()?.login;
        of_origin()
            .all(|given| given.login == *first)
            .then_some(first)
    }

    fn netrc_logins(&self) -> Result<&BTreeMap<String, Login>, FetchError> {
        if let Some(logins) = self.logins.get() {
            return Ok(logins);
        }
        let read = match &self.netrc {
            None => BTreeMap::new(),
            Some(Netrc::Named(path)) => {
                netrc::parse(&std::fs::read_to_string(path).map_err(unreadable(path))?)
            }
            Some(Netrc::Usual(paths)) => read_first(paths)?,
        };
        Ok(self.logins.get_or_init(|| read))
    }
}

fn unreadable(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> FetchError {
    let path = path.to_owned();
    move |source| FetchError::Io {
        what: "read the logins in",
        path,
        source,
    }
}

fn read_first(paths: &[PathBuf]) -> Result<BTreeMap<String, Login>, FetchError> {
    for path in paths {
        match std::fs::read_to_string(path) {
            Ok(text) => return Ok(netrc::parse(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(path)(error)),
        }
    }
    Ok(BTreeMap::new())
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(urls: &[&str]) -> Credentials {
        let given = urls
            .iter()
            .filter_map(|url| Credential::of_url(&url.parse().unwrap()))
            .collect();
        Credentials::new(given, None)
    }

    fn user(credentials: &Credentials, url: &str) -> Option<String> {
        let login = credentials.login(&url.parse().unwrap()).unwrap();
        login.map(|login| login.user.clone())
    }

    #[test]
    fn row_27_a_login_stays_at_its_origin() {
        let known = credentials(&["https://me:pw@host.example/simple"]);
        let me = Some("me".to_owned());
        assert_eq!(user(&known, "https://host.example/simple/a/"), me);
        assert_eq!(user(&known, "https://HOST.example:443/packages/a.whl"), me);
        for other in [
            "http://host.example/simple/a/",
            "https://host.example:8443/simple/a/",
            "https://host.example.evil.example/simple/",
            "https://other.example/simple/",
        ] {
            assert_eq!(user(&known, other), None, "{other}");
        }
    }

    #[test]
    fn the_longest_path_counts() {
        let known = credentials(&[
            "https://all:1@h.example/",
            "https://team:2@h.example/team/simple/",
        ]);
        assert_eq!(
            user(&known, "https://h.example/team/simple/a").unwrap(),
            "team"
        );
        assert_eq!(
            user(&known, "https://h.example/team/simpler").unwrap(),
            "all"
        );
        let two = credentials(&["https://a:1@h.example/a", "https://b:2@h.example/b"]);
        assert_eq!(user(&two, "https://h.example/files/x.whl"), None);
    }

    #[test]
    fn netrc_is_for_https_and_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("netrc");
        let text = "machine h.example login n password p machine 127.0.0.1 login l password p";
        std::fs::write(&path, text).unwrap();
        let known = Credentials::new(Vec::new(), Some(Netrc::Named(path)));
        assert_eq!(user(&known, "https://h.example/x").unwrap(), "n");
        assert_eq!(user(&known, "http://h.example/x"), None);
        assert_eq!(user(&known, "http://127.0.0.1:8080/x").unwrap(), "l");
    }

    #[test]
    fn percent_encoding_is_undone() {
        let known = credentials(&["https://a%40b:p%2Fw@h.example/"]);
        let url = "https://h.example/x".parse().unwrap();
        let login = known.login(&url).unwrap().unwrap();
        assert_eq!(
            (login.user.as_str(), login.password.reveal()),
            ("a@b", "p/w")
        );
    }
}
