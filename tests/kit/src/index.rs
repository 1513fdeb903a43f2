//! A package index on the loopback address: a folder of wheels and sdists, served by PEP 503's simple interface.
//!
//! - `/simple/NAME/` lists the files of a project, each with the sha256 of its bytes;
//! - `/files/ANY/FOLDER/FILE` is the file of that name, wherever the folder says it lies, so that a lock whose links
//!   were moved from `https://files.pythonhosted.org/packages` to [`LoopbackIndex::files_url`] finds them;
//! - any other path is a file below the served folder.
//!
//! It answers well and plainly, single ranges included. Servers that answer badly are another module's business.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use sha2::{Digest as _, Sha256};

/// A running index. It stops when dropped.
#[derive(Debug)]
pub struct LoopbackIndex {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    stopped: AtomicBool,
    requests: Mutex<Vec<String>>,
    digests: Mutex<BTreeMap<PathBuf, String>>,
}

impl LoopbackIndex {
    /// Serves a folder until the value is dropped.
    ///
    /// # Panics
    ///
    /// When the loopback address cannot be listened on.
    #[must_use]
    pub fn serve(folder: impl Into<PathBuf>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("because loopback can be bound");
        let address = listener.local_addr().expect("because it is bound");
        let shared = Arc::new(Shared {
            folder: folder.into(),
            stopped: AtomicBool::new(false),
            requests: Mutex::default(),
            digests: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || accept_until_stopped(&listener, &serving));
        Self { address, shared }
    }

    /// The index's own address, without a slash at the end: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What package managers are given as the index.
    #[must_use]
    pub fn simple_url(&self) -> String {
        format!("{}/simple", self.url())
    }

    /// What stands for `https://files.pythonhosted.org/packages`.
    #[must_use]
    pub fn files_url(&self) -> String {
        format!("{}/files", self.url())
    }

    /// A `uv.lock` or `pylock.toml` whose links to the public index point here.
    #[must_use]
    pub fn rewrite_lock(&self, lock: &str) -> String {
        lock.replace("https://files.pythonhosted.org/packages", &self.files_url())
            .replace("https://pypi.org/simple", &self.simple_url())
    }

    /// Every request so far, as `GET /path`, in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for LoopbackIndex {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection; when nobody listens any more, there is nothing to wake.
        drop(TcpStream::connect(self.address));
    }
}

fn accept_until_stopped(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // A client that goes away in the middle of an answer is its own business.
        thread::spawn(move || drop(serve_connection(&stream, &shared)));
    }
}

struct Request {
    method: String,
    path: String,
    range: Option<(u64, Option<u64>)>,
    close: bool,
}

fn serve_connection(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader)? {
        let close = request.close;
        let line = format!("{} {}", request.method, request.path);
        shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
        answer(stream, shared, &request)?;
        if close {
            break;
        }
    }
    Ok(())
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut request = Request {
        method: method.to_owned(),
        path: percent_decoded(path),
        range: None,
        close: false,
    };
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            return Ok(Some(request));
        };
        match name.to_ascii_lowercase().as_str() {
            "range" => request.range = parse_range(value.trim()),
            "connection" => request.close = value.trim().eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
}

/// `bytes=FIRST-[LAST]`; several ranges and suffixes are answered with the whole file, as RFC 9110 section 14.2 allows.
fn parse_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    let last = if last.is_empty() {
        None
    } else {
        Some(last.parse().ok()?)
    };
    Some((first.parse().ok()?, last))
}

fn answer(stream: &TcpStream, shared: &Shared, request: &Request) -> io::Result<()> {
    if request.path == "/simple/" || request.path == "/simple" {
        return send_page(stream, request, &project_list(shared)?);
    }
    if let Some(name) = request.path.strip_prefix("/simple/") {
        return match project_page(shared, name.trim_end_matches('/'))? {
            Some(page) => send_page(stream, request, &page),
            None => send_missing(stream),
        };
    }
    let path = match request.path.strip_prefix("/files/") {
        Some(rest) => rest.rsplit('/').next().map(|name| shared.folder.join(name)),
        None => below(&shared.folder, &request.path),
    };
    match path.filter(|p| p.is_file()) {
        Some(path) => send_file(stream, request, &path),
        None => send_missing(stream),
    }
}

/// A path below the folder, or none when it would leave it.
fn below(folder: &Path, path: &str) -> Option<PathBuf> {
    let relative = Path::new(path.trim_start_matches('/'));
    let stays = relative
        .components()
        .all(|c| matches!(c, Component::Normal(_)));
    stays.then(|| folder.join(relative))
}

fn send_page(mut stream: &TcpStream, request: &Request, page: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n",
        page.len()
    );
    stream.write_all(head.as_bytes())?;
    if request.method == "HEAD" {
        return Ok(());
    }
    stream.write_all(page.as_bytes())
}

fn send_missing(mut stream: &TcpStream) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
}

fn send_file(mut stream: &TcpStream, request: &Request, path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let (first, last) = match request.range {
        None => (0, size.saturating_sub(1)),
        Some((first, _)) if first >= size => {
            let head = format!(
                "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{size}\r\nContent-Length: 0\r\n\r\n"
            );
            return stream.write_all(head.as_bytes());
        }
        Some((first, last)) => (first, last.unwrap_or(u64::MAX).min(size - 1)),
    };
    let length = if size == 0 { 0 } else { last + 1 - first };
    let status = match request.range {
        None => "HTTP/1.1 200 OK\r\n".to_owned(),
        Some(_) => format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {first}-{last}/{size}\r\n"
        ),
    };
    let head = format!(
        "{status}Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    if request.method == "HEAD" {
        return Ok(());
    }
    file.seek(SeekFrom::Start(first))?;
    io::copy(&mut file.take(length), &mut stream)?;
    Ok(())
}

fn project_list(shared: &Shared) -> io::Result<String> {
    let mut names: Vec<String> = files(&shared.folder)?
        .iter()
        .map(|(project, _)| project.clone())
        .collect();
    names.dedup();
    let links: String = names
        .iter()
        .map(|n| format!("<a href=\"/simple/{n}/\">{n}</a>\n"))
        .collect();
    Ok(format!(
        "<!DOCTYPE html><html><body>\n{links}</body></html>\n"
    ))
}

fn project_page(shared: &Shared, name: &str) -> io::Result<Option<String>> {
    let mut links = String::new();
    for (project, file) in files(&shared.folder)? {
        if project == normalised_name(name) {
            let digest = digest(shared, &shared.folder.join(&file))?;
            links.push_str(&format!(
                "<a href=\"/files/{file}#sha256={digest}\">{file}</a>\n"
            ));
        }
    }
    Ok(
        (!links.is_empty())
            .then(|| format!("<!DOCTYPE html><html><body>\n{links}</body></html>\n")),
    )
}

/// The distributions of the folder, as (project, file name), sorted.
fn files(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for child in fs::read_dir(folder)? {
        let file = child?.file_name().to_string_lossy().into_owned();
        let project = if file.ends_with(".whl") {
            file.split('-').next()
        } else {
            file.strip_suffix(".tar.gz")
                .and_then(|stem| stem.rsplit_once('-'))
                .map(|(name, _)| name)
        };
        if let Some(project) = project {
            files.push((normalised_name(project), file.clone()));
        }
    }
    files.sort();
    Ok(files)
}

/// PEP 503: lower case, with each run of `-`, `_` and `.` a single `-`.
fn normalised_name(name: &str) -> String {
    let words: Vec<&str> = name
        .split(['-', '_', '.'])
        .filter(|w| !w.is_empty())
        .collect();
    words.join("-").to_ascii_lowercase()
}

fn digest(shared: &Shared, path: &Path) -> io::Result<String> {
    let mut known = shared
        .digests
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(digest) = known.get(path) {
        return Ok(digest.clone());
    }
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    let digest: String = hasher
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    known.insert(path.to_path_buf(), digest.clone());
    Ok(digest)
}

fn percent_decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() {
            &after[2..]
        } else {
            after
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(index: &LoopbackIndex, path: &str, extra: &str) -> String {
        let mut stream = TcpStream::connect(index.address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{extra}\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    }

    #[test]
    fn lists_files_with_hashes_and_serves_them_whole_or_in_part() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("My_Pkg-1.0-py3-none-any.whl"),
            "0123456789",
        )
        .unwrap();
        fs::write(folder.path().join("other-2.tar.gz"), "").unwrap();
        let index = LoopbackIndex::serve(folder.path());

        let page = ask(&index, "/simple/my-pkg/", "");
        let sum = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
        assert!(
            page.contains(&format!("/files/My_Pkg-1.0-py3-none-any.whl#sha256={sum}")),
            "{page}"
        );
        assert!(ask(&index, "/simple/", "").contains("/simple/other/"));
        assert!(ask(&index, "/simple/absent/", "").starts_with("HTTP/1.1 404"));

        let whole = ask(&index, "/files/a/b/My_Pkg-1.0-py3-none-any.whl", "");
        assert!(
            whole.starts_with("HTTP/1.1 200") && whole.ends_with("\r\n\r\n0123456789"),
            "{whole}"
        );
        let part = ask(
            &index,
            "/My_Pkg-1.0-py3-none-any.whl",
            "Range: bytes=3-5\r\n",
        );
        assert!(
            part.starts_with("HTTP/1.1 206") && part.ends_with("\r\n\r\n345"),
            "{part}"
        );
        let past = ask(
            &index,
            "/My_Pkg-1.0-py3-none-any.whl",
            "Range: bytes=10-\r\n",
        );
        assert!(past.starts_with("HTTP/1.1 416"), "{past}");
        assert_eq!(index.requests()[0], "GET /simple/my-pkg/");
    }

    #[test]
    fn nothing_outside_the_folder_is_served() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), "s").unwrap();
        fs::create_dir(folder.path().join("public")).unwrap();
        let index = LoopbackIndex::serve(folder.path().join("public"));
        for path in ["/../secret", "/%2e%2e/secret", "/files/../secret"] {
            assert!(ask(&index, path, "").starts_with("HTTP/1.1 404"), "{path}");
        }
    }

    #[test]
    fn a_lock_is_moved_to_the_loopback_index() {
        let folder = tempfile::tempdir().unwrap();
        let index = LoopbackIndex::serve(folder.path());
        let lock = "url = \"https://files.pythonhosted.org/packages/ab/cd/x.whl\"";
        assert_eq!(
            index.rewrite_lock(lock),
            format!("url = \"{}/ab/cd/x.whl\"", index.files_url())
        );
    }
}
