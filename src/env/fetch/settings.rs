//! What the user decides about fetching. Values only: nothing here reads the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::credentials::Credential;
use super::secret::Secret;
use crate::model::location::CleanUrl;

/// How archives are fetched.
#[derive(Debug, Clone)]
pub struct FetchSettings {
    /// No socket is opened: what is not on this machine is an error.
    pub offline: bool,
    /// How many transfers run at once; lowered further when few files may be open.
    pub connections: usize,
    /// How many times one transfer is tried, the first time included.
    pub tries: usize,
    /// The pause before the second try; it grows threefold with each further one.
    pub retry_pause: Duration,
    /// The longest pause between two tries that is not asked for by the server.
    pub longest_pause: Duration,
    /// The longest `Retry-After` that is waited for; a longer one is an error at once.
    pub longest_retry_after: Duration,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for the first or the next byte of an answer.
    pub stall_timeout: Duration,
    /// The slowest transfer that is borne, in bytes per second, over twice the stall timeout.
    pub slowest: u64,
    /// The longest wait for another process that fetches the same file.
    pub lock_timeout: Duration,
    /// The largest file that is taken when the lock does not give a size, in bytes.
    pub largest: u64,
    /// Folders whose files are taken, by name and digest, before the network is asked.
    pub local_folders: Vec<PathBuf>,
    /// The simple index that is asked for a file of the public index that cannot be reached.
    pub index: Option<CleanUrl>,
    /// Logins for addresses, the most specific first counts.
    pub credentials: Vec<Credential>,
    /// The addresses of indexes that have a name.
    pub named_indexes: BTreeMap<String, CleanUrl>,
    /// The `netrc` file, when there may be one.
    pub netrc: Option<Netrc>,
    /// Certificates to trust in place of the system's.
    pub certificates: Certificates,
    /// How proxies are found.
    pub proxies: Proxies,
}

/// Where the `netrc` file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Netrc {
    /// Named by the user: it must be readable.
    Named(PathBuf),
    /// The usual places, of which the first that exists is read.
    Usual(Vec<PathBuf>),
}

/// Certificate authorities, in PEM form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    /// A file of certificates (`SSL_CERT_FILE`).
    pub file: Option<PathBuf>,
    /// Folders of such files (`SSL_CERT_DIR`).
    pub folders: Vec<PathBuf>,
}

/// How proxies are found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxies {
    /// None is used.
    #[default]
    None,
    /// Those that the operating system is set to.
    System,
    /// These. Their addresses may hold a password.
    Given {
        /// For `http` addresses.
        http: Option<Secret>,
        /// For `https` addresses.
        https: Option<Secret>,
        /// Hosts that are reached without a proxy, as `NO_PROXY` lists them.
        except: String,
    },
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            offline: false,
            connections: 16,
            tries: 4,
            retry_pause: Duration::from_millis(400),
            longest_pause: Duration::from_secs(10),
            longest_retry_after: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            slowest: 64,
            lock_timeout: Duration::from_secs(300),
            largest: 16 << 30,
            local_folders: Vec::new(),
            index: None,
            credentials: Vec::new(),
            named_indexes: BTreeMap::new(),
            netrc: None,
            certificates: Certificates::default(),
            proxies: Proxies::None,
        }
    }
}

impl FetchSettings {
    /// Takes note of an index: its login goes to the credentials, its name to the named indexes,
    /// and its address comes back without the login.
    pub fn add_index(&mut self, name: Option<&str>, url: &Url) -> CleanUrl {
        self.credentials.extend(Credential::of_url(url));
        let clean = CleanUrl::new(url.clone());
        if let Some(name) = name {
            self.named_indexes.insert(name.to_owned(), clean.clone());
        }
        clean
    }
}
