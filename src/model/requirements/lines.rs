//! From text to logical lines, as pip joins them: a backslash at the end continues a line, a comment
//! ends it, and a line has the number of its first part.

use super::error::Fault;

/// A line without its comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logical {
    /// The number of its first part, counted from 1.
    pub number: usize,
    /// What it says.
    pub text: String,
}

/// Checks how the text is encoded.
pub(super) fn check_encoding(text: &str) -> Result<(), Fault> {
    if text.starts_with('\u{feff}') {
        return Err(Fault::ByteOrderMark);
    }
    // PEP 263: in one of the first two lines, which pip honours too.
    for line in text
        .lines()
        .take(2)
        .filter(|line| line.trim_start().starts_with('#'))
    {
        let Some((_, rest)) = line.split_once("coding") else {
            continue;
        };
        let Some(rest) = rest.strip_prefix([':', '=']) else {
            continue;
        };
        let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let name: String = rest.trim_start().chars().take_while(|c| word(*c)).collect();
        let plain = name.to_ascii_lowercase().replace('_', "-");
        if !name.is_empty() && !["utf-8", "utf8", "ascii", "us-ascii"].contains(&plain.as_str()) {
            return Err(Fault::Encoding(name));
        }
    }
    Ok(())
}

/// Returns the lines that say something.
pub fn logical_lines(text: &str) -> Vec<Logical> {
    let mut lines = Vec::new();
    let mut open: Option<Logical> = None;
    for (index, line) in text.lines().enumerate() {
        let comment = line.trim_start().starts_with('#');
        let mut joined = open.take().unwrap_or(Logical {
            number: index + 1,
            text: String::new(),
        });
        match line.strip_suffix('\\') {
            Some(part) if !comment => {
                joined.text.push_str(part.trim_end_matches('\\'));
                open = Some(joined);
            }
            _ => {
                if comment {
                    joined.text.push(' ');
                }
                joined.text.push_str(line);
                lines.push(joined);
            }
        }
    }
    lines.extend(open);
    for line in &mut lines {
        line.text = without_comment(&line.text).trim().to_owned();
    }
    lines.retain(|line| !line.text.is_empty());
    lines
}

/// A comment starts at a `#` that stands first or behind white space.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if c == '#' && before.is_whitespace() {
            return &line[..at];
        }
        before = c;
    }
    line
}

/// Splits options as a shell does: quotes and backslashes, nothing else.
pub(super) fn words(text: &str) -> Result<Vec<String>, Fault> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None if c == '\\' => word.get_or_insert_default().extend(chars.next()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(Fault::Quote);
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_lines_as_pip_does() {
        let text = "# head\na==1 \\\n    --hash=sha256:x \\\n    --hash=sha256:y\n    # via b\n\n\
                    b==2 # why\nc @ https://h/x#egg=c\nd \\\n# ends it\ne\\";
        let found: Vec<_> = logical_lines(text)
            .into_iter()
            .map(|line| (line.number, line.text))
            .collect();
        let expected = [
            (2, "a==1     --hash=sha256:x     --hash=sha256:y"),
            (7, "b==2"),
            (8, "c @ https://h/x#egg=c"),
            (9, "d"),
            (11, "e"),
        ];
        assert_eq!(
            found,
            expected.map(|(number, text)| (number, text.to_owned()))
        );
    }

    #[test]
    fn reads_utf8_only() {
        assert!(check_encoding("# -*- coding: utf-8 -*-\na==1").is_ok());
        assert!(check_encoding("# coding=UTF8\n").is_ok());
        assert!(check_encoding("# about coding\n").is_ok());
        let latin = check_encoding("#!x\n# -*- coding: latin-1 -*-\n").unwrap_err();
        assert!(latin.to_string().contains("`latin-1`"));
        assert!(matches!(
            check_encoding("\u{feff}a==1"),
            Err(Fault::ByteOrderMark)
        ));
    }

    #[test]
    fn splits_words_as_a_shell_does() {
        assert_eq!(
            words("--a 'b c' \"d\"e f\\ g ''").unwrap(),
            ["--a", "b c", "de", "f g", ""]
        );
        assert!(words("--a 'b").is_err());
    }
}
