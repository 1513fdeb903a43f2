//! What is known of a package's licence, from what it says of itself. Pure.

use schemars::JsonSchema;
use serde::Serialize;

/// A licence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum License {
    /// An identifier of the SPDX licence list.
    Id(String),
    /// An SPDX expression of several.
    Expression(String),
    /// Words.
    Name(String),
}

/// Identifiers of the SPDX licence list that packages write into free text, and that mean one thing.
const IDS: [&str; 24] = [
    "0BSD",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "HPND",
    "ISC",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PSF-2.0",
    "Unlicense",
    "Zlib",
];

/// Classifiers that mean one identifier. Most mean several, and stay words.
const CLASSIFIERS: [(&str, &str); 8] = [
    ("ISC License (ISCL)", "ISC"),
    ("MIT License", "MIT"),
    ("MIT No Attribution License (MIT-0)", "MIT-0"),
    ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
    ("Python Software Foundation License", "PSF-2.0"),
    ("The Unlicense (Unlicense)", "Unlicense"),
    ("Boost Software License 1.0 (BSL-1.0)", "BSL-1.0"),
    ("zlib/libpng License", "Zlib"),
];

/// How long words may be to count as the name of a licence, not its text.
const NAME: usize = 100;

/// Finds the licence in what a package says: the expression of PEP 639, else an identifier in the free
/// text, else classifiers, else the free text itself where it is short.
pub fn license(
    expression: Option<&str>,
    text: Option<&str>,
    classifiers: &[String],
) -> Option<License> {
    if let Some(expression) = expression.filter(|it| is_expression(it)) {
        return Some(match id(expression) {
            Some(id) => License::Id(id.to_owned()),
            None => License::Expression(expression.to_owned()),
        });
    }
    if let Some(id) = text.and_then(id) {
        return Some(License::Id(id.to_owned()));
    }
    let named: Vec<&str> = classifiers
        .iter()
        .map(|it| it.rsplit(" :: ").next().unwrap_or(it))
        .filter(|it| *it != "OSI Approved")
        .collect();
    if let [one] = named.as_slice()
        && let Some((_, id)) = CLASSIFIERS.iter().find(|(name, _)| name == one)
    {
        return Some(License::Id((*id).to_owned()));
    }
    let words = text.filter(|text| text.len() <= NAME && !text.contains('\n'));
    match (named.is_empty(), words) {
        (false, _) => Some(License::Name(named.join(", "))),
        (true, Some(words)) => Some(License::Name(words.to_owned())),
        (true, None) => None,
    }
}

fn id(text: &str) -> Option<&'static str> {
    IDS.into_iter()
        .find(|id| id.eq_ignore_ascii_case(text.trim()))
}

/// Tells whether a text has the form of an SPDX expression (SPDX 2.3, annex D).
fn is_expression(text: &str) -> bool {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut depth = 0;
    let mut wants_license = true;
    for token in spaced.split_whitespace() {
        match token {
            "(" if wants_license => depth += 1,
            ")" if !wants_license && depth > 0 => depth -= 1,
            "AND" | "OR" | "WITH" if !wants_license => wants_license = true,
            "(" | ")" | "AND" | "OR" | "WITH" => return false,
            name => {
                let is_name = name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte));
                if !wants_license || !is_name {
                    return false;
                }
                wants_license = false;
            }
        }
    }
    depth == 0 && !wants_license
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Option<License> {
        Some(License::Name(text.into()))
    }

    #[test]
    fn the_most_exact_statement_counts() {
        let mit = Some(License::Id("MIT".into()));
        let classifier = ["OSI Approved :: MIT License".to_owned()];
        assert_eq!(license(Some("MIT"), Some("GPL"), &[]), mit);
        assert_eq!(license(None, Some("mit"), &[]), mit);
        assert_eq!(license(None, Some("see LICENSE"), &classifier), mit);
        let bsd = ["OSI Approved :: BSD License".to_owned()];
        assert_eq!(license(None, None, &bsd), words("BSD License"));
        assert_eq!(license(None, Some("Apache 2"), &[]), words("Apache 2"));
        assert_eq!(license(None, Some("Permission\nis granted"), &[]), None);
        assert_eq!(license(None, None, &[]), None);
    }

    #[test]
    fn only_expressions_are_expressions() {
        for text in ["MIT AND (Apache-2.0 OR BSD-2-Clause)", "GPL-2.0+ WITH x"] {
            let found = license(Some(text), None, &[]);
            assert_eq!(found, Some(License::Expression(text.into())));
        }
        for text in [
            "",
            "MIT License",
            "MIT AND",
            "(MIT",
            "MIT)",
            "AND MIT",
            "MIT/X11",
        ] {
            assert_eq!(license(Some(text), None, &[]), None, "{text}");
        }
    }
}
