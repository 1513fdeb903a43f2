//! The `Dockerfile` that dhtl writes where the Python shall come from an image.
//!
//! The law: the same request gives the same text; a file that a person wrote or changed is never taken
//! for one of ours.

use super::clues::needs;
use super::config::PlatformDeps;
use super::python::{Implementation, PythonRequest};

/// The file.
pub const FILE: &str = "Dockerfile";
/// The file where the project has a `Dockerfile` of its own.
pub const BESIDE: &str = "Dockerfile.dhtl";

/// How a file of ours begins.
const FIRST: &str = "# Written by dhtl (blake3:";

/// Returns the text for a Python and the system packages of a project.
pub fn dockerfile(python: &PythonRequest, packages: &PlatformDeps) -> String {
    let image = match python.implementation {
        Implementation::CPython => format!("python:{}-slim", python.version),
        Implementation::PyPy => format!("pypy:{}-slim", python.version),
    };
    let mut names: Vec<&str> = packages.linux.apt.iter().map(|it| it.as_str()).collect();
    for generic in &packages.generic {
        let of_apt = needs::translate(generic, "apt").unwrap_or_default();
        names.extend(of_apt.iter().map(String::as_str));
    }
    names.push("ca-certificates");
    names.push("git");
    names.sort_unstable();
    names.dedup();
    let body = format!(
        "# It provides the Python of this project; `dhtl regenerate --python-strategy docker` builds it, and runs dhtl in it.\n\
         FROM {image}\n\
         RUN apt-get update \\\n \
         && apt-get install --yes --no-install-recommends {} \\\n \
         && rm -rf /var/lib/apt/lists/*\n",
        names.join(" ")
    );
    format!(
        "{FIRST}{}); changes are kept, and end that.\n{body}",
        digest(&body)
    )
}

/// Tells whether dhtl wrote a file, and nobody changed it since.
pub fn is_ours(text: &str) -> bool {
    let text = text.replace("\r\n", "\n");
    let Some((first, body)) = text.split_once('\n') else {
        return false;
    };
    let written = first
        .strip_prefix(FIRST)
        .and_then(|rest| rest.split(')').next());
    written.is_some_and(|written| written == digest(body))
}

/// Returns the name of the image that a text describes.
pub fn tag(text: &str) -> String {
    format!("dhtl-python:{}", digest(text))
}

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_again_until_it_is_changed() {
        let source = "version: \"2.0\"\nplatform_deps: {generic: [postgresql-client], linux: {apt: [curl]}}\n";
        let config = crate::model::config::read(".dhtconfig", source.as_bytes()).unwrap();
        let python = PythonRequest {
            implementation: Implementation::CPython,
            version: "3.11.7".parse().unwrap(),
        };
        let text = dockerfile(&python, &config.platform_deps);
        assert!(text.contains("\nFROM python:3.11.7-slim\n"), "{text}");
        assert!(
            text.contains("--no-install-recommends ca-certificates curl git libpq-dev \\\n"),
            "{text}"
        );
        assert!(is_ours(&text) && is_ours(&text.replace('\n', "\r\n")));
        assert!(!is_ours(&text.replace("curl", "wget")));
        assert!(!is_ours("FROM python:3.11\n") && !is_ours(""));
        assert_eq!(
            crate::model::clues::dockerfile::read(&text).packages.len(),
            4
        );
    }
}
