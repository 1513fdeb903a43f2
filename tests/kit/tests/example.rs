//! The example project is what it says it is: its lock is current, it names only the public index, and its tests pass.

use std::path::PathBuf;

use dhtl_test_kit::{Sandbox, host::pyenv_build};

const PYTHON: &str = "3.11.7";

fn example() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/weather-report")
}

#[test]
fn the_lock_names_no_index_but_the_public_one() {
    let lock = std::fs::read_to_string(example().join("uv.lock")).expect("because it is committed");
    let hosts: std::collections::BTreeSet<&str> = lock
        .split("https://")
        .skip(1)
        .filter_map(|rest| rest.split('/').next())
        .collect();
    assert_eq!(
        hosts.into_iter().collect::<Vec<_>>(),
        ["files.pythonhosted.org", "pypi.org"]
    );
    assert!(!lock.contains("http://"), "a link without TLS");
}

#[test]
#[ignore = "network"]
fn the_lock_is_current_and_the_examples_own_checks_pass() {
    let python = pyenv_build(PYTHON).expect("because CI has a pyenv build of the example's Python");
    let sandbox = Sandbox::new("uv")
        .with_host_program("uv")
        .with_network()
        .with_var("UV_PYTHON", python.join("bin/python3"))
        .with_var("UV_PYTHON_DOWNLOADS", "never");
    let project = sandbox
        .project("weather-report")
        .copy_of(&example())
        .build();
    let uv = sandbox.root().join("bin/uv");
    let run = |args: &[&str]| {
        sandbox
            .run(&uv)
            .args(args)
            .in_folder(&project)
            .output()
            .success()
    };

    let _ = run(&["lock", "--check"]);
    let _ = run(&["sync", "--frozen"]);
    let tests = run(&["run", "--frozen", "pytest", "-q"]);
    assert!(tests.stdout.contains(" passed"), "{tests}");
    let _ = run(&["run", "--frozen", "mypy"]);
    let _ = run(&["run", "--frozen", "ruff", "check", "."]);
    let _ = run(&["run", "--frozen", "ruff", "format", "--check", "."]);
}
