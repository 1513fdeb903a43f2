//! The HTTP clients: built when first needed, so that work without a network needs no certificates.
//!
//! Two are kept: one for plain `http`, which knows no certificate authority and therefore is built on
//! every machine, and one that checks servers against `SSL_CERT_FILE` and `SSL_CERT_DIR`, or else
//! against the system's authorities. Neither follows redirects nor decodes bodies.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once};
use std::time::Duration;

use reqwest::blocking::{Client, ClientBuilder};
use reqwest::{Certificate, NoProxy, Proxy};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::Url;

use super::FetchError;
use super::error::Cause;
use super::settings::{Certificates, FetchSettings, Proxies};
use crate::model::location::CleanUrl;

/// The most bytes and lines of headers that an answer may have.
const HEADER_LINES: usize = 128;
const HEADER_BYTES: u32 = 64 << 10;

/// The clients and what they are built from.
#[derive(Debug)]
pub(super) struct Clients {
    certificates: Certificates,
    proxies: Proxies,
    connect_timeout: Duration,
    stall_timeout: Duration,
    plain: Mutex<Option<Client>>,
    trusting: Mutex<Option<Client>>,
}

impl Clients {
    pub(super) fn new(settings: &FetchSettings) -> Self {
        Self {
            certificates: settings.certificates.clone(),
            proxies: settings.proxies.clone(),
            connect_timeout: settings.connect_timeout,
            stall_timeout: settings.stall_timeout,
            plain: Mutex::new(None),
            trusting: Mutex::new(None),
        }
    }

    /// Returns the client for `url`.
    pub(super) fn of(&self, url: &Url) -> Result<Client, FetchError> {
        let trusting = url.scheme() == "https" || self.proxy_is_encrypted();
        let kept = if trusting {
            &self.trusting
        } else {
            &self.plain
        };
        let mut kept = kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(client) = &*kept {
            return Ok(client.clone());
        }
        let client = if trusting {
            self.build_trusting(url)?
        } else {
            self.base()?
                .tls_certs_only(Vec::new())
                .build()
                .map_err(unusable)?
        };
        *kept = Some(client.clone());
        Ok(client)
    }

    fn proxy_is_encrypted(&self) -> bool {
        match &self.proxies {
            Proxies::Given {
                http: Some(proxy), ..
            } => proxy.reveal().starts_with("https:"),
            _ => false,
        }
    }

    fn build_trusting(&self, url: &Url) -> Result<Client, FetchError> {
        let missing = |source: Cause| FetchError::NoCertificates {
            url: CleanUrl::new(url.clone()),
            source,
        };
        if self.certificates == Certificates::default() {
            let built = self.base()?.build();
            return built.map_err(|error| missing(Box::new(error.without_url())));
        }
        let found = self.read_certificates()?;
        if found.is_empty() {
            return Err(missing(
                "`SSL_CERT_FILE` and `SSL_CERT_DIR` name no certificate".into(),
            ));
        }
        self.base()?.tls_certs_only(found).build().map_err(unusable)
    }

    fn base(&self) -> Result<ClientBuilder, FetchError> {
        install_provider();
        let builder = Client::builder()
            .user_agent(concat!("dhtl/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.connect_timeout)
            // For a blocking client this bounds each wait, not the whole transfer.
            .timeout(self.stall_timeout)
            .http1_max_headers(HEADER_LINES)
            .http2_max_header_list_size(HEADER_BYTES)
            .http2_adaptive_window(true);
        let (http, https, except) = match &self.proxies {
            Proxies::System => return Ok(builder),
            Proxies::None => return Ok(builder.no_proxy()),
            Proxies::Given {
                http,
                https,
                except,
            } => (http, https, except),
        };
        let mut builder = builder.no_proxy();
        let except = NoProxy::from_string(except);
        if let Some(proxy) = http {
            let proxy = Proxy::http(proxy.reveal()).map_err(unusable_proxy)?;
            builder = builder.proxy(proxy.no_proxy(except.clone()));
        }
        if let Some(proxy) = https {
            let proxy = Proxy::https(proxy.reveal()).map_err(unusable_proxy)?;
            builder = builder.proxy(proxy.no_proxy(except));
        }
        Ok(builder)
    }

    fn read_certificates(&self) -> Result<Vec<Certificate>, FetchError> {
        let mut found = BTreeSet::new();
        if let Some(path) = &self.certificates.file {
            found.extend(read_pem(path).map_err(unreadable(path))?);
        }
        for folder in &self.certificates.folders {
            // A folder of the list that is not there, and a file in it that is something else, are usual.
            let Ok(files) = std::fs::read_dir(folder) else {
                continue;
            };
            for file in files.flatten() {
                found.extend(read_pem(&file.path()).unwrap_or_default());
            }
        }
        // One authority that cannot be read must not disable all others.
        let valid = |der: &Vec<u8>| {
            RootCertStore::empty()
                .add(CertificateDer::from(der.as_slice()))
                .is_ok()
        };
        found
            .iter()
            .filter(|der| valid(der))
            .map(|der| Certificate::from_der(der).map_err(unusable))
            .collect()
    }
}

fn read_pem(path: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let bytes = std::fs::read(path)?;
    Ok(CertificateDer::pem_slice_iter(&bytes)
        .filter_map(Result::ok)
        .map(|der| der.to_vec())
        .collect())
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> FetchError {
    let path: PathBuf = path.to_owned();
    move |source| FetchError::Io {
        what: "read the certificates in",
        path,
        source,
    }
}

fn unusable(error: reqwest::Error) -> FetchError {
    FetchError::Client {
        source: Box::new(error.without_url()),
    }
}

/// The cause could repeat the proxy's address, password included, so it is not kept.
fn unusable_proxy(_: reqwest::Error) -> FetchError {
    FetchError::Client {
        source: "the address of a proxy is not valid".into(),
    }
}

/// Chooses the cryptography once for the process; a choice made earlier stands.
fn install_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
