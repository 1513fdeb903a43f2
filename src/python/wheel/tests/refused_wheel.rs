//! Well-formed archives that are no good wheels.

use dhtl_test_kit::WheelBuilder;
use dhtl_test_kit::wheel::row;
use dhtl_test_kit::zip::Entry;

use super::*;

fn refused(wheel: &WheelBuilder) -> String {
    refusal(install_untouched(&wheel.build(), &wheel.filename()))
}

#[test]
fn bad_input_14_a_wheel_that_says_it_is_another() {
    let bytes = demo().build();
    for filename in ["other-1.0-py3-none-any.whl", "demo-2.0-py3-none-any.whl"] {
        let message = refusal(install_untouched(&bytes, filename));
        assert!(message.contains("but the file name says"), "{message}");
    }
    let metadata = Entry::stored(
        "demo-1.0.dist-info/METADATA",
        b"Name: other\nVersion: 1.0\n",
    );
    let message = refusal(tampered(|zip| {
        let at = zip
            .entries
            .iter()
            .position(|entry| entry.name.ends_with(b"METADATA"))
            .unwrap();
        zip.entries[at] = metadata;
    }));
    assert!(message.contains("`METADATA` says `other`"), "{message}");
}

#[test]
fn bad_input_19_names_that_fold_are_refused_where_they_do() {
    for (first, second) in [
        ("demo/A.py", "demo/a.py"),
        ("demo/caf\u{e9}.py", "demo/cafe\u{301}.py"),
        ("Demo/x.py", "demo/x.py"),
    ] {
        let wheel = demo().file(first, "1").file(second, "2");
        let installed = install_posix(&wheel).unwrap();
        assert!(installed.wheel.portability.is_some(), "{first}");
        let message = refusal(install_on(&wheel, Layout::Windows));
        assert!(
            message.contains("one file on macOS and Windows"),
            "{message}"
        );
        let sink = MemorySink::default();
        let mac = InstallTarget {
            folds_case: true,
            ..target(Layout::Posix)
        };
        let result = install(
            &wheel.build(),
            &wheel.filename().parse().unwrap(),
            &mac,
            &sink,
            &|_| (),
        );
        assert!(matches!(result, Err(WheelError::NotPortable(_))), "{first}");
    }
    let wheel = demo().file("demo/aux.py", "");
    assert!(install_posix(&wheel).unwrap().wheel.portability.is_some());
    assert!(refusal(install_on(&wheel, Layout::Windows)).contains("device name"));
}

#[test]
fn bad_input_25_record_and_files_differ() {
    let info = "demo-1.0.dist-info";
    for (wheel, expected) in [
        (
            demo().unlisted(Entry::stored("demo/extra.py", b"")),
            "does not list `demo/extra.py`",
        ),
        (
            demo().row(&row("demo/gone.py", b"")),
            "lists `demo/gone.py`, which",
        ),
        (
            demo().row(&row("demo/__init__.py", b"x")),
            "lists `demo/__init__.py` twice",
        ),
        (
            demo().row("../../.ssh/authorized_keys,,\n"),
            "not a valid path",
        ),
        (demo().row("/etc/passwd,,\n"), "not a valid path"),
        (demo().row("demo/a\0.py,,\n"), "NUL"),
        (demo().row("demo.py,sha256=x\n"), "three columns"),
        (
            demo()
                .unlisted(Entry::stored("demo/a.py", b""))
                .row("demo/a.py,,\n"),
            "gives no SHA-256",
        ),
        (
            demo()
                .unlisted(Entry::stored("demo/a.py", b""))
                .row("demo/a.py,md5=x,0\n"),
            "gives no SHA-256",
        ),
        (
            demo().entry(Entry::stored("demo/a.py", b"1"), b""),
            "size that `RECORD` gives",
        ),
        (
            demo().unlisted(Entry::stored(&format!("{info}/RECORD.txt"), b"")),
            "does not list",
        ),
    ] {
        let message = refused(&wheel);
        assert!(message.contains(expected), "{message}");
    }
    let wrong = demo().entry(Entry::stored("demo/a.py", b"1"), b"2");
    let message = refusal(install_posix(&wrong));
    assert!(
        message.contains("`demo/a.py` does not have the hash"),
        "{message}"
    );
}

#[test]
fn bad_input_25_no_record() {
    let is_record = |entry: &Entry| entry.name.ends_with(b"RECORD");
    let message = refusal(tampered(|zip| {
        zip.entries.retain(|entry| !is_record(entry))
    }));
    assert!(message.contains("no `RECORD`"), "{message}");
    let message = refusal(tampered(|zip| {
        zip.entries.retain(|entry| !is_record(entry));
        zip.entries
            .push(Entry::stored("demo-1.0.dist-info/RECORD", b""));
    }));
    assert!(message.contains("does not list"), "{message}");
}

#[test]
fn bad_input_26_not_one_dist_info() {
    let two = demo().file("other-1.0.dist-info/METADATA", "");
    assert!(refused(&two).contains("two `.dist-info` folders"));
    let two = demo().file("demo-1.0.DIST-INFO/METADATA", "");
    assert!(refused(&two).contains("two `.dist-info` folders"));
    let none = Zip::new(vec![Entry::stored("demo.py", b"")]).build();
    let message = refusal(install_untouched(&none, "demo-1.0-py3-none-any.whl"));
    assert!(message.contains("no `.dist-info` folder"), "{message}");
}

#[test]
fn bad_input_26_data_that_has_no_place() {
    for path in [
        "scripts/python3",
        "scripts/activate",
        "scripts/sub/x",
        "unknown/x",
        "data/pyvenv.cfg",
        "data/bin/python",
        "data/Scripts/activate.bat",
    ] {
        refused(&demo().data(path, "x"));
    }
    refused(&demo().data("purelib/../../x", "x"));
    let twice = demo().data("purelib/demo/__init__.py", "x");
    assert!(refused(&twice).contains("more than once"));
    let file_at_folder = demo().data("purelib/demo", "x");
    assert!(refused(&file_at_folder).contains("more than once"));
    let folder_at_file = demo().data("platlib/demo/__init__.py/x", "x");
    assert!(refused(&folder_at_file).contains("more than once"));
}

#[test]
fn bad_input_27_scripts() {
    for name in [
        "../../x",
        "/tmp/x",
        "a/b",
        "python3.12",
        "activate",
        "-x",
        "x\u{7}",
    ] {
        let message = refused(&demo().console_script(name, "demo:main"));
        assert!(message.contains("the script name"), "{message}");
    }
    refused(&demo().console_script("", "demo:main"));
    refused(&demo().console_script("x\n#!/bin/sh", "demo:main"));
    for value in ["demo:main;import os", "demo", "demo:main()", "demo:"] {
        let message = refused(&demo().gui_script("x", value));
        assert!(message.contains("is not `module:object`"), "{message}");
    }
}

#[test]
fn a_wheel_of_a_future_format_is_refused() {
    let message = refusal(tampered(|zip| {
        let at = zip
            .entries
            .iter()
            .position(|entry| entry.name.ends_with(b"/WHEEL"))
            .unwrap();
        zip.entries[at] = Entry::stored(
            "demo-1.0.dist-info/WHEEL",
            b"Wheel-Version: 2.0\nRoot-Is-Purelib: true\n",
        );
    }));
    assert!(message.contains("only 1.x is understood"), "{message}");
}
