//! What a package says of itself in `METADATA` (core metadata 2.4), as far as an inventory asks. Pure.
//!
//! Nothing here is trusted to be right: headers that are malformed are left out.

use std::str::FromStr;

use uv_normalize::PackageName;
use uv_pep508::{MarkerEnvironment, Requirement};

/// What a package says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoreMetadata {
    /// One line on what it is for.
    pub summary: Option<String>,
    /// Its licence, as an SPDX expression (PEP 639).
    pub license_expression: Option<String>,
    /// Its licence in words of its own.
    pub license: Option<String>,
    /// Classifiers that name a licence, without `License :: `.
    pub license_classifiers: Vec<String>,
    /// Its home page.
    pub home_page: Option<String>,
    /// Other addresses, with their labels.
    pub urls: Vec<(String, String)>,
    /// What it needs, with markers.
    requires: Vec<String>,
}

impl CoreMetadata {
    /// Reads the headers, up to the first empty line.
    pub fn parse(content: &[u8]) -> Self {
        let text = String::from_utf8_lossy(content);
        let mut metadata = Self::default();
        for (name, value) in headers(&text) {
            metadata.add(&name.to_ascii_lowercase(), value);
        }
        metadata
    }

    fn add(&mut self, name: &str, value: String) {
        let known = !value.is_empty() && value != "UNKNOWN";
        let some = || known.then(|| value.clone());
        match name {
            "summary" => self.summary = some(),
            "license-expression" => self.license_expression = some(),
            "license" => self.license = some(),
            "home-page" => self.home_page = some(),
            "requires-dist" => self.requires.push(value),
            "classifier" => {
                let license = value.strip_prefix("License :: ");
                self.license_classifiers
                    .extend(license.map(|it| it.trim().to_owned()));
            }
            "project-url" => {
                if let Some((label, url)) = value.split_once(',') {
                    let pair = (label.trim().to_owned(), url.trim().to_owned());
                    self.urls.push(pair);
                }
            }
            _ => {}
        }
    }

    /// Returns the names of what it needs where these markers hold, without any extra. Sorted.
    pub fn needs(&self, markers: &MarkerEnvironment) -> Vec<PackageName> {
        let requirements = self.requires.iter();
        let mut names: Vec<PackageName> = requirements
            .filter_map(|text| Requirement::<uv_pep508::VerbatimUrl>::from_str(text).ok())
            .filter(|requirement| requirement.evaluate_markers(markers, &[]))
            .map(|requirement| requirement.name)
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Splits headers as an e-mail has them: lines that begin with a space go on with the one before.
fn headers(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = found.last_mut() {
                value.push('\n');
                value.push_str(line.trim_start().trim_start_matches('|').trim_start());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            found.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_headers_with_their_continuations() {
        let metadata = CoreMetadata::parse(
            b"Metadata-Version: 2.4\nName: a\nSummary: Does: things\nLicense: Long\n        |text\n\
            License-Expression: MIT AND (Apache-2.0 OR BSD-2-Clause)\nHome-page: UNKNOWN\n\
            Classifier: License :: OSI Approved :: MIT License\nProject-URL: Source, https://h/a\n\n\
            Summary: of the body\n",
        );
        assert_eq!(metadata.summary.as_deref(), Some("Does: things"));
        assert_eq!(metadata.license.as_deref(), Some("Long\ntext"));
        assert_eq!(
            metadata.license_expression.as_deref(),
            Some("MIT AND (Apache-2.0 OR BSD-2-Clause)")
        );
        assert_eq!(metadata.home_page, None);
        assert_eq!(
            metadata.license_classifiers,
            ["OSI Approved :: MIT License"]
        );
        assert_eq!(metadata.urls, [("Source".into(), "https://h/a".into())]);
    }
}
