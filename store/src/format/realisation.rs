//! The content of a realisation: what one input gave.

use crate::format::environment::EntryRef;
use crate::id::Fingerprint;

/// What an input gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Realised {
    /// An entry: one line, `entry` and the name of its folder.
    Entry(EntryRef),
    /// An environment: one line, `environment` and its fingerprint.
    Environment(Fingerprint),
    /// A text: the line `text`, then the text as it is.
    Text(String),
}

impl Realised {
    /// Returns the bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Entry(entry) => format!("entry {}\n", entry.folder()),
            Self::Environment(fingerprint) => format!("environment {fingerprint}\n"),
            Self::Text(text) => format!("text\n{text}"),
        }
        .into_bytes()
    }

    /// Reads the file; `None` for what is no realisation. A claim that cannot be read is no claim.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
        match (head.split_once(' '), rest) {
            (None, text) if head == "text" => Some(Self::Text(text.to_owned())),
            (Some(("entry", folder)), "") => EntryRef::from_folder(folder).map(Self::Entry),
            (Some(("environment", fingerprint)), "") => {
                fingerprint.parse().ok().map(Self::Environment)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_realisation() {
        let digest = Fingerprint::of(b"");
        for text in [
            String::new(),
            "text".to_owned(),
            "entry x\n".to_owned(),
            format!("environment {digest}"),
            format!("environment {digest}\n\n"),
            format!("environment  {digest}\n"),
            format!("entry {digest}-name\n"),
        ] {
            assert_eq!(Realised::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn keeps_a_text_as_it_is() {
        for text in ["", "\n", "a\r\nb\n", "text\n"] {
            let realised = Realised::Text(text.to_owned());
            assert_eq!(Realised::parse(&realised.to_bytes()), Some(realised));
        }
    }
}
