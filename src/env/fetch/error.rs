//! What can go wrong while fetching, what to do about it, and what is worth another try.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::location::{CleanUrl, Location};
use crate::model::selection::Sha256;

/// The cause that a lower layer gave; it holds no address.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An archive could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The network may not be used, and no copy is on this machine.
    #[error("cannot fetch `{filename}` from `{url}`: offline, and no copy is on this machine")]
    Offline {
        /// The archive's file name.
        filename: String,
        /// Where it would come from.
        url: CleanUrl,
    },
    /// The lock names a file by something that is not a plain file name.
    #[error("`{filename}` is not a plain file name")]
    BadName {
        /// What the lock gives.
        filename: String,
    },
    /// 401 or 403.
    #[error("`{url}` refuses access (status {status}, {})", if *.with_login { "with a login" } else { "without a login" })]
    Unauthorized {
        /// The address that answered.
        url: CleanUrl,
        /// 401 or 403.
        status: u16,
        /// Whether a login was sent.
        with_login: bool,
    },
    /// 407.
    #[error("the proxy refuses to fetch `{url}` without a valid login (status 407)")]
    ProxyLogin {
        /// The address that was asked for.
        url: CleanUrl,
    },
    /// 404.
    #[error("`{url}` does not exist (status 404)")]
    NotFound {
        /// The address that answered.
        url: CleanUrl,
    },
    /// 410.
    #[error("`{url}` was removed for good (status 410)")]
    Gone {
        /// The address that answered.
        url: CleanUrl,
    },
    /// 416, though no part was asked for.
    #[error("`{url}` refuses the range of a request that had none (status 416)")]
    Range {
        /// The address that answered.
        url: CleanUrl,
    },
    /// 429.
    #[error("`{url}` has had too many requests (status 429)")]
    TooManyRequests {
        /// The address that answered.
        url: CleanUrl,
        /// The pause that the server asks for.
        retry_after: Option<Duration>,
    },
    /// 408 or 5xx.
    #[error("the server of `{url}` failed (status {status})")]
    Server {
        /// The address that answered.
        url: CleanUrl,
        /// The status.
        status: u16,
        /// The pause that the server asks for.
        retry_after: Option<Duration>,
    },
    /// Any other answer.
    #[error("`{url}` answered with the unexpected status {status}")]
    Status {
        /// The address that answered.
        url: CleanUrl,
        /// The status.
        status: u16,
    },
    /// The host's name has no address.
    #[error("cannot find the host of `{url}`")]
    Dns {
        /// The address.
        url: CleanUrl,
        /// What the resolver said.
        source: Cause,
    },
    /// No connection.
    #[error("cannot connect to the host of `{url}`")]
    Connect {
        /// The address.
        url: CleanUrl,
        /// What the system said.
        source: Cause,
    },
    /// The server's certificate is not trusted, or encryption failed.
    #[error("cannot set up a trusted connection to the host of `{url}`")]
    Tls {
        /// The address.
        url: CleanUrl,
        /// What is wrong with the connection.
        source: Cause,
    },
    /// Nothing, or next to nothing, came for too long.
    #[error("`{url}` stalled after {received} bytes: too little came within {} seconds", .after.as_secs_f32())]
    Stalled {
        /// The address.
        url: CleanUrl,
        /// How many bytes of the file are there.
        received: u64,
        /// How long was waited.
        after: Duration,
    },
    /// The connection broke, or what came is not HTTP.
    #[error("the transfer of `{url}` broke off after {received} bytes")]
    Interrupted {
        /// The address.
        url: CleanUrl,
        /// How many bytes of the file are there.
        received: u64,
        /// What happened.
        source: Cause,
    },
    /// A redirect that is not followed.
    #[error("`{url}` redirects {fault}")]
    Redirect {
        /// The address that redirects.
        url: CleanUrl,
        /// Why it is not followed.
        fault: RedirectFault,
    },
    /// There is no certificate authority to check servers against.
    #[error("no certificate authorities are known, so `{url}` cannot be trusted")]
    NoCertificates {
        /// The address that was to be fetched.
        url: CleanUrl,
        /// What the search for them said.
        source: Cause,
    },
    /// The proxy settings, or the system's, cannot be used.
    #[error("cannot set up the network client")]
    Client {
        /// What is wrong.
        source: Cause,
    },
    /// Other bytes than the lock says. Final: nothing else is tried.
    #[error("`{from}` does not have the locked digest: expected sha256 {expected}, got {got}")]
    Hash {
        /// Where the bytes came from.
        from: Box<Location>,
        /// What the lock says.
        expected: Sha256,
        /// What came.
        got: Sha256,
        /// Whether the answer called itself a web page.
        page: bool,
    },
    /// The bytes have the SHA-256 of the lock, and not its other digest. Final: nothing else is tried.
    #[error("`{from}` does not have the locked digest: expected {algorithm} {expected}, got {got}")]
    OtherHash {
        /// Where the bytes came from.
        from: Box<Location>,
        /// Which digest.
        algorithm: &'static str,
        /// What the lock says.
        expected: String,
        /// What came.
        got: String,
    },
    /// Another size than the lock says. Final: nothing else is tried.
    #[error("`{from}` does not have the locked size: expected {expected} bytes, got {got}")]
    Size {
        /// Where the bytes came from.
        from: Box<Location>,
        /// What the lock says, in bytes.
        expected: u64,
        /// What came or was announced, in bytes.
        got: u64,
        /// Whether the answer called itself a web page.
        page: bool,
    },
    /// More bytes than are allowed.
    #[error("`{url}` is larger than the allowed {limit} bytes")]
    TooLarge {
        /// The address.
        url: CleanUrl,
        /// The limit, in bytes.
        limit: u64,
    },
    /// Another process holds the same file for too long.
    #[error("another process has been fetching `{path}` for more than {} seconds", .after.as_secs())]
    Busy {
        /// The partial file.
        path: PathBuf,
        /// How long was waited.
        after: Duration,
    },
    /// The public index failed, and the configured index does not help.
    #[error(
        "the index `{index}` has no `{filename}` with the locked digest to replace the public one"
    )]
    NotInIndex {
        /// The archive's file name.
        filename: String,
        /// The index that was asked.
        index: CleanUrl,
        /// Why the public index, or this one, failed.
        source: Box<FetchError>,
    },
    /// An index page cannot be read.
    #[error("`{url}` is not a page of a simple index")]
    IndexPage {
        /// The page.
        url: CleanUrl,
        /// What is wrong with it.
        source: Cause,
    },
    /// A file or folder of this machine failed.
    #[error("cannot {what} `{path}`")]
    Io {
        /// What was being done.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another archive failed, so this one was given up.
    #[error("stopped before `{filename}` was complete")]
    Stopped {
        /// The archive's file name.
        filename: String,
    },
}

/// Why a redirect is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectFault {
    /// A chain that is too long, or a loop.
    #[error("more than {0} times")]
    TooMany(usize),
    /// From encrypted to plain.
    #[error("from https to plain http, to `{0}`")]
    Downgrade(Box<CleanUrl>),
    /// To something that is not HTTP.
    #[error("to an address that is neither http nor https (`{0}:`)")]
    Scheme(String),
    /// To an address of the local link, where clouds keep a machine's own secrets.
    #[error("to the link-local address `{0}`")]
    LinkLocal(Box<CleanUrl>),
    /// Without a place to go.
    #[error("without a valid target")]
    NoTarget,
}

/// Whether and when a failed transfer is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    Never,
    /// One more time only: a machine without a network should say so soon.
    Once,
    /// After the usual pause, or the one that the server asks for.
    After(Option<Duration>),
}

impl FetchError {
    /// Tells whether bytes came that are not those of the lock.
    pub const fn is_integrity(&self) -> bool {
        matches!(
            self,
            Self::Hash { .. } | Self::OtherHash { .. } | Self::Size { .. } | Self::TooLarge { .. }
        )
    }

    /// Tells whether the disk is at fault.
    pub const fn is_disk(&self) -> bool {
        matches!(self, Self::Io { .. })
    }

    /// Returns what the user can do, where there is something.
    pub fn advice(&self) -> Option<&'static str> {
        const PAGE: &str = "the server sent a web page: a login page, or a proxy's notice; open the \
                            address in a browser, then check index, login and proxy";
        Some(match self {
            Self::Offline { .. } => {
                "run once without `--offline`, or name a folder that holds the file in `DHT_FIND_LINKS`"
            }
            Self::Unauthorized {
                with_login: false, ..
            } => {
                "give a login: in netrc (https only), in the index's address, or in `UV_INDEX_<NAME>_USERNAME` and `UV_INDEX_<NAME>_PASSWORD`"
            }
            Self::Unauthorized { .. } => {
                "the login is known but not accepted: check its user name, password and rights"
            }
            Self::ProxyLogin { .. } => {
                "put the proxy's login into `HTTPS_PROXY` and `HTTP_PROXY` (`http://user:password@proxy:port`)"
            }
            Self::NotFound { .. } | Self::Gone { .. } => {
                "the file was removed or the lock is old: lock again, or set `DHT_INDEX_URL` to an index that still has it"
            }
            Self::TooManyRequests { .. } => {
                "wait, then run again: what is complete is kept; `DHT_CONCURRENT_DOWNLOADS` lowers the number of connections"
            }
            Self::Server { .. } => {
                "run again later: what is complete is kept; a mirror can be set with `DHT_INDEX_URL`"
            }
            Self::Dns { .. } => {
                "check the network and the name; without a network, use `--offline`"
            }
            Self::Connect { .. } => {
                "check the network, `HTTPS_PROXY` and `NO_PROXY`; without a network, use `--offline`"
            }
            Self::Tls { .. } => {
                "if a company proxy or a private index signs its own certificates, name its authority in `SSL_CERT_FILE`"
            }
            Self::NoCertificates { .. } => {
                "install the system's `ca-certificates`, or name a file of authorities in `SSL_CERT_FILE`"
            }
            Self::Stalled { .. } | Self::Interrupted { .. } => {
                "run again: the transfer goes on where it stopped; `DHT_HTTP_TIMEOUT` sets how long to wait, in seconds"
            }
            Self::Hash { page: true, .. } | Self::Size { page: true, .. } => PAGE,
            Self::OtherHash { .. } => {
                "the lock contradicts itself: lock again, and compare with the index"
            }
            Self::Hash { .. } | Self::Size { .. } => {
                "do not use the file: either the lock or the server is wrong; if the change is expected, lock again"
            }
            Self::Redirect { .. } => {
                "the server or a proxy sends this request elsewhere: check the address in the lock and the proxy"
            }
            Self::Busy { .. } => "wait for the other process, or stop it",
            Self::NotInIndex { .. } => {
                "check that the index mirrors the public one, or unset `DHT_INDEX_URL`"
            }
            Self::Client { .. } => "check `HTTP_PROXY`, `HTTPS_PROXY` and `SSL_CERT_FILE`",
            Self::BadName { .. }
            | Self::Range { .. }
            | Self::Status { .. }
            | Self::TooLarge { .. }
            | Self::IndexPage { .. }
            | Self::Io { .. }
            | Self::Stopped { .. } => return None,
        })
    }

    pub(super) const fn retry(&self) -> Retry {
        match self {
            Self::TooManyRequests { retry_after, .. } | Self::Server { retry_after, .. } => {
                Retry::After(*retry_after)
            }
            Self::Connect { .. } | Self::Stalled { .. } | Self::Interrupted { .. } => {
                Retry::After(None)
            }
            Self::Dns { .. } => Retry::Once,
            _ => Retry::Never,
        }
    }

    /// Says whether the same file may be had elsewhere, because this place gave nothing.
    pub(super) const fn gave_nothing(&self) -> bool {
        self.out_of_reach()
            || matches!(
                self,
                Self::Unauthorized { .. }
                    | Self::ProxyLogin { .. }
                    | Self::NotFound { .. }
                    | Self::Gone { .. }
                    | Self::TooManyRequests { .. }
                    | Self::Server { .. }
                    | Self::Stalled { .. }
                    | Self::Interrupted { .. }
            )
    }

    /// Says whether the bytes so far are of no use to a later run.
    pub(super) const fn spoils_part(&self) -> bool {
        matches!(
            self,
            Self::Size { .. } | Self::TooLarge { .. } | Self::Io { .. }
        )
    }

    /// Says whether every other request to the same host would fail as well.
    pub(super) const fn out_of_reach(&self) -> bool {
        matches!(
            self,
            Self::Dns { .. } | Self::Connect { .. } | Self::Tls { .. }
        )
    }
}
