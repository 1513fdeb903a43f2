//! The whole report of `dhtl validate-env`, and what a shell's activation says.

use std::fs;
use std::path::Path;

#[cfg(unix)]
use dhtl_test_kit::host::host_program;
use dhtl_test_kit::{Output, Sandbox};
use serde_json::Value;

use crate::schemas::validator;
use crate::setup::{locked_project, sandbox};

fn dhtl(sandbox: &Sandbox, folder: &Path, args: &[&str]) -> Output {
    sandbox.dhtl_run().args(args).in_folder(folder).output()
}

#[test]
fn the_report_is_whole() {
    let Some(sandbox) = sandbox() else { return };
    let folder = locked_project(&sandbox);
    let run = |args: &[&str]| dhtl(&sandbox, &folder, args);
    let _ = run(&["setup"]).success();
    let told = run(&["validate-env"])
        .success()
        .warns("✓ Python version: 3.11.7 (exact match)")
        .warns("✓ Packages: 1 installed, all verified")
        .warns("✓ Configuration: matches original exactly")
        .warns("Missing environment variables:\n  - DATABASE_URL (required)\n")
        .warns("run `dhtl env-setup` for instructions");
    drop(told.never_says("LEVEL"));
    let set = sandbox
        .dhtl_run()
        .args(["validate-env"])
        .var("DATABASE_URL", "hunter2")
        .in_folder(&folder);
    let told = set.output().success();
    drop(told.never_says("DATABASE_URL").never_says("hunter2"));
    let json = run(&["validate-env", "--json"]).success();
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(validator("report-validate-env").is_valid(&json), "{json}");
    assert_eq!(json["missing_variables"][0]["name"], "DATABASE_URL");

    let hooks = folder.join(".pre-commit-config.yaml");
    fs::write(&hooks, "repos: []\n").unwrap();
    let _ = run(&["validate-env"])
        .code(1)
        .warns("✗ Configuration: blake3:")
        .warns("`.pre-commit-config.yaml` changed")
        .never_says("matches original");
}

#[test]
fn a_quick_and_quiet_look_only_exits() {
    let Some(sandbox) = sandbox() else { return };
    let folder = locked_project(&sandbox);
    let look = || {
        let told = dhtl(&sandbox, &folder, &["validate-env", "--quick", "--quiet"]);
        assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("", ""));
        told
    };
    let _ = look().code(1);
    let _ = dhtl(&sandbox, &folder, &["setup"]).success();
    let _ = look().success();
    fs::write(folder.join(".dhtconfig"), "version: \"9.0\"\n").unwrap();
    let _ = look().code(1);
}

#[cfg(unix)]
#[test]
fn activation_warns_of_drift_where_that_was_asked_for() {
    let Some(sandbox) = sandbox() else { return };
    let program = Path::new(env!("CARGO_BIN_EXE_dhtl"));
    let sandbox = sandbox
        .with_path(program.parent().unwrap())
        .with_path("/usr/bin");
    let folder = locked_project(&sandbox);
    let shells = ["sh", "bash", "zsh", "fish", "tcsh"];
    let activate = |shell: &str| {
        let (end, source) = match shell {
            "fish" => (".fish", "source"),
            "tcsh" => (".csh", "source"),
            _ => ("", "."),
        };
        let line = format!("{source} .venv/bin/activate{end}; echo done");
        let shell = host_program(shell)?;
        let run = sandbox.run(shell).args(["-c", &line]).in_folder(&folder);
        Some(run.output().success())
    };
    let warning = "Warning: Environment drift detected";
    let said = |output: &Output| output.stderr.contains(warning) || output.stdout.contains(warning);
    let all = || shells.into_iter().filter_map(activate);
    let warned = || {
        let shells = shells.into_iter().map(|shell| (shell, activate(shell)));
        let said = shells
            .filter_map(|(shell, output)| output.is_some_and(|it| said(&it)).then_some(shell));
        said.collect::<Vec<_>>()
    };

    let _ = dhtl(&sandbox, &folder, &["setup"])
        .success()
        .warns("run `dhtl setup --hook`");
    let lock = folder.join("pylock.toml");
    let before = fs::read_to_string(&lock).unwrap();
    let drifted = || fs::write(&lock, before.replace("created-by", "created-by ")).unwrap();
    drifted();
    assert_eq!(warned(), [""; 0]);
    fs::write(&lock, &before).unwrap();

    let _ = dhtl(&sandbox, &folder, &["setup", "--hook"])
        .success()
        .warns(".dhtconfig updated: assembly")
        .never_says("setup --hook");
    let config = fs::read_to_string(folder.join(".dhtconfig")).unwrap();
    assert!(config.contains("activation_hook: true"), "{config}");
    assert_eq!(warned(), [""; 0]);
    drifted();
    assert_eq!(warned().len(), all().count());
    assert!(warned().contains(&"sh"));
    fs::write(&lock, &before).unwrap();

    let off = config.replace("activation_hook: true", "activation_hook: false");
    fs::write(folder.join(".dhtconfig"), off).unwrap();
    let _ = dhtl(&sandbox, &folder, &["setup"])
        .success()
        .never_says("setup --hook");
    drifted();
    assert_eq!(warned(), [""; 0]);
}
