//! The walls between the rooms stand as ARCHITECTURE.md says.
//!
//! Read from the sources' text: every `crate::…` and `super::…` path names a room, and each room may
//! name only some others. A new room, or a new way from one to another, is a decision that is
//! written down here and there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A room and the rooms that it may use. `a::b` is a room inside of a room, with rules of its own.
type Rule = (&'static str, &'static [&'static str]);

/// The rooms of `src`.
const PROGRAM: &[Rule] = &[
    ("model", &[]),
    ("tools::runner", &[]),
    ("python", &["model", "tools::runner"]),
    ("tools", &["model", "tools::runner", "python"]),
    ("env::fetch", &["model"]),
    (
        "env",
        &["model", "tools::runner", "python", "tools", "env::fetch"],
    ),
    (
        "project",
        &["model", "tools::runner", "python", "tools", "env"],
    ),
    ("ui", &["model"]),
    ("report", &["model", "project", "ui"]),
    (
        "cli",
        &[
            "model",
            "tools::runner",
            "python",
            "tools",
            "env::fetch",
            "env",
            "project",
            "ui",
            "report",
        ],
    ),
];

/// The rooms of `store/src`, lowest first.
const STORE: &[Rule] = &[
    ("id", &[]),
    ("tree_path", &[]),
    ("fs", &[]),
    ("manifest", &["id", "tree_path"]),
    ("sink", &["id", "manifest", "tree_path"]),
    ("format", &["id", "manifest"]),
    ("union", &["manifest", "tree_path"]),
    ("error", &["fs", "id", "manifest", "sink"]),
    ("lock", &["error", "fs"]),
    ("pins", &["error", "fs", "id", "lock"]),
    (
        "store",
        &["error", "format", "fs", "id", "lock", "manifest", "pins"],
    ),
    (
        "entry",
        &["error", "format", "fs", "id", "manifest", "store"],
    ),
    ("realisation", &["error", "format", "fs", "id", "store"]),
    ("roots", &["entry", "error", "format", "fs", "id", "store"]),
    ("usage", &["error", "fs", "store"]),
    (
        "gc",
        &[
            "entry", "error", "format", "fs", "id", "lock", "manifest", "pins", "roots", "store",
        ],
    ),
    (
        "check",
        &[
            "error",
            "format",
            "fs",
            "id",
            "manifest",
            "store",
            "tree_path",
        ],
    ),
    (
        "stage",
        &[
            "check",
            "error",
            "format",
            "fs",
            "id",
            "lock",
            "manifest",
            "sink",
            "store",
            "tree_path",
        ],
    ),
    (
        "publish",
        &[
            "check", "error", "format", "fs", "id", "manifest", "stage", "store",
        ],
    ),
    (
        "supplement",
        &[
            "check", "error", "format", "fs", "id", "manifest", "stage", "store",
        ],
    ),
    (
        "repair",
        &[
            "check",
            "error",
            "format",
            "fs",
            "id",
            "manifest",
            "stage",
            "store",
            "tree_path",
        ],
    ),
    ("checkout", &["check", "fs", "id", "manifest", "union"]),
    ("compare", &["check", "checkout", "fs", "manifest", "union"]),
    ("update", &["check", "checkout", "compare", "fs", "union"]),
    (
        "archive",
        &[
            "check",
            "error",
            "format",
            "fs",
            "id",
            "manifest",
            "publish",
            "realisation",
            "sink",
            "stage",
            "store",
            "supplement",
        ],
    ),
];

/// Crates that are used in one place only: what they do has one door.
const DOORS: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("reqwest", &["env/fetch"]),
    ("rustls", &["env/fetch"]),
    ("indicatif", &["ui"]),
    ("anstream", &["ui"]),
    ("anstyle", &["ui"]),
    ("serde_yaml", &["model/config"]),
    ("yaml_edit", &["model/config"]),
    ("libdeflater", &["python/wheel"]),
    ("std::process::Command", &["tools/runner"]),
];

/// Files outside of `store/src/fs` that change the disk, and what they change: nothing of an
/// environment, and nothing visible in the store.
const WRITERS: &[(&str, &str)] = &[
    (
        "src/cli/commands/store/import.rs",
        "a download that was imported goes",
    ),
    ("src/env/base.rs", "a download that was unpacked goes"),
    ("src/env/builds.rs", "a list that was read goes"),
    ("src/env/fetch/part.rs", "downloads"),
    ("src/env/realise.rs", "downloads that were unpacked go"),
    ("src/env/sources.rs", "the work folder of a build"),
    ("src/python/sdist.rs", "the work folder of a build"),
    ("src/tools/uv/build.rs", "the work folder of a build"),
    ("src/tools/uv/tool.rs", "the work folder of a lock"),
];

/// Files that are compiled for tests alone.
const ONLY_TESTS: &[&str] = &[
    "store/src/gc/plan_tests.rs",
    "src/python/build/real.rs",
    "src/python/bytecode/real.rs",
    "src/python/disk_sink.rs",
    "src/python/venv/real.rs",
];

const WRITES: [&str; 11] = [
    "fs::copy(",
    "fs::create_dir(",
    "fs::create_dir_all(",
    "fs::hard_link(",
    "fs::remove_dir(",
    "fs::remove_dir_all(",
    "fs::remove_file(",
    "fs::rename(",
    "fs::set_permissions(",
    "fs::write(",
    "File::create(",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Returns the module that a file is: `["env", "fetch"]` for `env/fetch/mod.rs`.
fn module(relative: &Path) -> Vec<String> {
    let mut names: Vec<String> = relative
        .with_extension("")
        .components()
        .map(|name| name.as_os_str().to_str().unwrap().to_owned())
        .collect();
    if names.last().is_some_and(|last| last == "mod") {
        names.pop();
    }
    names
}

/// Returns the code of a file: no comments, no unit tests at its end.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let body = text
        .split_once("#[cfg(test)]\nmod tests {")
        .map_or(text.as_str(), |(body, _)| body);
    let lines = body
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.fold(String::new(), |all, line| all + line + "\n")
}

/// Returns every module path that the code names, from the root of its crate.
fn named(code: &str, module: &[String]) -> BTreeSet<Vec<String>> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut found = BTreeSet::new();
    for (start, keyword) in code
        .match_indices("crate::")
        .chain(code.match_indices("super::"))
    {
        let before = code[..start].chars().next_back();
        if before.is_some_and(|it| is_word(it) || it == '$' || it == ':') {
            continue;
        }
        let mut base = match keyword {
            "crate::" => Vec::new(),
            _ => module[..module.len() - 1].to_vec(),
        };
        let mut rest = &code[start + keyword.len()..];
        while let Some(further) = rest.strip_prefix("super::") {
            base.pop();
            rest = further;
        }
        assert!(
            !(base.is_empty() && rest.starts_with('{')),
            "one room a line, please: {}",
            code[start..].lines().next().unwrap_or_default()
        );
        for name in rest.split("::").take(3) {
            let end = name.find(|it| !is_word(it)).unwrap_or(name.len());
            base.push(name[..end].to_owned());
            if end < name.len() {
                break;
            }
        }
        found.insert(base);
    }
    found
}

/// Returns the room of a module: the innermost one that has rules.
fn room<'a>(rules: &'a [Rule], module: &[String]) -> Option<&'a str> {
    let inner = module
        .iter()
        .take(2)
        .cloned()
        .collect::<Vec<_>>()
        .join("::");
    let outer = module.first()?;
    let find = |name: &str| {
        rules
            .iter()
            .map(|(room, _)| *room)
            .find(|room| *room == name)
    };
    find(&inner).or_else(|| find(outer))
}

fn broken_walls(root: &str, rules: &[Rule]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
    let mut broken = Vec::new();
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap();
        let module = module(relative);
        if relative == Path::new("lib.rs") || relative == Path::new("main.rs") {
            continue;
        }
        let Some(own) = room(rules, &module) else {
            broken.push(format!("`{}` is in no room", relative.display()));
            continue;
        };
        let allowed = rules
            .iter()
            .find(|(room, _)| *room == own)
            .map_or(&[][..], |(_, allowed)| allowed);
        for used in named(&code(&path), &module) {
            let Some(other) = room(rules, &used) else {
                continue;
            };
            if other != own && !allowed.contains(&other) {
                let used = used.join("::");
                broken.push(format!("`{}` uses `{used}`", relative.display()));
            }
        }
    }
    broken
}

#[test]
fn the_rooms_of_the_program_use_only_what_they_may() {
    assert_eq!(broken_walls("src", PROGRAM), [""; 0]);
}

#[test]
fn the_rooms_of_the_store_use_only_what_they_may() {
    assert_eq!(broken_walls("store/src", STORE), [""; 0]);
}

#[test]
fn no_two_rooms_use_each_other() {
    for rules in [PROGRAM, STORE] {
        for (index, (room, allowed)) in rules.iter().enumerate() {
            let below: Vec<&str> = rules[..index].iter().map(|(room, _)| *room).collect();
            for other in *allowed {
                assert!(
                    below.contains(other),
                    "`{room}` uses `{other}`, which is above it"
                );
            }
        }
    }
}

#[test]
fn each_outside_thing_has_one_door() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut broken = Vec::new();
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap();
        let shown = relative.to_string_lossy().replace('\\', "/");
        // Tests against real programs and services stand beside what they test.
        if ONLY_TESTS.contains(&format!("src/{shown}").as_str()) || shown.contains("/tests") {
            continue;
        }
        let code = code(&path);
        for (outside, doors) in DOORS {
            let names = |line: &str| {
                line.contains(&format!("{outside}::")) || line.contains(&format!("{outside};"))
            };
            let inside = doors.iter().any(|door| shown.starts_with(door));
            if !inside && code.lines().any(names) {
                broken.push(format!("`{shown}` uses `{outside}`"));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
}

#[test]
fn the_disk_has_one_door() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut writers = BTreeSet::new();
    for path in [sources(&root.join("src")), sources(&root.join("store/src"))].concat() {
        let shown = path.strip_prefix(root).unwrap().to_string_lossy();
        let shown = shown.replace('\\', "/");
        let is_test = shown.contains("/tests") || shown.contains("_tests.");
        if is_test || shown.starts_with("store/src/fs/") || ONLY_TESTS.contains(&shown.as_str()) {
            continue;
        }
        let code = code(&path);
        if WRITES.iter().any(|call| code.contains(call)) {
            writers.insert(shown);
        }
    }
    let known: BTreeSet<String> = WRITERS.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(writers, known);
}

#[test]
fn the_store_knows_no_python_and_no_command_line() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("store/Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    for stranger in ["clap", "uv-", "reqwest", "indicatif", "anstream", "toml"] {
        let line = manifest.lines().find(|line| line.starts_with(stranger));
        assert_eq!(line, None);
    }
}

#[test]
fn paths_are_read_as_rust_reads_them() {
    let module: Vec<String> = ["env", "fetch", "part"].map(str::to_owned).into();
    let code =
        "use super::super::assemble;\nuse super::error;\ncrate::ui::Ui::new(); dht_crate::x;";
    let found: Vec<String> = named(code, &module)
        .iter()
        .map(|path| path.join("::"))
        .collect();
    assert_eq!(found, ["env::assemble", "env::fetch::error", "ui::Ui::new"]);
}
