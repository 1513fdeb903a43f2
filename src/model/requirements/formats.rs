//! `--no-binary` and `--only-binary`: which kinds of files may be used, the last word counting.

use std::collections::BTreeSet;
use std::str::FromStr;

use uv_normalize::PackageName;

use super::error::Fault;

#[derive(Debug, Default, Clone)]
struct Names {
    all: bool,
    names: BTreeSet<PackageName>,
}

/// What the options said so far.
#[derive(Debug, Default, Clone)]
pub(super) struct Formats {
    no_binary: Names,
    only_binary: Names,
}

impl Formats {
    pub fn no_binary(&mut self, value: &str) -> Result<(), Fault> {
        apply(&mut self.no_binary, &mut self.only_binary, value)
    }

    pub fn only_binary(&mut self, value: &str) -> Result<(), Fault> {
        apply(&mut self.only_binary, &mut self.no_binary, value)
    }

    /// Returns whether wheels, and whether source archives of a package may be used.
    pub fn allowed(&self, name: &PackageName) -> (bool, bool) {
        if self.only_binary.names.contains(name) {
            (true, false)
        } else if self.no_binary.names.contains(name) {
            (false, true)
        } else if self.only_binary.all {
            (true, false)
        } else {
            (!self.no_binary.all, true)
        }
    }
}

fn apply(target: &mut Names, other: &mut Names, value: &str) -> Result<(), Fault> {
    for word in value
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
    {
        match word {
            ":all:" => {
                *target = Names {
                    all: true,
                    names: BTreeSet::new(),
                };
                *other = Names::default();
            }
            ":none:" => *target = Names::default(),
            word => {
                let name = PackageName::from_str(word)
                    .map_err(|_| Fault::Requirement(word.to_owned(), "it is no name".to_owned()))?;
                other.names.remove(&name);
                target.names.insert(name);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts() {
        let name = |text| PackageName::from_str(text).unwrap();
        let mut formats = Formats::default();
        assert_eq!(formats.allowed(&name("a")), (true, true));
        formats.only_binary(":all:").unwrap();
        formats.no_binary("a,B").unwrap();
        assert_eq!(formats.allowed(&name("b")), (false, true));
        assert_eq!(formats.allowed(&name("c")), (true, false));
        formats.no_binary(":none:").unwrap();
        assert_eq!(formats.allowed(&name("b")), (true, false));
        formats.no_binary(":all:").unwrap();
        assert_eq!(formats.allowed(&name("c")), (false, true));
        assert!(formats.no_binary("../x").is_err());
    }
}
