//! The head of an archive: what it holds, in full. Pure.
//!
//! Every byte that follows is named here by a digest or follows from one, so the digest of the head
//! names the archive. There is one way to write a head: [`Head::parse`] refuses every other.

use std::fmt::Write as _;

use super::claim::ClaimName;
use super::error::ArchiveError;
use super::{MAX_DOCUMENT, MAX_RUN};
use crate::format::environment::EntryRef;
use crate::id::{Digest, Fingerprint};
use crate::stage::is_label;

/// The version that this program reads and writes.
pub(crate) const VERSION: u32 = 1;
const MAGIC: &str = "dht-archive ";

/// An environment's document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvironmentPart {
    /// Its name.
    pub fingerprint: Fingerprint,
    /// Its length in bytes.
    pub size: u64,
}

/// A realisation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClaimPart {
    /// What it is about.
    pub name: ClaimName,
    /// The digest of what it says.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// An entry: its manifest and its tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryPart {
    /// The entry.
    pub entry: EntryRef,
    /// How many bytes its part of the tar has.
    pub size: u64,
}

/// Derived files of an entry: their listing and their content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SupplementPart {
    /// The entry.
    pub entry: EntryRef,
    /// Which supplement of it.
    pub label: String,
    /// The digest of the listing.
    pub digest: Digest,
    /// How many bytes its part of the tar has.
    pub size: u64,
}

/// What an archive holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Documents of environments, by fingerprint.
    pub environments: Vec<EnvironmentPart>,
    /// Realisations, by name.
    pub claims: Vec<ClaimPart>,
    /// Entries, by name, version and identifier.
    pub entries: Vec<EntryPart>,
    /// Entries that the environments need too, and that whoever imports has to have.
    pub needs: Vec<EntryRef>,
    /// Derived files, by entry and label.
    pub supplements: Vec<SupplementPart>,
}

impl Head {
    /// Returns the canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{MAGIC}{VERSION}\n");
        let mut line = |words: std::fmt::Arguments<'_>| {
            writeln!(text, "{words}").expect("because writing to a string cannot fail");
        };
        for part in &self.environments {
            line(format_args!(
                "environment {} {}",
                part.size, part.fingerprint
            ));
        }
        for part in &self.claims {
            line(format_args!(
                "claim {} {} {}",
                part.size, part.digest, part.name
            ));
        }
        for part in &self.entries {
            line(format_args!("entry {} {}", part.size, part.entry.folder()));
        }
        for entry in &self.needs {
            line(format_args!("needs {}", entry.folder()));
        }
        for part in &self.supplements {
            line(format_args!(
                "supplement {} {} {} {}",
                part.size,
                part.digest,
                part.entry.folder(),
                part.label
            ));
        }
        text.into_bytes()
    }

    /// Returns the name of the archive: the digest of [`Head::to_bytes`].
    pub fn id(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// Reads a head, refusing every form but the canonical one.
    ///
    /// # Errors
    ///
    /// When the bytes are no head, one of another version, or one in another form.
    pub fn parse(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let malformed = |line: usize, reason: &str| {
            ArchiveError::refused(format!("line {line} of its head"), reason)
        };
        let text = std::str::from_utf8(bytes).map_err(|_| malformed(1, "not UTF-8"))?;
        let (first, body) = text
            .split_once('\n')
            .ok_or_else(|| malformed(1, "no version"))?;
        check_version(first)?;
        let mut head = Self::default();
        for (index, line) in body.lines().enumerate() {
            head.add(line)
                .ok_or_else(|| malformed(index + 2, "not of the format"))?;
        }
        let sorted = (head.environments).is_sorted_by(|l, r| l.fingerprint < r.fingerprint)
            && head.claims.is_sorted_by(|l, r| l.name < r.name)
            && head.entries.is_sorted_by(|l, r| l.entry < r.entry)
            && head.needs.is_sorted_by(|l, r| l < r)
            && (head.supplements).is_sorted_by(|l, r| (&l.entry, &l.label) < (&r.entry, &r.label));
        if !sorted || head.to_bytes() != bytes {
            return Err(ArchiveError::refused("its head", "not in canonical form"));
        }
        Ok(head)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["environment", size, fingerprint] => self.environments.push(EnvironmentPart {
                size: number(size, MAX_DOCUMENT)?,
                fingerprint: fingerprint.parse().ok()?,
            }),
            ["claim", size, digest, name] => {
                let (kind, key) = name.split_once('/')?;
                self.claims.push(ClaimPart {
                    size: number(size, MAX_DOCUMENT)?,
                    digest: digest.parse().ok()?,
                    name: ClaimName {
                        kind: ClaimName::is_kind(kind).then(|| kind.to_owned())?,
                        key: key.parse().ok()?,
                    },
                });
            }
            ["entry", size, folder] => self.entries.push(EntryPart {
                size: number(size, MAX_RUN)?,
                entry: entry(folder)?,
            }),
            ["needs", folder] => self.needs.push(entry(folder)?),
            ["supplement", size, digest, folder, label] => self.supplements.push(SupplementPart {
                size: number(size, MAX_RUN)?,
                digest: digest.parse().ok()?,
                entry: entry(folder)?,
                label: is_bytecode_label(label).then(|| label.to_owned())?,
            }),
            _ => return None,
        }
        Some(())
    }

    /// Returns how many bytes the archive has when it is unpacked, without its head.
    pub fn unpacked(&self) -> u64 {
        let parts = super::layout::parts(self);
        let sizes = parts.iter().map(super::layout::Part::size);
        sizes.fold(0, u64::saturating_add)
    }

    /// Iterates over the entries that the archive holds or builds on.
    pub(crate) fn all_entries(&self) -> impl Iterator<Item = &EntryRef> {
        let held = self.entries.iter().map(|part| &part.entry);
        held.chain(&self.needs)
    }
}

fn check_version(line: &str) -> Result<(), ArchiveError> {
    let version = line
        .strip_prefix(MAGIC)
        .ok_or(ArchiveError::Foreign("its first line is another one"))?;
    if version == VERSION.to_string() {
        return Ok(());
    }
    Err(ArchiveError::Version {
        found: version.chars().take(20).collect(),
        known: VERSION,
    })
}

fn number(text: &str, limit: u64) -> Option<u64> {
    text.parse().ok().filter(|number| *number <= limit)
}

fn entry(folder: &str) -> Option<EntryRef> {
    EntryRef::from_folder(folder).filter(|entry| is_label(&entry.name) && is_label(&entry.version))
}

/// Tells whether a label is one of bytecode: the only files that come without an entry's identifier.
pub(crate) fn is_bytecode_label(label: &str) -> bool {
    label
        .strip_prefix("bytecode-")
        .is_some_and(|digest| digest.parse::<Digest>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Head {
        let entry = |name: &str| EntryRef {
            name: name.into(),
            version: "1".into(),
            entry: crate::id::EntryId::of(name.as_bytes()),
        };
        Head {
            environments: vec![EnvironmentPart {
                fingerprint: Fingerprint::of(b"e"),
                size: 7,
            }],
            claims: vec![ClaimPart {
                name: ClaimName {
                    kind: "wheel".into(),
                    key: Digest::of(b"w"),
                },
                digest: Digest::of(b"r"),
                size: 3,
            }],
            entries: vec![EntryPart {
                entry: entry("a"),
                size: 2048,
            }],
            needs: vec![entry("b")],
            supplements: vec![SupplementPart {
                entry: entry("a"),
                label: format!("bytecode-{}", Digest::of(b"p")),
                digest: Digest::of(b"s"),
                size: 1024,
            }],
        }
    }

    #[test]
    fn survives_a_round_trip() {
        let head = sample();
        assert_eq!(Head::parse(&head.to_bytes()).unwrap(), head);
        assert_eq!(
            Head::parse(&Head::default().to_bytes()).unwrap(),
            Head::default()
        );
    }

    #[test]
    fn refuses_every_other_form() {
        let text = String::from_utf8(sample().to_bytes()).unwrap();
        for (from, to) in [
            ("environment 7", "environment 07"),
            ("environment 7", "environment 99999999999999999999"),
            ("claim 3", "claim  3"),
            ("wheel/", "../wheel/"),
            ("wheel/", "Wheel/"),
            ("-a-1\n", "-a-1 \n"),
            ("-a-1\n", "-..-1\n"),
            ("-a-1\n", "-a/b-1\n"),
            ("bytecode-", "code-"),
            ("needs", "wants"),
        ] {
            let other = text.replacen(from, to, 1);
            assert_ne!(text, other, "{from}");
            assert!(Head::parse(other.as_bytes()).is_err(), "{to}");
        }
        let lines: Vec<&str> = text.lines().collect();
        let swapped = [lines[0], lines[2], lines[1], ""].join("\n");
        assert!(Head::parse(swapped.as_bytes()).is_err());
        let twice = [lines[0], lines[3], lines[3], ""].join("\n");
        assert!(Head::parse(twice.as_bytes()).is_err());
        assert!(Head::parse(&text.as_bytes()[..text.len() - 1]).is_err());
    }

    #[test]
    fn another_version_is_told_as_one() {
        for version in ["0", "2", "1x"] {
            let error = Head::parse(format!("dht-archive {version}\n").as_bytes()).unwrap_err();
            assert!(matches!(error, ArchiveError::Version { .. }), "{error}");
        }
        let error = Head::parse(b"#!/bin/sh\n").unwrap_err();
        assert!(matches!(error, ArchiveError::Foreign(_)), "{error}");
    }
}
