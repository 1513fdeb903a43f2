//! Environments that are made of small wheels, from outside: no network, no uv.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dhtl_test_kit::host::pyenv_build;
use dhtl_test_kit::{Sandbox, WheelBuilder};
use sha2::{Digest, Sha256};

const PYTHON: &str = "3.11.7";

/// A sandbox that can make environments; `None`, told aloud, where there is no pyenv build.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn sandbox() -> Option<Sandbox> {
    let Some(build) = pyenv_build(PYTHON) else {
        eprintln!("SKIPPED: there is no pyenv build of {PYTHON} here");
        return None;
    };
    let root = build.parent().and_then(Path::parent).unwrap().to_owned();
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_dhtl"));
    Some(sandbox.with_var("PYENV_ROOT", root))
}

/// Writes a project whose lock has these wheels, kept beside it.
fn project(sandbox: &Sandbox, name: &str, wheels: &[WheelBuilder]) -> PathBuf {
    let folder = sandbox
        .project(name)
        .pyproject(">=3.11", &[])
        .file(".python-version", PYTHON)
        .build();
    std::fs::create_dir_all(folder.join("wheels")).unwrap();
    let mut lock = "lock-version = \"1.0\"\ncreated-by = \"test\"\n".to_owned();
    for wheel in wheels {
        let file = wheel.filename();
        wheel.write_to(&folder.join("wheels"));
        let parts: Vec<&str> = file.split('-').collect();
        let sha256: String = Sha256::digest(wheel.build())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        lock += &format!(
            "[[packages]]\nname = \"{}\"\nversion = \"{}\"\n\
             wheels = [{{ name = \"{file}\", path = \"wheels/{file}\", hashes = {{ sha256 = \"{sha256}\" }} }}]\n",
            parts[0], parts[1]
        );
    }
    std::fs::write(folder.join("pylock.toml"), lock).unwrap();
    folder
}

fn demo(body: &str) -> WheelBuilder {
    WheelBuilder::new("demo", "1.0")
        .file("demo/__init__.py", body)
        .file("demo/data.txt", "data")
        .console_script("demo", "demo:main")
}

fn fingerprint(told: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(told).unwrap();
    value["fingerprint"].as_str().unwrap().to_owned()
}

const BODY: &str = "def main():\n    print('hello')\n";

#[test]
#[cfg(unix)]
fn one_project_has_one_fingerprint_wherever_and_however_it_is_made() {
    let Some(sandbox) = sandbox() else { return };
    let first = project(&sandbox, "first", &[demo(BODY)]);
    let second = project(&sandbox, "deeper/it's second", &[demo(BODY)]);
    let mut found = BTreeSet::new();
    let modes = ["auto", "hardlink", "symlink", "clone", "copy"];
    for (home, folder, modes) in [
        ("home", &first, &modes[..]),
        ("other home", &second, &modes[2..3]),
    ] {
        for mode in modes.iter().copied() {
            for bytecode in ["false", "true"] {
                let run = |args: &[&str]| {
                    let run = sandbox.dhtl_run().at_home(sandbox.root().join(home));
                    run.in_folder(folder).args(args).output().success()
                };
                let bytecode = format!("--compile-bytecode={bytecode}");
                let args = ["--offline", "--json", "regenerate", "--link-mode", mode];
                let told = run(&[&args[..], &[bytecode.as_str()]].concat());
                found.insert(fingerprint(&told.stdout));
                let program = sandbox.run(folder.join(".venv/bin/demo")).output();
                assert_eq!(program.success().stdout, "hello\n", "{mode} {bytecode}");
                let _ = run(&["--offline", "validate-env", "--deep"]);
            }
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");

    // `!` is one bit away from ` `, in the data of one file.
    let changed = project(
        &sandbox,
        "third",
        &[demo(BODY).file("demo/more.txt", "a b")],
    );
    let told = |folder: &Path| {
        let run = sandbox.dhtl_run().in_folder(folder);
        fingerprint(
            &run.args(["--offline", "--json", "regenerate"])
                .output()
                .success()
                .stdout,
        )
    };
    let before = told(&changed);
    let changed = project(
        &sandbox,
        "third",
        &[demo(BODY).file("demo/more.txt", "a!b")],
    );
    assert_ne!(before, told(&changed));
    assert!(!found.contains(&before));
}

#[test]
#[cfg(unix)]
fn packages_that_disagree_or_shadow_the_standard_library_are_named() {
    let Some(sandbox) = sandbox() else { return };
    let wheels = [
        WheelBuilder::new("alpha", "1")
            .file("alpha.py", "")
            .file("tests/__init__.py", "alpha = 1\n"),
        WheelBuilder::new("beta", "1")
            .file("enum.py", "")
            .file("tests/__init__.py", "beta = 1\n"),
    ];
    let folder = project(&sandbox, "two", &wheels);
    let run = |args: &[&str]| sandbox.dhtl_run().in_folder(&folder).args(args).output();
    let _ = run(&["--offline", "regenerate"])
        .success()
        .warns("`lib/python3.11/site-packages/tests/__init__.py` is in alpha and in beta")
        .warns("beta has a module `enum`, and so has the standard library");
    // Reported again although nothing changes.
    let _ = run(&["--offline", "regenerate"])
        .success()
        .warns("alpha and in beta")
        .warns("module `enum`");
    let config = "version: \"2.0\"\npython:\n  version: 3.11.7\nassembly:\n  conflicts: deny\n";
    std::fs::write(folder.join(".dhtconfig"), config).unwrap();
    std::fs::remove_dir_all(folder.join(".venv")).unwrap();
    let refused = run(&["--offline", "regenerate"]);
    assert_ne!(refused.code, Some(0), "{refused}");
    let _ = refused
        .warns("alpha")
        .warns("beta")
        .warns("tests/__init__.py");
    // Nothing was made of what is refused.
    assert!(!folder.join(".venv").exists());

    // The system's interpreter has a standard library too.
    std::fs::remove_file(folder.join(".dhtconfig")).unwrap();
    let build = pyenv_build(PYTHON).unwrap();
    let run = sandbox
        .dhtl_run()
        .in_folder(&folder)
        .at_home(sandbox.root().join("third"));
    let run = run.var("PYENV_ROOT", "").var("PATH", build.join("bin"));
    let _ = run
        .args(["--offline", "regenerate"])
        .output()
        .success()
        .warns("the system's own")
        .warns("beta has a module `enum`");
}

#[test]
#[cfg(unix)]
fn an_archive_of_this_machine_is_named_where_it_stands() {
    let Some(sandbox) = sandbox() else { return };
    let mut found = BTreeSet::new();
    for name in ["here", "there"] {
        let folder = project(&sandbox, name, &[demo(BODY)]);
        let lock = std::fs::read_to_string(folder.join("pylock.toml")).unwrap();
        let lock = lock
            .replace(
                "wheels = [{ name = \"demo-1.0-py3-none-any.whl\", ",
                "archive = { ",
            )
            .replace("} }]", "} }");
        std::fs::write(folder.join("pylock.toml"), lock).unwrap();
        let run = |args: &[&str]| {
            let run = sandbox.dhtl_run().in_folder(&folder).args(args);
            run.output().success()
        };
        let args = [
            "--offline",
            "--json",
            "regenerate",
            "--compile-bytecode=true",
        ];
        let told = run(&args);
        found.insert(fingerprint(&told.stdout));
        let site = folder.join(".venv/lib/python3.11/site-packages");
        let direct = std::fs::read_to_string(site.join("demo-1.0.dist-info/direct_url.json"));
        let place = format!("/{name}/wheels/demo-1.0-py3-none-any.whl");
        let direct = direct.unwrap();
        assert!(
            direct.contains(&place) && direct.contains("archive_info"),
            "{direct}"
        );
        let record = std::fs::read_to_string(site.join("demo-1.0.dist-info/RECORD")).unwrap();
        assert!(record.contains("direct_url.json,sha256="), "{record}");
        assert!(site.join("demo-1.0.dist-info/uv_cache.json").is_file());
        assert!(site.join("demo/__pycache__").is_dir());
        let _ = run(&["--offline", "validate-env", "--deep"]);
    }
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
#[cfg(unix)]
#[ignore = "network: needs root, who may write where others may not"]
fn what_python_writes_into_the_store_is_removed_and_told() {
    let sandbox = sandbox().expect("a pyenv build");
    let folder = project(&sandbox, "links", &[demo(BODY)]);
    let run = |args: &[&str]| sandbox.dhtl_run().in_folder(&folder).args(args).output();
    let regenerate = ["--offline", "regenerate", "--link-mode", "symlink"];
    let _ = run(&regenerate).success();
    let python = |args: &[&str]| {
        let run = sandbox.run(folder.join(".venv/bin/python")).args(args);
        let _ = run.output().success();
    };
    // There is bytecode for all of it: nothing is written.
    python(&["-c", "import demo, json, asyncio"]);
    let _ = run(&["store", "verify"]).success();
    // Not so for `-O`.
    python(&["-O", "-c", "import demo, json"]);
    let _ = run(&["store", "verify"]).code(4);
    let _ = run(&["--offline", "validate-env"]).success();
    let _ = run(&regenerate)
        .success()
        .warns("did not belong to demo 1.0 in the store and is removed from there")
        .warns("did not belong to cpython 3.11.7 in the store and is removed");
    let _ = run(&["store", "verify"]).success();
}
