//! Wheels that are good, and what is made of them.

use dht_store::NodeKind;
use dhtl_test_kit::WheelBuilder;
use dhtl_test_kit::zip::{Descriptor, Entry};

use super::*;

#[test]
fn every_way_to_write_the_same_wheel_gives_the_same_tree() {
    let expected = install_posix(&demo()).unwrap().manifest.id();
    let forms: [fn(Entry) -> Entry; 6] = [
        |entry| entry.streamed(Descriptor::Bare),
        |entry| entry.streamed(Descriptor::Signed),
        |entry| entry.streamed(Descriptor::Wide),
        Entry::wide,
        |mut entry| {
            let (_, compressed, size) = entry.sizes;
            entry.local_extra = dhtl_test_kit::zip::zip64(&[size.into(), compressed.into()]);
            entry
        },
        |entry| Entry {
            host: 0,
            attributes: 0,
            ..entry
        },
    ];
    for (index, form) in forms.into_iter().enumerate() {
        let installed = tampered(|zip| {
            for entry in &mut zip.entries {
                *entry = form(entry.clone());
            }
        });
        assert_eq!(installed.unwrap().manifest.id(), expected, "form {index}");
    }
    for change in [
        |zip: &mut Zip| zip.wide = true,
        |zip: &mut Zip| zip.comment = b"made by hand".to_vec(),
        |zip: &mut Zip| zip.entries.reverse(),
        |zip: &mut Zip| zip.entries.insert(0, Entry::folder("demo")),
    ] {
        assert_eq!(tampered(change).unwrap().manifest.id(), expected);
    }
    let stored = WheelBuilder::new("demo", "1.0").entry(
        Entry::stored("demo/__init__.py", b"def main(): pass\n"),
        "def main(): pass\n",
    );
    assert_eq!(install_posix(&stored).unwrap().manifest.id(), expected);
}

#[test]
fn bad_input_18_modes_keep_the_executable_bit_alone() {
    for (mode, executable) in [
        (0o104_755, true),
        (0o102_755, true),
        (0o100_777, true),
        (0o100_000, false),
        (0o100_666, false),
        (0o100_001, true),
    ] {
        let wheel = demo().entry(Entry::stored("demo/x", b"").mode(mode), b"");
        let installed = install_posix(&wheel).unwrap();
        let node = installed.manifest.get("site-packages/demo/x").unwrap();
        assert!(
            matches!(node.kind, NodeKind::File { executable: found, .. } if found == executable),
            "{mode:o}"
        );
    }
}

fn everything() -> WheelBuilder {
    WheelBuilder::new("Foo-Bar", "1.0")
        .file("foo/__init__.py", "")
        .data("purelib/pure.py", "1")
        .data("platlib/sub/plat.py", "2")
        .data("scripts/tool", "#!python\nprint(1)\n")
        .data("scripts/binary", b"\x7fELF")
        .data("headers/a/x.h", "int x;")
        .data("data/share/man/x.1", "man")
        .console_script("foo", "foo:main")
        .gui_script("foo-gui.py", "foo.gui:App.run [extra]")
}

#[test]
fn everything_has_its_place_on_posix() {
    let installed = install_posix(&everything()).unwrap();
    let info = "site-packages/Foo_Bar-1.0.dist-info";
    assert_eq!(
        installed.paths(),
        [
            "data/share/man/x.1",
            "headers/a/x.h",
            "scripts/binary",
            "scripts/foo",
            "scripts/foo-gui.py",
            "scripts/tool",
            &format!("{info}/INSTALLER"),
            &format!("{info}/METADATA"),
            &format!("{info}/RECORD"),
            &format!("{info}/REQUESTED"),
            &format!("{info}/WHEEL"),
            &format!("{info}/entry_points.txt"),
            "site-packages/foo/__init__.py",
            "site-packages/pure.py",
            "site-packages/sub/plat.py",
        ]
    );
    assert_eq!(installed.text(&format!("{info}/INSTALLER")), "dhtl\n");
    let record = installed.text(&format!("{info}/RECORD"));
    let paths: Vec<_> = record
        .lines()
        .map(|line| line.split(',').next().unwrap())
        .collect();
    assert!(paths.is_sorted());
    for path in [
        "../../../bin/foo",
        "../../../bin/foo-gui.py",
        "../../../include/site/python3.11/foo-bar/a/x.h",
        "../../../share/man/x.1",
        "pure.py",
        "Foo_Bar-1.0.dist-info/RECORD",
    ] {
        assert!(paths.contains(&path), "{path} in {record}");
    }
    let tool = installed.text("scripts/tool");
    assert!(
        record.contains(dhtl_test_kit::wheel::row("../../../bin/tool", tool.as_bytes()).trim_end())
    );
    for script in ["scripts/foo", "scripts/binary", "scripts/tool"] {
        let node = installed.manifest.get(script).unwrap();
        assert!(
            matches!(
                node.kind,
                NodeKind::File {
                    executable: true,
                    ..
                }
            ),
            "{script}"
        );
    }
    assert!(installed.wheel.uses_python_lib);
    assert!(!install_posix(&demo()).unwrap().wheel.uses_python_lib);
}

#[test]
fn everything_has_its_place_on_windows() {
    let installed = install_on(&everything(), Layout::Windows).unwrap();
    let record = installed.text("site-packages/Foo_Bar-1.0.dist-info/RECORD");
    for path in [
        "../../Scripts/foo.exe,",
        "../../Scripts/foo-gui.exe,",
        "../../Scripts/tool,",
        "../../share/man/x.1,",
    ] {
        assert!(record.contains(path), "{path} in {record}");
    }
    let gui = &installed.content[&TreePath::new("scripts/foo-gui.exe").unwrap()];
    assert!(gui.starts_with(b"MZ gui #!<launcher_dir>\\pythonw.exe\r\nPK\x03\x04"));
    assert!(
        installed
            .text("scripts/tool")
            .starts_with("#!/usr/bin/env python\n")
    );
}

#[test]
fn scripts_on_windows_need_a_launcher() {
    let bare = InstallTarget {
        windows_launcher: None,
        ..target(Layout::Windows)
    };
    let filename = everything().filename().parse().unwrap();
    let result = install(
        &everything().build(),
        &filename,
        &bare,
        &MemorySink::default(),
        &|_| (),
    );
    assert!(matches!(result, Err(WheelError::NoLauncher(name)) if name == "foo"));
}

#[test]
fn generated_scripts_replace_shipped_ones() {
    let wheel = demo()
        .console_script("demo", "demo:main")
        .data("scripts/demo", "#!python\nold\n")
        .data("scripts/demo-script.py", "old");
    let installed = install_posix(&wheel).unwrap();
    assert!(
        installed
            .text("scripts/demo")
            .contains("from demo import main")
    );
    assert!(!installed.paths().contains(&"scripts/demo-script.py"));
}

#[test]
fn pip_gets_the_script_of_its_python() {
    let wheel = demo()
        .console_script("pip3", "demo:main")
        .console_script("pip3.9", "demo:main");
    let installed = install_posix(&wheel).unwrap();
    let scripts: Vec<_> = installed.wheel.entry_points.keys().collect();
    assert_eq!(scripts, ["pip3", "pip3.11"]);
    assert!(installed.wheel.uses_python_lib);
}

#[test]
fn bad_input_29_code_that_runs_at_startup_is_named() {
    let wheel = demo()
        .file("evil.pth", "# x\nimport os; os.system('id')\n")
        .file("paths.pth", "demo\n")
        .file("demo/inner.pth", "import os\n")
        .file("sitecustomize.py", "")
        .file("usercustomize/__init__.py", "");
    let startup: Vec<_> = install_posix(&wheel)
        .unwrap()
        .wheel
        .startup_files
        .iter()
        .map(TreePath::to_string)
        .collect();
    assert_eq!(
        startup,
        [
            "site-packages/evil.pth",
            "site-packages/sitecustomize.py",
            "site-packages/usercustomize/__init__.py"
        ]
    );
}

#[test]
fn a_wheel_from_no_index_says_where_it_is_from() {
    let direct = InstallTarget {
        direct_url: Some("{\"url\":\"https://example.org/demo.whl\"}".to_owned()),
        ..target(Layout::Posix)
    };
    let sink = MemorySink::default();
    let wheel = demo().file("demo-1.0.dist-info/direct_url.json", "old");
    install(
        &wheel.build(),
        &wheel.filename().parse().unwrap(),
        &direct,
        &sink,
        &|_| (),
    )
    .unwrap();
    let (_, content) = sink.finish().unwrap();
    let path = TreePath::new("site-packages/demo-1.0.dist-info/direct_url.json").unwrap();
    assert_eq!(content[&path], direct.direct_url.unwrap().as_bytes());
}

#[test]
fn large_files_are_streamed() {
    let zeros = vec![0; (65 << 20) as usize];
    let good = demo().file("demo/large", &zeros);
    let installed = install_posix(&good).unwrap();
    assert!(
        installed
            .content
            .values()
            .any(|content| content.len() == zeros.len())
    );
    let mut zip = good.zip();
    zip.entries[1].sizes.0 ^= 1;
    let message = refusal(install_bytes(&zip.build(), &good.filename(), Layout::Posix));
    assert!(message.contains("CRC-32"), "{message}");
}
