use std::path::{Path, PathBuf};

use super::*;
use crate::model::location::Location;

const HASH: &str = "08695f5cb7ed6e0531a20572697297273c47b8cae5a63ffc6d6ed5c201be6e44";

const EVERY_KIND: &str = r#"
lock-version = "1.0"
environments = ["sys_platform == 'linux'", "sys_platform == 'win32'"]
requires-python = ">=3.11"
extras = ["gui"]
dependency-groups = ["dev", "docs"]
default-groups = ["dev", "project"]
created-by = "test"

[[packages]]
name = "files"
version = "1.0"
marker = "'gui' in extras or 'docs' in dependency_groups"
requires-python = ">=3.8"
dependencies = [{ name = "tool" }]
index = "https://user:secret@example.org/simple"
sdist = { name = "files-1.0.tar.gz", url = "https://example.org/download?id=1", size = 3, hashes = { sha256 = "08695f5cb7ed6e0531a20572697297273c47b8cae5a63ffc6d6ed5c201be6e44" } }

[[packages.wheels]]
url = "https://example.org/files-1.0%2Bcpu-py3-none-any.whl#sha256=08695f5cb7ed6e0531a20572697297273c47b8cae5a63ffc6d6ed5c201be6e44"
upload-time = 2022-10-25T02:36:22Z
hashes = { sha256 = "08695f5cb7ed6e0531a20572697297273c47b8cae5a63ffc6d6ed5c201be6e44", md5 = "x" }

[packages.tool.other]
anything = [1, { deep = true }]

[[packages]]
name = "archive"
[packages.archive]
path = "dist/main.zip"
subdirectory = "lib/"
hashes = { sha256 = "08695f5cb7ed6e0531a20572697297273c47b8cae5a63ffc6d6ed5c201be6e44" }

[[packages]]
name = "vcs"
[packages.vcs]
type = "git"
url = "git+ssh://git@example.org/a/b.git"
requested-revision = "main"
commit-id = "0963cfcd278e41f04556ebc9a4e4fc7a3c747a18"

[[packages]]
name = "folder"
[packages.directory]
path = "../other/lib"
editable = true

[tool.other]
x = 1
"#;

fn origin() -> LockOrigin {
    LockOrigin {
        file: "pylock.toml".into(),
        folder: folder(),
    }
}

fn folder() -> PathBuf {
    if cfg!(windows) {
        r"C:\home\me\project".into()
    } else {
        "/home/me/project".into()
    }
}

fn parse_with(text: &str, policy: &LockPolicy) -> Result<Pylock, PylockError> {
    Pylock::parse(text, &origin(), policy)
}

fn parse(text: &str) -> Result<Pylock, PylockError> {
    parse_with(text, &LockPolicy::default())
}

fn lock(package: &str) -> String {
    format!("lock-version = \"1.0\"\ncreated-by = \"test\"\n\n[[packages]]\n{package}\n")
}

fn wheel_at(url: &str) -> String {
    lock(&format!(
        "name = \"colorama\"\nversion = \"0.4.6\"\nwheels = [{{ url = \"{url}\", hashes = {{ sha256 = \"{HASH}\" }} }}]"
    ))
}

/// The error as a user reads it: the message and its causes.
fn refusal(text: &str) -> String {
    let error = parse(text).expect_err(text);
    format!("{error}: {}", error.problem)
}

#[test]
fn reads_every_kind_of_source() {
    let lock = parse(EVERY_KIND).unwrap();
    let names: Vec<_> = lock
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    assert_eq!(names, ["archive", "files", "folder", "vcs"]);
    let PackageSource::Archive {
        archive,
        subdirectory,
        wheel: None,
    } = &lock.packages[0].source
    else {
        panic!("{:?}", lock.packages[0])
    };
    assert_eq!(
        archive.location,
        Location::File(folder().join("dist").join("main.zip"))
    );
    assert_eq!(subdirectory.as_deref(), Some("lib"));
    let index = lock.packages[1].index.as_ref().unwrap();
    assert_eq!(index.to_string(), "https://example.org/simple");
    let PackageSource::Files {
        sdist: Some(sdist),
        wheels,
    } = &lock.packages[1].source
    else {
        panic!("{:?}", lock.packages[1])
    };
    assert_eq!(sdist.filename, "files-1.0.tar.gz");
    assert_eq!(wheels[0].archive.filename, "files-1.0+cpu-py3-none-any.whl");
    assert_eq!(
        wheels[0].archive.location.to_string(),
        "https://example.org/files-1.0%2Bcpu-py3-none-any.whl"
    );
    let PackageSource::Directory {
        path,
        editable: true,
    } = &lock.packages[2].source
    else {
        panic!("{:?}", lock.packages[2])
    };
    assert!(
        path.ends_with(Path::new("me").join("other").join("lib")),
        "{path:?}"
    );
    let PackageSource::Git { url, .. } = &lock.packages[3].source else {
        panic!("{:?}", lock.packages[3])
    };
    assert_eq!(url.to_string(), "ssh://git@example.org/a/b.git");
    assert_eq!(lock.environments.len(), 2);
    assert_eq!(lock.default_groups.len(), 2);
}

#[test]
fn refuses_archives_that_cannot_be_checked() {
    let with = |hashes: &str| {
        refusal(&lock(&format!(
            "name = \"colorama\"\nversion = \"0.4.6\"\nwheels = [{{ url = \"https://h/colorama-0.4.6-py3-none-any.whl\", hashes = {hashes} }}]"
        )))
    };
    assert_eq!(
        with("{}"),
        "cannot use the lock `pylock.toml`, line 4, package `colorama`, key `wheels[0].hashes`: \
         the file has no SHA-256; lock again with hashes, or allow missing hashes in the user's settings"
    );
    assert!(with("{ md5 = \"x\", sha1 = \"y\" }").contains("md5, sha1 only"));
    assert!(with(&format!("{{ sha256 = \"{}\" }}", &HASH[1..])).contains("64 hexadecimal"));
    let other = HASH.replace('0', "1");
    let url = format!("https://h/colorama-0.4.6-py3-none-any.whl#sha256={other}");
    assert!(refusal(&wheel_at(&url)).contains("disagree"));
    let upper =
        wheel_at("https://h/colorama-0.4.6-py3-none-any.whl").replace(HASH, &HASH.to_uppercase());
    assert!(parse(&upper).is_ok());

    let policy = LockPolicy {
        allow_missing_hashes: true,
        ..Default::default()
    };
    let none = lock("name = \"a\"\narchive = { url = \"https://h/a.zip\", hashes = {} }");
    assert!(parse(&none).is_err());
    assert!(parse_with(&none, &policy).is_ok());
}

#[test]
fn refuses_names_that_are_not_normal() {
    for name in [
        "../x", "a/b", ".", "CON", "Foo", "a_b", "a--b", "", "-x", "a b", "é",
    ] {
        let text = lock(&format!(
            "name = \"{name}\"\ndirectory = {{ path = \"x\" }}"
        ));
        assert!(
            refusal(&text).contains("is not a normalised name"),
            "{name}"
        );
    }
}

#[test]
fn refuses_addresses_that_a_stranger_must_not_name() {
    let whl = "colorama-0.4.6-py3-none-any.whl";
    for (url, why) in [
        ("file:///etc/shadow", "leads out of the project"),
        ("http://example.org/a.whl", "uses `http`"),
        ("ftp://example.org/a.whl", "uses `ftp`"),
        ("https://example.org/%2e%2e/a.whl", "hides a step"),
        ("https://example.org/.%2E/a.whl", "hides a step"),
        ("https://example.org/../a.whl", "hides a step"),
        ("https://example.org/x%2f..%2fa.whl", "hides a step"),
        ("https://example.org/x%5ca.whl", "hides a step"),
        ("a.whl", "is not an address"),
    ] {
        let found = refusal(&wheel_at(url));
        assert!(found.contains(why), "{url}: {found}");
    }
    let secret = refusal(&wheel_at("http://me:hunter2@example.org/a.whl"));
    assert!(!secret.contains("hunter2"), "{secret}");

    let loopback = format!("http://127.0.0.1:8000/{whl}");
    assert!(parse(&wheel_at(&loopback)).is_ok());
    let mirror = format!("http://mirror:8080/{whl}");
    let policy = LockPolicy {
        allowed_origins: vec!["http://mirror:8080/".into()],
        ..Default::default()
    };
    assert!(parse(&wheel_at(&mirror)).is_err());
    assert!(parse_with(&wheel_at(&mirror), &policy).is_ok());
}

#[cfg(unix)]
#[test]
fn local_files_are_those_of_the_project() {
    let whl = "colorama-0.4.6-py3-none-any.whl";
    assert!(parse(&wheel_at(&format!("file:///home/me/project/dist/{whl}"))).is_ok());
    let outside = wheel_at(&format!("file:///srv/{whl}"));
    assert!(parse(&outside).is_err());
    let policy = LockPolicy {
        allowed_folders: vec!["/srv".into()],
        ..Default::default()
    };
    assert!(parse_with(&outside, &policy).is_ok());
    let folder = |path: &str| {
        lock(&format!(
            "name = \"a\"\ndirectory = {{ path = \"{path}\" }}"
        ))
    };
    assert!(parse(&folder("/home/me/project/a")).is_ok());
    assert!(refusal(&folder("/home/me/project/../../you")).contains("leads out"));
}

#[test]
fn refuses_repositories_that_would_act_as_options() {
    for url in [
        "ext::sh -c id",
        "ssh://-oProxyCommand=x/",
        "ssh://-l@host/x",
        "git://example.org/x",
        "file:///etc",
        "--upload-pack=x",
        "https://example.org/a\\nb",
    ] {
        let vcs = format!(
            "name = \"a\"\nvcs = {{ type = \"git\", url = \"{url}\", commit-id = \"0963cfcd278e41f04556ebc9a4e4fc7a3c747a18\" }}"
        );
        assert!(parse(&lock(&vcs)).is_err(), "{url}");
    }
    let commit = |id: &str| {
        refusal(&lock(&format!(
            "name = \"a\"\nvcs = {{ type = \"git\", url = \"https://h/a\", commit-id = \"{id}\" }}"
        )))
    };
    assert!(commit("main").contains("is not a full commit id"));
    assert!(commit("0963cfc").contains("is not a full commit id"));
}

#[test]
fn file_names_must_agree_with_the_package() {
    for name in [
        "colorama-0.4.7-py3-none-any.whl",
        "colorful-0.4.6-py3-none-any.whl",
        "colorama-0.4.6.whl",
        "colorama-0.4.6-py3-none-any.exe",
    ] {
        assert!(
            parse(&wheel_at(&format!("https://h/{name}"))).is_err(),
            "{name}"
        );
    }
    let sdist = |file: &str| {
        parse(&lock(&format!(
            "name = \"colorama\"\nversion = \"0.4.6\"\nsdist = {{ url = \"https://h/{file}\", hashes = {{ sha256 = \"{HASH}\" }} }}"
        )))
    };
    assert!(sdist("colorama-0.4.6.tar.gz").is_ok());
    assert!(sdist("Colorama-0.4.6.zip").is_ok());
    assert!(sdist("colorama-0.4.7.tar.gz").is_err());
    assert!(sdist("colorama-0.4.6.rar").is_err());
}

#[test]
fn refuses_what_the_specification_does_not_know() {
    let unknown = lock("name = \"a\"\ndirectory = { path = \"x\", editabel = true }");
    let error = parse(&unknown).unwrap_err();
    assert_eq!(error.key.as_deref(), Some("packages[0].directory.editabel"));
    assert_eq!(error.line, Some(6));
    assert!(parse(&unknown.replace("1.0", "1.7")).is_ok());
    assert!(refusal(&unknown.replace("1.0", "2.0")).contains("lock-version `2.0` is not known"));
    assert!(refusal("created-by = \"x\"\npackages = []").contains("lock-version"));
    for text in [
        "\u{feff}lock-version = \"1.0\"",
        "lock-version = \"1.0\"\nlock-version = \"1.0\"",
        "lock-version = \"1.0\"\ncreated-by = 3",
        "lock-version = \"1.0\"\ncreated-by = \"x\"\npackages = 1",
        "",
        "{",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    for body in [
        "name = \"a\"",
        "name = \"a\"\nwheels = []",
        "name = \"a\"\ndirectory = { path = \"x\" }\narchive = { path = \"x.zip\", hashes = {} }",
        "name = \"a\"\nversion = \"one\"\ndirectory = { path = \"x\" }",
        "name = \"a\"\nmarker = \"import os\"\ndirectory = { path = \"x\" }",
        "name = \"a\"\nrequires-python = \"three\"\ndirectory = { path = \"x\" }",
        "name = \"a\"\ndirectory = { path = \"x\", subdirectory = \"../y\" }",
    ] {
        assert!(parse(&lock(body)).is_err(), "{body}");
    }
}

#[test]
fn a_bomb_ends_in_an_error() {
    for (open, close) in [("[", ""), ("[", "]"), ("{a=", "}")] {
        let bomb = format!(
            "lock-version = {}{}",
            open.repeat(10_000),
            close.repeat(10_000)
        );
        assert!(parse(&bomb).is_err());
    }
    assert!(parse(&format!("{}=1", "a.".repeat(10_000))).is_err());
    let markers = format!("{}{}", "(".repeat(10_000), ")".repeat(10_000));
    let text = lock(&format!(
        "name = \"a\"\nmarker = \"{markers}\"\ndirectory = {{ path = \"x\" }}"
    ));
    assert!(parse(&text).is_err());
    let pairs: Vec<_> = (0..40)
        .map(|n| format!("'a{n}' in extras and 'b{n}' in extras"))
        .collect();
    let text = lock(&format!(
        "name = \"a\"\nmarker = \"{}\"\ndirectory = {{ path = \"x\" }}",
        pairs.join(" or ")
    ));
    assert!(parse(&text).is_err());
    assert!(refusal(&" ".repeat(MAX_BYTES + 1)).contains("more than the 52428800"));
}

#[test]
fn every_digest_that_is_given_is_taken_and_a_file_without_one_stays_in_the_project() {
    let sha512 = "ab".repeat(64);
    let wheel = |hashes: &str| {
        lock(&format!(
            "name = \"colorama\"\nversion = \"0.4.6\"\nwheels = [{{ url = \"https://h/colorama-0.4.6-py3-none-any.whl\", hashes = {{ {hashes} }} }}]"
        ))
    };
    let read = parse(&wheel(&format!(
        "sha256 = \"{HASH}\", sha512 = \"{sha512}\", md5 = \"0\""
    )))
    .unwrap();
    let PackageSource::Files { wheels, .. } = &read.packages[0].source else {
        panic!("{read:?}");
    };
    let also = &wheels[0].archive.also;
    assert_eq!(also[0].to_string(), format!("sha512:{sha512}"));
    assert!(refusal(&wheel(&format!("sha256 = \"{HASH}\", sha512 = \"{HASH}\""))).contains(HASH));
}

#[test]
#[cfg(unix)]
fn a_file_without_a_digest_stays_in_the_project() {
    let at = |path: &str| {
        let text = lock(&format!(
            "name = \"a\"\narchive = {{ path = \"{path}\", hashes = {{}} }}"
        ));
        let origin = LockOrigin {
            file: "/project/pylock.toml".into(),
            folder: "/project".into(),
        };
        let policy = LockPolicy {
            allow_missing_hashes: true,
            ..LockPolicy::default()
        };
        Pylock::parse(&text, &origin, &policy)
    };
    assert!(at("vendor/a-1.zip").is_ok());
    let error = at("../outside/a-1.zip").unwrap_err();
    assert!(matches!(*error.problem, Problem::Outside(_)), "{error:?}");
}
