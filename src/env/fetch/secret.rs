//! A value that never shows itself.

use std::fmt;

/// A password, a token, or an address that may hold one.
///
/// It has no `Display`, and its `Debug` prints `****`: the only way to its text is
/// [`Secret::reveal`], called where a request is built.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the hidden text, for the request that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("****")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_text() {
        let shown = format!("{:?}", Some(Secret::new("s3cret".into())));
        assert_eq!(shown, "Some(****)");
    }
}
