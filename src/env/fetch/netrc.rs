//! Reads `netrc` files: the logins that other tools on the machine use as well.
//!
//! The format is the one of the `.netrc(5)` manual: `machine`, `login`, `password`, `account`,
//! `macdef`, `default`, with `#` comments and quoted values as curl reads them. The `default` entry
//! is read over and not used: it would give a password to every host that a lock names.

use std::collections::BTreeMap;

use super::secret::Secret;

/// The login for one host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password; empty when the file gives none.
    pub password: Secret,
}

/// Returns the logins of `text` by host name, in lower case. The first entry of a host counts.
pub fn parse(text: &str) -> BTreeMap<String, Login> {
    let mut logins = BTreeMap::new();
    let mut words = Words { rest: text };
    let mut entry = Entry::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "machine" => {
                std::mem::take(&mut entry).keep(&mut logins);
                entry.host = words.next().map(|host| host.to_ascii_lowercase());
            }
            "default" => std::mem::take(&mut entry).keep(&mut logins),
            "login" => entry.user = words.next(),
            "password" => entry.password = words.next(),
            "account" => drop(words.next()),
            "macdef" => words.skip_macro(),
            _ => {}
        }
    }
    entry.keep(&mut logins);
    logins
}

#[derive(Default)]
struct Entry {
    host: Option<String>,
    user: Option<String>,
    password: Option<String>,
}

impl Entry {
    fn keep(self, logins: &mut BTreeMap<String, Login>) {
        let (Some(host), true) = (self.host, self.user.is_some() || self.password.is_some()) else {
            return;
        };
        logins.entry(host).or_insert_with(|| Login {
            user: self.user.unwrap_or_default(),
            password: Secret::new(self.password.unwrap_or_default()),
        });
    }
}

struct Words<'a> {
    rest: &'a str,
}

impl Words<'_> {
    fn next(&mut self) -> Option<String> {
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.chars().next()? {
                '#' => self.skip_line(),
                '"' => return Some(self.quoted()),
                _ => {
                    let end = self
                        .rest
                        .find(char::is_whitespace)
                        .unwrap_or(self.rest.len());
                    let (word, rest) = self.rest.split_at(end);
                    self.rest = rest;
                    return Some(word.to_owned());
                }
            }
        }
    }

    fn quoted(&mut self) -> String {
        let mut word = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        let mut end = self.rest.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    end = at + 1;
                    break;
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => word.push('\n'),
                    Some((_, 'r')) => word.push('\r'),
                    Some((_, 't')) => word.push('\t'),
                    Some((_, escaped)) => word.push(escaped),
                    None => {}
                },
                plain => word.push(plain),
            }
        }
        self.rest = &self.rest[end..];
        word
    }

    fn skip_line(&mut self) {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }

    /// A macro ends at the first empty line.
    fn skip_macro(&mut self) {
        let end = ["\n\n", "\r\n\r\n"]
            .iter()
            .filter_map(|blank| self.rest.find(blank))
            .min()
            .unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(String, String, String)> {
        parse(text)
            .into_iter()
            .map(|(host, login)| (host, login.user, login.password.reveal().to_owned()))
            .collect()
    }

    fn row(host: &str, user: &str, password: &str) -> (String, String, String) {
        (host.into(), user.into(), password.into())
    }

    #[test]
    fn reads_entries_in_any_layout() {
        let text = "# mine\nmachine One.example login me password a#b\nmachine two\n\tlogin you\n\
                    \taccount x\n\tpassword \"p \\\"q\"\nmachine one.example login late password no\n";
        assert_eq!(
            shown(text),
            [row("one.example", "me", "a#b"), row("two", "you", "p \"q")]
        );
    }

    #[test]
    fn leaves_out_default_and_macros() {
        let text = "macdef init\nmachine fake login a password b\n\nmachine real password c\n\
                    default login anyone password everywhere\n";
        assert_eq!(shown(text), [row("real", "", "c")]);
    }

    #[test]
    fn survives_nonsense() {
        for text in [
            "machine",
            "machine x login",
            "\"",
            "\"\\",
            "login a",
            "# only",
        ] {
            let _ = parse(text);
        }
        assert_eq!(shown("machine x login"), []);
    }
}
