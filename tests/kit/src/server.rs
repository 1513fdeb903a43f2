//! A web server on the loopback address that fails on request: what a fetcher has to survive.
//!
//! A handler answers each request with a [`Reply`]; the reply says how the body ends. Every request is
//! remembered, so that a test can tell what was sent, how often, and with which login.

mod reply;

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use reply::End;
pub use reply::Reply;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The authority that signed every [`Identity`], in PEM form.
pub const AUTHORITY: &str = include_str!("certificates/authority.pem");

/// Who a server with TLS says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// `localhost` and `127.0.0.1`.
    Valid,
    /// The same, until 2021.
    Expired,
    /// `elsewhere.example`.
    Elsewhere,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET`, or `CONNECT` for a proxy.
    pub method: String,
    /// The path with its query, or what a proxy is asked for.
    pub path: String,
    /// The headers; names in lower case.
    pub headers: BTreeMap<String, String>,
    /// How many requests for the same path came before.
    pub earlier: usize,
}

impl Asked {
    /// Returns a header by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Returns the first byte that is asked for, when a range is.
    #[must_use]
    pub fn range_start(&self) -> Option<usize> {
        let range = self.header("range")?.strip_prefix("bytes=")?;
        range.split('-').next()?.parse().ok()
    }
}

type Handler = dyn Fn(&Asked) -> Reply + Send + Sync;

struct Shared {
    handler: Box<Handler>,
    tls: Option<Arc<ServerConfig>>,
    requests: Mutex<Vec<Asked>>,
    stopped: AtomicBool,
}

/// A running server. It stops when dropped.
pub struct FaultServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl FaultServer {
    /// Serves plain HTTP/1.1.
    #[must_use]
    pub fn serve(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(Box::new(handler), None)
    }

    /// Serves HTTP/1.1 in TLS.
    #[must_use]
    pub fn serve_tls(
        identity: Identity,
        handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(Box::new(handler), Some(tls_config(identity)))
    }

    fn start(handler: Box<Handler>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("because loopback can be bound");
        let address = listener.local_addr().expect("because it is bound");
        let shared = Arc::new(Shared {
            handler,
            tls,
            requests: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &serving));
        Self { address, shared }
    }

    /// Returns the address of a path, which begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.shared.tls.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}{path}", self.address)
    }

    /// Returns the port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns every request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Asked> {
        let requests = self.shared.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        drop(TcpStream::connect(self.address));
    }
}

fn tls_config(identity: Identity) -> Arc<ServerConfig> {
    let certificate = match identity {
        Identity::Valid => include_str!("certificates/valid.pem"),
        Identity::Expired => include_str!("certificates/expired.pem"),
        Identity::Elsewhere => include_str!("certificates/elsewhere.pem"),
    };
    let key = include_str!("certificates/server.key");
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .expect("because the certificate is a constant");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("because the key is a constant");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("because the provider knows the default versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("because the key belongs to the certificate");
    Arc::new(config)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // A client that goes away in the middle of an answer is its own business.
        thread::spawn(move || drop(serve(stream, &shared)));
    }
}

trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let raw = stream.try_clone()?;
    let wire: Box<dyn Wire> = match &shared.tls {
        None => Box::new(stream),
        Some(config) => {
            let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
            Box::new(StreamOwned::new(connection, stream))
        }
    };
    let mut reader = BufReader::new(wire);
    while let Some(asked) = read_request(&mut reader, shared)? {
        let reply = (shared.handler)(&asked);
        if !send(reader.get_mut(), &reply, &raw, shared)? {
            return Ok(());
        }
    }
    Ok(())
}

fn read_request(
    reader: &mut BufReader<Box<dyn Wire>>,
    shared: &Shared,
) -> io::Result<Option<Asked>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut requests = shared
        .requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let asked = Asked {
        method: method.to_owned(),
        path: path.to_owned(),
        headers,
        earlier: requests
            .iter()
            .filter(|earlier| earlier.path == path)
            .count(),
    };
    requests.push(asked.clone());
    Ok(Some(asked))
}

/// Sends a reply; says whether the connection can be used again.
fn send(
    wire: &mut Box<dyn Wire>,
    reply: &Reply,
    raw: &TcpStream,
    shared: &Shared,
) -> io::Result<bool> {
    let mut head = format!("HTTP/1.1 {} Reason\r\n", reply.status);
    if let Some(length) = &reply.length {
        head += &format!("Content-Length: {length}\r\n");
    }
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    wire.write_all(head.as_bytes())?;
    match reply.end {
        End::Endless => loop {
            write!(wire, "{:x}\r\n", reply.body.len())?;
            wire.write_all(&reply.body)?;
            wire.write_all(b"\r\n")?;
        },
        End::Trickle(pause) => {
            for byte in &reply.body {
                wire.write_all(&[*byte])?;
                wire.flush()?;
                thread::sleep(pause);
            }
        }
        _ => wire.write_all(&reply.body)?,
    }
    wire.flush()?;
    match reply.end {
        End::Well | End::Endless | End::Trickle(_) => return Ok(true),
        End::Close => {}
        End::Reset => {
            // What was written must arrive before the reset overtakes it.
            thread::sleep(Duration::from_millis(50));
            reset_when_closed(raw)?;
            return Ok(false);
        }
        End::Stall => {
            while !shared.stopped.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
    raw.shutdown(Shutdown::Both)?;
    Ok(false)
}

#[cfg(unix)]
fn reset_when_closed(stream: &TcpStream) -> io::Result<()> {
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO))?;
    Ok(())
}

#[cfg(not(unix))]
fn reset_when_closed(_: &TcpStream) -> io::Result<()> {
    Ok(())
}
