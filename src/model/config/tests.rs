//! What a user reads when the file is wrong, and what the program reads when it is right.

use super::*;

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

/// A file that is wrong: its text, the line, the key, and what the message must say.
type Case = (&'static str, usize, Option<&'static str>, &'static str);

const MALFORMED: &[Case] = &[
    // The file as a whole.
    ("", 1, None, "says nothing"),
    ("# only a remark\n", 1, None, "says nothing"),
    ("just a text", 1, None, "expected a section, found a text"),
    (
        "- version: \"2.0\"",
        1,
        None,
        "expected a section, found a list",
    ),
    (
        "version: \"2.0\"\n---\nversion: \"2.0\"\n",
        2,
        None,
        "second document",
    ),
    (
        "python: {version: \"3.11.7\"}\n",
        1,
        Some("version"),
        "is missing",
    ),
    // YAML itself.
    (
        "version: \"2.0\"\npython:\n\tversion: \"3.11.7\"\n",
        3,
        None,
        "token",
    ),
    (
        "version: \"2.0\"\ntools: {pytest: \"7.4.0\"\n",
        3,
        None,
        "flow mapping",
    ),
    (
        "version: \"2.0\"\ngit: lfs: true\n",
        2,
        None,
        "mapping values are not allowed",
    ),
    ("version: \"2.0\nx", 2, None, "quoted scalar"),
    (
        "version: \"2.0\"\npython: *nowhere\n",
        2,
        None,
        "unknown anchor",
    ),
    (
        "version: \"2.0\"\npython: !exec {version: \"3.11.7\"}\n",
        2,
        Some("python"),
        "tags",
    ),
    (
        "version: \"2.0\"\nx: &x {lfs: true}\ngit:\n  <<: *x\n",
        4,
        Some("git.<<"),
        "merging",
    ),
    // Keys.
    (
        "version: \"2.0\"\npyhton:\n  version: \"3.11.7\"\n",
        2,
        Some("pyhton"),
        "did you mean `python`?",
    ),
    (
        "version: \"2.0\"\ngit:\n  hooks:\n    pre-commit: true\n",
        4,
        Some("git.hooks.pre-commit"),
        "did you mean `pre_commit`?",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  linux: {snap: [x]}\n",
        3,
        Some("platform_deps.linux.snap"),
        "known here are apt, yum, dnf",
    ),
    (
        "version: \"2.0\"\nversion: \"2.0\"\n",
        2,
        Some("version"),
        "a second time",
    ),
    (
        "version: \"2.0\"\ngit:\n  lfs: true\n  lfs: false\n",
        4,
        Some("git.lfs"),
        "a second time",
    ),
    (
        "version: \"2.0\"\ntools:\n  pre-commit: \"3.3.3\"\n  pre_commit: \"3.3.3\"\n",
        4,
        Some("tools.pre_commit"),
        "a second time",
    ),
    (
        "version: \"2.0\"\n? [a, b]\n: x\n",
        2,
        None,
        "expected a key",
    ),
    (
        "version: \"2.0\"\n\"a b\": x\n",
        2,
        Some("a b"),
        "a key is made of",
    ),
    // Values without a type that fits.
    (
        "version: 2.0\n",
        1,
        Some("version"),
        "write it in quotes, \"2.0\"",
    ),
    (
        "version: \"2.0\"\npython:\n  version: 3.10\n",
        3,
        Some("python.version"),
        "YAML reads 3.10 as 3.1",
    ),
    (
        "version: \"2.0\"\ntools:\n  ruff: 0.10 # a remark\n",
        3,
        Some("tools.ruff"),
        "`0.10` is a number",
    ),
    (
        "version: \"2.0\"\npython:\n",
        2,
        Some("python"),
        "there is no value",
    ),
    (
        "version: \"2.0\"\ndependencies:\n  lock_files: uv.lock\n",
        3,
        Some("dependencies.lock_files"),
        "expected a list, found a text",
    ),
    (
        "version: \"2.0\"\ngit:\n  lfs: yes\n",
        3,
        Some("git.lfs"),
        "write `true` or `false`",
    ),
    (
        "version: \"2.0\"\npython: \"3.11.7\"\n",
        2,
        Some("python"),
        "expected a section, found a text",
    ),
    (
        "version: \"2.0\"\ntools: [pytest]\n",
        2,
        Some("tools"),
        "expected a section, found a list",
    ),
    // Formats and versions.
    (
        "version: \"3.0\"\nnews: true\n",
        1,
        Some("version"),
        "is newer than 2.0",
    ),
    (
        "version: \"1.0\"\n",
        1,
        Some("version"),
        "is older than 2.0",
    ),
    ("version: two\n", 1, Some("version"), "expected \"2.0\""),
    (
        "version: \"2.0\"\ndht_version: \"999.0.0\"\nnews: true\n",
        2,
        Some("dht_version"),
        "needs dhtl 999.0.0 or newer",
    ),
    (
        "version: \"2.0\"\ndht_version: \">=0.1\"\n",
        2,
        Some("dht_version"),
        "such as \"0.1.0\"",
    ),
    // Python.
    (
        "version: \"2.0\"\npython:\n  version: \"3.11\"\n",
        3,
        Some("python.version"),
        "exact Python version",
    ),
    (
        "version: \"2.0\"\npython:\n  version: \">=3.11.7\"\n",
        3,
        Some("python.version"),
        "exact Python version",
    ),
    (
        "version: \"2.0\"\npython:\n  version: ../../x\n",
        3,
        Some("python.version"),
        "exact Python version",
    ),
    (
        "version: \"2.0\"\npython:\n  version: /bin/sh\n",
        3,
        Some("python.version"),
        "exact Python version",
    ),
    (
        "version: \"2.0\"\npython:\n  version: 3.12.1;id\n",
        3,
        Some("python.version"),
        "exact Python version",
    ),
    (
        "version: \"2.0\"\npython:\n  implementation: cpython\n",
        3,
        Some("python.version"),
        "is missing",
    ),
    (
        "version: \"2.0\"\npython:\n  version: \"3.11.7\"\n  implementation: cpyton\n",
        4,
        Some("python.implementation"),
        "did you mean `cpython`?",
    ),
    // Dependencies and tools.
    (
        "version: \"2.0\"\ndependencies:\n  strategy: pipenv\n",
        3,
        Some("dependencies.strategy"),
        "`uv`, `pip-tools` or `poetry`",
    ),
    (
        "version: \"2.0\"\ndependencies:\n  lock_files:\n    - uv.lock\n    - ../uv.lock\n",
        5,
        Some("dependencies.lock_files[1]"),
        "path inside the project",
    ),
    (
        "version: \"2.0\"\ndependencies:\n  lock_files: [/etc/passwd]\n",
        3,
        Some("dependencies.lock_files[0]"),
        "path inside the project",
    ),
    (
        "version: \"2.0\"\ndependencies:\n  groups: [\"-x\"]\n",
        3,
        Some("dependencies.groups[0]"),
        "name of a group",
    ),
    (
        "version: \"2.0\"\ntools:\n  pytest: \">=7\"\n",
        3,
        Some("tools.pytest"),
        "expected version to start with a number",
    ),
    (
        "version: \"2.0\"\ntools:\n  -pytest: \"7.4.0\"\n",
        3,
        Some("tools.-pytest"),
        "-pytest",
    ),
    // Names that reach a package manager.
    (
        "version: \"2.0\"\nplatform_deps:\n  linux:\n    apt: [\"-oDPkg::Pre-Invoke::=sh -c id\"]\n",
        4,
        Some("platform_deps.linux.apt[0]"),
        "package of apt",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  linux:\n    apt:\n      - zstd\n      - zstd-\n",
        6,
        Some("platform_deps.linux.apt[1]"),
        "package of apt",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  linux:\n    dnf: [./evil.rpm]\n",
        4,
        Some("platform_deps.linux.dnf[0]"),
        "RPM package",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  linux:\n    yum: [https://x/e.rpm]\n",
        4,
        Some("platform_deps.linux.yum[0]"),
        "RPM package",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  darwin:\n    brew: [user/tap/formula]\n",
        4,
        Some("platform_deps.darwin.brew[0]"),
        "other taps",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  windows:\n    choco: [packages.config]\n",
        4,
        Some("platform_deps.windows.choco[0]"),
        "Chocolatey",
    ),
    (
        "version: \"2.0\"\nplatform_deps:\n  linux:\n    pacman: [\"a\\nb\"]\n",
        4,
        Some("platform_deps.linux.pacman[0]"),
        "package of pacman",
    ),
    // Programs, variables, checksums.
    (
        "version: \"2.0\"\nbinaries:\n  required:\n    - name: node\n      version: \"18.17.0\"\n      installer: uv-tool\n",
        6,
        Some("binaries.required[0].installer"),
        "did you mean `uv tool`?",
    ),
    (
        "version: \"2.0\"\nbinaries:\n  required:\n    - name: node\n",
        4,
        Some("binaries.required[0].version"),
        "is missing",
    ),
    (
        "version: \"2.0\"\nbinaries:\n  required:\n    - {name: node, version: latest}\n",
        4,
        Some("binaries.required[0].version"),
        "exact version",
    ),
    (
        "version: \"2.0\"\nenv_template:\n  required: [DATABASE-URL]\n",
        3,
        Some("env_template.required[0]"),
        "name of an environment variable",
    ),
    (
        "version: \"2.0\"\nfingerprint: {created_at: yesterday}\n",
        2,
        Some("fingerprint.created_at"),
        "a moment such as",
    ),
    (
        "version: \"2.0\"\nfingerprint: {platform: plan9-x86_64}\n",
        2,
        Some("fingerprint.platform"),
        "not a platform",
    ),
    (
        "version: \"2.0\"\nvalidation:\n  venv_checksum: md5:00\n",
        3,
        Some("validation.venv_checksum"),
        "no checksum",
    ),
    (
        "version: \"2.0\"\nvalidation:\n  environments: {linux-riscv: x}\n",
        3,
        Some("validation.environments.linux-riscv"),
        "not a platform",
    ),
    (
        "version: \"2.0\"\nassembly: {conflicts: maybe}\n",
        2,
        Some("assembly.conflicts"),
        "`allow` or `deny`",
    ),
];

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
