//! `dhtl env-setup` and `dhtl generate-env-template`.

use std::fs;
use std::path::PathBuf;

use dhtl_test_kit::{Output, Sandbox};
use serde_json::Value;

use crate::schemas::validator;

const SETTINGS: &str = "\
import os
from pydantic_settings import BaseSettings

class Settings(BaseSettings):
    database_url: str
    log_level: str = \"info\"

TOKEN = os.environ[\"API_TOKEN\"]
";

fn project() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_dhtl")).with_var("API_TOKEN", "s3cret");
    let folder = sandbox
        .project("sample")
        .pyproject(">=3.11", &[])
        .file("src/sample/settings.py", SETTINGS)
        .file(
            "tests/test_it.py",
            "import os\nos.environ['ONLY_IN_TESTS']\n",
        )
        .file(".venv/lib/x.py", "import os\nos.environ['NOT_OURS']\n")
        .build();
    (sandbox, folder)
}

fn dhtl(sandbox: &Sandbox, folder: &PathBuf, args: &[&str]) -> Output {
    sandbox.dhtl_run().args(args).in_folder(folder).output()
}

fn keeps(schema: &str, output: &Output) -> Value {
    let value: Value = serde_json::from_str(&output.stdout).unwrap();
    assert!(
        validator(&format!("report-{schema}")).is_valid(&value),
        "{output}"
    );
    value
}

#[test]
fn missing_variables_are_explained() {
    let (sandbox, folder) = project();
    let told = dhtl(&sandbox, &folder, &["env-setup"])
        .success()
        .never_says("s3cret");
    assert_eq!(
        told.stdout,
        "Missing environment variables:\n\
         \x20 - DATABASE_URL (required)\n\
         \x20     src/sample/settings.py:5\n\
         \x20 - LOG_LEVEL (optional)\n\
         \x20     src/sample/settings.py:6\n"
    );
    let _ = dhtl(&sandbox, &folder, &["env-setup", "--check"]).code(1);
    let json = keeps(
        "env-setup",
        &dhtl(&sandbox, &folder, &["env-setup", "--json"]),
    );
    assert_eq!(json["known"], 3);

    fs::write(folder.join(".env"), "DATABASE_URL='x'\nLOG_LEVEL=debug\n").unwrap();
    let _ = dhtl(&sandbox, &folder, &["env-setup", "--check"])
        .success()
        .warns("3 known, all set");

    fs::write(
        folder.join(".dhtconfig"),
        "version: \"2.0\"\nenv_template:\n  required: [EXTRA]\n",
    )
    .unwrap();
    let _ = dhtl(&sandbox, &folder, &["env-setup"])
        .success()
        .says("  - EXTRA (required)\n      .dhtconfig\n");
}

#[test]
fn templates_only_grow() {
    let (sandbox, folder) = project();
    let generate = |args: &[&str]| {
        let mut all = vec!["generate-env-template"];
        all.extend(args);
        dhtl(&sandbox, &folder, &all)
    };
    let _ = generate(&["--check"])
        .code(1)
        .warns("+ API_TOKEN (required)");
    assert!(!folder.join(".env.example").exists());
    let json = keeps("generate-env-template", &generate(&["--json"]).success());
    assert_eq!(json["added"][0]["name"], "API_TOKEN");
    let example = fs::read_to_string(folder.join(".env.example")).unwrap();
    assert_eq!(
        example,
        "# required; see src/sample/settings.py\nAPI_TOKEN=\n\n\
         # required; see src/sample/settings.py\nDATABASE_URL=\n\n\
         # optional; see src/sample/settings.py\n# LOG_LEVEL=\n"
    );
    let _ = generate(&["--check"]).success().warns("nothing to add");

    let mine = "DATABASE_URL=postgres://me:hunter2@localhost\n";
    fs::write(folder.join(".env"), mine).unwrap();
    let _ = generate(&["--output", ".env"])
        .success()
        .never_says("hunter2")
        .never_says("s3cret");
    let kept = fs::read_to_string(folder.join(".env")).unwrap();
    assert!(
        kept.starts_with(mine) && kept.contains("\nAPI_TOKEN=\n"),
        "{kept}"
    );
    let _ = generate(&["--output", "../.env"]).code(2);
}

#[cfg(unix)]
#[test]
fn a_link_is_not_written_through() {
    let (sandbox, folder) = project();
    let elsewhere = sandbox.home().join("profile");
    fs::write(&elsewhere, "mine\n").unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.join(".env")).unwrap();
    let _ = dhtl(
        &sandbox,
        &folder,
        &["generate-env-template", "--output", ".env"],
    )
    .code(1)
    .warns("is not a plain text file");
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "mine\n");
}
