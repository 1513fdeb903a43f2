//! `dhtl diff` and `dhtl why`.

use std::fs;
use std::path::{Path, PathBuf};

use dhtl_test_kit::host::pyenv_build;
use dhtl_test_kit::{Output, Sandbox, WheelBuilder};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::schemas::validator;

const PYTHON: &str = "3.11.7";

struct World {
    sandbox: Sandbox,
    folder: PathBuf,
}

impl World {
    #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
    fn new() -> Option<Self> {
        let Some(python) = pyenv_build(PYTHON) else {
            eprintln!("SKIPPED: this host has no pyenv build of CPython {PYTHON}");
            return None;
        };
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_dhtl"))
            .with_host_program("git")
            .with_path(python.join("bin"))
            .with_var("DHT_OFFLINE", "1");
        let folder = sandbox
            .project("sample")
            .pyproject(">=3.11", &["top"])
            .file(".python-version", PYTHON)
            .file(".gitignore", ".venv\n")
            .build();
        Some(Self { sandbox, folder })
    }

    /// Locks packages: name, version, and what it needs.
    fn lock(&self, packages: &[(&str, &str, &str)]) {
        let mut lock = "lock-version = \"1.0\"\ncreated-by = \"test\"\n".to_owned();
        for (name, version, needs) in packages {
            let wheel = WheelBuilder::new(name, version)
                .file(
                    &format!("{name}/__init__.py"),
                    format!("VALUE = '{version}'\n"),
                )
                .file("shared/data.txt", format!("of {name}\n"));
            wheel.write_to(&self.folder);
            let file = wheel.filename();
            let sha256: String = Sha256::digest(wheel.build())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            lock += &format!("[[packages]]\nname = \"{name}\"\nversion = \"{version}\"\n");
            if !needs.is_empty() {
                lock += &format!("dependencies = [{{ name = \"{needs}\" }}]\n");
            }
            lock += &format!(
                "[[packages.wheels]]\nname = \"{file}\"\npath = \"{file}\"\nhashes = {{ sha256 = \"{sha256}\" }}\n"
            );
        }
        fs::write(self.folder.join("pylock.toml"), lock).unwrap();
    }

    fn dhtl(&self, args: &[&str]) -> Output {
        let run = self.sandbox.dhtl_run().args(args);
        run.in_folder(&self.folder).output()
    }

    fn git(&self, args: &[&str]) {
        let run = self.sandbox.run(self.sandbox.root().join("bin/git"));
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let run = run.in_folder(&self.folder).args(who).args(args);
        let _ = run.output().success();
    }

    fn json(&self, args: &[&str], schema: &str) -> Value {
        let json = serde_json::from_str(&self.dhtl(args).stdout).unwrap();
        assert!(validator(schema).is_valid(&json), "{json}");
        json
    }
}

const ONE: [(&str, &str, &str); 2] = [("top", "1.0", "base"), ("base", "1.0", "")];
const TWO: [(&str, &str, &str); 3] = [
    ("top", "1.1", "base"),
    ("base", "1.0", ""),
    ("extra", "3.0", ""),
];

#[test]
fn environments_locks_and_revisions_are_compared() {
    let Some(world) = World::new() else { return };
    world.lock(&ONE);
    world.git(&["init", "-q"]);
    world.git(&["add", "."]);
    world.git(&["commit", "-qm", "one"]);
    let _ = world.dhtl(&["regenerate"]).success();
    let first = world.dhtl(&["fingerprint"]).success().stdout;
    let same = world.dhtl(&["diff"]).success();
    assert_eq!(same.stdout, "");
    let _ = world.dhtl(&["diff", "HEAD"]).success();
    fs::copy(
        world.folder.join("pylock.toml"),
        world.folder.join("pylock.old.toml"),
    )
    .unwrap();

    world.lock(&TWO);
    let expected = "+ extra 3.0\n~ top 1.0 → 1.1\n";
    for args in [
        &["diff"][..],
        &["diff", "HEAD"],
        &["diff", ".venv"],
        &["diff", "HEAD", "."],
        &["diff", first.trim()],
        &["diff", "pylock.old.toml", "pylock.toml"],
    ] {
        let told = world.dhtl(args).code(1);
        let mut lines: Vec<&str> = told.stdout.lines().collect();
        // A lock alone says nothing of the Python.
        lines.retain(|line| !line.contains("Python"));
        assert_eq!(lines.join("\n") + "\n", expected, "{args:?}: {told}");
    }
    let json = world.json(&["diff", "--json"], "report-diff");
    assert_eq!(json["same"], false);
    assert_eq!(json["level"], "environment");

    let _ = world
        .dhtl(&["diff", "--files"])
        .code(1)
        .warns("was never made on this machine")
        .warns("dhtl regenerate");
    let _ = world.dhtl(&["regenerate"]).success();
    let told = world.dhtl(&["diff", first.trim(), ".venv", "--files"]);
    let _ = told
        .code(1)
        .says("extra:\n")
        .says("  + site-packages/extra/__init__.py\n")
        .says("top:\n")
        .says("  ~ site-packages/top/__init__.py\n")
        .never_says("base");
    let json = world.json(
        &["diff", first.trim(), ".venv", "--files", "--json"],
        "report-diff",
    );
    assert_eq!(json["files"][0]["package"], "extra");
    let _ = world.dhtl(&["diff"]).success();
    let _ = world
        .dhtl(&["diff", "no-such-thing"])
        .code(2)
        .warns("no-such-thing");
}

#[test]
fn a_revision_without_a_lock_is_named() {
    let Some(world) = World::new() else { return };
    world.git(&["init", "-q"]);
    world.git(&["add", "."]);
    world.git(&["commit", "-qm", "bare"]);
    world.lock(&ONE);
    let told = world.dhtl(&["diff", "HEAD"]).code(3);
    let _ = told
        .warns("error: `HEAD` (")
        .warns(") has no lock that can be used\nhint: compare with one that has a lock");
}

#[test]
fn packages_and_files_are_explained() {
    let Some(world) = World::new() else { return };
    world.lock(&TWO);
    let _ = world
        .dhtl(&["why", "base"])
        .success()
        .says("base (not in this environment)\n")
        .says("    sample → top → base\n");
    let _ = world.dhtl(&["why", "nothing"]).code(2);
    let _ = world.dhtl(&["regenerate"]).success();
    let _ = world
        .dhtl(&["why", "base"])
        .success()
        .says("base 1.0\n  entry: ")
        .says("    sample → top → base\n");
    let _ = world.json(&["why", "base", "--json"], "report-why");

    let library = "lib/python3.11/site-packages";
    let path = format!(".venv/{library}/base/__init__.py");
    let _ = world
        .dhtl(&["why", &path])
        .success()
        .says(&format!("{library}/base/__init__.py\n  from base 1.0\n"))
        .says("`site-packages/base/__init__.py`")
        .says("  must be: blake3:")
        .says("  is: intact\n");
    let shared = world
        .dhtl(&["why", &format!("{library}/shared/data.txt")])
        .success();
    let _ = shared
        .says("  from base 1.0\n")
        .says("extra has another file at this path")
        .says("top has another file at this path");
    let _ = world
        .dhtl(&["why", "nosuch.cfg"])
        .code(2)
        .warns("nosuch.cfg");
    let _ = world
        .dhtl(&["why", "pyvenv.cfg"])
        .success()
        .says("made for this environment");
    let folder = world.dhtl(&["why", &format!("{library}/shared")]);
    let _ = folder.success().says("a folder of base, extra, top");

    let file = world.folder.join(&path);
    replace(&file, "VALUE = 'x'\n");
    let _ = world
        .dhtl(&["why", &path])
        .code(1)
        .says("  is: modified\n")
        .warns("validate-env --fix");
    fs::remove_file(&file).unwrap();
    let json = world.json(&["why", &path, "--json"], "report-why");
    assert_eq!(json["found"]["file"]["state"], "missing");
    fs::write(world.folder.join(format!(".venv/{library}/mine.py")), "").unwrap();
    let mine = world.dhtl(&["why", &format!(".venv/{library}/mine.py")]);
    let _ = mine.success().says("from no package: it was added");
}

/// Puts a file in the place of one that cannot be written.
fn replace(path: &Path, text: &str) {
    fs::remove_file(path).unwrap();
    fs::write(path, text).unwrap();
}
