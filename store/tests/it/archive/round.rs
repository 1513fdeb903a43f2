//! Out and in again.

use std::io::{self, Cursor, Read};

use dht_store::archive::{ArchiveError, ClaimName, ImportOptions, Plan, Source, Wanted};
use dht_store::{Digest, EntryRef, Fingerprint};

use super::kit::{
    EXTERNAL, Made, WHEEL, export, file, from_file, from_stream, label, made, options,
    put_together, seen, taken_apart,
};
use crate::kit::Kit;

#[test]
fn everything_comes_in_by_file_and_by_stream() {
    let Made {
        kit,
        fingerprint,
        wanted,
    } = made();
    let archive = export(&kit.store, &wanted);
    for import in [from_file, from_stream] {
        let second = Kit::new();
        let report = import(&second.store, &archive).unwrap();
        assert_eq!((report.entries, report.imported), (3, 3));
        assert_eq!((report.claims, report.supplements), (1, 1));
        assert_eq!(report.environments, [fingerprint]);
        let environment = second.store.environment(fingerprint).unwrap().unwrap();
        for entry in environment.entries() {
            let found = second.store.check_entry(&entry, true).unwrap();
            assert_eq!(found.problems, []);
        }
        assert!(second.store.realised_entry(WHEEL, b"demo").is_some());
        assert_eq!(second.store.realised_text(EXTERNAL, b"3.11"), None);
        // Nothing twice, and nothing left over.
        let before = seen(&second.store);
        let report = import(&second.store, &archive).unwrap();
        assert_eq!((report.entries, report.imported, report.claims), (3, 0, 0));
        assert_eq!(seen(&second.store), before);
        assert!(!before.iter().any(|path| path.contains("/staging/")));
    }
}

#[test]
fn an_archive_of_what_came_in_is_the_same_archive() {
    let Made {
        kit, mut wanted, ..
    } = made();
    wanted.claims.remove(&ClaimName::of(EXTERNAL, b"3.11"));
    let archive = export(&kit.store, &wanted);
    let second = Kit::new();
    let _ = from_stream(&second.store, &archive).unwrap();
    assert!(export(&second.store, &wanted) == archive);
    // The same bytes come of the specification.
    assert!(put_together(&taken_apart(&archive)) == archive);
}

#[test]
fn other_levels_give_other_bytes_of_the_same_archive() {
    let Made { kit, wanted, .. } = made();
    let plan = Plan::draw(&kit.store, &wanted).unwrap();
    let [fast, hard] = [1, 19].map(|level| {
        let mut out = Vec::new();
        let report = plan.write(&kit.store, &mut out, level, &|_| {}).unwrap();
        assert_eq!(report.id, plan.head().id());
        out
    });
    assert!(fast != hard);
    assert_eq!(taken_apart(&fast), taken_apart(&hard));
}

#[test]
fn tar_reads_every_member_as_it_is() {
    let Made { kit, wanted, .. } = made();
    let archive = export(&kit.store, &wanted);
    let tar = zstd::decode_all(&archive[..]).unwrap();
    let mut archive = tar::Archive::new(&tar[..]);
    let mut names = Vec::new();
    for member in archive.entries().unwrap() {
        let mut member = member.unwrap();
        let path = String::from_utf8(member.path_bytes().into_owned()).unwrap();
        let header = member.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        let mut content = Vec::new();
        member.read_to_end(&mut content).unwrap();
        if let Some(name) = path.strip_prefix("manifests/") {
            assert_eq!(Digest::of(&content).to_string(), name);
        }
        names.push(path);
    }
    let ends = |end: &str| names.iter().any(|name| name.ends_with(end));
    assert_eq!(names[0], "dht-archive");
    assert!(ends("/lib/empty/") && ends("/bin/python3") && ends("nn.py") && ends("/site/empty"));
    assert!(ends("lib/__pycache__/os.cpython-311.pyc"));
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn one_environment_comes_with_nothing_that_it_does_not_prove() {
    let Made {
        kit,
        fingerprint,
        mut wanted,
    } = made();
    let tool = kit.add("uv", &[("scripts/uv", "uv")]);
    kit.store.realise_entry(WHEEL, b"uv", &tool).unwrap();
    wanted.claims.insert(ClaimName::of(WHEEL, b"uv"));
    let archive = export(&kit.store, &wanted);
    let second = Kit::new();
    let asked = ImportOptions {
        environment: Some(fingerprint),
        ..options()
    };
    let source = Source::File(file(&archive)).open().unwrap();
    let report = source.import(&second.store, &asked).unwrap();
    assert_eq!(
        (report.entries, report.claims, report.supplements),
        (3, 1, 0)
    );
    assert!(!second.store.has_entry(&tool));
    let other = ImportOptions {
        environment: Some(Fingerprint::of(b"other")),
        ..options()
    };
    let source = Source::File(file(&archive)).open().unwrap();
    let error = source.import(&second.store, &other).unwrap_err();
    assert!(matches!(error, ArchiveError::OtherRoot { .. }), "{error}");
    let id = ImportOptions {
        id: Some(Digest::of(b"other")),
        ..options()
    };
    let source = Source::File(file(&archive)).open().unwrap();
    let error = source.import(&second.store, &id).unwrap_err();
    assert!(
        matches!(error, ArchiveError::OtherArchive { .. }),
        "{error}"
    );
}

#[test]
fn a_difference_comes_in_only_on_top_of_what_it_builds_on() {
    let Made { kit, wanted, .. } = made();
    let demo: EntryRef = kit.store.realised_entry(WHEEL, b"demo").unwrap();
    let had = Wanted {
        had: [demo.clone()].into(),
        ..wanted.clone()
    };
    let difference = export(&kit.store, &had);
    let second = Kit::new();
    let before = seen(&second.store);
    for import in [from_file, from_stream] {
        let error = import(&second.store, &difference).unwrap_err();
        assert!(matches!(error, ArchiveError::Needs(_)), "{error}");
    }
    assert_eq!(seen(&second.store), before);
    let first = Wanted {
        claims: [ClaimName::of(WHEEL, b"demo")].into(),
        ..Wanted::default()
    };
    let _ = from_stream(&second.store, &export(&kit.store, &first)).unwrap();
    assert!(second.store.has_entry(&demo));
    let report = from_stream(&second.store, &difference).unwrap();
    assert_eq!((report.entries, report.imported), (2, 2));
}

#[test]
fn what_the_store_says_stays() {
    let Made { kit, wanted, .. } = made();
    let archive = export(&kit.store, &wanted);
    let second = Kit::new();
    let own = second.add("demo", &[("site/demo.py", "own\n")]);
    second.store.realise_entry(WHEEL, b"demo", &own).unwrap();
    let report = from_stream(&second.store, &archive).unwrap();
    assert_eq!((report.claims, report.contradicted), (0, 1));
    assert_eq!(second.store.realised_entry(WHEEL, b"demo"), Some(own));
}

#[test]
fn a_damaged_entry_is_replaced() {
    let Made { kit, wanted, .. } = made();
    let archive = export(&kit.store, &wanted);
    let second = Kit::new();
    let _ = from_stream(&second.store, &archive).unwrap();
    let demo = second.store.realised_entry(WHEEL, b"demo").unwrap();
    let folder = second.store.entry_path(&demo).join("site");
    let dir = dht_store::fs::Dir::open(&folder).unwrap();
    let name = std::path::Path::new("demo.py");
    dir.set_mode(name, 0o644).unwrap();
    std::fs::write(folder.join(name), "evil\n").unwrap();
    let report = from_file(&second.store, &archive).unwrap();
    // The other package has the same file, by a second name.
    assert_eq!((report.imported, report.quarantined.len()), (2, 2));
    assert_eq!(second.store.check_entry(&demo, true).unwrap().problems, []);
}

#[test]
fn a_damaged_store_is_not_exported() {
    let Made { kit, wanted, .. } = made();
    let demo = kit.store.realised_entry(WHEEL, b"demo").unwrap();
    let folder = kit.store.entry_path(&demo).join("site");
    let dir = dht_store::fs::Dir::open(&folder).unwrap();
    dir.set_mode(std::path::Path::new("demo.py"), 0o644)
        .unwrap();
    for content in ["x = 2\n", "x", "longer than it was\n"] {
        std::fs::write(folder.join("demo.py"), content).unwrap();
        let plan = Plan::draw(&kit.store, &wanted).unwrap();
        let error = plan.write(&kit.store, &mut Vec::new(), 1, &|_| {});
        let error = error.map(drop);
        let is_damage = matches!(error, Err(ArchiveError::Damaged { .. }));
        assert!(is_damage || content.len() > 6, "{content:?}: {error:?}");
    }
}

/// Fails in the middle, as a connection does.
struct Broken(Cursor<Vec<u8>>, u64);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.1.saturating_sub(self.0.position()).min(100);
        if left == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let count = buffer.len().min(left as usize);
        self.0.read(&mut buffer[..count])
    }
}

#[test]
fn interrupted_ones_leave_nothing_and_are_imported_later() {
    let Made { kit, wanted, .. } = made();
    let archive = export(&kit.store, &wanted);
    let entry = kit.add("another", &[("site/a.py", "a\n")]);
    kit.store.realise_entry(WHEEL, b"another", &entry).unwrap();
    let another = Wanted {
        claims: [ClaimName::of(WHEEL, b"another")].into(),
        ..Wanted::default()
    };
    let another = export(&kit.store, &another);
    let second = Kit::new();
    let before = seen(&second.store);
    for part in 1..10 {
        let until = (archive.len() as u64 * part) / 10;
        let stream = Box::new(Broken(Cursor::new(archive.clone()), until));
        let opened = Source::Stream(stream).open();
        let failed = opened.and_then(|incoming| incoming.import(&second.store, &options()));
        assert!(matches!(failed, Err(ArchiveError::Read(_))));
        assert_eq!(seen(&second.store), before);
    }
    let _ = from_stream(&second.store, &another).unwrap();
    let report = from_stream(&second.store, &archive).unwrap();
    assert_eq!(report.imported, 3);
}

#[test]
fn large_files_are_cut_and_come_in_whole() {
    let kit = Kit::new();
    let noise: String = (0..9_500_000_u32)
        .map(|index| char::from(b'a' + (index.wrapping_mul(2_654_435_761) >> 27) as u8 % 26))
        .collect();
    let entry = kit.add(
        "big",
        &[("site/a", "a"), ("site/big", &noise), ("site/z", "z")],
    );
    kit.store.realise_entry(WHEEL, b"big", &entry).unwrap();
    let wanted = Wanted {
        claims: [ClaimName::of(WHEEL, b"big")].into(),
        ..Wanted::default()
    };
    let archive = export(&kit.store, &wanted);
    for import in [from_file, from_stream] {
        let second = Kit::new();
        assert_eq!(import(&second.store, &archive).unwrap().imported, 1);
        assert_eq!(second.store.check_entry(&entry, true).unwrap().problems, []);
    }
    let _ = label(&entry);
}
