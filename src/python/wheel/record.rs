//! `RECORD`: the list of a distribution's files with their hashes and sizes. Pure.
//!
//! Law: a wheel's `RECORD` lists exactly the files of the wheel, each once, each with a strong
//! hash. `RECORD` itself and its signatures `RECORD.jws` and `RECORD.p7s` need no hash (binary
//! distribution format, "The .dist-info directory").

use std::collections::{BTreeMap, BTreeSet};

use dht_store::{TreePath, TreePathError};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// Why a `RECORD` is refused.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is no CSV file of three columns.
    #[error("could not read `RECORD`: {0}")]
    Malformed(&'static str),
    /// The CSV reader refused it.
    #[error("could not read `RECORD`")]
    Csv(#[from] csv::Error),
    /// A row names a path outside of the wheel.
    #[error("could not accept a row of `RECORD`")]
    Path(#[from] TreePathError),
    /// Two rows name one file.
    #[error("`RECORD` lists `{0}` twice")]
    Duplicate(TreePath),
    /// A row has no file.
    #[error("`RECORD` lists `{0}`, which the wheel does not hold")]
    Missing(TreePath),
    /// A file has no row.
    #[error("`RECORD` does not list `{0}`, which the wheel holds")]
    Unlisted(TreePath),
    /// A row has no hash, or a weak one.
    #[error("`RECORD` gives no SHA-256, SHA-384 or SHA-512 of `{0}`")]
    NoHash(TreePath),
    /// The file is not what its row says.
    #[error("`{0}` does not have the size that `RECORD` gives")]
    Size(TreePath),
    /// The file is not what its row says.
    #[error("`{0}` does not have the hash that `RECORD` gives")]
    Hash(TreePath),
}

/// What a row says of its file, in the words of the row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// `sha256=` and the digest in URL-safe Base64 without padding, or empty.
    pub hash: String,
    /// The size in bytes, or empty.
    pub size: String,
}

/// Reads a `RECORD`.
pub fn parse(content: &[u8]) -> Result<BTreeMap<TreePath, Row>, RecordError> {
    if content.contains(&0) {
        return Err(RecordError::Malformed("it holds a NUL"));
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(content);
    let mut rows = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        let (path, hash, size) = match record.len() {
            3 => (&record[0], &record[1], &record[2]),
            _ => return Err(RecordError::Malformed("a row does not have three columns")),
        };
        // Builders on Windows write `\` here, though not in the archive (ruff's wheels), and no file
        // of a tree can have it in its name.
        let path = TreePath::new(&path.replace('\\', "/"))?;
        let row = Row {
            hash: hash.to_owned(),
            size: size.to_owned(),
        };
        if rows.insert(path.clone(), row).is_some() {
            return Err(RecordError::Duplicate(path));
        }
    }
    Ok(rows)
}

/// Checks that `rows` lists the files of the wheel: path and size in bytes of each. Hashes are
/// checked by [`check_hash`], when the content is at hand.
pub fn check<'a>(
    rows: &BTreeMap<TreePath, Row>,
    record: &TreePath,
    files: impl Iterator<Item = (&'a TreePath, u64)>,
) -> Result<(), RecordError> {
    let mut unmatched = rows.keys().collect::<BTreeSet<_>>();
    for (path, size) in files {
        unmatched.remove(path);
        let exempt = is_exempt(path, record);
        let Some(row) = rows.get(path) else {
            if exempt {
                continue;
            }
            return Err(RecordError::Unlisted(path.clone()));
        };
        if exempt {
            continue;
        }
        if !row.size.is_empty() && row.size.parse() != Ok(size) {
            return Err(RecordError::Size(path.clone()));
        }
        if !["sha256=", "sha384=", "sha512="]
            .iter()
            .any(|strong| row.hash.starts_with(strong))
        {
            return Err(RecordError::NoHash(path.clone()));
        }
    }
    // A signature may be listed by a tool that removed it afterwards; nothing else may be missing.
    match unmatched.into_iter().find(|path| !is_exempt(path, record)) {
        Some(path) => Err(RecordError::Missing(path.clone())),
        None => Ok(()),
    }
}

/// Whether `path` is `RECORD` itself or a signature of it.
pub fn is_exempt(path: &TreePath, record: &TreePath) -> bool {
    path == record
        || path
            .as_str()
            .strip_prefix(record.as_str())
            .is_some_and(|rest| matches!(rest, ".jws" | ".p7s"))
}

/// Hashes content as the row of `RECORD` does.
pub enum Hasher {
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-384.
    Sha384(Sha384),
    /// SHA-512.
    Sha512(Sha512),
}

impl Hasher {
    /// Returns the hasher that can check `row`.
    pub fn for_row(row: &Row) -> Self {
        if row.hash.starts_with("sha384=") {
            Self::Sha384(Sha384::new())
        } else if row.hash.starts_with("sha512=") {
            Self::Sha512(Sha512::new())
        } else {
            Self::Sha256(Sha256::new())
        }
    }

    /// Adds content.
    pub fn update(&mut self, content: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(content),
            Self::Sha384(hasher) => hasher.update(content),
            Self::Sha512(hasher) => hasher.update(content),
        }
    }

    /// Returns the hash in the words of a row.
    pub fn finish(self) -> String {
        match self {
            Self::Sha256(hasher) => format!("sha256={}", base64(&hasher.finalize())),
            Self::Sha384(hasher) => format!("sha384={}", base64(&hasher.finalize())),
            Self::Sha512(hasher) => format!("sha512={}", base64(&hasher.finalize())),
        }
    }
}

/// Returns the row of generated content.
pub fn row_of(content: &[u8]) -> Row {
    let mut hasher = Hasher::for_row(&Row::default());
    hasher.update(content);
    Row {
        hash: hasher.finish(),
        size: content.len().to_string(),
    }
}

/// Checks a hash of content against its row.
pub fn check_hash(path: &TreePath, row: &Row, hash: &str) -> Result<(), RecordError> {
    // Some writers pad the Base64, which the specification does not.
    if row.hash.trim_end_matches('=') == hash {
        Ok(())
    } else {
        Err(RecordError::Hash(path.clone()))
    }
}

/// Writes rows, sorted by path; paths are relative to `site-packages`.
pub fn write(rows: &BTreeMap<String, Row>) -> Vec<u8> {
    let mut content = String::new();
    for (path, row) in rows {
        if path.contains([',', '"', '\n', '\r']) {
            content.push('"');
            content.push_str(&path.replace('"', "\"\""));
            content.push('"');
        } else {
            content.push_str(path);
        }
        content.push(',');
        content.push_str(&row.hash);
        content.push(',');
        content.push_str(&row.size);
        content.push('\n');
    }
    content.into_bytes()
}

/// Encodes in Base64 with the URL-safe alphabet and no padding (RFC 4648, section 5).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let group = u32::from_be_bytes(group);
        for digit in 0..=chunk.len() {
            let index = (group >> (18 - 6 * digit)) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    fn judge(record: &str, files: &[(&str, u64)]) -> Result<(), RecordError> {
        let files: Vec<_> = files
            .iter()
            .map(|(path, size)| (TreePath::new(path).unwrap(), *size))
            .collect();
        let record_path = TreePath::new("x.dist-info/RECORD").unwrap();
        check(
            &parse(record.as_bytes())?,
            &record_path,
            files.iter().map(|(path, size)| (path, *size)),
        )
    }

    #[test]
    fn encodes_every_length() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"\xff\xfe\xfd\xfc", "__79_A"),
        ] {
            assert_eq!(base64(bytes), text);
        }
        assert_eq!(row_of(b"").hash, EMPTY);
    }

    #[test]
    fn accepts_what_lists_every_file() {
        let record = format!("a.py,{EMPTY},0\n\"b,c.py\",{EMPTY},\nx.dist-info/RECORD,,\n");
        let files = [
            ("a.py", 0),
            ("b,c.py", 7),
            ("x.dist-info/RECORD", 99),
            ("x.dist-info/RECORD.jws", 5),
        ];
        assert!(judge(&record, &files).is_ok());
    }

    #[test]
    fn accepts_the_separators_of_windows() {
        let record = format!("b\\a.py,{EMPTY},0\nx.dist-info/RECORD,,\n");
        let files = [("b/a.py", 0), ("x.dist-info/RECORD", 9)];
        assert!(judge(&record, &files).is_ok());
        let out = format!("..\\a.py,{EMPTY},0\nx.dist-info/RECORD,,\n");
        assert!(judge(&out, &files).is_err());
    }

    #[test]
    fn bad_input_25_a_record_that_does_not_list_the_files() {
        let files = [("a.py", 0), ("x.dist-info/RECORD", 9)];
        for record in [
            "".to_owned(),
            "x.dist-info/RECORD,,\n".to_owned(),
            format!("a.py,{EMPTY},0\nb.py,{EMPTY},0\nx.dist-info/RECORD,,\n"),
            format!("a.py,{EMPTY},0\na.py,{EMPTY},0\nx.dist-info/RECORD,,\n"),
            format!("a.py,{EMPTY},1\nx.dist-info/RECORD,,\n"),
            "a.py,,\nx.dist-info/RECORD,,\n".to_owned(),
            "a.py,md5=abc,0\nx.dist-info/RECORD,,\n".to_owned(),
            format!("a.py,{EMPTY},0\n../../.ssh/authorized_keys,,\n"),
            format!("a.py,{EMPTY},0\n/etc/passwd,{EMPTY},0\n"),
            format!("a.py,{EMPTY},0\0\nx.dist-info/RECORD,,\n"),
            format!("a.py,{EMPTY}\nx.dist-info/RECORD,,\n"),
        ] {
            assert!(judge(&record, &files).is_err(), "{record:?}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        let rows = BTreeMap::from([
            ("a,b".to_owned(), row_of(b"x")),
            ("q\"".to_owned(), Row::default()),
        ]);
        let text = write(&rows);
        let parsed: Vec<_> = parse(&text)
            .unwrap()
            .into_iter()
            .map(|(path, row)| (path.to_string(), row))
            .collect();
        assert_eq!(parsed, rows.into_iter().collect::<Vec<_>>());
    }
}
