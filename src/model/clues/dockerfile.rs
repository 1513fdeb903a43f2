//! What a `Dockerfile` says: its Python, the system packages it installs, the variables it sets.
//!
//! <https://docs.docker.com/reference/dockerfile/>

use std::collections::BTreeMap;

use super::shell;
use crate::model::config::text::VariableName;
use crate::model::python_pin::{PythonPin, parse_python_version_file};

/// A package manager that a `RUN` line calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manager {
    /// `apt-get`, `apt`.
    Apt,
    /// `apk`.
    Apk,
    /// `dnf`, `microdnf`.
    Dnf,
    /// `yum`.
    Yum,
    /// `zypper`.
    Zypper,
}

/// What a `Dockerfile` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dockerfile {
    /// The Python of the last stage that is based on an image of Python.
    pub python: Option<PythonPin>,
    /// The packages that it installs, in its order, without versions.
    pub packages: Vec<(Manager, String)>,
    /// The variables that it sets, with the line, counted from 1. Never their values.
    pub variables: Vec<(VariableName, usize)>,
}

/// Reads a `Dockerfile`.
pub fn read(text: &str) -> Dockerfile {
    let mut found = Dockerfile::default();
    let mut arguments = BTreeMap::new();
    for (line, instruction) in instructions(text) {
        let (word, rest) = instruction
            .split_once(char::is_whitespace)
            .unwrap_or((instruction.as_str(), ""));
        let rest = rest.trim();
        match word.to_ascii_uppercase().as_str() {
            "ARG" => {
                if let Some((name, value)) = rest.split_once('=') {
                    let value = value.trim().trim_matches(['"', '\'']);
                    arguments.insert(name.trim().to_owned(), value.to_owned());
                }
            }
            "FROM" => {
                let image = rest
                    .split_whitespace()
                    .find(|word| !word.starts_with("--"))
                    .map(|image| expanded(image, &arguments));
                found.python = image.as_deref().and_then(python_of).or(found.python);
            }
            "ENV" => {
                let names = variables(rest).into_iter().map(|name| (name, line));
                found.variables.extend(names);
            }
            "RUN" => {
                for package in packages(rest) {
                    if !found.packages.contains(&package) {
                        found.packages.push(package);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// Returns the instructions with the number of their first line; continued lines are joined, and a
/// here-document belongs to its instruction.
fn instructions(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.starts_with('#') || (trimmed.is_empty() && open.is_some()) {
            continue;
        }
        let (start, mut joined) = open.take().unwrap_or((index + 1, String::new()));
        if let Some(part) = trimmed.strip_suffix('\\') {
            joined.push_str(part);
            joined.push(' ');
            open = Some((start, joined));
            continue;
        }
        joined.push_str(trimmed);
        if let Some(end) = here_document(&joined) {
            for (_, line) in lines.by_ref() {
                if line.trim() == end {
                    break;
                }
                joined.push('\n');
                joined.push_str(line);
            }
        }
        if !joined.is_empty() {
            found.push((start, joined));
        }
    }
    found.extend(open);
    found
}

/// Returns the word that ends the here-document which the line begins.
fn here_document(line: &str) -> Option<String> {
    let is_run = line
        .get(..3)
        .is_some_and(|word| word.eq_ignore_ascii_case("run"));
    let (_, rest) = line.split_once("<<").filter(|_| is_run)?;
    let word = rest.trim_start_matches('-').split_whitespace().next()?;
    let word = word.trim_matches(['"', '\'']);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (!word.is_empty() && word.bytes().all(plain)).then(|| word.to_owned())
}

/// Puts the defaults of `ARG`s in the place of `$NAME`, `${NAME}` and `${NAME:-other}`.
fn expanded(text: &str, arguments: &BTreeMap<String, String>) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        done.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let name = |text: &str| {
            let end = text.find(|character: char| !character.is_alphanumeric() && character != '_');
            end.unwrap_or(text.len())
        };
        let (inner, after) = match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some(both) => both,
            None => rest.split_at(name(rest)),
        };
        let (name, default) = inner.split_at(name(inner));
        let default = default.strip_prefix(":-").or(default.strip_prefix('-'));
        let value = arguments.get(name).map(String::as_str).or(default);
        done.push_str(value.unwrap_or_default());
        rest = after;
    }
    done.push_str(rest);
    done
}

/// Returns the Python of an image: `python:3.11.7-slim`, `ghcr.io/astral-sh/uv:python3.12-bookworm`.
fn python_of(image: &str) -> Option<PythonPin> {
    let image = image.split('@').next()?;
    let name = image.rsplit('/').next()?;
    let (name, tag) = name.split_once(':')?;
    let version = match name {
        "python" => tag,
        "pypy" => return pin(&format!("pypy@{}", tag.split('-').next()?)),
        _ => tag.split("python").nth(1)?,
    };
    pin(version.split('-').next()?)
}

fn pin(text: &str) -> Option<PythonPin> {
    parse_python_version_file(text).ok().flatten()
}

/// Returns the names of `ENV A=1 B="2 3"` or `ENV A 1 2`.
fn variables(rest: &str) -> Vec<VariableName> {
    let first = rest.split_whitespace().next().unwrap_or_default();
    if !first.contains('=') {
        return VariableName::new(first).into_iter().collect();
    }
    let words = shell::commands(rest).into_iter().flatten();
    let names = words.filter_map(|word| VariableName::new(word.split_once('=')?.0).ok());
    names.collect()
}

/// Returns the packages that a `RUN` line installs.
fn packages(rest: &str) -> Vec<(Manager, String)> {
    let mut rest = rest;
    // `RUN --mount=type=cache,target=/var/cache/apt …`
    while rest.starts_with("--") {
        let Some((_, after)) = rest.split_once(char::is_whitespace) else {
            return Vec::new();
        };
        rest = after.trim_start();
    }
    let exec: Option<Vec<String>> = serde_json::from_str(rest).ok();
    let commands = match exec.as_deref() {
        Some([shell, flag, line]) if shell.ends_with("sh") && flag.starts_with('-') => {
            shell::commands(line)
        }
        Some(words) => vec![words.to_vec()],
        None => shell::commands(rest),
    };
    commands.iter().flat_map(|words| installed(words)).collect()
}

/// Returns the packages that one command installs.
fn installed(words: &[String]) -> Vec<(Manager, String)> {
    let is_prefix = |word: &&String| {
        *word == "sudo"
            || *word == "env"
            || *word == "then"
            || *word == "exec"
            || word
                .split_once('=')
                .is_some_and(|(name, _)| VariableName::new(name).is_ok())
    };
    let mut words = words.iter().skip_while(is_prefix);
    let program = words.next().map(String::as_str).unwrap_or_default();
    let (manager, verbs): (Manager, &[&str]) = match program.rsplit('/').next() {
        Some("apt-get" | "apt") => (Manager::Apt, &["install"]),
        Some("apk") => (Manager::Apk, &["add"]),
        Some("dnf" | "microdnf") => (Manager::Dnf, &["install"]),
        Some("yum") => (Manager::Yum, &["install"]),
        Some("zypper") => (Manager::Zypper, &["install", "in"]),
        _ => return Vec::new(),
    };
    let mut names = Vec::new();
    let mut is_install = false;
    while let Some(word) = words.next() {
        if word.starts_with('-') {
            let takes_value = match manager {
                Manager::Apt => ["-t", "-o", "-c", "-a"].contains(&word.as_str()),
                Manager::Apk => {
                    ["-t", "--virtual", "-X", "--repository", "-p"].contains(&word.as_str())
                }
                Manager::Dnf | Manager::Yum | Manager::Zypper => {
                    ["-c", "-x"].contains(&word.as_str())
                }
            };
            if takes_value {
                words.next();
            }
        } else if !is_install {
            is_install = verbs.contains(&word.as_str());
            if !is_install {
                return Vec::new();
            }
        } else {
            let end = word.find(['=', '<', '>', '~']).unwrap_or(word.len());
            names.push((manager, word[..end].to_owned()));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::python_pin::PinnedVersion;

    const REAL: &str = "# syntax=docker/dockerfile:1
ARG PYTHON_VERSION=3.11.7
FROM --platform=linux/amd64 docker.io/library/python:${PYTHON_VERSION}-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 \\
    # not a value
    APP_HOME=\"/srv/my app\" SECRET_KEY=hunter2
ENV LEGACY some value
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \\
    set -eux; apt-get update \\
    && DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends install \\
        libpq-dev=15.* \\

        # for images
        libjpeg62-turbo-dev \"g++\" $EXTRA \\
    && rm -rf /var/lib/apt/lists/*
RUN <<EOF
apt-get install -t bookworm-backports git-lfs
FROM nothing
EOF
RUN [\"apt-get\", \"install\", \"-y\", \"redis-server\"]
RUN apk add --no-cache --virtual .build gcc musl-dev>=1.2
FROM debian:12
RUN apt-get remove gcc && pip install requests
";

    #[test]
    fn reads_python_packages_and_names_of_variables() {
        let found = read(REAL);
        let Some(PythonPin {
            version: PinnedVersion::Exact(version),
            ..
        }) = &found.python
        else {
            panic!("{found:?}");
        };
        assert_eq!(version.to_string(), "3.11.7");
        let names = |manager| {
            let packages = found.packages.iter().filter(move |it| it.0 == manager);
            packages.map(|(_, name)| name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(
            names(Manager::Apt),
            [
                "libpq-dev",
                "libjpeg62-turbo-dev",
                "g++",
                "$EXTRA",
                "git-lfs",
                "redis-server"
            ]
        );
        assert_eq!(names(Manager::Apk), ["gcc", "musl-dev"]);
        let variables: Vec<String> = found
            .variables
            .iter()
            .map(|(name, line)| format!("{name}:{line}"))
            .collect();
        assert_eq!(
            variables,
            [
                "PYTHONUNBUFFERED:4",
                "APP_HOME:4",
                "SECRET_KEY:4",
                "LEGACY:7"
            ]
        );
        assert!(!format!("{found:?}").contains("hunter2"));
    }

    #[test]
    fn tells_the_python_of_an_image() {
        let told = |image: &str| {
            read(&format!("FROM {image}\n"))
                .python
                .map(|pin| match pin.version {
                    PinnedVersion::Exact(version) => format!("{} {version}", pin.implementation),
                    PinnedVersion::Minor(major, minor) => {
                        format!("{} {major}.{minor}", pin.implementation)
                    }
                })
        };
        assert_eq!(told("python:3.12-slim").as_deref(), Some("cpython 3.12"));
        assert_eq!(
            told("ghcr.io/astral-sh/uv:python3.12-bookworm-slim").as_deref(),
            Some("cpython 3.12")
        );
        assert_eq!(told("pypy:3.10-7.3.17").as_deref(), Some("pypy 3.10"));
        for image in [
            "python",
            "python:3",
            "python:slim",
            "python:$V",
            "debian:12",
        ] {
            assert_eq!(told(image), None, "{image}");
        }
    }
}
