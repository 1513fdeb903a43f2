//! The names that package managers give their packages.
//!
//! The law: no name that passes here can be an option, a file, an address, a version constraint or
//! an order to remove something, for the manager it is meant for.

use super::text::{made_of, text_type};

const fn upper_or_lower(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

const fn lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

text_type!(
    /// A package of Debian (Policy 5.6.1): lower case, digits, `+`, `-`, `.`.
    ///
    /// apt-get reads a trailing `-` as remove and a trailing `+` as install, so neither may end a
    /// name; `++`, as in `g++`, may, since apt-get looks for the exact name first: whoever installs
    /// such a name checks that the index has it.
    AptPackage,
    r"^[a-z0-9]([a-z0-9+.-]*([a-z0-9.]|\+\+))?$",
    "the name of a package of apt such as `libpq-dev`",
    |text| made_of(text, lower, |byte| lower(byte) || b"+.-".contains(&byte))
        && !text.ends_with('-')
        && (!text.ends_with('+') || text.ends_with("++"))
);

impl AptPackage {
    /// Returns whether apt-get could take the name for an order when no package has exactly it.
    pub fn needs_exact_match(&self) -> bool {
        self.as_str().ends_with('+')
    }
}

text_type!(
    /// A package of an RPM distribution: letters, digits, `.`, `_`, `+`, `-`; no trailing `-`.
    RpmPackage,
    r"^(?!.*\.rpm$)[A-Za-z0-9]([A-Za-z0-9._+-]*[A-Za-z0-9._+])?$",
    "the name of an RPM package such as `postgresql-devel`",
    |text| made_of(text, upper_or_lower, |byte| {
        upper_or_lower(byte) || b"._+-".contains(&byte)
    }) && !text.ends_with('-')
        && !text.ends_with(".rpm")
);

text_type!(
    /// A package of Alpine: letters, digits, `.`, `_`, `+`, `-`.
    ApkPackage,
    r"^(?!.*\.apk$)[A-Za-z0-9]([A-Za-z0-9._+-]*[A-Za-z0-9._+])?$",
    "the name of a package of apk such as `postgresql-dev`",
    |text| made_of(text, upper_or_lower, |byte| {
        upper_or_lower(byte) || b"._+-".contains(&byte)
    }) && !text.ends_with('-')
        && !text.ends_with(".apk")
);

text_type!(
    /// A package of Arch: lower case, digits, `@`, `.`, `_`, `+`, `-`; no leading `-` or `.`.
    PacmanPackage,
    r"^[a-z0-9@_+]([a-z0-9@._+-]*[a-z0-9@._+])?$",
    "the name of a package of pacman such as `postgresql-libs`",
    |text| made_of(
        text,
        |byte| lower(byte) || b"@_+".contains(&byte),
        |byte| lower(byte) || b"@._+-".contains(&byte)
    ) && !text.ends_with('-')
);

text_type!(
    /// A formula of Homebrew's own tap, with its version after `@` if it has one.
    ///
    /// A formula of another tap (`user/tap/formula`) runs code of that tap, and is refused.
    BrewFormula,
    r"^(?!.*\.rb$)[a-z0-9]([a-z0-9+._@-]*[a-z0-9+._])?$",
    "the name of a Homebrew formula such as `postgresql@14`; formulas of other taps are not allowed",
    |text| made_of(text, lower, |byte| lower(byte) || b"+._@-".contains(&byte))
        && !text.ends_with(['-', '@'])
        && !text.ends_with(".rb")
);

text_type!(
    /// A package of Chocolatey; no file, and none of its own words.
    ChocoPackage,
    r"^(?!([Aa][Ll][Ll]|.*\.([Cc][Oo][Nn][Ff][Ii][Gg]|[Nn][Uu](?:[Pp][Kk][Gg]|[Ss][Pp][Ee][Cc])))$)[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$",
    "the name of a Chocolatey package such as `postgresql14`",
    |text| {
        let folded = text.to_ascii_lowercase();
        made_of(
            text,
            |byte| upper_or_lower(byte) || byte == b'_',
            |byte| upper_or_lower(byte) || b"._-".contains(&byte),
        ) && !text.ends_with(['-', '.'])
            && folded != "all"
            && ![".config", ".nupkg", ".nuspec"]
                .iter()
                .any(|end| folded.ends_with(end))
    }
);

text_type!(
    /// A package identifier of winget: `Publisher.Package`.
    WingetPackage,
    r"^[A-Za-z0-9][A-Za-z0-9_+-]*(\.[A-Za-z0-9_+-]+){1,7}$",
    "a package identifier of winget such as `PostgreSQL.PostgreSQL`",
    |text| made_of(text, upper_or_lower, |byte| {
        upper_or_lower(byte) || b"._+-".contains(&byte)
    }) && (2..=8).contains(&text.split('.').count())
        && text.split('.').all(|part| !part.is_empty())
);

text_type!(
    /// A package by the name that dhtl translates for each manager.
    GenericPackage,
    r"^[a-z0-9]([a-z0-9+.-]*[a-z0-9+.])?$",
    "the name of a package such as `postgresql-client`",
    |text| made_of(text, lower, |byte| lower(byte) || b"+.-".contains(&byte))
        && !text.ends_with('-')
);

#[cfg(test)]
mod tests {
    use super::*;

    /// What could reach a shell, an option parser, a file or another index.
    const HOSTILE: [&str; 16] = [
        "-oDPkg::Pre-Invoke::=sh -c id",
        "--help",
        "./evil.deb",
        "https://x/e.rpm",
        "user/tap/formula",
        "pkg=1.0;id",
        "$(id)",
        "a b",
        "a\nb",
        "",
        "zstd-",
        "a\u{0}b",
        "pkg>=1",
        "!pkg",
        "ä",
        "a\\b",
    ];

    #[test]
    fn no_manager_takes_a_hostile_name() {
        let long = "a".repeat(10_000);
        for text in HOSTILE.into_iter().chain([long.as_str()]) {
            assert!(AptPackage::new(text).is_err(), "apt {text:?}");
            assert!(RpmPackage::new(text).is_err(), "rpm {text:?}");
            assert!(ApkPackage::new(text).is_err(), "apk {text:?}");
            assert!(PacmanPackage::new(text).is_err(), "pacman {text:?}");
            assert!(BrewFormula::new(text).is_err(), "brew {text:?}");
            assert!(ChocoPackage::new(text).is_err(), "choco {text:?}");
            assert!(WingetPackage::new(text).is_err(), "winget {text:?}");
            assert!(GenericPackage::new(text).is_err(), "generic {text:?}");
        }
        assert!(AptPackage::new("foo+").is_err());
        for text in ["packages.config", "x.NUPKG", "all"] {
            assert!(ChocoPackage::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn real_names_pass() {
        for text in [
            "libpq-dev",
            "redis-server",
            "g++",
            "libstdc++6",
            "python3.11",
        ] {
            assert!(AptPackage::new(text).is_ok(), "{text}");
        }
        for text in [
            "gcc-c++",
            "postgresql-devel",
            "ImageMagick",
            "NetworkManager-wifi",
        ] {
            assert!(RpmPackage::new(text).is_ok(), "{text}");
        }
        for text in [
            "postgresql@14",
            "redis",
            "gtk+3",
            "libsigc++",
            "python@3.11",
        ] {
            assert!(BrewFormula::new(text).is_ok(), "{text}");
        }
        for text in ["postgresql14", "redis-64", "vcredist140"] {
            assert!(ChocoPackage::new(text).is_ok(), "{text}");
        }
        for text in ["PostgreSQL.PostgreSQL", "Notepad++.Notepad++"] {
            assert!(WingetPackage::new(text).is_ok(), "{text}");
        }
        assert!(PacmanPackage::new("gtk2+extra").is_ok());
        assert!(ApkPackage::new("libstdc++").is_ok());
        assert!(AptPackage::new("g++").is_ok_and(|name| name.needs_exact_match()));
    }
}
