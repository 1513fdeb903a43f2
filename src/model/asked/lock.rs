//! What a lock says, without what does not decide: addresses of files that have a digest, sizes,
//! times, who wrote it, in which order.

use serde_json::{Map, Value};
use toml::Value as Toml;
use url::Url;

use crate::model::canonical;
use crate::model::location::CleanUrl;
use crate::model::requirements::logical_lines;

/// How a lock is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockForm {
    /// `uv.lock`.
    Uv,
    /// `pylock.toml`.
    Pylock,
    /// Requirements files.
    Requirements,
    /// `poetry.lock`.
    Poetry,
}

impl LockForm {
    const fn name(self) -> &'static str {
        match self {
            Self::Uv => "uv",
            Self::Pylock => "pylock",
            Self::Requirements => "requirements",
            Self::Poetry => "poetry",
        }
    }
}

/// Keys of a whole lock that say how it came about.
const ORIGIN: [&str; 9] = [
    "version",
    "revision",
    "lock-version",
    "created-by",
    "manifest",
    "options",
    "tool",
    "package",
    "packages",
];
/// Keys of a package that say nothing of what is installed.
const REMARKS: [&str; 4] = ["description", "metadata", "tool", "attestation-identities"];
/// Keys of a file that its digest makes needless.
const WHERE: [&str; 5] = ["url", "path", "size", "upload-time", "upload_time"];
/// Requirements options that say where to look, not what to install.
const PLACES: [&str; 14] = [
    "-r",
    "--requirement",
    "-c",
    "--constraint",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "--trusted-host",
    "--no-index",
    "--require-hashes",
    "--pre",
    "--prefer-binary",
];

/// Parameters of a query that say what is meant; any other may let somebody in.
const QUERY: [&str; 6] = ["rev", "tag", "branch", "subdirectory", "path", "lfs"];

/// Returns what a lock says.
///
/// # Errors
///
/// When the text is no TOML where it has to be; the text of the error says what and where.
pub fn lock(form: LockForm, text: &str) -> Result<Value, String> {
    let mut said = match form {
        LockForm::Requirements => requirements(text),
        LockForm::Uv | LockForm::Pylock | LockForm::Poetry => {
            let table: toml::Table = toml::from_str(text).map_err(|error| {
                let line = error.span().map(|span| text[..span.start].lines().count());
                let line = line.map_or_else(String::new, |line| format!("line {}: ", line.max(1)));
                format!("{line}{}", error.message())
            })?;
            in_toml(&table)
        }
    };
    said.insert("form".to_owned(), form.name().into());
    Ok(Value::Object(said))
}

fn in_toml(table: &toml::Table) -> Map<String, Value> {
    let mut said = Map::new();
    for (key, value) in table {
        match (key.as_str(), value) {
            // Poetry's: who wrote it, and in older locks the files.
            ("metadata", Toml::Table(metadata)) => {
                let mut metadata = metadata.clone();
                metadata.retain(|key, _| !["lock-version", "content-hash"].contains(&key));
                if !metadata.is_empty() {
                    said.insert(key.clone(), plain(&Toml::Table(metadata)));
                }
            }
            (key, _) if ORIGIN.contains(&key) => {}
            _ => {
                said.insert(key.clone(), plain(value));
            }
        }
    }
    let packages = ["package", "packages"].into_iter();
    let packages = packages.filter_map(|key| table.get(key)?.as_array());
    let packages = packages
        .flatten()
        .filter_map(Toml::as_table)
        .map(package)
        .collect();
    said.insert("packages".to_owned(), sorted(packages));
    said
}

fn package(table: &toml::Table) -> Value {
    let source = table.get("source").and_then(Toml::as_table);
    let is_folder = source.is_some_and(|source| {
        let kinds = ["editable", "virtual", "directory"];
        kinds.iter().any(|kind| source.contains_key(*kind))
    });
    let mut said = Map::new();
    for (key, value) in table {
        let key = key.as_str();
        // The version of what lies in the project is the project's, not the lock's.
        if REMARKS.contains(&key) || (is_folder && key == "version") {
            continue;
        }
        let value = match value {
            Toml::Array(files) if key == "wheels" || key == "files" => {
                sorted(files.iter().map(file).collect())
            }
            Toml::Table(_) if key == "sdist" => file(value),
            _ => plain(value),
        };
        said.insert(key.to_owned(), value);
    }
    Value::Object(said)
}

fn file(value: &Toml) -> Value {
    let Toml::Table(table) = value else {
        return plain(value);
    };
    let has_digest = table.contains_key("hash") || table.contains_key("hashes");
    let kept = table
        .iter()
        .filter(|(key, _)| !(has_digest && WHERE.contains(&key.as_str())));
    Value::Object(
        kept.map(|(key, value)| (key.clone(), plain(value)))
            .collect(),
    )
}

/// Returns a value of TOML as JSON, its lists sorted and its addresses without logins.
pub(super) fn plain(value: &Toml) -> Value {
    match value {
        Toml::String(text) => clean(text).into(),
        Toml::Integer(number) => (*number).into(),
        Toml::Float(number) => number.to_string().into(),
        Toml::Boolean(flag) => (*flag).into(),
        Toml::Datetime(moment) => moment.to_string().into(),
        Toml::Array(items) => sorted(items.iter().map(plain).collect()),
        Toml::Table(table) => {
            let keys = table.iter();
            Value::Object(
                keys.map(|(key, value)| (key.clone(), plain(value)))
                    .collect(),
            )
        }
    }
}

/// Lists in a lock are sets: what is first decides nothing.
fn sorted(mut items: Vec<Value>) -> Value {
    items.sort_by_cached_key(canonical::json);
    Value::Array(items)
}

/// Returns an address without what lets somebody in; any other text as it is.
fn clean(text: &str) -> String {
    let (before, address) = match text.split_once("git+") {
        Some(("", address)) => ("git+", address),
        _ => ("", text),
    };
    match Url::parse(address) {
        Ok(url) if url.has_host() && (url.query().is_some() || has_user(&url)) => {
            let mut url = CleanUrl::new(url).as_url().clone();
            let kept: Vec<&str> = url.query().map_or_else(Vec::new, |query| {
                let parts = query.split('&');
                let known =
                    |part: &&str| part.split('=').next().is_some_and(|it| QUERY.contains(&it));
                parts.filter(known).collect()
            });
            let kept = kept.join("&");
            url.set_query(Some(kept.as_str()).filter(|kept| !kept.is_empty()));
            format!("{before}{url}")
        }
        _ => text.to_owned(),
    }
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn requirements(text: &str) -> Map<String, Value> {
    let mut packages: Vec<Value> = logical_lines(text)
        .iter()
        .filter_map(|line| requirement(&line.text))
        .collect();
    packages.sort_by_cached_key(canonical::json);
    packages.dedup();
    [("packages".to_owned(), Value::Array(packages))]
        .into_iter()
        .collect()
}

fn requirement(line: &str) -> Option<Value> {
    let mut hashes = Vec::new();
    let mut words = Vec::new();
    let mut parts = line.split_whitespace().peekable();
    let first = parts.peek()?.split('=').next().unwrap_or_default();
    if PLACES.contains(&first) {
        return None;
    }
    while let Some(word) = parts.next() {
        match word.strip_prefix("--hash") {
            Some("") => hashes.extend(parts.next().map(Value::from)),
            Some(hash) => hashes.push(hash.trim_start_matches('=').into()),
            None => words.push(clean(word)),
        }
    }
    let mut said = Map::new();
    said.insert("requirement".to_owned(), words.join(" ").into());
    if !hashes.is_empty() {
        said.insert("hashes".to_owned(), sorted(hashes));
    }
    Some(Value::Object(said))
}
