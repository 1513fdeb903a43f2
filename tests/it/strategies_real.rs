//! Locks that other programs made of real packages, against what pip installs from them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dhtl_test_kit::Sandbox;
use dhtl_test_kit::host::host_program;

use crate::setup::sandbox;

/// What an interpreter finds installed, as `name version`.
const LIST: &str = "import importlib.metadata as m, re\nfor d in m.distributions():\n    print(re.sub('[-_.]+', '-', d.metadata['Name']).lower(), d.version)";

fn installed(sandbox: &Sandbox, python: &Path) -> BTreeSet<String> {
    let run = sandbox.run(python).args(["-c", LIST]);
    let lines = run.output().success().stdout;
    // What a new virtual environment is seeded with.
    let seeds = ["pip ", "setuptools ", "wheel "];
    let is_ours = |line: &&str| !seeds.iter().any(|seed| line.starts_with(seed));
    lines.lines().filter(is_ours).map(str::to_owned).collect()
}

fn network() -> Option<Sandbox> {
    let sandbox = sandbox()?.with_host_program("uv").with_network();
    Some(sandbox.with_var("DHT_OFFLINE", "0"))
}

fn uv(sandbox: &Sandbox, folder: &Path, args: &[&str]) {
    let uv = host_program("uv").unwrap();
    let run = sandbox.run(uv).args(args).in_folder(folder);
    let _ = run.output().success();
}

#[test]
#[ignore = "network: locks and installs with uv and pip"]
fn requirements_with_hashes_install_what_pip_installs() {
    let Some(sandbox) = network() else { return };
    let folder = sandbox
        .project("reqs")
        .file(".python-version", "3.11.7")
        .file(
            "base.in",
            "flask[async]==3.0.3\ncolorama; sys_platform == 'win32'\n",
        )
        .file(
            "dev.in",
            "-c base.txt\npytest==8.3.4\nrequests[socks]==2.32.3\n",
        )
        .build();
    for name in ["base", "dev"] {
        let (from, to) = (format!("{name}.in"), format!("{name}.txt"));
        let args = [
            "pip",
            "compile",
            "--universal",
            "--generate-hashes",
            "--python-version",
            "3.11",
            "-o",
            &to,
            &from,
        ];
        uv(&sandbox, &folder, &args);
    }
    fs::write(
        folder.join("requirements.txt"),
        "-r base.txt\n-r dev.txt # --hash is in both\n",
    )
    .unwrap();
    let dhtl = |args: &[&str]| sandbox.dhtl_run().args(args).in_folder(&folder).output();
    let _ = dhtl(&["setup"])
        .success()
        .warns("✓ Dependencies locked (requirements.txt, unchanged)");
    let _ = dhtl(&["regenerate"]).success().warns("✓ MATCH");
    let found = installed(&sandbox, &folder.join(".venv/bin/python"));

    uv(
        &sandbox,
        &folder,
        &["venv", "--seed", "--python", "3.11.7", "pip"],
    );
    let pip = sandbox.run(folder.join("pip/bin/python"));
    let args = [
        "-m",
        "pip",
        "install",
        "--require-hashes",
        "-r",
        "requirements.txt",
    ];
    let _ = pip.args(args).in_folder(&folder).output().success();
    let expected = installed(&sandbox, &folder.join("pip/bin/python"));
    assert!(expected.contains("flask 3.0.3") && expected.contains("pysocks 1.7.1"));
    assert_eq!(found, expected);
}

#[test]
#[ignore = "network: locks with poetry, run by uv"]
fn a_lock_of_poetry_installs_what_it_lists() {
    let Some(sandbox) = network() else { return };
    let folder = sandbox
        .project("poetic")
        .file(".python-version", "3.11.7")
        .file(
            "pyproject.toml",
            "[tool.poetry]\nname = \"poetic\"\nversion = \"1\"\ndescription = \"\"\nauthors = []\npackage-mode = false\n\
             [[tool.poetry.source]]\nname = \"public\"\nurl = \"https://pypi.org/simple/\"\npriority = \"primary\"\n\
             [tool.poetry.dependencies]\npython = \"^3.11\"\nflask = \"3.0.3\"\nrequests = { version = \"2.32.3\", extras = [\"socks\"] }\n\
             redis = { version = \"5.2.1\", optional = true }\n\
             [tool.poetry.group.test.dependencies]\nfreezegun = \"1.5.1\"\n\
             [tool.poetry.group.docs]\noptional = true\n[tool.poetry.group.docs.dependencies]\nmarkdown = \"3.7\"\n\
             [tool.poetry.extras]\ncache = [\"redis\"]\n",
        )
        .build();
    uv(
        &sandbox,
        &folder,
        &[
            "tool",
            "run",
            "--python",
            "3.11.7",
            "--from",
            "poetry==1.8.5",
            "python",
            "-m",
            "poetry",
            "lock",
        ],
    );
    let dhtl = |args: &[&str]| sandbox.dhtl_run().args(args).in_folder(&folder).output();
    let _ = dhtl(&["setup"])
        .success()
        .warns("✓ Dependencies locked (poetry.lock, unchanged)");
    let _ = dhtl(&["regenerate"]).success().warns("✓ MATCH");
    let python = folder.join(".venv/bin/python");

    let lock: toml::Table =
        toml::from_str(&fs::read_to_string(folder.join("poetry.lock")).unwrap()).unwrap();
    let listed = lock["package"].as_array().unwrap().iter();
    let listed = listed.map(|it| {
        format!(
            "{} {}",
            it["name"].as_str().unwrap().to_lowercase(),
            it["version"].as_str().unwrap()
        )
    });
    let listed: BTreeSet<String> = listed.collect();
    let without = |names: &[&str]| -> BTreeSet<String> {
        let keep = |line: &&String| {
            !names
                .iter()
                .any(|name| line.starts_with(&format!("{name} ")))
        };
        listed.iter().filter(keep).cloned().collect()
    };
    // Poetry's defaults: neither extras nor optional groups; nothing of Windows or of older Pythons.
    let elsewhere = ["colorama", "async-timeout", "exceptiongroup", "tomli"];
    let plain = without(&[&elsewhere[..], &["redis", "markdown"]].concat());
    assert_eq!(installed(&sandbox, &python), plain);
    let _ = dhtl(&["regenerate", "--group", "docs", "--extra", "cache"]).success();
    let all = without(&["colorama", "exceptiongroup", "tomli"]);
    let found = installed(&sandbox, &python);
    let all: BTreeSet<String> = all
        .into_iter()
        .filter(|it| found.contains(it) || !it.starts_with("async-timeout "))
        .collect();
    assert_eq!(found, all);
    let _ = dhtl(&["regenerate", "--no-default-groups"]).success();
    assert!(
        !installed(&sandbox, &python)
            .iter()
            .any(|it| it.starts_with("freezegun "))
    );
}
