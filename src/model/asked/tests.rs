use serde_json::json;

use super::*;

const UV_LOCK: &str = include_str!("../../../schemas/vectors/venv-checksum/v1/uv.lock");
const REQUIREMENTS: &str =
    include_str!("../../../schemas/vectors/venv-checksum/v1/requirements.txt");
const PYPROJECT: &str = include_str!("../../../schemas/vectors/venv-checksum/v1/pyproject.toml");
const CANONICAL: &[u8] = include_bytes!("../../../schemas/vectors/venv-checksum/v1/canonical");
const SPECIFICATION: &str = include_str!("../../../schemas/checksums.md");

fn asked(uv_lock: &str, requirements: &str, pyproject: &str) -> Asked {
    let files = FolderFiles {
        pyproject: Some(pyproject),
        setup_py: Some(b"import setuptools\r\nsetuptools.setup()\n"),
        setup_cfg: None,
    };
    Asked::new(BTreeMap::from([
        (
            Component::Packages,
            json!([
                lock(LockForm::Uv, uv_lock).unwrap(),
                lock(LockForm::Requirements, requirements).unwrap(),
            ]),
        ),
        (Component::Project, json!([folder(".", files)])),
        (
            Component::Python,
            json!({ "implementation": "cpython", "version": "3.11.7" }),
        ),
        (
            Component::Tools,
            json!({ "versions": { "pytest": "7.4.0" } }),
        ),
        (Component::Programs, json!([])),
        (
            Component::PlatformPackages,
            json!({ "linux": { "apt": ["libpq-dev"] } }),
        ),
        (
            Component::Configuration,
            json!({ "extras": ["all"], "groups": ["docs"] }),
        ),
    ]))
}

fn found() -> Asked {
    asked(UV_LOCK, REQUIREMENTS, PYPROJECT)
}

#[test]
fn the_vector_of_the_specification_holds() {
    let found = found();
    assert_eq!(
        String::from_utf8_lossy(&found.to_bytes()),
        String::from_utf8_lossy(CANONICAL)
    );
    let section = SPECIFICATION.split("## `venv_checksum`").nth(1).unwrap();
    let listed = |algorithm: &str| -> Checksum {
        let start = section.find(&format!("`{algorithm}:")).unwrap() + 1;
        let text = &section[start..];
        text[..text.find('`').unwrap()].parse().unwrap()
    };
    assert_eq!(found.checksum(), listed("blake3"));
    assert_eq!(found.agrees_with(&listed("sha256")), Some(true));
    assert_eq!(
        found.agrees_with(&"sha256:abcd1234...".parse().unwrap()),
        None
    );
    assert_eq!(Asked::parse(CANONICAL), Some(found));
    assert_eq!(Asked::parse(b"dhtl-environment 1\n{ }\n"), None);
}

#[test]
fn what_does_not_decide_does_not_count() {
    let checksum = found().checksum();
    for (uv_lock, requirements, pyproject) in [
        (UV_LOCK.replace('\n', "\r\n"), REQUIREMENTS, PYPROJECT),
        (
            UV_LOCK.replace("size = 9", "size = 8"),
            REQUIREMENTS,
            PYPROJECT,
        ),
        (
            UV_LOCK.replace("revision = 3", "revision = 4"),
            REQUIREMENTS,
            PYPROJECT,
        ),
        (
            UV_LOCK.replace("files.pythonhosted.org", "mirror.example"),
            REQUIREMENTS,
            PYPROJECT,
        ),
        (UV_LOCK.replace("0.3.0", "0.4.0"), REQUIREMENTS, PYPROJECT),
    ] {
        assert_eq!(
            asked(&uv_lock, requirements, pyproject).checksum(),
            checksum
        );
    }
    let plain = REQUIREMENTS.replace("\r\n", "\n");
    let remark = format!("# one more\n{plain}\n\n");
    assert_eq!(asked(UV_LOCK, &remark, PYPROJECT).checksum(), checksum);
    let project = PYPROJECT
        .replace("0.3.0", "0.4.0")
        .replace("line-length = 100", "line-length = 80")
        .replace("no part", "still no part");
    assert_eq!(asked(UV_LOCK, REQUIREMENTS, &project).checksum(), checksum);
}

#[test]
fn what_decides_counts_and_is_named() {
    let before = found();
    let check = |after: Asked, expected: &[&str]| {
        assert_ne!(after.checksum(), before.checksum());
        let told: Vec<String> = changes(&before, &after)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(told, expected);
        let marks = before.marks();
        let others = after.marks();
        let differing = Component::ALL
            .into_iter()
            .filter(|it| marks.get(it) != others.get(it))
            .count();
        assert_eq!(differing, 1);
    };
    let with = |lock: &str| asked(lock, REQUIREMENTS, PYPROJECT);
    check(
        with(&UV_LOCK.replace("version = \"2.0\"", "version = \"2.1\"")),
        &["zoo: 2.0 became 2.1"],
    );
    check(
        with(&UV_LOCK.replace(&"3".repeat(64), &"7".repeat(64))),
        &["zoo 2.0: other files, conditions or dependencies"],
    );
    check(
        with(&UV_LOCK.replace("'win32'", "'linux'")),
        &["zoo 2.0: other files, conditions or dependencies"],
    );
    let more = format!("{REQUIREMENTS}cow==1.0\n").replace("bee[wax]==3.1", "bee[wax]==3.2");
    check(
        asked(UV_LOCK, &more, PYPROJECT),
        &["bee: 3.1 became 3.2", "cow: 1.0 is new"],
    );
    check(
        asked(
            UV_LOCK,
            REQUIREMENTS,
            &PYPROJECT.replace("own:main", "own:run"),
        ),
        &["metadata project.scripts.own: own:main became own:run"],
    );
}

#[test]
fn nothing_lets_anybody_in() {
    let text = "[[package]]\nname = \"a\"\nsource = { git = \"git+https://me:secret@h/r?rev=x&key=secret#1\" }\n";
    let said = canonical::json(&lock(LockForm::Uv, text).unwrap());
    assert!(said.contains("git+https://h/r?rev=x#1"), "{said}");
    let said = lock(LockForm::Requirements, "a @ https://me:secret@h/a.whl\n").unwrap();
    assert!(!canonical::json(&said).contains("secret"));
    assert!(!String::from_utf8_lossy(CANONICAL).contains("secret"));
}
