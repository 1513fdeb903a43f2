//! The modules that Python sources import.

use std::collections::BTreeSet;

use crate::model::env_vars::source_lines;

/// Returns the top-level modules that a source imports, those of its own package left out
/// (`from . import x`). Text inside of strings imports nothing.
pub fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for words in source_lines(text) {
        let mut words = words.into_iter();
        match words.next().as_deref() {
            Some("from") => found.extend(words.next().filter(|word| word != ".")),
            Some("import") => {
                let mut expected = true;
                for word in words {
                    if expected {
                        found.insert(word.clone());
                    }
                    expected = word == ",";
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_imported_and_nothing_in_strings() {
        let source = "\"\"\"\nimport docs\n\"\"\"\nimport os.path as p, magic\nfrom . import own\nfrom .near import x\nif True:\n    from gi.repository import (\n        Gtk)\nx = 'import y'; import late\n";
        let found: Vec<String> = imports(source).into_iter().collect();
        assert_eq!(found, ["gi", "magic", "os"]);
    }
}
