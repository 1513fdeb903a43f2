//! An error as a person reads it: what was being done, why it failed, what to do next.

use std::error::Error;
use std::fmt::Write;

use super::style;
use crate::model::config::ConfigError;

/// The most causes that are shown: a chain that is longer has lost its reader.
const MAX_CAUSES: usize = 16;

/// Returns the lines of an error:
///
/// ```text
/// error: making `.venv`
/// caused by: linking `requests/api.py`
/// hint: free some space and run the command again
/// ```
///
/// With more than one cause each is numbered.
pub fn render(error: &(dyn Error + 'static), hints: &[String]) -> String {
    let mut text = String::new();
    line(&mut text, &style::bad("error:"), &error.to_string());
    snippet(&mut text, error);
    let causes = causes(error);
    for (index, cause) in causes.iter().enumerate() {
        let label = if causes.len() == 1 {
            "caused by:".to_owned()
        } else {
            format!("caused by {}:", index + 1)
        };
        line(&mut text, &style::strong(&label), &cause.to_string());
        snippet(&mut text, *cause);
    }
    for hint in hints {
        line(&mut text, &style::hint("hint:"), hint);
    }
    text
}

/// Returns every cause below `error`, outermost first, without one whose text only repeats the one
/// above it.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut above = error.to_string();
    let mut causes = Vec::new();
    let mut next: Option<&'a (dyn Error + 'static)> = error.source();
    while let Some(cause) = next.filter(|_| causes.len() < MAX_CAUSES) {
        let text = cause.to_string();
        if text != above {
            causes.push(cause);
        }
        above = text;
        next = cause.source();
    }
    causes
}

/// Writes the line that is meant, where the error is about a line of the configuration.
fn snippet(into: &mut String, error: &(dyn Error + 'static)) {
    let found = error.downcast_ref::<ConfigError>();
    if let Some(snippet) = found.and_then(|error| error.snippet.as_ref()) {
        for line in style::printable(&snippet.to_string()).lines() {
            let _ = writeln!(into, "  {line}");
        }
    }
}

/// Writes a labelled text; its further lines are indented, so that none can pass for a label.
fn line(into: &mut String, label: &str, text: &str) {
    let text = style::printable(text.trim_end());
    let mut lines = text.lines();
    let _ = writeln!(into, "{label} {}", lines.next().unwrap_or_default());
    for more in lines {
        let _ = writeln!(into, "  {more}");
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    }

    fn link(text: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Link {
        Link {
            text,
            source: Some(source.into()),
        }
    }

    fn plain(error: &(dyn Error + 'static), hints: &[&str]) -> String {
        let hints: Vec<String> = hints.iter().map(|&hint| hint.to_owned()).collect();
        anstream::adapter::strip_str(&render(error, &hints)).to_string()
    }

    #[test]
    fn one_cause_has_no_number() {
        let error = link("making `.venv`", io::Error::other("no space left"));
        assert_eq!(
            plain(&error, &["free some space"]),
            "error: making `.venv`\ncaused by: no space left\nhint: free some space\n"
        );
    }

    #[test]
    fn several_causes_are_numbered_and_repeats_dropped() {
        let deepest = link("linking `a`", io::Error::other("too many links"));
        let error = link("making `.venv`", link("making `.venv`", deepest));
        assert_eq!(
            plain(&error, &[]),
            "error: making `.venv`\ncaused by 1: linking `a`\ncaused by 2: too many links\n"
        );
    }

    #[test]
    fn no_line_of_a_cause_passes_for_advice() {
        let error = link("asking the index", "html\nhint: run curl\u{7}");
        assert_eq!(
            plain(&error, &[]),
            "error: asking the index\ncaused by: html\n  hint: run curl\\u{7}\n"
        );
    }
}
