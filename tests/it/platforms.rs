//! One project on the platforms of others, computed here.

use std::fs;
use std::path::{Path, PathBuf};

use dhtl_test_kit::host::pyenv_build;
use dhtl_test_kit::{Output, PythonMirror, Sandbox, WheelBuilder};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::schemas::validator;

const PYTHON: &str = "3.11.7";
const OTHERS: [&str; 4] = [
    "linux-arm64",
    "darwin-arm64",
    "darwin-x86_64",
    "windows-x86_64",
];

struct World {
    sandbox: Sandbox,
    mirror: PythonMirror,
}

impl World {
    #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
    fn new(made: &[&str]) -> Option<Self> {
        if pyenv_build(PYTHON).is_none() {
            eprintln!("SKIPPED: this host has no pyenv build of CPython {PYTHON}");
            return None;
        }
        let mirror = PythonMirror::of(&[PYTHON]).and_made(PYTHON, made);
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_dhtl"));
        Some(Self { sandbox, mirror })
    }

    fn run(&self, folder: &Path, home: &str, args: &[&str]) -> Output {
        let run = self.sandbox.dhtl_run().args(args).in_folder(folder);
        let run = run.var("DHT_HOME", self.sandbox.root().join(home));
        let url = self.mirror.downloads_json_url();
        run.var("UV_PYTHON_DOWNLOADS_JSON_URL", url).output()
    }

    /// A project with a package for every platform, and one for some.
    fn project(&self, name: &str) -> PathBuf {
        let folder = self
            .sandbox
            .project(name)
            .pyproject(">=3.11", &["demo", "native"])
            .file(".python-version", PYTHON)
            .build();
        let mut lock = "lock-version = \"1.0\"\ncreated-by = \"test\"\n".to_owned();
        let native = ["manylinux_2_17_x86_64", "macosx_11_0_arm64"];
        let tags: [(&str, Vec<String>); 2] = [
            ("demo", vec!["py3-none-any".to_owned()]),
            (
                "native",
                native.map(|it| format!("cp311-cp311-{it}")).to_vec(),
            ),
        ];
        for (name, tags) in tags {
            lock += &format!("[[packages]]\nname = \"{name}\"\nversion = \"1.0\"\n");
            for tag in tags {
                let wheel = WheelBuilder::new(name, "1.0").tag(&tag);
                let wheel = wheel.file(&format!("{name}/__init__.py"), "VALUE = 1\n");
                wheel.write_to(&folder);
                let file = wheel.filename();
                let sha256: String = Sha256::digest(wheel.build())
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                lock += &format!(
                    "[[packages.wheels]]\nname = \"{file}\"\npath = \"{file}\"\nhashes = {{ sha256 = \"{sha256}\" }}\n"
                );
            }
        }
        fs::write(folder.join("pylock.toml"), lock).unwrap();
        folder
    }
}

#[test]
#[ignore = "network: packs a Python"]
fn what_a_platform_lacks_is_named_and_the_others_are_computed() {
    let Some(world) = World::new(&OTHERS[..3]) else {
        return;
    };
    let folder = world.project("one");
    let told = world.run(&folder, "a", &["setup", "--platform", "all"]);
    let told = told
        .code(1)
        .warns("✓ .dhtconfig generated")
        .warns("✓ Environment fingerprint for darwin-arm64: blake3:")
        .warns("✗ linux-arm64: its environment cannot be computed\n")
        .warns("cannot select a file of `native 1.0` for cpython")
        .warns("✗ darwin-x86_64: its environment cannot be computed\n")
        .warns("✗ windows-x86_64: its environment cannot be computed\n")
        .warns("found no cpython 3.11.7 for windows-x86_64");
    let windows = told.stderr.split("✗ windows-x86_64").nth(1).unwrap();
    assert!(windows.contains("`native 1.0`"), "{windows}");
    let written = fs::read_to_string(folder.join(".dhtconfig")).unwrap();
    for (platform, is_there) in [
        ("linux-x86_64", true),
        ("darwin-arm64", true),
        ("linux-arm64", false),
        ("windows-x86_64", false),
    ] {
        let line = format!("    {platform}: \"blake3:");
        assert_eq!(written.contains(&line), is_there, "{platform}: {written}");
    }

    // Another machine, which has nothing yet, computes the same; and this one's is the real one.
    let other = world.project("two");
    fs::create_dir_all(other.join(".dht")).unwrap();
    for committed in [".dhtconfig", ".dht/tools.lock"] {
        fs::copy(folder.join(committed), other.join(committed)).unwrap();
    }
    let run = world.run(&other, "b", &["fingerprint", "--platform", "darwin-arm64"]);
    let fingerprint = run.success().stdout;
    assert!(written.contains(fingerprint.trim()), "{written}");
    let args = ["fingerprint", "--platform", "all", "--json"];
    let json: Value = serde_json::from_str(&world.run(&other, "b", &args).code(1).stdout).unwrap();
    assert!(validator("report-fingerprints").is_valid(&json), "{json}");
    let _ = world
        .run(&other, "b", &["regenerate"])
        .success()
        .warns("✓ MATCH");
}

#[test]
#[ignore = "network: packs a Python, and fetches Windows' launchers"]
fn five_platforms_are_computed_on_one_machine() {
    let Some(mut world) = World::new(&OTHERS) else {
        return;
    };
    world.sandbox = world.sandbox.with_network();
    let folder = world.project("one");
    let text = fs::read_to_string(folder.join("pylock.toml")).unwrap();
    let pure = text
        .split("[[packages]]\nname = \"native\"")
        .next()
        .unwrap();
    fs::write(folder.join("pylock.toml"), pure).unwrap();
    let _ = world
        .run(&folder, "a", &["setup", "--platform", "all"])
        .success();
    let written = fs::read_to_string(folder.join(".dhtconfig")).unwrap();
    let run = |args: &[&str]| world.run(&folder, "b", args);
    let lines = run(&["fingerprint", "--platform", "all"]).success().stdout;
    assert_eq!(lines.lines().count(), 5, "{lines}");
    for line in lines.lines() {
        let (platform, fingerprint) = line.split_once(' ').unwrap();
        let line = format!("    {platform}: \"{fingerprint}\"");
        assert!(written.contains(&line), "{line} in {written}");
    }
    let _ = run(&["setup"]).success().warns("✓ .dhtconfig unchanged");

    // What is asked for changes: those of others would be wrong.
    fs::write(
        folder.join("pylock.toml"),
        pure.replace("created-by", "# \ncreated-by"),
    )
    .unwrap();
    let _ = run(&["setup"]).success();
    let written = fs::read_to_string(folder.join(".dhtconfig")).unwrap();
    assert!(written.contains("    darwin-arm64: "), "{written}");
    fs::write(
        folder.join("pylock.toml"),
        format!("extras = [\"x\"]\n{pure}"),
    )
    .unwrap();
    let _ = run(&["setup"]).success();
    let written = fs::read_to_string(folder.join(".dhtconfig")).unwrap();
    assert!(!written.contains("    darwin-arm64: "), "{written}");
}
