//! What README.md lists is what the program has.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::update;

fn readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

fn table(head: [&str; 2], rows: impl IntoIterator<Item = (String, String)>) -> String {
    let mut text = format!("| {} | {} |\n|---|---|\n", head[0], head[1]);
    for (left, right) in rows {
        writeln!(text, "| {left} | {right} |").unwrap();
    }
    text
}

fn commands() -> String {
    let mut rows = Vec::new();
    for command in dhtl::cli::command().get_subcommands() {
        let about = command.get_about().unwrap().to_string();
        let below: Vec<&str> = command
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        let name = match below.as_slice() {
            [] => format!("`dhtl {}`", command.get_name()),
            names => format!("`dhtl {} {{{}}}`", command.get_name(), names.join(",")),
        };
        let aliases: Vec<&str> = command.get_visible_aliases().collect();
        let also = match aliases.as_slice() {
            [] => String::new(),
            names => format!(" (also `{}`)", names.join("`, `")),
        };
        rows.push((name, format!("{about}{also}")));
    }
    table(["command", "what it does"], rows)
}

fn exit_codes() -> String {
    let codes = dhtl::cli::failure::exit_code_table();
    let rows = codes
        .into_iter()
        .map(|(code, meaning)| (code, meaning.to_owned()));
    table(["code", "meaning"], rows)
}

fn variables() -> String {
    let rows = dhtl::cli::vars::ALL
        .iter()
        .map(|(name, meaning)| (format!("`{name}`"), meaning.trim().to_owned()));
    table(["variable", "meaning"], rows)
}

/// Replaces, or compares, what stands between `<!-- NAME -->` and `<!-- end -->`.
fn keep(text: &str, name: &str, generated: &str) -> String {
    let begin = format!("<!-- {name} -->\n");
    let start = text.find(&begin).expect("the README has the mark") + begin.len();
    let end = start
        + text[start..]
            .find("<!-- end -->")
            .expect("the mark has an end");
    let kept = format!("{}{generated}{}", &text[..start], &text[end..]);
    if !update() {
        assert_eq!(
            &text[start..end],
            generated,
            "README.md's {name}: DHT_UPDATE=1 writes them anew"
        );
    }
    kept
}

#[test]
fn the_tables_are_what_the_program_has() {
    let text = fs::read_to_string(readme()).unwrap().replace("\r\n", "\n");
    let mut kept = keep(&text, "commands", &commands());
    kept = keep(&kept, "exit codes", &exit_codes());
    kept = keep(&kept, "variables", &variables());
    if update() {
        fs::write(readme(), kept).unwrap();
    }
}

#[test]
fn every_variable_of_the_command_line_is_listed() {
    fn walk(command: &clap::Command, found: &mut BTreeSet<String>) {
        let names = command.get_arguments().filter_map(clap::Arg::get_env);
        found.extend(names.map(|name| name.to_str().unwrap().to_owned()));
        for below in command.get_subcommands() {
            walk(below, found);
        }
    }
    let mut used = BTreeSet::new();
    walk(&dhtl::cli::command(), &mut used);
    assert!(used.len() >= 8, "{used:?}");
    for name in used {
        let listed = dhtl::cli::vars::ALL.iter().any(|(known, _)| *known == name);
        assert!(listed, "`{name}` is not in src/cli/vars.rs");
    }
}

#[test]
fn the_architecture_stays_short() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    let lines = fs::read_to_string(path).unwrap().lines().count();
    assert!(lines <= 150, "{lines} lines");
}
