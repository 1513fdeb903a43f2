//! Bytecode that a real interpreter takes for its own.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests run the interpreter on what it compiled"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use dht_store::TreePath;

use super::{CompileJob, cache_path, cache_tag, compile};
use crate::python::disk_sink::{pyenv_build, request};
use crate::tools::runner::Cancel;

fn write_sources(root: &Path) -> Vec<(TreePath, PathBuf)> {
    let mut sources = BTreeMap::new();
    sources.insert("pkg/__init__.py".to_owned(), String::new());
    sources.insert("pkg/old.py".to_owned(), "print 'python 2'\n".to_owned());
    sources.insert("pkg/zero.py".to_owned(), "x = 1\0\n".to_owned());
    sources.insert(
        "pkg/latin.py".to_owned(),
        "# -*- coding: nope -*-\n".to_owned(),
    );
    for number in 0..200 {
        let text = format!("def f():\n    return {number}, 'é', '\\d'\n");
        sources.insert(format!("pkg/m{number}.py"), text);
    }
    let mut written = Vec::new();
    for (name, text) in sources {
        let place = root.join(&name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, text).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(315_619_200 + 77);
        let file = fs::File::options().append(true).open(&place).unwrap();
        file.set_modified(time).unwrap();
        written.push((TreePath::new(&name).unwrap(), place));
    }
    written
}

fn snapshot(root: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    for folder in ["pkg", "pkg/__pycache__"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let time = entry.metadata().unwrap().modified().unwrap();
            found.insert(entry.path(), time);
        }
    }
    found
}

#[test]
fn the_interpreter_uses_it_and_writes_nothing() {
    for version in ["3.11.7", "3.8.18", "3.13.0"] {
        let Some(build) = pyenv_build(version) else {
            continue;
        };
        let interpreter = build.join("bin/python3");
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("a tree");
        let python = request(version);
        let tag = cache_tag(&python);
        let jobs: Vec<CompileJob> = write_sources(&root)
            .into_iter()
            .map(|(label, source)| CompileJob {
                output: root.join(cache_path(&label, &tag).unwrap().as_str()),
                source,
                label,
            })
            .collect();
        let report = compile(
            &interpreter,
            &python,
            &jobs,
            temp.path(),
            &Cancel::default(),
        )
        .unwrap();
        let skipped: Vec<&str> = report.skipped.iter().map(TreePath::as_str).collect();
        assert_eq!(skipped, ["pkg/latin.py", "pkg/old.py", "pkg/zero.py"]);
        assert_eq!(report.compiled, 201);
        let before = snapshot(&root);
        let output = Command::new(&interpreter)
            .args(["-v", "-c"])
            .arg("import pkg.m7 as m; assert m.f.__code__.co_filename == m.__file__; print(m.f(), m.__cached__)")
            .env_clear()
            .current_dir(&root)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.starts_with("(7, 'é', '\\\\d') "), "{printed}");
        assert!(
            printed.contains(&format!("pkg/__pycache__/m7.{tag}.pyc")),
            "{printed}"
        );
        let used = format!("m7.{tag}.pyc matches ");
        assert!(told.contains(&used), "the bytecode was not used");
        assert_eq!(snapshot(&root), before);
    }
}

#[test]
fn another_python_than_the_one_asked_for_is_told() {
    let Some(build) = pyenv_build("3.11.7") else {
        return;
    };
    let temp = tempfile::tempdir().unwrap();
    let jobs: Vec<CompileJob> = write_sources(temp.path())
        .into_iter()
        .map(|(label, source)| CompileJob {
            output: temp.path().join("out"),
            source,
            label,
        })
        .collect();
    let error = compile(
        &build.join("bin/python3"),
        &request("3.12.1"),
        &jobs,
        temp.path(),
        &Cancel::default(),
    )
    .unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        cause.contains("its bytecode is for cpython-311, not for cpython-312"),
        "{cause}"
    );
}
