//! What one line says: a requirement with its options, or an option of the file.

use super::error::Fault;
use super::lines::words;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A requirement, as it is written, and the values of its `--hash`.
    Requirement {
        text: String,
        editable: bool,
        hashes: Vec<String>,
    },
    /// `-r`.
    Include(String),
    /// `-c`.
    Constrain(String),
    /// `-i`.
    Index(String),
    /// `--extra-index-url`.
    ExtraIndex(String),
    /// `--no-index`.
    NoIndex,
    /// `-f`.
    FindLinks(String),
    /// `--no-binary`.
    NoBinary(String),
    /// `--only-binary`.
    OnlyBinary(String),
    /// An option that changes nothing that a lock has not decided.
    Nothing,
}

/// Reads a line without its comment.
pub(super) fn line(text: &str) -> Result<Line, Fault> {
    let (requirement, options) = split(text);
    if requirement.is_empty() {
        return option_line(options);
    }
    Ok(Line::Requirement {
        text: requirement.to_owned(),
        editable: false,
        hashes: hashes(words(options)?.into_iter())?,
    })
}

/// Splits before the first word that starts with a dash.
fn split(text: &str) -> (&str, &str) {
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c == '-' && before.is_whitespace() {
            return (text[..at].trim(), &text[at..]);
        }
        before = c;
    }
    (text.trim(), "")
}

/// Splits `--option=value` and `-rfile`.
fn option(word: &str) -> (String, Option<String>) {
    if word.starts_with("--") {
        return match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word.to_owned(), None),
        };
    }
    match word.char_indices().nth(2) {
        Some((at, _)) => {
            let value = word[at..].trim_start_matches('=');
            (word[..at].to_owned(), Some(value.to_owned()))
        }
        None => (word.to_owned(), None),
    }
}

fn hashes(mut words: impl Iterator<Item = String>) -> Result<Vec<String>, Fault> {
    let mut hashes = Vec::new();
    while let Some(word) = words.next() {
        let (name, value) = option(&word);
        match name.as_str() {
            "--hash" => {
                let value = value.or_else(|| words.next());
                hashes.push(value.ok_or(Fault::NoValue(name))?);
            }
            "--config-settings" | "--config-setting" | "-C" | "--global-option"
            | "--install-option" | "--build-option" => return Err(Fault::BuildOption(name)),
            _ => return Err(Fault::Option(name)),
        }
    }
    Ok(hashes)
}

fn option_line(text: &str) -> Result<Line, Fault> {
    let mut words = words(text)?.into_iter();
    let Some(first) = words.next() else {
        return Ok(Line::Nothing);
    };
    let (name, value) = option(&first);
    match name.as_str() {
        "--require-hashes" | "--pre" | "--prefer-binary" | "--use-pep517" => {
            return Ok(Line::Nothing);
        }
        "--no-index" => return Ok(Line::NoIndex),
        _ => {}
    }
    let value = value
        .or_else(|| words.next())
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Fault::NoValue(name.clone()));
    let line = match name.as_str() {
        "-e" | "--editable" => {
            // Behind the address there may be a marker; pip reads the rest of the line as one.
            let mut text = value?;
            let mut rest = words.by_ref().peekable();
            while rest.peek().is_some_and(|word| !word.starts_with('-')) {
                text.push(' ');
                text.extend(rest.next());
            }
            return Ok(Line::Requirement {
                text,
                editable: true,
                hashes: hashes(rest)?,
            });
        }
        "-r" | "--requirement" => Line::Include(value?),
        "-c" | "--constraint" => Line::Constrain(value?),
        "-i" | "--index-url" | "--pypi-url" => Line::Index(value?),
        "--extra-index-url" => Line::ExtraIndex(value?),
        "-f" | "--find-links" => Line::FindLinks(value?),
        "--no-binary" => Line::NoBinary(value?),
        "--only-binary" => Line::OnlyBinary(value?),
        "--trusted-host" | "--use-feature" => value.map(|_| Line::Nothing)?,
        _ => return Err(Fault::Option(name)),
    };
    match words.next() {
        Some(more) => Err(Fault::Option(more)),
        None => Ok(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_of_line() {
        let requirement = |text: &str, editable, hashes: &[&str]| Line::Requirement {
            text: text.to_owned(),
            editable,
            hashes: hashes.iter().map(ToString::to_string).collect(),
        };
        for (text, expected) in [
            ("a==1", requirement("a==1", false, &[])),
            (
                "a[x]==1 ; os_name == 'nt'   --hash=sha256:1 --hash sha256:2",
                requirement(
                    "a[x]==1 ; os_name == 'nt'",
                    false,
                    &["sha256:1", "sha256:2"],
                ),
            ),
            ("-e ./a-b", requirement("./a-b", true, &[])),
            ("--editable=.", requirement(".", true, &[])),
            ("-rbase.txt", Line::Include("base.txt".into())),
            ("-r 'my base.txt'", Line::Include("my base.txt".into())),
            ("--constraint=c.txt", Line::Constrain("c.txt".into())),
            (
                "-i https://h/simple",
                Line::Index("https://h/simple".into()),
            ),
            (
                "--extra-index-url https://h",
                Line::ExtraIndex("https://h".into()),
            ),
            ("-f dist", Line::FindLinks("dist".into())),
            ("--no-binary :all:", Line::NoBinary(":all:".into())),
            ("--only-binary=a,b", Line::OnlyBinary("a,b".into())),
            ("--require-hashes", Line::Nothing),
            ("--trusted-host h", Line::Nothing),
            ("--no-index", Line::NoIndex),
        ] {
            assert_eq!(line(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for (text, why) in [
            ("--frobnicate", "`--frobnicate` is not an option"),
            ("a==1 --frobnicate=1", "`--frobnicate` is not an option"),
            ("a==1 --global-option=x", "changes how packages are built"),
            ("a==1 --hash", "needs a value"),
            ("-r", "needs a value"),
            ("--index-url=", "needs a value"),
            ("-r a.txt b.txt", "`b.txt` is not an option"),
            ("-r 'a", "quote"),
        ] {
            let found = line(text).unwrap_err().to_string();
            assert!(found.contains(why), "{text}: {found}");
        }
    }
}
