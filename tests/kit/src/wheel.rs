//! Small wheels, valid unless a test makes them otherwise.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::zip::{Entry, Zip};

/// Makes a wheel: files, metadata, `RECORD`, all consistent.
///
/// ```
/// let wheel = dhtl_test_kit::WheelBuilder::new("demo", "1.0")
///     .file("demo/__init__.py", "def main(): print('hello')\n")
///     .console_script("demo", "demo:main");
/// assert_eq!(wheel.filename(), "demo-1.0-py3-none-any.whl");
/// ```
#[derive(Debug, Clone)]
pub struct WheelBuilder {
    name: String,
    version: String,
    tag: String,
    headers: String,
    console: Vec<(String, String)>,
    gui: Vec<(String, String)>,
    entries: Vec<Entry>,
    rows: Vec<String>,
}

impl WheelBuilder {
    /// Starts a pure wheel. The name is written as given, in the file name with `_` for `-`.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            tag: "py3-none-any".to_owned(),
            headers: String::new(),
            console: Vec::new(),
            gui: Vec::new(),
            entries: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Sets the tag: `cp311-cp311-win_amd64`.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        self.tag = tag.to_owned();
        self
    }

    /// Adds `Requires-Dist`.
    #[must_use]
    pub fn requires(mut self, requirement: &str) -> Self {
        writeln!(self.headers, "Requires-Dist: {requirement}").expect("writing to memory");
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(Entry::deflated(path, content.as_ref()), content)
    }

    /// Adds an executable file.
    #[must_use]
    pub fn executable(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let entry = Entry::deflated(path, content.as_ref()).mode(0o100_755);
        self.entry(entry, content)
    }

    /// Adds a file below the `.data` folder: `scripts/x`, `headers/x.h`, `data/share/x`.
    #[must_use]
    pub fn data(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = format!("{}.data/{path}", self.stem());
        self.file(&path, content)
    }

    /// Adds an entry as it is, with the row that `content` has in `RECORD`.
    #[must_use]
    pub fn entry(mut self, entry: Entry, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        let path = String::from_utf8_lossy(&entry.name).into_owned();
        self.rows.push(row(&path, content));
        self.entries.push(entry);
        self
    }

    /// Adds an entry that `RECORD` does not list.
    #[must_use]
    pub fn unlisted(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    /// Adds a line to `RECORD`.
    #[must_use]
    pub fn row(mut self, row: &str) -> Self {
        self.rows.push(row.to_owned());
        self
    }

    /// Adds a console script.
    #[must_use]
    pub fn console_script(mut self, name: &str, value: &str) -> Self {
        self.console.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a GUI script.
    #[must_use]
    pub fn gui_script(mut self, name: &str, value: &str) -> Self {
        self.gui.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the file name.
    pub fn filename(&self) -> String {
        format!("{}-{}.whl", self.stem(), self.tag)
    }

    /// Returns the name of the `.dist-info` folder.
    pub fn info(&self) -> String {
        format!("{}.dist-info", self.stem())
    }

    fn stem(&self) -> String {
        format!("{}-{}", self.name.replace('-', "_"), self.version)
    }

    /// Returns the zip file, complete with metadata and `RECORD`, ready to be tampered with.
    pub fn zip(&self) -> Zip {
        let mut wheel = self.clone();
        let info = self.info();
        let metadata = format!(
            "Metadata-Version: 2.1\nName: {}\nVersion: {}\n{}",
            self.name, self.version, self.headers
        );
        let format = format!(
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {}\nTag: {}\n",
            self.tag.ends_with("-any"),
            self.tag
        );
        wheel = wheel
            .file(&format!("{info}/METADATA"), metadata)
            .file(&format!("{info}/WHEEL"), format);
        let scripts = self.scripts();
        if !scripts.is_empty() {
            wheel = wheel.file(&format!("{info}/entry_points.txt"), scripts);
        }
        let record = format!("{info}/RECORD");
        let rows = format!("{}{record},,\n", wheel.rows.concat());
        wheel
            .entries
            .push(Entry::deflated(&record, rows.as_bytes()));
        Zip::new(wheel.entries)
    }

    fn scripts(&self) -> String {
        let mut text = String::new();
        for (section, scripts) in [
            ("console_scripts", &self.console),
            ("gui_scripts", &self.gui),
        ] {
            if !scripts.is_empty() {
                writeln!(text, "[{section}]").expect("writing to memory");
            }
            for (name, value) in scripts {
                writeln!(text, "{name} = {value}").expect("writing to memory");
            }
        }
        text
    }

    /// Returns the bytes.
    pub fn build(&self) -> Vec<u8> {
        self.zip().build()
    }

    /// Writes the wheel into `folder` and returns its path.
    pub fn write_to(&self, folder: &Path) -> PathBuf {
        let path = folder.join(self.filename());
        std::fs::write(&path, self.build()).expect("the wheel can be written");
        path
    }
}

/// The line that `RECORD` has for a file.
pub fn row(path: &str, content: &[u8]) -> String {
    let hash = base64(&Sha256::digest(content));
    format!("{path},sha256={hash},{}\n", content.len())
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bit = |index: usize| bytes[index / 8] >> (7 - index % 8) & 1;
    let bits = bytes.len() * 8;
    (0..bits.div_ceil(6))
        .map(|digit| {
            let value = (digit * 6..digit * 6 + 6)
                .map(|index| if index < bits { bit(index) } else { 0 })
                .fold(0, |value, bit| value << 1 | bit);
            char::from(ALPHABET[usize::from(value)])
        })
        .collect()
}
