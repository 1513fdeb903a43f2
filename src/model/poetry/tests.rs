//! Locks as Poetry 1.8 (2.0) and 2 (2.1) write them.

use super::*;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

const PYPROJECT: &str = r#"
[tool.poetry]
name = "small"
[tool.poetry.dependencies]
python = "^3.9"
requests = {version = "^2.31", extras = ["socks"]}
rich = {version = "^13", optional = true}
Old_Name = [{version = "<2", python = "<3.10"}, {version = ">=2", python = ">=3.10"}]
[tool.poetry.extras]
pretty = ["rich"]
[tool.poetry.group.dev.dependencies]
pytest = {version = "*", markers = "sys_platform != 'win32'"}
[tool.poetry.group.docs]
optional = true
[tool.poetry.group.docs.dependencies]
rich = "*"
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"#;

fn package(name: &str, version: &str, rest: &str) -> String {
    format!(
        "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nfiles = [{{file = \"{name}-{version}-py3-none-any.whl\", hash = \"sha256:{A}\"}}]\n{rest}\n"
    )
}

fn lock(version: &str, packages: &[String]) -> String {
    format!(
        "{}\n[extras]\npretty = [\"rich\"]\n[metadata]\nlock-version = \"{version}\"\npython-versions = \"^3.9\"\ncontent-hash = \"{A}\"\n",
        packages.concat()
    )
}

fn parse(lock: &str) -> Result<Read, PoetryError> {
    let texts = Texts {
        file: "poetry.lock",
        lock,
        pyproject: PYPROJECT,
    };
    read(texts, false)
}

fn shown(read: &Read) -> Vec<String> {
    let pin = |pin: &Pin| {
        let version = pin
            .version
            .as_ref()
            .map_or_else(|| "-".to_owned(), ToString::to_string);
        let marker = pin.marker.try_to_string().unwrap_or_default();
        format!("{} {version} {marker}", pin.name).trim().to_owned()
    };
    read.pins.pins.iter().map(pin).collect()
}

#[test]
fn form_2_1_says_groups_and_markers() {
    let lock = lock(
        "2.1",
        &[
            package("requests", "2.31.0", "groups = [\"main\"]"),
            package(
                "rich",
                "13.0",
                "groups = [\"main\", \"docs\"]\nmarkers = {main = \"extra == \\\"pretty\\\"\"}",
            ),
            package(
                "pytest",
                "8.0",
                "groups = [\"dev\"]\nmarkers = \"sys_platform != \\\"win32\\\"\"",
            ),
        ],
    );
    let read = parse(&lock).unwrap();
    assert_eq!(
        shown(&read),
        [
            "requests 2.31.0",
            "rich 13.0 'pretty' in extras or 'docs' in dependency_groups",
            "pytest 8.0 sys_platform != 'win32' and 'dev' in dependency_groups",
            "small -",
        ]
    );
    let names =
        |groups: &BTreeSet<GroupName>| groups.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&read.pins.groups), ["dev", "docs"]);
    assert_eq!(names(&read.pins.default_groups), ["dev"]);
    assert_eq!(read.pins.requires_python.unwrap().to_string(), ">=3.9, <4");
    assert!(read.stale);
}

#[test]
fn form_2_0_is_followed_from_the_project() {
    let lock = lock(
        "2.0",
        &[
            package(
                "requests",
                "2.31.0",
                "[package.dependencies]\nidna = \">=2.5\"\nPySocks = {version = \">=1.5.6\", optional = true, markers = \"extra == \\\"socks\\\"\"}\nchardet = {version = \"*\", optional = true}\n[package.extras]\nsocks = [\"PySocks (>=1.5.6)\"]\nother = [\"chardet\"]",
            ),
            package("idna", "3.0", ""),
            package("pysocks", "1.7", ""),
            package("chardet", "5.0", ""),
            package(
                "rich",
                "13.0",
                "[package.dependencies]\nidna = {version = \"*\", markers = \"python_version < \\\"3.10\\\"\"}\nmdurl = \"*\"",
            ),
            package("mdurl", "0.1", "[package.dependencies]\nrich = \"*\""),
            package("pytest", "8.0", ""),
            package("old-name", "1.0", "python-versions = \">=3.8\""),
            package("old-name", "2.0", "python-versions = \">=3.10\""),
        ],
    );
    assert_eq!(
        shown(&parse(&lock).unwrap()),
        [
            "requests 2.31.0",
            "idna 3.0",
            "pysocks 1.7",
            "rich 13.0 'pretty' in extras or 'docs' in dependency_groups",
            "mdurl 0.1 'pretty' in extras or 'docs' in dependency_groups",
            "pytest 8.0 sys_platform != 'win32' and 'dev' in dependency_groups",
            "old-name 1.0 python_full_version >= '3.8' and python_full_version < '3.10'",
            "old-name 2.0 python_full_version >= '3.10'",
            "small -",
        ]
    );
}

#[test]
fn reads_every_source() {
    let source = |kind: &str, rest: &str| {
        let text = format!("groups = [\"main\"]\n[package.source]\ntype = \"{kind}\"\n{rest}");
        let read = parse(&lock("2.1", &[package("a", "1.0", &text)]))?;
        Ok::<_, PoetryError>(format!("{:?}", read.pins.pins[0].source))
    };
    let commit = "0963cfcd278e41f04556ebc9a4e4fc7a3c747a18";
    for (kind, rest, expected) in [
        (
            "legacy",
            "url = \"https://me:pw@h/simple/\"\nreference = \"h\"".to_owned(),
            "/simple",
        ),
        (
            "url",
            "url = \"https://h/a-1.0-py3-none-any.whl\"".to_owned(),
            "Url {",
        ),
        (
            "file",
            "url = \"dist/a-1.0-py3-none-any.whl\"".to_owned(),
            "File {",
        ),
        (
            "directory",
            "url = \"../a\"".to_owned(),
            "Directory { path: \"../a\", editable: false",
        ),
        (
            "git",
            format!(
                "url = \"git@h:x/a.git\"\nreference = \"main\"\nresolved_reference = \"{commit}\""
            ),
            "requested: Some(\"main\")",
        ),
    ] {
        let found = source(kind, &rest).unwrap();
        assert!(found.contains(expected) && !found.contains("pw"), "{found}");
    }
    for (kind, rest, why) in [
        ("git", "url = \"https://h/a\"", "no full commit id"),
        ("svn", "url = \"https://h/a\"", "sources of the kind `svn`"),
        ("url", "url = \"https//me:pw@h\"", "`h` is not an address"),
    ] {
        let found = source(kind, rest).unwrap_err().to_string();
        assert!(found.contains(why), "{found}");
    }
}

#[test]
fn refuses_what_is_no_lock() {
    let main = "groups = [\"main\"]";
    let good = package("a", "1.0", main);
    for (text, why) in [
        (
            lock("1.1", std::slice::from_ref(&good)),
            "lock-version `1.1`",
        ),
        (
            lock("2.1", &[package("a b", "1.0", main)]),
            "not a package's name",
        ),
        (
            lock("2.1", &[package("a", "one", main)]),
            "`one` is not a version",
        ),
        (
            lock("2.1", &[good.replace("sha256", "md5")]),
            "line 1, package `a`: no file has a SHA-256",
        ),
        (
            lock(
                "2.1",
                &[package("a", "1.0", "groups = [\"main\"]\nmarkers = \"x\"")],
            ),
            "not an environment marker",
        ),
        (
            lock("2.1", &[package("a", "1.0", "groups = [\"../x\"]")]),
            "not a group's name",
        ),
        (
            lock("2.0", &[]),
            "asks for `old-name`, which the lock does not have",
        ),
        (
            "[metadata]\n\nlock-version = 2".to_owned(),
            "line 3: it is not the TOML",
        ),
        (
            format!(
                "[[package]]\nname = \"a\"\nversion = \"1\"\n{main}\nfiles = []\n{}",
                lock("2.1", &[])
            ),
            "no file has a hash",
        ),
    ] {
        let found = parse(&text).expect_err(&text).to_string();
        assert!(found.contains(why), "{why}: {found}");
    }
}

#[test]
fn the_content_hash_is_what_poetry_computes() {
    let own = r#"[tool.poetry.dependencies]
python = "^3.9"
b = {version = "1 \"x\" \\ é 😀", optional = true}
[tool.poetry.group.dev.dependencies]
c = [{version = "<2", python = "<3.10"}]
"#;
    let standard = r#"[project]
name = "x"
requires-python = ">=3.11"
dependencies = ["flask>=3"]
[dependency-groups]
dev = ["pytest", {include-group = "docs"}]
docs = ["sphinx"]
[tool.poetry]
package-mode = false
[[tool.poetry.source]]
name = "simple"
"#;
    let neither = r#"[project]
name="x"
[tool.poetry]
name="y"
"#;
    for (pyproject, hash) in [
        (
            own,
            "f2b82681203aabcd11e07ea082ca7942868097e57ed36d5ff8b0a24c127ee1a8",
        ),
        (
            standard,
            "1b9f8483cd41f717bbef43e936c7145ee39eea3291629a40edbc3e6e18d36518",
        ),
        (
            neither,
            "115cf985d932e9bf5f540555bbdd75decbb62cac81e399375fc19f6277f8c1d8",
        ),
    ] {
        assert!(content_hash::fits(pyproject, hash), "{pyproject}");
        assert!(!content_hash::fits(
            &format!("{pyproject}\n[tool.poetry.group.x.dependencies]\nd = \"*\"\n"),
            hash
        ));
    }
}
