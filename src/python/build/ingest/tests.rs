//! Archives as they should be, and as they must not be.

use std::collections::BTreeMap;
use std::io::Write;

use dht_store::Manifest;
use dht_store::sink::MemorySink;
use tar::{Builder, EntryType, Header};

use super::*;

const HEADER: &str = "#define PY_VERSION \"3.11.7\"\n";
const SYSCONFIG: &str = "build_time_vars = {'LIBDIR': '/install/lib', 'CC': '/tools/clang -pthread',\n 'prefix': '/install'}\n";

/// An archive that is being packed, below `top`.
struct Pack {
    tar: Builder<Vec<u8>>,
    top: &'static str,
}

impl Pack {
    fn new(top: &'static str) -> Self {
        let tar = Builder::new(Vec::new());
        let mut pack = Self { tar, top };
        pack.file("bin/python3.11", 0o755, b"\x7fnot really");
        pack.file("lib/python3.11/os.py", 0o644, b"# os\n");
        pack.file(
            "lib/python3.11/_sysconfigdata__x.py",
            0o644,
            SYSCONFIG.as_bytes(),
        );
        pack.file("include/python3.11/patchlevel.h", 0o644, HEADER.as_bytes());
        pack
    }

    fn entry(&mut self, name: &str, kind: EntryType, mode: u32, link: &str, content: &[u8]) {
        let mut header = Header::new_gnu();
        let name = name.as_bytes();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.tar.append(&header, content).unwrap();
    }

    fn file(&mut self, name: &str, mode: u32, content: &[u8]) {
        let name = format!("{}{name}", self.top);
        self.entry(&name, EntryType::Regular, mode, "", content);
    }

    fn gzip(self) -> Vec<u8> {
        let bytes = self.tar.into_inner().unwrap();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&bytes).unwrap();
        packed.finish().unwrap()
    }
}

fn ingest(bytes: &[u8]) -> Result<(Manifest, BTreeMap<TreePath, Vec<u8>>), String> {
    let mut archive = tempfile::NamedTempFile::new().unwrap();
    archive.write_all(bytes).unwrap();
    let sink = MemorySink::default();
    let python = PythonRequest {
        implementation: crate::model::python::Implementation::CPython,
        version: "3.11.7".parse().unwrap(),
    };
    match ingest_archive(archive.path(), &python, &sink) {
        Ok(_) => Ok(sink.finish().unwrap()),
        Err(error) => {
            assert_eq!(
                sink.finish().unwrap().1,
                BTreeMap::new(),
                "written before it was checked"
            );
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            Err(format!("{error}: {}", cause.unwrap_or_default()))
        }
    }
}

#[test]
fn an_archive_becomes_a_tree_without_its_prefix() {
    let mut pack = Pack::new("python/");
    pack.file("lib/python3.11/__pycache__/os.cpython-311.pyc", 0o644, b"x");
    pack.file("lib/python3.11/EXTERNALLY-MANAGED", 0o644, b"another's");
    pack.file("share/terminfo/x/xterm", 0o644, b"terminal");
    pack.entry(
        "python/share/terminfo/x/second",
        EntryType::Link,
        0o644,
        "python/share/terminfo/x/xterm",
        b"",
    );
    pack.entry(
        "python/bin/python3",
        EntryType::Symlink,
        0o777,
        "python3.11",
        b"",
    );
    let (manifest, content) = ingest(&pack.gzip()).unwrap();
    let text = |path: &str| {
        let bytes = content[&TreePath::new(path).unwrap()].clone();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(text("share/terminfo/x/second"), "terminal");
    assert!(text("lib/python3.11/EXTERNALLY-MANAGED").contains("dhtl"));
    let sysconfig = text("lib/python3.11/_sysconfigdata__x.py");
    assert!(!sysconfig.contains("/install/lib"), "{sysconfig}");
    assert!(manifest.get("bin/python3").is_some());
    assert!(manifest.get("lib/python3.11/__pycache__").is_none());
}

#[test]
fn only_the_installed_part_of_a_full_archive_is_taken() {
    let mut pack = Pack::new("python/install/");
    pack.entry(
        "python/build/core.o",
        EntryType::Regular,
        0o644,
        "",
        b"object",
    );
    pack.entry("python/PYTHON.json", EntryType::Regular, 0o644, "", b"{}");
    let tar = pack.tar.into_inner().unwrap();
    let (manifest, _) = ingest(&zstd::encode_all(&tar[..], 1).unwrap()).unwrap();
    assert!(manifest.get("bin/python3.11").is_some());
    assert!(manifest.get("install").is_none() && manifest.get("core.o").is_none());
}

#[test]
fn nothing_of_a_bad_archive_is_written() {
    let bad: [(&str, EntryType, &str, &str); 13] = [
        ("python/bin/python3.11", EntryType::Regular, "", "twice"),
        (
            "python/../../evil",
            EntryType::Regular,
            "",
            "not a valid path",
        ),
        ("/python/evil", EntryType::Regular, "", "not a valid path"),
        ("python/a\\b", EntryType::Regular, "", "not a valid path"),
        ("python/pipe", EntryType::Fifo, "", "a named pipe"),
        ("python/disk", EntryType::Block, "", "a device"),
        ("python/tty", EntryType::Char, "", "a device"),
        ("python/sparse", EntryType::Continuous, "", "unknown kind"),
        ("python/l", EntryType::Symlink, "/etc/passwd", "outside"),
        ("python/l", EntryType::Symlink, "../../x", "outside"),
        (
            "python/l",
            EntryType::Link,
            "python/none",
            "no file of the build",
        ),
        (
            "python/l",
            EntryType::Link,
            "../etc/passwd",
            "not a valid path",
        ),
        (
            "python/bin/python3.11/x",
            EntryType::Regular,
            "",
            "other files stand below it",
        ),
    ];
    for (name, kind, link, told) in bad {
        let mut pack = Pack::new("python/");
        pack.entry(name, kind, 0o644, link, b"");
        let error = ingest(&pack.gzip()).unwrap_err();
        assert!(error.contains(told), "{name}: {error}");
    }
}

#[test]
fn a_short_or_foreign_archive_is_refused() {
    let whole = Pack::new("python/").gzip();
    assert!(ingest(&whole).is_ok());
    for length in [0, 3, 20, whole.len() / 2, whole.len() - 9] {
        assert!(ingest(&whole[..length]).is_err(), "{length} bytes");
    }
    let error = ingest(b"PK\x03\x04zip").unwrap_err();
    assert!(
        error.contains("neither a .tar.gz nor a .tar.zst"),
        "{error}"
    );
    let empty = Builder::new(Vec::new()).into_inner().unwrap();
    let error = ingest(&zstd::encode_all(&empty[..], 1).unwrap()).unwrap_err();
    assert!(error.contains("no `patchlevel.h`"), "{error}");
}
