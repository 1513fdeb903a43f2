//! Requirements files with hashes, as pip-tools and `uv pip compile --generate-hashes` write them.
//!
//! Reading is pure: [`Sources`] gives the texts. What is read is a lock: every package has one
//! version and the digests of its files. Files are included from inside the project only, the
//! environment is never asked for a variable, and logins in addresses are dropped.
//!
//! <https://pip.pypa.io/en/stable/reference/requirements-file-format/>

mod asked;
mod direct;
mod error;
mod formats;
mod line;
mod lines;
mod secrets;
mod settle;
#[cfg(test)]
mod tests;

use uv_normalize::PackageName;

use self::asked::Asked;
use self::formats::Formats;
use self::line::Line;
use super::location::CleanUrl;
use super::pins::{Pins, public_index};

pub use error::{Fault, RequirementsError};
pub use lines::{Logical, logical_lines};

/// How many files are read at most, each as often as it is included.
pub const MAX_FILES: usize = 100;

/// Where the texts come from. Paths are relative to the project's folder, with `/` between steps.
pub trait Sources {
    /// Returns the text of a file, or why there is none.
    ///
    /// # Errors
    ///
    /// What is wrong, in words.
    fn text(&mut self, path: &str) -> Result<String, String>;

    /// Returns the name of the project in a folder, if it says one.
    fn project_name(&mut self, folder: &str) -> Option<PackageName>;
}

/// Reads a requirements file and those that it includes.
///
/// # Errors
///
/// When a file cannot be read, says something that is not known, or is no lock.
pub fn read(
    path: &str,
    allow_missing_hashes: bool,
    sources: &mut dyn Sources,
) -> Result<Pins, RequirementsError> {
    let mut walk = Walk {
        sources,
        stack: Vec::new(),
        files: 0,
        gathered: Gathered::default(),
    };
    walk.file(path, Role::Requirements)?;
    settle::settle(walk.gathered, allow_missing_hashes)
}

/// What the files say, before it is held together.
#[derive(Default)]
struct Gathered {
    asked: Vec<Asked>,
    constraints: Vec<Asked>,
    index: Option<CleanUrl>,
    extra_indexes: Vec<CleanUrl>,
    formats: Formats,
    warnings: Vec<String>,
}

impl Gathered {
    fn indexes(&self) -> Vec<CleanUrl> {
        let first = self.index.clone().unwrap_or_else(public_index);
        let mut indexes = vec![first];
        for index in &self.extra_indexes {
            if !indexes.contains(index) {
                indexes.push(index.clone());
            }
        }
        indexes
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Requirements,
    Constraints,
}

struct Walk<'a> {
    sources: &'a mut dyn Sources,
    stack: Vec<String>,
    files: usize,
    gathered: Gathered,
}

impl Walk<'_> {
    fn file(&mut self, path: &str, role: Role) -> Result<(), RequirementsError> {
        let wrong = |problem| RequirementsError {
            file: path.to_owned(),
            line: None,
            problem,
        };
        self.files += 1;
        if self.files > MAX_FILES {
            return Err(wrong(Fault::TooMany));
        }
        let text = self
            .sources
            .text(path)
            .map_err(|why| wrong(Fault::Read(why)))?;
        lines::check_encoding(&text).map_err(wrong)?;
        self.stack.push(path.to_owned());
        for logical in logical_lines(&text) {
            let at_line = |problem| RequirementsError {
                file: path.to_owned(),
                line: Some(logical.number),
                problem,
            };
            let text = secrets::without_login(&logical.text);
            secrets::check_variables(&text).map_err(at_line)?;
            let place = Place {
                file: path,
                line: logical.number,
            };
            match line::line(&text).map_err(at_line)? {
                Line::Include(other) => {
                    let other = self.included(path, &other).map_err(at_line)?;
                    self.file(&other, role)?;
                }
                Line::Constrain(other) => {
                    let other = self.included(path, &other).map_err(at_line)?;
                    self.file(&other, Role::Constraints)?;
                }
                Line::Requirement {
                    text,
                    editable,
                    hashes,
                } => {
                    let asked = asked::read(&text, editable, &hashes, place, self.sources)
                        .map_err(at_line)?;
                    match role {
                        Role::Requirements => self.gathered.asked.push(asked),
                        Role::Constraints => self.gathered.constraints.push(asked),
                    }
                }
                option => self.option(option, &place).map_err(at_line)?,
            }
        }
        self.stack.pop();
        Ok(())
    }

    fn option(&mut self, option: Line, place: &Place<'_>) -> Result<(), Fault> {
        let gathered = &mut self.gathered;
        match option {
            Line::Index(text) => gathered.index = Some(address(&text)?),
            Line::ExtraIndex(text) => gathered.extra_indexes.push(address(&text)?),
            Line::NoIndex => return Err(Fault::NoIndex),
            Line::NoBinary(names) => gathered.formats.no_binary(&names)?,
            Line::OnlyBinary(names) => gathered.formats.only_binary(&names)?,
            Line::FindLinks(text) => gathered.warnings.push(format!(
                "{place}: `--find-links {text}` is passed over; files are looked for in indexes"
            )),
            Line::Nothing | Line::Include(_) | Line::Constrain(_) | Line::Requirement { .. } => {}
        }
        Ok(())
    }

    /// Returns the path of a file that `from` includes: relative to it, inside the project.
    fn included(&self, from: &str, path: &str) -> Result<String, Fault> {
        let outside = || Fault::Outside(path.to_owned());
        let path = path.replace('\\', "/");
        if path.starts_with('/') || path.contains(':') || path.contains('\0') {
            return Err(outside());
        }
        let mut steps: Vec<&str> = from.split('/').collect();
        steps.pop();
        for step in path.split('/') {
            match step {
                "" | "." => {}
                ".." => drop(steps.pop().ok_or_else(outside)?),
                step => steps.push(step),
            }
        }
        let path = steps.join("/");
        if self.stack.contains(&path) {
            let mut chain = self.stack.clone();
            chain.push(path);
            return Err(Fault::Cycle(chain.join(" -> ")));
        }
        Ok(path)
    }
}

/// A file and a line, for messages.
#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a str,
    line: usize,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "`{}`, line {}", self.file, self.line)
    }
}

fn address(text: &str) -> Result<CleanUrl, Fault> {
    let mut url: url::Url = text
        .trim_end_matches('/')
        .parse()
        .map_err(|_| Fault::Address(text.to_owned()))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(Fault::Address(text.to_owned()));
    }
    url.set_fragment(None);
    Ok(CleanUrl::new(url))
}
