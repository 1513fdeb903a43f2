//! What two locks of one project may say, and what they may not.

use super::*;
use crate::model::pylock::{LockOrigin, LockPolicy};

fn lock(file: &str, packages: &[(&str, &str, &str, char)]) -> NamedLock {
    let mut text = "lock-version = \"1.0\"\ncreated-by = \"test\"\n".to_owned();
    for (name, version, marker, digit) in packages {
        let digest = digit.to_string().repeat(64);
        text += &format!(
            "[[packages]]\nname = \"{name}\"\nversion = \"{version}\"\nmarker = \"{marker}\"\nwheels = \
             [{{ url = \"https://h/{name}-{version}-py3-none-any.whl\", hashes = {{ sha256 = \"{digest}\" }} }}]\n"
        );
    }
    let origin = LockOrigin {
        file: file.into(),
        folder: std::env::temp_dir(),
    };
    NamedLock {
        file: file.into(),
        lock: Pylock::parse(
            &text.replace("marker = \"\"\n", ""),
            &origin,
            &LockPolicy::default(),
        )
        .unwrap(),
    }
}

fn shown(lock: &Pylock) -> Vec<String> {
    let package = |package: &LockedPackage| {
        let version = package.version.as_ref().unwrap();
        let marker = package.marker.try_to_string().unwrap_or_default();
        format!("{} {version} {marker}", package.name)
            .trim()
            .to_owned()
    };
    lock.packages.iter().map(package).collect()
}

#[test]
fn the_first_lock_wins_and_the_others_add() {
    let primary = lock(
        "uv.lock",
        &[
            ("a", "1", "", '1'),
            ("b", "1", "sys_platform == 'win32'", '2'),
        ],
    );
    let other = lock(
        "requirements.txt",
        &[("b", "1", "", '2'), ("c", "3", "", '3')],
    );
    let merged = merge(vec![primary, other]).unwrap().unwrap();
    assert_eq!(
        shown(&merged),
        [
            "a 1",
            "b 1 sys_platform == 'win32'",
            "b 1 sys_platform != 'win32'",
            "c 3"
        ]
    );
    assert_eq!(merge(Vec::new()).unwrap(), None);
}

#[test]
fn versions_may_differ_where_they_never_meet() {
    let primary = lock("uv.lock", &[("a", "1", "python_version < '3.10'", '1')]);
    let other = lock(
        "poetry.lock",
        &[("a", "2", "python_version >= '3.10'", '2')],
    );
    assert_eq!(
        merge(vec![primary, other]).unwrap().unwrap().packages.len(),
        2
    );
}

#[test]
fn a_contradiction_names_package_versions_and_files() {
    let primary = lock("uv.lock", &[("a", "1", "", '1')]);
    let other = lock(
        "requirements.txt",
        &[("a", "2", "sys_platform == 'linux'", '1')],
    );
    assert_eq!(
        merge(vec![primary.clone(), other]).unwrap_err().to_string(),
        "cannot merge locks: `uv.lock` has `a` 1, and `requirements.txt` has 2"
    );
    let third = lock("poetry.lock", &[("a", "1", "", '2')]);
    let error = merge(vec![primary, third]).unwrap_err().to_string();
    assert!(
        error.contains("`uv.lock` has `a` 1 with 1 other files, and `poetry.lock`"),
        "{error}"
    );
}

/// A lock of one package `a`, whose table has these lines.
fn one(file: &str, lines: &str) -> NamedLock {
    let text = format!(
        "lock-version = \"1.0\"\ncreated-by = \"test\"\n[[packages]]\nname = \"a\"\n{lines}\n"
    );
    let origin = LockOrigin {
        file: file.into(),
        folder: std::env::temp_dir(),
    };
    let lock = Pylock::parse(&text, &origin, &LockPolicy::default());
    NamedLock {
        file: file.into(),
        lock: lock.unwrap_or_else(|error| panic!("{error}\n{text}")),
    }
}

fn wheel(version: &str, digit: char) -> String {
    let digest = digit.to_string().repeat(64);
    format!(
        "version = \"{version}\"\nwheels = [{{ url = \"https://h/a-{version}-py3-none-any.whl\", hashes = {{ sha256 = \"{digest}\" }} }}]"
    )
}

fn archive(version: &str, digit: char) -> String {
    let digest = digit.to_string().repeat(64);
    format!(
        "version = \"{version}\"\narchive = {{ url = \"https://h/a-{version}.tar.gz\", hashes = {{ sha256 = \"{digest}\" }} }}"
    )
}

fn git(digit: char) -> String {
    let commit = digit.to_string().repeat(40);
    format!("vcs = {{ type = \"git\", url = \"https://h/a.git\", commit-id = \"{commit}\" }}")
}

fn folder(path: &str) -> String {
    format!("directory = {{ path = \"{path}\" }}")
}

fn marked(lines: &str, marker: &str) -> String {
    format!("marker = \"{marker}\"\n{lines}")
}

#[test]
fn every_contradiction_names_what_both_files_say() {
    let python = "python_version < '3.12'";
    let linux = "sys_platform == 'linux'";
    let cases = [
        (wheel("1", '1'), wheel("2", '2'), "`a` 1, and", "has 2"),
        // The same bytes under two versions.
        (wheel("1", '1'), wheel("1.1", '1'), "`a` 1, and", "has 1.1"),
        (
            wheel("1", '1'),
            wheel("1", '2'),
            "`a` 1 with 1 other files",
            "has 1 with 1 other files",
        ),
        // They meet on Linux with an older Python.
        (
            marked(&wheel("1", '1'), python),
            marked(&wheel("2", '2'), linux),
            "`a` 1, and",
            "has 2",
        ),
        (
            wheel("1", '1'),
            archive("1", '2'),
            "`a` 1 with 1 other files",
            "has 1 from `https://h/a-1.tar.gz`",
        ),
        (
            archive("1", '1'),
            archive("1", '2'),
            "`a` 1 from `https://h/a-1.tar.gz`",
            "has 1 from `https://h/a-1.tar.gz`",
        ),
        (
            git('a'),
            git('b'),
            "from `https://h/a.git` at aaaa",
            "at bbbb",
        ),
        (
            git('a'),
            wheel("1", '1'),
            "at aaaa",
            "has 1 with 1 other files",
        ),
        (folder("one"), folder("two"), "one`", "two`"),
        (folder("one"), git('a'), "one`", "at aaaa"),
        (folder("one"), wheel("1", '1'), "one`", "has 1 with"),
    ];
    for (left, right, first, second) in cases {
        let locks = vec![one("uv.lock", &left), one("poetry.lock", &right)];
        let error = merge(locks).unwrap_err().to_string();
        for part in ["`uv.lock` has `a` ", "`poetry.lock` has ", first, second] {
            assert!(error.contains(part), "{part:?} in {error}");
        }
        // A third file is held against both.
        let other = lock("uv.lock", &[("b", "1", "", '3')]);
        let locks = vec![other, one("pylock.toml", &left), one("r.txt", &right)];
        let error = merge(locks).unwrap_err().to_string();
        assert!(error.contains("`pylock.toml` has `a` "), "{error}");
        assert!(error.contains("`r.txt` has "), "{error}");
    }
}

#[test]
fn what_agrees_is_no_contradiction() {
    let windows = "sys_platform == 'win32'";
    let linux = "sys_platform == 'linux'";
    for (left, right) in [
        (wheel("1", '1'), wheel("1.0", '1')),
        (wheel("1", '1'), archive("1", '1')),
        (git('a'), git('a')),
        (folder("one"), folder("one")),
        (
            marked(&wheel("1", '1'), windows),
            marked(&wheel("2", '2'), linux),
        ),
        (marked(&folder("one"), windows), marked(&git('a'), linux)),
    ] {
        let locks = vec![one("uv.lock", &left), one("poetry.lock", &right)];
        assert!(merge(locks).is_ok(), "{left}\n{right}");
    }
}
