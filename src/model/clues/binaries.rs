//! Programs beside Python that a project pins: in `.nvmrc`, `.node-version`, `package.json`,
//! `rust-toolchain`, `.tool-versions`.

use crate::model::config::text::{BinaryName, BinaryVersion};
use crate::model::config::{Binary, Installer};
use crate::model::python_pin::{PythonPin, parse_python_version_file};

/// What the files say together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pinned {
    /// Programs with their exact version and the file that names them, the first file winning.
    pub exact: Vec<(Binary, &'static str)>,
    /// What is not exact, in words, with the name of the program.
    pub remarks: Vec<(String, String)>,
    /// The Python of `.tool-versions`.
    pub python: Option<PythonPin>,
}

/// The files that are read, in the order in which they win.
pub const FILES: [&str; 6] = [
    ".nvmrc",
    ".node-version",
    "rust-toolchain.toml",
    "rust-toolchain",
    ".tool-versions",
    "package.json",
];

/// Reads the files that `text` has.
pub fn read(text: &mut dyn FnMut(&str) -> Option<String>) -> Pinned {
    let mut pinned = Pinned::default();
    for file in FILES {
        let Some(text) = text(file) else {
            continue;
        };
        match file {
            ".nvmrc" | ".node-version" => {
                if let Some(line) = first_line(&text) {
                    pinned.add("node", line, file);
                }
            }
            "rust-toolchain.toml" => pinned.rust(&text, file),
            "rust-toolchain" if text.contains("[toolchain]") => pinned.rust(&text, file),
            "rust-toolchain" => {
                if let Some(line) = first_line(&text) {
                    pinned.add("rust", line, file);
                }
            }
            ".tool-versions" => pinned.asdf(&text, file),
            _ => pinned.package_json(&text, file),
        }
    }
    pinned
}

fn first_line(text: &str) -> Option<&str> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.into_iter().find(|line| !line.is_empty())
}

impl Pinned {
    fn add(&mut self, name: &str, written: &str, file: &'static str) {
        let version = written.strip_prefix('v').unwrap_or(written);
        let exact = version.split('.').take(3).count() == 3
            && version.split('.').all(|part| part.parse::<u64>().is_ok());
        let (Ok(name), Ok(version), true) =
            (BinaryName::new(name), BinaryVersion::new(version), exact)
        else {
            let shown: String = written
                .chars()
                .filter(|it| !it.is_control())
                .take(40)
                .collect();
            self.remarks.push((name.to_owned(), format!(
                "`{file}` asks for {name} `{shown}`, which is no exact version; name one under `binaries`"
            )));
            return;
        };
        let installer = match name.as_str() {
            // The right one is chosen by the name.
            "node" | "rust" => None,
            "uv" | "ruff" | "poetry" | "pre-commit" => Some(Installer::UvTool),
            _ => Some(Installer::System),
        };
        match self.exact.iter().find(|(it, _)| it.name == name) {
            Some((other, first)) if other.version != version => {
                let text = format!(
                    "`{file}` asks for {name} {version}, and `{first}` for {}; the latter was taken",
                    other.version
                );
                self.remarks.push((name.to_string(), text));
            }
            Some(_) => {}
            None => self.exact.push((
                Binary {
                    name,
                    version,
                    installer,
                },
                file,
            )),
        }
    }

    fn rust(&mut self, text: &str, file: &'static str) {
        let table: Option<toml::Table> = toml::from_str(text).ok();
        let toolchain = table.as_ref().and_then(|table| table.get("toolchain"));
        let channel = toolchain.and_then(|it| it.get("channel")?.as_str());
        if let Some(channel) = channel {
            self.add("rust", channel, file);
        }
    }

    fn asdf(&mut self, text: &str, file: &'static str) {
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let (Some(name), Some(version)) = (words.next(), words.next()) else {
                continue;
            };
            match name {
                "python" => {
                    self.python = parse_python_version_file(version).ok().flatten();
                }
                "nodejs" => self.add("node", version, file),
                _ => self.add(name, version, file),
            }
        }
    }

    fn package_json(&mut self, text: &str, file: &'static str) {
        let Ok(json) = serde_json::from_str::<serde_json::Value>(text) else {
            let text = format!("`{file}` is not JSON, and was left out");
            self.remarks.push(("node".to_owned(), text));
            return;
        };
        let said = |section: &str| json.get(section)?.get("node")?.as_str();
        if let Some(version) = said("volta") {
            self.add("node", version, file);
        } else if let Some(range) = said("engines")
            && !self.exact.iter().any(|(it, _)| it.name.as_str() == "node")
        {
            self.add("node", range, file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinned(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let found = read(&mut |name| {
            let file = files.iter().find(|(file, _)| *file == name);
            file.map(|(_, text)| (*text).to_owned())
        });
        let told = |(it, file): &(Binary, &str)| format!("{} {} {file}", it.name, it.version);
        let remarks = found.remarks.iter().map(|(_, text)| text.clone());
        (found.exact.iter().map(told).collect(), remarks.collect())
    }

    #[test]
    fn exact_versions_are_found_and_others_remarked() {
        let (exact, remarks) = pinned(&[
            (".nvmrc", "# ours\nv18.17.0\n"),
            ("package.json", r#"{"engines": {"node": ">=16"}}"#),
            ("rust-toolchain.toml", "[toolchain]\nchannel = \"1.70.0\"\n"),
            (
                ".tool-versions",
                "python 3.11.7\nterraform 1.9.5 # infra\nnodejs 20.1.0\n",
            ),
        ]);
        assert_eq!(
            exact,
            [
                "node 18.17.0 .nvmrc",
                "rust 1.70.0 rust-toolchain.toml",
                "terraform 1.9.5 .tool-versions"
            ]
        );
        assert_eq!(
            remarks,
            [
                "`.tool-versions` asks for node 20.1.0, and `.nvmrc` for 18.17.0; the latter was taken"
            ]
        );
        let (exact, remarks) = pinned(&[
            (".nvmrc", "lts/*"),
            ("rust-toolchain", "stable\n"),
            ("package.json", r#"{"engines": {"node": "^20"}}"#),
        ]);
        assert_eq!(exact, [""; 0]);
        assert_eq!(remarks.len(), 3, "{remarks:?}");
        let volta = pinned(&[("package.json", r#"{"volta": {"node": "22.1.0"}}"#)]);
        assert_eq!(volta.0, ["node 22.1.0 package.json"]);
    }
}
