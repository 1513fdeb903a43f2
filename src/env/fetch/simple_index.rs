//! The simple repository API, as far as a replacement for the public index needs it: the address of
//! a file by its name and its digest. Nothing but the digest of the lock decides.
//!
//! Pages come as JSON (PEP 691) or as HTML (PEP 503); both are read by pure functions.

use std::io::Read;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;
use uv_normalize::PackageName;

use super::Fetcher;
use super::error::FetchError;
use super::request::Ask;
use crate::model::location::CleanUrl;
use crate::model::pins::{Offer, package_of};
use crate::model::selection::Sha256;

/// The host of the public index's pages.
pub const PUBLIC_PAGES: &str = "pypi.org";

/// The host of the public index's files.
pub const PUBLIC_FILES: &str = "files.pythonhosted.org";

/// What is asked for: JSON rather than HTML.
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, \
                      application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

/// The largest page that is read, in bytes. The public index's largest has about 10 million.
const LARGEST_PAGE: u64 = 64 << 20;

/// Says whether `url` belongs to the public index.
pub fn is_public(url: &Url) -> bool {
    matches!(url.host_str(), Some(PUBLIC_PAGES | PUBLIC_FILES))
}

/// A file that a page offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// Its name.
    pub filename: String,
    /// Its address as written: often relative to the page.
    pub url: String,
    /// Its digest, where the page gives one.
    pub sha256: Option<Sha256>,
    /// Its size in bytes, where the page gives it (PEP 700).
    pub size: Option<u64>,
    /// Whether its publisher took it back (PEP 592).
    pub yanked: bool,
}

/// Reads a page in JSON form (PEP 691).
///
/// # Errors
///
/// The text is not such a page.
pub fn parse_json(text: &[u8]) -> Result<Vec<IndexFile>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Page {
        files: Vec<File>,
    }
    #[derive(Deserialize)]
    struct File {
        filename: String,
        url: String,
        #[serde(default)]
        hashes: Hashes,
        size: Option<u64>,
        #[serde(default)]
        yanked: Yanked,
    }
    /// A reason counts as yes.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Yanked {
        Flag(bool),
        Reason(IgnoredAny),
    }
    impl Default for Yanked {
        fn default() -> Self {
            Self::Flag(false)
        }
    }
    #[derive(Deserialize, Default)]
    struct Hashes {
        sha256: Option<String>,
    }
    let page: Page = serde_json::from_slice(text)?;
    let read = |file: File| IndexFile {
        filename: file.filename,
        url: file.url,
        sha256: file.hashes.sha256.as_deref().and_then(Sha256::from_hex),
        size: file.size,
        yanked: !matches!(file.yanked, Yanked::Flag(false)),
    };
    Ok(page.files.into_iter().map(read).collect())
}

/// Reads the links of a page in HTML form (PEP 503): `<a href="ADDRESS#sha256=DIGEST">NAME</a>`.
pub fn parse_html(text: &str) -> Vec<IndexFile> {
    let mut files = Vec::new();
    let mut rest = text;
    while let Some((_, tail)) = split_at_tag(rest) {
        let Some((attributes, after)) = tail.split_once('>') else {
            break;
        };
        let (label, _) = after.split_once('<').unwrap_or((after, ""));
        rest = after;
        let Some(address) = href(attributes) else {
            continue;
        };
        let (url, fragment) = address.split_once('#').unwrap_or((&address, ""));
        let sha256 = fragment
            .split('&')
            .find_map(|pair| pair.strip_prefix("sha256="))
            .and_then(Sha256::from_hex);
        files.push(IndexFile {
            filename: unescaped(label.trim()),
            url: url.to_owned(),
            sha256,
            size: None,
            yanked: attributes.to_ascii_lowercase().contains("data-yanked"),
        });
    }
    files
}

/// Splits behind the next `<a` that is followed by white space.
fn split_at_tag(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let at = bytes.windows(3).position(|window| {
        window[0] == b'<'
            && window[1].eq_ignore_ascii_case(&b'a')
            && window[2].is_ascii_whitespace()
    })?;
    Some((&text[..at], &text[at + 2..]))
}

fn href(attributes: &str) -> Option<String> {
    let lower = attributes.to_ascii_lowercase();
    let at = lower.match_indices("href").find_map(|(at, name)| {
        let before = lower[..at].chars().next_back();
        let starts = before.is_none_or(char::is_whitespace);
        starts.then_some(at + name.len())
    })?;
    let value = attributes[at..]
        .trim_start()
        .strip_prefix('=')?
        .trim_start();
    let quote = value
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\''));
    let value = match quote {
        Some(quote) => value[1..].split(quote).next()?,
        None => value.split_ascii_whitespace().next()?,
    };
    Some(unescaped(value))
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// Returns the address of the file with this name and this digest.
pub fn find(files: &[IndexFile], page: &Url, filename: &str, sha256: Sha256) -> Option<Url> {
    files
        .iter()
        .filter(|file| file.filename == filename && file.sha256 == Some(sha256))
        .find_map(|file| page.join(&file.url).ok())
}

/// A page and its address.
struct Page {
    address: Url,
    files: Vec<IndexFile>,
}

impl Fetcher {
    /// Asks the index at `index` for the address of a file.
    pub(super) fn find_in_index(
        &self,
        index: &CleanUrl,
        filename: &str,
        sha256: Sha256,
    ) -> Result<Option<Url>, FetchError> {
        let Some(package) = package_of(filename) else {
            return Ok(None);
        };
        let page = self.page(index, &package)?;
        Ok(page.and_then(|page| find(&page.files, &page.address, filename, sha256)))
    }

    /// Returns the files that the index at `index` offers for a package; none if it does not know it.
    ///
    /// As for files, the configured index is asked when the public one gives nothing.
    ///
    /// # Errors
    ///
    /// The index gives no answer, or one that cannot be read.
    pub fn offers(
        &self,
        index: &CleanUrl,
        package: &PackageName,
    ) -> Result<Vec<Offer>, FetchError> {
        if self.settings.offline {
            return Err(FetchError::Offline {
                filename: format!("the page of {package}"),
                url: index.clone(),
            });
        }
        let replacement = self
            .settings
            .index
            .as_ref()
            .filter(|_| is_public(index.as_url()));
        let asked_first = match replacement {
            Some(replacement) if self.public_out_of_reach.load(Ordering::Relaxed) => replacement,
            _ => index,
        };
        let page = match (self.page(asked_first, package), replacement) {
            (Err(error), Some(replacement)) if error.gave_nothing() && asked_first == index => {
                if error.out_of_reach() {
                    self.public_out_of_reach.store(true, Ordering::Relaxed);
                }
                self.page(replacement, package)?
            }
            (answer, _) => answer?,
        };
        let Some(page) = page else {
            return Ok(Vec::new());
        };
        let offer = |file: IndexFile| {
            let url = page.address.join(&file.url).ok()?;
            Some(Offer {
                filename: file.filename,
                url: CleanUrl::new(url),
                sha256: file.sha256,
                size: file.size,
                yanked: file.yanked,
            })
        };
        Ok(page.files.into_iter().filter_map(offer).collect())
    }

    fn page(&self, index: &CleanUrl, package: &PackageName) -> Result<Option<Page>, FetchError> {
        let base = index.as_url().as_str().trim_end_matches('/');
        let Ok(url) = Url::parse(&format!("{base}/{package}/")) else {
            return Ok(None);
        };
        let ask = Ask {
            from: None,
            accept: Some(ACCEPT),
        };
        let mut answer = self.http.get(&url, &ask)?;
        if answer.response.status().as_u16() == 404 {
            return Ok(None);
        }
        if !answer.response.status().is_success() {
            return Err(answer.status_error());
        }
        let mut text = Vec::new();
        let read = (&mut answer.response)
            .take(LARGEST_PAGE + 1)
            .read_to_end(&mut text);
        read.map_err(|error| self.http.body_failure(&url, 0, error))?;
        if text.len() as u64 > LARGEST_PAGE {
            let url = CleanUrl::new(url);
            let limit = LARGEST_PAGE;
            return Err(FetchError::TooLarge { url, limit });
        }
        let json = answer
            .header("content-type")
            .is_some_and(|kind| kind.contains("json"));
        let files = if json {
            parse_json(&text).map_err(|source| FetchError::IndexPage {
                url: CleanUrl::new(url),
                source: Box::new(source),
            })?
        } else {
            parse_html(&String::from_utf8_lossy(&text))
        };
        Ok(Some(Page {
            address: answer.url,
            files,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "22c6a1c9c23894a12f55aea625f060b8d3330fba774de72d02d5442bb580417f";

    fn digest() -> Sha256 {
        Sha256::from_hex(DIGEST).unwrap()
    }

    #[test]
    fn reads_both_forms_alike() {
        let html = format!(
            "<!DOCTYPE html><html><body><abbr>x</abbr>\n<a data-x=\"1\"\n href=\"../../p/a-1.whl?a=1&amp;b=2#sha256={DIGEST}\">a-1.whl</a><br>\
             <A HREF='https://h.example/a-2.whl' >a-2.whl</A><a name=x>no</a></body>"
        );
        let json = format!(
            r#"{{"meta":{{"api-version":"1.1"}},"name":"a","files":[
                {{"filename":"a-1.whl","url":"../../p/a-1.whl?a=1&b=2","hashes":{{"sha256":"{DIGEST}"}},"yanked":false}},
                {{"filename":"a-2.whl","url":"https://h.example/a-2.whl","hashes":{{}}}}]}}"#
        );
        let files = parse_html(&html);
        assert_eq!(files, parse_json(json.as_bytes()).unwrap());
        assert_eq!(files.len(), 2);
        let page = "https://i.example/root/simple/a/".parse().unwrap();
        let found = find(&files, &page, "a-1.whl", digest()).unwrap();
        assert_eq!(found.as_str(), "https://i.example/root/p/a-1.whl?a=1&b=2");
    }

    #[test]
    fn input_52_only_the_locked_digest_counts() {
        let other = Sha256([7; 32]);
        let file = |sha256| IndexFile {
            filename: "a-1.whl".into(),
            url: "a-1.whl".into(),
            sha256,
            size: None,
            yanked: false,
        };
        let page = "https://i.example/simple/a/".parse().unwrap();
        let offered = [file(Some(other)), file(None)];
        assert_eq!(find(&offered, &page, "a-1.whl", digest()), None);
        assert!(find(&[file(Some(other))], &page, "a-1.whl", other).is_some());
        assert_eq!(find(&[file(Some(other))], &page, "b-1.whl", other), None);
    }

    #[test]
    fn survives_broken_pages() {
        for text in [
            "<a ",
            "<a href",
            "<a href=",
            "<a href=\"",
            "<a href=>",
            "<a >",
            "<é a",
        ] {
            let _ = parse_html(text);
        }
        assert!(parse_json(b"<html>").is_err());
    }
}
