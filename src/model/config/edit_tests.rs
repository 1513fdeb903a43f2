//! What survives a rewrite, and what comes of it.

use std::collections::BTreeMap;

use super::edit::{fresh, rewrite};
use super::text::{GroupName, VariableName};
use super::*;

const COMMENTED: &str = include_str!("../../../tests/fixtures/dhtconfig/commented.dhtconfig");
const PLAN: &str = include_str!("../../../tests/fixtures/dhtconfig/plan.dhtconfig");
const FULL: &str = include_str!("../../../tests/fixtures/dhtconfig/full.dhtconfig");

/// Changes `source` as `change` does, checks that the meaning is right, and returns the new text.
fn changed(source: &str, change: impl FnOnce(&mut Config)) -> String {
    let mut wanted = read(FILE_NAME, source.as_bytes()).unwrap();
    change(&mut wanted);
    let text = rewrite(FILE_NAME, source, &wanted).unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(read("new", text.as_bytes()).unwrap(), wanted, "{text}");
    let again = rewrite(FILE_NAME, &text, &wanted).unwrap();
    assert_eq!(again, text, "a second time changes something");
    text
}

/// Returns the lines that differ: `-` gone, `+` come.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let start = old
        .iter()
        .zip(&new)
        .take_while(|(old, new)| old == new)
        .count();
    let rest = (old[start..].iter().rev().zip(new[start..].iter().rev()))
        .take_while(|(old, new)| old == new)
        .count();
    let gone = old[start..old.len() - rest]
        .iter()
        .map(|line| format!("-{line}"));
    let come = new[start..new.len() - rest]
        .iter()
        .map(|line| format!("+{line}"));
    gone.chain(come).collect()
}

#[test]
fn nothing_to_do_changes_nothing() {
    for source in [COMMENTED, PLAN, FULL] {
        assert_eq!(changed(source, |_| {}), source);
    }
}

#[test]
fn a_value_keeps_its_quotes_its_place_and_its_comment() {
    let after = changed(COMMENTED, |config| {
        config.python.as_mut().unwrap().version = "3.11.9".parse().unwrap();
    });
    assert_eq!(
        difference(COMMENTED, &after),
        [
            "-  version: '3.11.7'   # exact",
            "+  version: '3.11.9'   # exact"
        ]
    );
    let after = changed(COMMENTED, |config| {
        config
            .tools
            .insert("ruff".parse().unwrap(), "0.10".parse().unwrap());
    });
    assert_eq!(
        difference(COMMENTED, &after),
        [
            "-  ruff:   \"0.1.0\"   # linter",
            "+  ruff:   \"0.10\"   # linter"
        ]
    );
    let after = changed(COMMENTED, |config| {
        config
            .tools
            .insert("pre-commit".parse().unwrap(), "4.0".parse().unwrap());
    });
    assert_eq!(
        difference(COMMENTED, &after),
        ["-  Pre_Commit: 3.3.3", "+  Pre_Commit: \"4.0\""]
    );
    let after = changed(COMMENTED, |config| config.git.lfs = true);
    assert_eq!(difference(COMMENTED, &after).len(), 2, "{after}");
    assert!(after.contains("git: { hooks: { pre_commit: true }, lfs: true }  # all on one line"));
}

#[test]
fn lists_grow_and_shrink_around_their_comments() {
    let after = changed(COMMENTED, |config| {
        config
            .platform_deps
            .linux
            .apt
            .push("libxml2".parse().unwrap());
        config
            .platform_deps
            .linux
            .yum
            .push("libxml2".parse().unwrap());
        config.env_template.required.remove(1);
        config.env_template.optional = vec![VariableName::new("DEBUG").unwrap()];
    });
    for kept in [
        "# flow on purpose",
        "# both needed",
        "- postgresql-devel   # headers",
        "# cache\n        - redis\n",
        "# the primary\n    - DATABASE_URL\n",
        "# The end. Keep this line last.\n",
    ] {
        assert!(after.contains(kept), "{kept}\n{after}");
    }
}

#[test]
fn new_sections_come_without_moving_a_comment() {
    let after = changed(COMMENTED, |config| {
        config.dht_version = Some("0.1.0".parse().unwrap());
        config.dependencies.strategy = Some(Strategy::Uv);
        config.dependencies.lock_files = vec!["uv.lock".parse().unwrap()];
        config.dependencies.groups = Some(vec![GroupName::new("dev").unwrap()]);
        config.fingerprint = Some(FingerprintSection {
            created_at: Some("2026-01-31T08:00:00Z".parse().unwrap()),
            created_by: Some("DHT/0.1.0".parse().unwrap()),
            platform: Some("linux-x86_64".parse().unwrap()),
        });
        let blake3 = checksum::Checksum::Blake3([0xab; 32]);
        config.validation.venv_checksum = Some(blake3.clone());
        config.validation.environments =
            BTreeMap::from([("darwin-arm64".parse().unwrap(), blake3)]);
        config.binaries.required.push(Binary {
            name: "node".parse().unwrap(),
            version: "18.17.0".parse().unwrap(),
            installer: Some(Installer::Nvm),
        });
    });
    let mut rest = after.as_str();
    for line in COMMENTED.lines() {
        let at = rest
            .find(line)
            .unwrap_or_else(|| panic!("{line:?} is gone or moved:\n{after}"));
        rest = &rest[at + line.len()..];
    }
    assert!(after.contains("\n\n# ---- Python -"), "{after}");
    assert!(after.contains("---\npython:\n"), "{after}");
    assert!(after.contains("wiki page.\ntools:\n"), "{after}");
    assert!(
        !after.contains("hash_validation"),
        "a default was written:\n{after}"
    );
}

#[test]
fn every_key_can_be_written_into_every_file() {
    let full = read(FILE_NAME, FULL.as_bytes()).unwrap();
    let plan = read(FILE_NAME, PLAN.as_bytes()).unwrap();
    for source in [
        COMMENTED,
        PLAN,
        FULL,
        "version: '2.0'",
        "{version: '2.0'}\n",
    ] {
        changed(source, |config| config.clone_from(&full));
        changed(source, |config| config.clone_from(&plan));
        changed(source, |config| *config = Config::default());
    }
}

#[test]
fn line_ends_of_windows_stay() {
    let source = COMMENTED.replace('\n', "\r\n");
    let after = changed(&source, |config| {
        config.git.submodules = vec!["vendor/lib".parse().unwrap()];
        config
            .tools
            .insert("mypy".parse().unwrap(), "1.5.0".parse().unwrap());
    });
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
}

#[test]
fn a_fresh_file_says_all_and_explains_itself() {
    for source in [PLAN, FULL] {
        let wanted = read(FILE_NAME, source.as_bytes()).unwrap();
        let text = fresh(&wanted).unwrap();
        assert!(text.starts_with("# What this project's environment is made of"));
        assert_eq!(read("fresh", text.as_bytes()).unwrap(), wanted);
    }
}

#[test]
fn a_file_that_is_refused_is_not_touched() {
    let error = rewrite(FILE_NAME, "version: 2.0\n", &Config::default()).unwrap_err();
    assert_eq!(error.to_string(), "taking over what the file holds");
}

mod any_file {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

        /// Whatever one changes in a good file by hand: reading and rewriting end with a result or
        /// an error, and a result is what was wanted.
        #[test]
        fn ends_with_what_was_wanted_or_an_error(
            at in 0..COMMENTED.len(),
            cut in 0_usize..12,
            put in "[ \\[\\]{}:,#'\"&*!|>%@`a\n-]{0,4}",
        ) {
            let end = (at + cut).min(COMMENTED.len());
            let mut source = COMMENTED.as_bytes().to_vec();
            source.splice(at..end, put.bytes());
            let Ok(source) = String::from_utf8(source) else { return Ok(()) };
            let wanted = read(FILE_NAME, FULL.as_bytes()).unwrap();
            if let Ok(text) = rewrite(FILE_NAME, &source, &wanted) {
                prop_assert_eq!(read(FILE_NAME, text.as_bytes()).unwrap(), wanted);
            }
        }
    }
}
