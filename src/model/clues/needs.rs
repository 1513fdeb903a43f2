//! What a project's packages and imports need of the machine, from a table that the program ships.
//!
//! Names are generic (`postgresql-client`); [`translate`] gives those of a package manager. The table
//! knows few packages, and only what is sure: what it does not know is not found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;
use uv_normalize::PackageName;

use crate::model::config::packages::GenericPackage;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    without_wheels: BTreeSet<PackageName>,
    needs: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    run: BTreeMap<PackageName, String>,
    build: BTreeMap<PackageName, String>,
    modules: BTreeMap<String, String>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(include_str!("needs.toml")).expect("because a test reads the same table")
});

/// A package of a lock, as far as it tells what a machine needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Locked {
    /// Its name.
    pub name: PackageName,
    /// Whether the lock has a wheel of it that runs on Linux; `None` where the lock does not say.
    pub has_linux_wheel: Option<bool>,
}

/// Returns the needs of packages and of imported modules, each with what needs it.
pub fn of(
    packages: &BTreeSet<Locked>,
    modules: &BTreeSet<String>,
) -> BTreeMap<GenericPackage, String> {
    let mut found = BTreeMap::new();
    let mut add = |need: Option<&String>, by: String| {
        if let Some(need) = need.and_then(|need| GenericPackage::new(need).ok()) {
            found.entry(need).or_insert(by);
        }
    };
    for package in packages {
        let name = &package.name;
        // The library comes with these companions.
        let is_served = ["binary", "c"].iter().any(|part| {
            let companion = format!("{name}-{part}");
            packages
                .iter()
                .any(|other| other.name.as_ref() == companion)
        });
        if !is_served {
            add(TABLE.run.get(name), format!("`{name}`, at run time"));
        }
        let has_wheel = package
            .has_linux_wheel
            .unwrap_or_else(|| !TABLE.without_wheels.contains(name));
        if !has_wheel {
            add(TABLE.build.get(name), format!("`{name}`, to be built"));
        }
    }
    for module in modules {
        add(TABLE.modules.get(module), format!("`import {module}`"));
    }
    found
}

/// Returns the generic name of which a package of a manager is the first: `libpq-dev` of `apt` is
/// `postgresql-client`.
pub fn generic(manager: &str, package: &str) -> Option<GenericPackage> {
    let is_it = |names: &BTreeMap<String, Vec<String>>| {
        let names = names.get(manager).and_then(|names| names.first());
        names.is_some_and(|first| first == package)
    };
    let found = TABLE.needs.iter().find(|(_, names)| is_it(names));
    found.and_then(|(name, _)| GenericPackage::new(name).ok())
}

/// Returns what a manager (`apt`, `dnf`, `yum`, `apk`, `pacman`, `zypper`, `brew`, `choco`) calls a generic
/// package; `None` where it is not known.
pub fn translate(package: &GenericPackage, manager: &str) -> Option<&'static [String]> {
    let names = TABLE.needs.get(package.as_str())?;
    names.get(manager).map(Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::packages::{
        ApkPackage, AptPackage, BrewFormula, ChocoPackage, PacmanPackage, RpmPackage,
    };

    fn locked(name: &str, has_linux_wheel: Option<bool>) -> Locked {
        Locked {
            name: name.parse().unwrap(),
            has_linux_wheel,
        }
    }

    #[test]
    fn every_name_of_the_table_is_one_that_its_manager_takes() {
        for (need, managers) in &TABLE.needs {
            assert!(GenericPackage::new(need).is_ok(), "{need}");
            for (manager, names) in managers {
                assert!(!names.is_empty(), "{need} {manager}");
                for name in names {
                    let is_name = match manager.as_str() {
                        "apt" => AptPackage::new(name).is_ok(),
                        "dnf" | "yum" | "zypper" => RpmPackage::new(name).is_ok(),
                        "apk" => ApkPackage::new(name).is_ok(),
                        "pacman" => PacmanPackage::new(name).is_ok(),
                        "brew" => BrewFormula::new(name).is_ok(),
                        "choco" => ChocoPackage::new(name).is_ok(),
                        _ => false,
                    };
                    assert!(is_name, "{need} {manager} {name}");
                }
            }
        }
        let users = TABLE.run.values().chain(TABLE.build.values());
        for need in users.chain(TABLE.modules.values()) {
            assert!(TABLE.needs.contains_key(need), "{need}");
        }
    }

    #[test]
    fn tells_what_packages_and_modules_need() {
        let needs = |packages: &[Locked], modules: &[&str]| {
            let modules = modules.iter().map(|&module| module.to_owned()).collect();
            let found = of(&packages.iter().cloned().collect(), &modules);
            found.keys().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            needs(&[locked("psycopg2", Some(false))], &[]),
            ["postgresql-client"]
        );
        assert_eq!(needs(&[locked("psycopg2", Some(true))], &[]), [""; 0]);
        assert_eq!(
            needs(&[locked("psycopg2", None)], &[]),
            ["postgresql-client"]
        );
        assert_eq!(needs(&[locked("xmlsec", None)], &[]), [""; 0]);
        assert_eq!(
            needs(&[locked("psycopg", None)], &[]),
            ["postgresql-client"]
        );
        let both = [locked("psycopg", None), locked("psycopg-binary", None)];
        assert_eq!(needs(&both, &[]), [""; 0]);
        assert_eq!(
            needs(&[locked("pdf2image", Some(true))], &["gi", "os"]),
            ["gobject-introspection", "poppler"]
        );
    }

    #[test]
    fn translates_both_ways() {
        let client = generic("apt", "libpq-dev").unwrap();
        assert_eq!(client.as_str(), "postgresql-client");
        assert_eq!(translate(&client, "brew").unwrap(), ["postgresql@14"]);
        assert_eq!(generic("apt", "pkg-config"), None);
        assert_eq!(translate(&client, "winget"), None);
    }
}
