//! The help of every command, word by word, and what shells complete.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dhtl_test_kit::Sandbox;

use crate::update;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/help")
}

/// Returns the names of every command, as they are typed: `["store", "verify"]`; the first is none.
fn commands() -> Vec<Vec<String>> {
    fn walk(command: &clap::Command, typed: &[String], found: &mut Vec<Vec<String>>) {
        found.push(typed.to_vec());
        for below in command.get_subcommands() {
            let mut typed = typed.to_vec();
            typed.push(below.get_name().to_owned());
            walk(below, &typed, found);
        }
    }
    let mut found = Vec::new();
    walk(&dhtl::cli::command(), &[], &mut found);
    found
}

#[test]
fn every_help_is_what_it_was() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_dhtl"));
    let mut kept: BTreeSet<String> = BTreeSet::new();
    for typed in commands() {
        let name = match typed.as_slice() {
            [] => "dhtl.txt".to_owned(),
            words => format!("{}.txt", words.join("-")),
        };
        let run = sandbox.dhtl_run().args(&typed).arg("--help");
        let shown = run.output().success().stdout;
        let shown: String = shown
            .lines()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect();
        let path = folder().join(&name);
        if update() {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&path, &shown).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            shown.replace("dhtl.exe", "dhtl"),
            expected.replace("\r\n", "\n"),
            "`{name}` is another; DHT_UPDATE=1 writes it anew"
        );
        kept.insert(name);
    }
    let found: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, kept, "a help text of no command");
}

#[test]
fn completions_know_every_command() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_dhtl"));
    for shell in ["bash", "elvish", "fish", "nushell", "powershell", "zsh"] {
        let script = sandbox.dhtl(["completions", shell]).success().stdout;
        for command in ["regenerate", "validate-env", "completions"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let _ = sandbox.dhtl(["completions", "tcsh"]).code(2);
}

#[cfg(unix)]
#[test]
fn bash_takes_its_completions() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_dhtl"));
    let script = sandbox.dhtl(["completions", "bash"]).success().stdout;
    let file = sandbox.work().join("dhtl.bash");
    fs::write(&file, script).unwrap();
    let ask = "source ./dhtl.bash; COMP_WORDS=(dhtl val); COMP_CWORD=1; _dhtl dhtl val dhtl; \
               echo ${COMPREPLY[@]}";
    let bash = sandbox.run("/bin/bash").args(["-c", ask]).output();
    assert_eq!(bash.success().stdout, "validate-env\n");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_dhtl"));
    let mut run = sandbox.dhtl_run().args(["completions", "bash"]);
    for name in ["DHT_OFFLINE", "DHT_COLOR", "DHT_NO_PROGRESS", "DHT_HOME"] {
        run = run.var(name, "");
    }
    let _ = run.output().success();
    let refused = sandbox.dhtl_run().args(["regenerate"]);
    let refused = refused
        .var("DHT_LINK_MODE", "")
        .var("DHT_LOCKED", "")
        .output();
    let _ = refused.code(3).warns("found no project");
}
