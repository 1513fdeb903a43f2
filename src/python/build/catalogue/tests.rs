//! What uv names, and what is made of it.

use super::*;

const RELEASE: &str = "https://github.com/astral-sh/python-build-standalone/releases/download/20240107/cpython-3.11.7%2B20240107-x86_64-unknown-linux-gnu-install_only.tar.gz";

fn python(name: &str, version: &str) -> PythonRequest {
    PythonRequest {
        implementation: match name {
            "pypy" => Implementation::PyPy,
            _ => Implementation::CPython,
        },
        version: version.parse().unwrap(),
    }
}

fn metadata(sha256: &str) -> String {
    let entry = |arch: &str, variant: &str, url: &str| {
        format!(
            r#"{{"name": "cpython", "arch": {arch}, "os": "linux", "libc": "gnu", "major": 3, "minor": 11,
            "patch": 7, "prerelease": "", "url": "{url}", "sha256": {sha256}, "variant": {variant}, "build": "20240107"}}"#
        )
    };
    let plain = r#"{"family": "x86_64", "variant": null}"#;
    format!(
        r#"{{"a": {}, "b": {}, "c": {}}}"#,
        entry(
            r#"{"family": "x86_64", "variant": "v3"}"#,
            "null",
            "https://x/v3.tar.gz"
        ),
        entry(plain, "null", RELEASE),
        entry(plain, "\"freethreaded\"", "https://x/free.tar.zst"),
    )
}

fn find(json: &str, platform: &str, mirrors: &Mirrors) -> Option<Archive> {
    let python = python("cpython", "3.11.7");
    in_metadata(json.as_bytes(), &python, platform.parse().unwrap(), mirrors).unwrap()
}

#[test]
fn finds_the_one_plain_build_with_its_hash() {
    let json = metadata(&format!("\"{}\"", "ab".repeat(32)));
    let archive = find(&json, "linux-x86_64", &Mirrors::default()).unwrap();
    assert_eq!(archive.location.to_string(), RELEASE);
    assert_eq!(
        archive.filename,
        "cpython-3.11.7+20240107-x86_64-unknown-linux-gnu-install_only.tar.gz"
    );
    assert_eq!(archive.sha256.unwrap().to_string(), "ab".repeat(32));
    assert_eq!(find(&json, "linux-arm64", &Mirrors::default()), None);
    assert_eq!(find(&json, "linux-musl-x86_64", &Mirrors::default()), None);
}

#[test]
fn refuses_what_only_looks_like_a_hash() {
    let json = metadata("\"abc\"");
    let python = python("cpython", "3.11.7");
    let platform = "linux-x86_64".parse().unwrap();
    let error = in_metadata(json.as_bytes(), &python, platform, &Mirrors::default());
    assert!(matches!(error, Err(CatalogueError::Hash { .. })));
    assert!(in_metadata(b"[]", &python, platform, &Mirrors::default()).is_err());
}

#[test]
fn mirrors_replace_the_beginning_of_the_address() {
    let json = metadata("null");
    let mirrors = Mirrors {
        python: Some("http://127.0.0.1:9/m/".into()),
        ..Mirrors::default()
    };
    let archive = find(&json, "linux-x86_64", &mirrors).unwrap();
    assert_eq!(
        archive.location.to_string(),
        RELEASE.replace(CPYTHON[0], "http://127.0.0.1:9/m")
    );
    let folder = Mirrors {
        python: Some("file:///srv/m".into()),
        ..Mirrors::default()
    };
    let Location::File(path) = find(&json, "linux-x86_64", &folder).unwrap().location else {
        panic!("a mirror on disk is a file");
    };
    assert!(path.to_string_lossy().contains("20240107"));
}

#[test]
fn reads_what_uv_lists() {
    let json = r#"[
        {"key": "k", "version": "3.11.15", "path": null, "url": "https://downloads.python.org/pypy/pypy3.11-v7.3.23-macos_arm64.tar.gz",
         "os": "macos", "variant": "default", "implementation": "pypy", "arch": "aarch64", "libc": "none"},
        {"key": "k", "version": "3.11.15", "path": "/usr/bin/python", "url": null,
         "os": "macos", "variant": "default", "implementation": "cpython", "arch": "aarch64", "libc": "none"}
    ]"#;
    let platform = "darwin-arm64".parse().unwrap();
    let mirrors = Mirrors {
        pypy: Some("https://mirror/pypy".into()),
        ..Mirrors::default()
    };
    let pypy = python("pypy", "3.11.15");
    let found = in_uv_list(json.as_bytes(), &pypy, platform, &mirrors).unwrap();
    assert_eq!(
        found.unwrap().location.to_string(),
        "https://mirror/pypy/pypy3.11-v7.3.23-macos_arm64.tar.gz"
    );
    let cpython = python("cpython", "3.11.15");
    let found = in_uv_list(json.as_bytes(), &cpython, platform, &mirrors).unwrap();
    assert_eq!(found, None);
}

#[test]
fn finds_hashes_beside_the_archive() {
    let archive = find(&metadata("null"), "linux-x86_64", &Mirrors::default()).unwrap();
    let sums = sums_location(&archive).unwrap().to_string();
    assert!(sums.ends_with("/download/20240107/SHA256SUMS"), "{sums}");
    let (one, two) = ("ab".repeat(32), "cd".repeat(32));
    let text = format!("{one}  a.tar.gz\n{two} *b.tar.gz\n{one}  c\n{two}  c\nzz  d\n");
    let sum = |name| sha256_in_sums(&text, name).map(|sum| sum.to_string());
    assert_eq!(sum("a.tar.gz"), Some(one));
    assert_eq!(sum("b.tar.gz"), Some(two));
    for name in ["c", "d", "tar.gz"] {
        assert_eq!(sum(name), None, "{name}");
    }
}

#[test]
fn takes_addresses_and_files_alone() {
    assert!(matches!(location_of("/a/b.json"), Ok(Location::File(_))));
    assert!(matches!(
        location_of("https://h/b.json"),
        Ok(Location::Url(_))
    ));
    let error = location_of("ftp://me:secret@h/x").unwrap_err().to_string();
    assert!(!error.contains("secret"), "{error}");
}
