//! The few styles, and text made safe to print.

use anstyle::{AnsiColor, Style};

fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Returns `text` in the style of success.
pub fn good(text: &str) -> String {
    paint(AnsiColor::Green.on_default().bold(), text)
}

/// Returns `text` in the style of failure.
pub fn bad(text: &str) -> String {
    paint(AnsiColor::Red.on_default().bold(), text)
}

/// Returns `text` in the style of a warning.
pub fn warn(text: &str) -> String {
    paint(AnsiColor::Yellow.on_default().bold(), text)
}

/// Returns `text` in the style of advice.
pub fn hint(text: &str) -> String {
    paint(AnsiColor::Cyan.on_default().bold(), text)
}

/// Returns `text` in the style of a heading.
pub fn strong(text: &str) -> String {
    paint(Style::new().bold(), text)
}

/// Returns `text` in the style of an aside.
pub fn dim(text: &str) -> String {
    paint(Style::new().dimmed(), text)
}

/// Returns `text` with everything that steers a terminal written out: control characters but the
/// line break and the tab, and the marks that turn the direction of text. What [`dim`] and the
/// others painted survives.
pub fn printable(text: &str) -> String {
    const PAINT: [&str; 3] = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m"];
    let mut printed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if let Some(code) = PAINT.into_iter().find(|code| rest.starts_with(code)) {
            printed.push_str(code);
            rest = &rest[code.len()..];
            continue;
        }
        let steers = character.is_control() && !matches!(character, '\n' | '\t');
        let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if steers || turns {
            printed.extend(character.escape_unicode());
        } else {
            printed.push(character);
        }
        rest = &rest[character.len_utf8()..];
    }
    printed
}
