//! One request: redirects followed under rules, the login of each origin added, every failure named.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::Response;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, IF_RANGE, LOCATION, RANGE,
    RETRY_AFTER,
};
use url::{Host, Url};

use super::client::Clients;
use super::credentials::Credentials;
use super::error::{FetchError, RedirectFault};
use super::settings::FetchSettings;
use crate::model::location::CleanUrl;

/// How many redirects are followed.
const REDIRECTS: usize = 10;

/// Sends requests.
#[derive(Debug)]
pub(super) struct Http {
    clients: Clients,
    credentials: Credentials,
    stall_timeout: Duration,
}

/// What to ask for besides the address.
#[derive(Debug, Default)]
pub(super) struct Ask<'a> {
    /// The first byte wanted, and the validator that the earlier bytes came with, if any (RFC 9110, 13.1.5).
    pub(super) from: Option<(u64, Option<&'a str>)>,
    /// The wanted media types.
    pub(super) accept: Option<&'static str>,
}

impl Http {
    pub(super) fn new(settings: &FetchSettings) -> Self {
        Self {
            clients: Clients::new(settings),
            credentials: Credentials::new(settings.credentials.clone(), settings.netrc.clone()),
            stall_timeout: settings.stall_timeout,
        }
    }

    /// Returns the first answer that is not a redirect, whatever its status, and its address.
    ///
    /// # Errors
    ///
    /// No answer, or a redirect that is not followed.
    pub(super) fn get(&self, url: &Url, ask: &Ask<'_>) -> Result<Answer, FetchError> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let (response, with_login) = self.send(&url, ask)?;
            if !is_redirect(response.status()) {
                return Ok(Answer {
                    response,
                    url,
                    with_login,
                });
            }
            url = redirect_target(&url, response.headers())?;
        }
        Err(refused(&url, RedirectFault::TooMany(REDIRECTS)))
    }

    fn send(&self, url: &Url, ask: &Ask<'_>) -> Result<(Response, bool), FetchError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(url, RedirectFault::Scheme(url.scheme().to_owned())));
        }
        let login = self.credentials.login(url)?;
        let mut bare = url.clone();
        let _ = bare.set_username("");
        let _ = bare.set_password(None);
        let mut request = self
            .clients
            .of(&bare)?
            .get(bare)
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some((from, validator)) = ask.from {
            request = request.header(RANGE, format!("bytes={from}-"));
            if let Some(validator) = validator {
                request = request.header(IF_RANGE, validator);
            }
        }
        if let Some(accept) = ask.accept {
            request = request.header(ACCEPT, HeaderValue::from_static(accept));
        }
        if let Some(login) = login {
            request = request.basic_auth(&login.user, Some(login.password.reveal()));
        }
        let response = request
            .send()
            .map_err(|error| self.failure(url, 0, error))?;
        Ok((response, login.is_some()))
    }

    /// Names the failure of a request or of its body, after `received` bytes of the file.
    pub(super) fn failure(&self, url: &Url, received: u64, error: reqwest::Error) -> FetchError {
        let url = CleanUrl::new(url.clone());
        let error = error.without_url();
        if has_tls_cause(&error) {
            let source = Box::new(error);
            return FetchError::Tls { url, source };
        }
        if error.is_dns() {
            let source = Box::new(error);
            return FetchError::Dns { url, source };
        }
        if proxy_wants_login(&error) {
            return FetchError::ProxyLogin { url };
        }
        if error.is_connect() {
            let source = Box::new(error);
            return FetchError::Connect { url, source };
        }
        if error.is_timeout() {
            let after = self.stall_timeout;
            return FetchError::Stalled {
                url,
                received,
                after,
            };
        }
        let source = Box::new(error);
        FetchError::Interrupted {
            url,
            received,
            source,
        }
    }

    /// The same for an error that came while a body was read.
    pub(super) fn body_failure(&self, url: &Url, received: u64, error: io::Error) -> FetchError {
        match error.downcast::<reqwest::Error>() {
            Ok(error) => self.failure(url, received, error),
            Err(source) => FetchError::Interrupted {
                url: CleanUrl::new(url.clone()),
                received,
                source: Box::new(source),
            },
        }
    }
}

/// An answer with any status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: Response,
    /// The address after redirects; it may hold a signature.
    pub(super) url: Url,
    with_login: bool,
}

impl Answer {
    /// Returns the error that the status stands for; called for a status that is not a success.
    pub(super) fn status_error(&self) -> FetchError {
        let url = CleanUrl::new(self.url.clone());
        let status = self.response.status().as_u16();
        let retry_after = || retry_after(self.response.headers());
        match status {
            401 | 403 => FetchError::Unauthorized {
                url,
                status,
                with_login: self.with_login,
            },
            404 => FetchError::NotFound { url },
            407 => FetchError::ProxyLogin { url },
            410 => FetchError::Gone { url },
            416 => FetchError::Range { url },
            429 => FetchError::TooManyRequests {
                url,
                retry_after: retry_after(),
            },
            408 | 500..=599 => FetchError::Server {
                url,
                status,
                retry_after: retry_after(),
            },
            _ => FetchError::Status { url, status },
        }
    }

    /// Says whether the answer calls itself a web page.
    pub(super) fn is_page(&self) -> bool {
        self.header(CONTENT_TYPE.as_str())
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"))
    }

    /// Returns a header that is plain text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }
}

/// Reads `Retry-After` in seconds (RFC 9110, 10.2.3). The form with a date is not used: the clocks of
/// two machines differ.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

const fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn refused(url: &Url, fault: RedirectFault) -> FetchError {
    FetchError::Redirect {
        url: CleanUrl::new(url.clone()),
        fault,
    }
}

/// Returns where `url` redirects to, if that may be followed.
fn redirect_target(url: &Url, headers: &HeaderMap) -> Result<Url, FetchError> {
    let target = headers
        .get(LOCATION)
        .and_then(|location| location.to_str().ok())
        .and_then(|location| url.join(location).ok());
    let Some(mut target) = target else {
        return Err(refused(url, RedirectFault::NoTarget));
    };
    if !matches!(target.scheme(), "http" | "https") {
        let scheme = target.scheme().to_owned();
        return Err(refused(url, RedirectFault::Scheme(scheme)));
    }
    // A redirect cannot bring its own login.
    let _ = target.set_username("");
    let _ = target.set_password(None);
    if url.scheme() == "https" && target.scheme() == "http" {
        let target = Box::new(CleanUrl::new(target));
        return Err(refused(url, RedirectFault::Downgrade(target)));
    }
    if is_link_local(&target) && !is_link_local(url) {
        let target = Box::new(CleanUrl::new(target));
        return Err(refused(url, RedirectFault::LinkLocal(target)));
    }
    Ok(target)
}

fn is_link_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local(),
        Some(Host::Ipv6(address)) => {
            address.is_unicast_link_local()
                || address
                    .to_ipv4_mapped()
                    .is_some_and(|address| address.is_link_local())
        }
        _ => false,
    }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| {
        // An `io::Error` passes its content's cause on and hides the content itself.
        match cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(content) => Some(content as &(dyn std::error::Error + 'static)),
            None => cause.source(),
        }
    })
}

fn has_tls_cause(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.is::<rustls::Error>())
}

/// The client tells a proxy's 407 to `CONNECT` only in words.
fn proxy_wants_login(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.to_string().contains("proxy authorization required"))
}
