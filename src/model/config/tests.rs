//! What a user reads when the file is wrong, and what the program reads when it is right.

mod malformed;

use super::*;
use malformed::MALFORMED;

/// The plan's own configuration, to the letter.
const PLAN: &str = include_str!("../../../tests/fixtures/dhtconfig/plan.dhtconfig");
const FULL: &str = include_str!("../../../tests/fixtures/dhtconfig/full.dhtconfig");

fn refused(source: &[u8]) -> ConfigError {
    match read(FILE_NAME, source) {
        Ok(config) => panic!(
            "accepted {:?} as {config:?}",
            String::from_utf8_lossy(source)
        ),
        Err(error) => error,
    }
}

#[test]
fn every_malformed_file_is_refused_with_line_and_key() {
    let mut wrong = Vec::new();
    for &(source, line, key, says) in MALFORMED {
        let error = refused(source.as_bytes());
        let message = error.to_string();
        let advice = error.advice.as_deref().unwrap_or_default();
        let places = message.starts_with(&format!("reading `.dhtconfig`, line {line}, column "));
        let keyed = key.is_none_or(|key| message.contains(&format!("`{key}`: ")));
        let told = message.contains(says) || advice.contains(says);
        if !places || !keyed || !told || error.key.as_deref() != key {
            wrong.push(format!(
                "{source:?}\n  {message}\n  {advice}\n  wanted line {line}, {key:?}, {says:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(MALFORMED.len() >= 40);
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_line() {
    let cases: [(&[u8], usize, &str); 4] = [
        (b"\xef\xbb\xbfversion: \"2.0\"\n", 1, "byte order mark"),
        (b"version: \"2.0\"\n# caf\xe9\n", 2, "not UTF-8"),
        (b"\xff\xfev\0e\0", 1, "not UTF-8"),
        (
            b"version: \"2.0\"\npython: \"\0\"\n",
            2,
            "control character",
        ),
    ];
    for (source, line, says) in cases {
        let error = refused(source);
        assert_eq!(error.line, line, "{error}");
        assert!(error.problem.contains(says), "{error}");
    }
}

#[test]
fn hostile_sizes_are_refused_at_once() {
    let mut bomb = "version: \"2.0\"\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    let cases = [
        (vec![b' '; MAX_SIZE + 1], "larger than 256 KiB"),
        ("[".repeat(MAX_SIZE).into_bytes(), "more than 4096 lists"),
        ("{a: ".repeat(10_000).into_bytes(), "more than 4096 lists"),
        ("{a: ".repeat(1_000).into_bytes(), "nested too deeply"),
        ("- ".repeat(MAX_SIZE / 2).into_bytes(), "nested too deeply"),
        (bomb.into_bytes(), "repeat too much"),
    ];
    for (source, says) in cases {
        let error = refused(&source);
        assert!(error.problem.contains(says), "{error}");
    }
}

#[test]
fn no_message_shows_what_a_variable_holds() {
    for wrong in [
        "required: [\"TOKEN=hunter2\"]",
        "required: hunter2",
        "required: [{TOKEN: hunter2}]",
        "required: [hunter2!]",
        "{TOKEN: hunter2}",
        "TOKEN: hunter2",
        "required: [0.25]",
    ] {
        let error = refused(format!("version: \"2.0\"\nenv_template:\n  {wrong}\n").as_bytes());
        let shown = format!("{error} {:?} {:?}", error.advice, error.snippet);
        assert!(
            !shown.contains("hunter2") && !shown.contains("0.25"),
            "{shown}"
        );
        assert_eq!(error.line, 3, "{shown}");
    }
}

#[test]
fn the_snippet_points_at_the_value() {
    let error = refused(b"version: \"2.0\"\npython:\n  version: 3.10  # newest\n");
    assert_eq!(
        error.snippet.unwrap().to_string(),
        "  |\n3 |   version: 3.10  # newest\n  |            ^^^^"
    );
}

#[test]
fn the_plan_is_read_to_the_letter() {
    let config = read(FILE_NAME, PLAN.as_bytes()).unwrap();
    let python = config.python.unwrap();
    assert_eq!(python.request().to_string(), "cpython 3.11.7");
    assert_eq!(config.dependencies.strategy, Some(Strategy::Uv));
    assert_eq!(
        config.dependencies.lock_files[1].as_str(),
        "requirements.lock"
    );
    assert_eq!(
        config.platform_deps.darwin.brew[0].as_str(),
        "postgresql@14"
    );
    assert_eq!(config.platform_deps.windows.choco[1].as_str(), "redis-64");
    assert_eq!(
        config.binaries.required[0].installer,
        Some(Installer::UvTool)
    );
    assert_eq!(config.tools.len(), 5);
    assert_eq!(config.env_template.required.len(), 2);
    assert!(config.git.hooks.pre_commit && !config.git.lfs);
    let checksum = config.validation.venv_checksum.unwrap();
    assert!(matches!(checksum, checksum::Checksum::Placeholder(_)));
}

#[test]
fn what_is_read_is_written_again() {
    for source in [
        PLAN,
        FULL,
        "version: \"2.0\"\n",
        "version: '2.0'\r\ntools: {six: '1'}\r\n",
    ] {
        let config = read(FILE_NAME, source.as_bytes()).unwrap();
        let written = serde_yaml::to_string(&config).unwrap();
        assert_eq!(
            read("written", written.as_bytes()).unwrap(),
            config,
            "{written}"
        );
    }
}

#[test]
fn absent_keys_have_their_defaults() {
    let config = read(FILE_NAME, b"version: \"2.0\"\n").unwrap();
    assert_eq!(config, Config::default());
    assert!(config.dependencies.hash_validation);
}

#[test]
fn what_is_refused_here_is_refused_by_the_schema() {
    let schema = schema().to_value();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for &(source, ..) in MALFORMED {
        let error = refused(source.as_bytes());
        let beyond_schemas = matches!(error.refusal, Refusal::NeedsNewer(_))
            || error.problem.contains("a second time");
        if let (false, Ok(value)) = (beyond_schemas, serde_yaml::from_str(source)) {
            assert!(!validator.is_valid(&value), "the schema takes {source:?}");
        }
    }
}

#[test]
fn an_unknown_key_is_told_before_its_value() {
    let error = read(".dhtconfig", b"version: \"2.0\"\npyhton: 1\n").unwrap_err();
    assert!(error.problem.starts_with("unknown key"), "{error}");
    assert_eq!(error.advice.as_deref(), Some("did you mean `python`?"));
}
