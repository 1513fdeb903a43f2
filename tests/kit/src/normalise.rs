//! Output without what differs from run to run.

use std::path::Path;

/// Replaces paths by names, hex ids of at least twelve digits by `[ID]`, and durations by `[TIME]`.
#[derive(Debug, Default)]
pub struct Normaliser {
    paths: Vec<(String, String)>,
}

/// Shorter runs of hex digits are words, numbers and years as often as ids.
const SHORTEST_ID: usize = 12;

impl Normaliser {
    /// Starts without any path.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces a path by a name. Paths given first are replaced first.
    #[must_use]
    pub fn path(mut self, path: &Path, name: &str) -> Self {
        self.paths
            .push((path.display().to_string(), name.to_owned()));
        self
    }

    /// The text with everything replaced.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let mut text = text.replace("\r\n", "\n");
        for (path, name) in &self.paths {
            text = text.replace(path, name);
        }
        text.split_inclusive(|c: char| !is_word(c))
            .map(replace_word)
            .collect()
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '.' || c == 'µ'
}

fn replace_word(piece: &str) -> String {
    let word = piece.trim_end_matches(|c: char| !is_word(c));
    let (word, full_stop) = match word.strip_suffix('.') {
        Some(word) => (word, "."),
        None => (word, ""),
    };
    let rest = &piece[word.len() + full_stop.len()..];
    let replaced = if is_id(word) {
        "[ID]"
    } else if is_duration(word) {
        "[TIME]"
    } else {
        word
    };
    format!("{replaced}{full_stop}{rest}")
}

fn is_id(word: &str) -> bool {
    word.len() >= SHORTEST_ID && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_duration(word: &str) -> bool {
    let number = ["ms", "µs", "us", "ns", "s"]
        .iter()
        .find_map(|unit| word.strip_suffix(unit))
        .unwrap_or("");
    number.starts_with(|c: char| c.is_ascii_digit()) && number.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_ids_and_times_are_replaced_and_words_are_not() {
        let normaliser = Normaliser::new().path(Path::new("/tmp/x/home"), "[HOME]");
        let text = "linked /tmp/x/home/.dht/store/0123456789abcdef-numpy-2.1.0 in 1.25s (12 ms, 340ms).\nfacade decade 2026s\n";
        let expected = "linked [HOME]/.dht/store/[ID]-numpy-2.1.0 in [TIME] (12 ms, [TIME]).\nfacade decade [TIME]\n";
        assert_eq!(normaliser.apply(text), expected);
    }

    #[test]
    fn a_full_stop_after_an_id_stays() {
        assert_eq!(
            Normaliser::new().apply("made aaaabbbbcccc.\n"),
            "made [ID].\n"
        );
    }
}
