use std::path::PathBuf;

use super::*;

const PYLOCK: &str = r#"lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.11"

[[packages]]
name = "alpha"
version = "1.0"
marker = "sys_platform == 'win32'"
wheels = [{ url = "https://files.pythonhosted.org/packages/a/alpha-1.0-py3-none-any.whl", upload-time = 2024-01-02T03:04:05Z, size = 7, hashes = { sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" } }]

[[packages]]
name = "tool"
version = "2.0"
sdist = { url = "https://files.pythonhosted.org/packages/t/tool-2.0.tar.gz", hashes = { sha256 = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" } }
"#;

fn name(text: &str) -> PackageName {
    text.parse().unwrap()
}

fn sample() -> ToolLock {
    let tool = LockedTool::from_pylock("2.0".parse().unwrap(), true, PYLOCK).unwrap();
    ToolLock {
        tools: BTreeMap::from([(name("tool"), tool)]),
        pins: Pins::default(),
    }
}

fn parsed(text: &str) -> String {
    ToolLock::parse(text).unwrap_err().to_string()
}

#[test]
fn the_text_is_canonical_and_read_back() {
    let lock = sample();
    let text = lock.to_text();
    assert_eq!(ToolLock::parse(&text).unwrap(), lock);
    assert_eq!(ToolLock::parse(&text).unwrap().to_text(), text);
    assert!(text.contains("[tools.tool]\nversion = \"2.0\"\nalone = true\n\n[tools.tool.lock]\nlock-version = \"1.0\"\n"));
}

#[test]
fn the_vector_is_read_and_written() {
    let vector = include_str!("../../../schemas/vectors/tools-lock/v1/tools.lock");
    let lock = ToolLock::parse(vector).unwrap();
    assert_eq!(lock.to_text(), vector);
    assert_eq!(lock.tools.len(), 2);
    let python = lock.pins.python.as_ref().unwrap();
    assert_eq!(python.python.to_string(), "cpython 3.11.7");
    let platform = "linux-x86_64".parse().unwrap();
    assert!(lock.pins.build(&python.python, platform).is_some());
    assert!(lock.pins.uv(platform).is_some());
}

#[test]
fn the_lock_inside_is_pep_751() {
    let origin = LockOrigin {
        file: PathBuf::from("/p/.dht/tools.lock"),
        folder: PathBuf::from("/p"),
    };
    let lock = sample();
    let tool = &lock.tools[&name("tool")];
    let read = tool
        .pylock(&name("tool"), &origin, &LockPolicy::default())
        .unwrap();
    assert_eq!(read.packages.len(), 2);
    assert_eq!(tool.versions(), [("alpha", "1.0"), ("tool", "2.0")]);
    let other = tool.pylock(&name("other"), &origin, &LockPolicy::default());
    assert!(matches!(other, Err(ToolLockError::Without { .. })));
}

#[test]
fn an_empty_file_says_nothing_and_a_wrong_one_is_refused() {
    assert_eq!(ToolLock::parse("\n").unwrap(), ToolLock::default());
    assert_eq!(
        parsed("format = \"dht-tools-lock/2\"\n"),
        "`.dht/tools.lock` has the format `dht-tools-lock/2`, and this version of dhtl reads `dht-tools-lock/1`"
    );
    assert!(parsed("format = \"dht-tools-lock/1\"\n[tools.a]\nversion = 3\n").contains("line 3"));
    assert!(parsed("format = \"dht-tools-lock/1\"\ntool = 1\n").contains("line 2"));
    assert!(parsed("format = ").contains("line 1"));
    let uv = "format = \"dht-tools-lock/1\"\n[uv]\nversion = \"1\"\nwheels = { linux-x86_64 = { url = \"x\", sha256 = \"\" } }\n";
    assert!(parsed(uv).contains("`uv.wheels.linux-x86_64.url` is no address"));
}

#[test]
fn only_uv_itself_is_taken_from_where_it_is_published() {
    let platform = "linux-x86_64".parse().unwrap();
    let pins = |url: &str| Pins {
        python: None,
        uv: Some(UvPins {
            version: "0.13.9".into(),
            wheels: BTreeMap::from([(
                platform,
                PinnedFile {
                    url: crate::model::location::CleanUrl::new(url.parse().unwrap()),
                    sha256: crate::model::selection::Sha256([1; 32]),
                },
            )]),
        }),
    };
    let good = "https://files.pythonhosted.org/packages/x/uv-0.13.9-py3-none-any.whl";
    assert!(pins(good).uv(platform).is_some());
    for bad in [
        "http://files.pythonhosted.org/packages/x/uv-0.13.9-py3-none-any.whl",
        "https://files.pythonhosted.org.evil.example/uv-0.13.9-py3-none-any.whl",
        "https://files.pythonhosted.org/packages/x/other-0.13.9-py3-none-any.whl",
        "https://files.pythonhosted.org/packages/x/uv-0.13.8-py3-none-any.whl",
    ] {
        assert!(pins(bad).uv(platform).is_none(), "{bad}");
    }
}
