//! Archives that are refused, with nothing written.

use dhtl_test_kit::WheelBuilder;
use dhtl_test_kit::zip::{Descriptor, Entry, Zip, crc32, zip64};

use super::*;
use crate::python::wheel::archive::{ArchiveError, MAX_ENTRIES};

/// Adds an entry that `RECORD` does not list: the archive must be refused for what it is, before
/// anyone looks at `RECORD`.
fn with(entry: Entry) -> Result<Installed, WheelError> {
    tampered(|zip| zip.entries.insert(1, entry))
}

fn assert_archive_refused(result: Result<Installed, WheelError>, what: &str) {
    match result {
        Err(WheelError::Archive(ArchiveError::Unsupported { .. })) | Ok(_) => {
            panic!("{what} was not refused as malformed")
        }
        Err(WheelError::Archive(_)) => {}
        Err(other) => panic!("{what} was refused for another reason: {other}"),
    }
}

#[test]
fn bad_input_16_names_that_leave_the_folder() {
    for name in [
        "../evil.py",
        "a/../../evil",
        "/abs.py",
        "C:/c.py",
        "pkg\\win.py",
        "//srv/x",
        "a//b",
        "./a",
        "a/./b",
        "..",
        "",
        "/",
        "a\nb",
        "a\0b",
        "a\u{202e}/../b",
    ] {
        assert_archive_refused(with(Entry::stored(name, b"x")), name);
    }
    let deep = "a/".repeat(10_000) + "x";
    assert_archive_refused(with(Entry::stored(&deep, b"x")), "depth");
    let mut entry = Entry::stored("x", b"x");
    entry.name = b"caf\xe9.py".to_vec();
    assert_archive_refused(with(entry), "a name that is not UTF-8");
    let mut entry = Entry::stored("caf\u{e9}.py", b"x");
    entry.flags = 0;
    assert_archive_refused(with(entry), "a name that may be CP437");
    let mut entry = Entry::stored("a.py", b"x");
    entry.extra = b"\x75\x70\x09\x00\x01\0\0\0\0b.py".to_vec();
    assert_archive_refused(with(entry), "a second name");
}

#[test]
fn bad_input_17_links_and_devices() {
    for mode in [0o120_777, 0o010_644, 0o020_644, 0o060_644, 0o140_644] {
        let entry = Entry::stored("pkg/x", b"/etc/passwd").mode(mode);
        assert_archive_refused(with(entry), &format!("mode {mode:o}"));
    }
    let message = refusal(with(Entry::stored("pkg/x", b"/etc/passwd").mode(0o120_777)));
    assert!(message.contains("symbolic link"), "{message}");
    assert_archive_refused(
        with(Entry::stored("pkg/x", b"").mode(0o040_755)),
        "a folder without a slash",
    );
    assert_archive_refused(
        with(Entry::stored("pkg/x/", b"").mode(0o100_644)),
        "a file with a slash",
    );
    assert_archive_refused(
        with(Entry::stored("pkg/x/", b"content").mode(0)),
        "a folder with content",
    );
}

#[test]
fn bad_input_19_two_entries_at_one_path() {
    let again = |name: &str| with(Entry::stored(name, b"other"));
    assert!(refusal(again("demo/__init__.py")).contains("`demo/__init__.py` more than once"));
    assert_archive_refused(again("demo"), "a file at a folder");
    assert_archive_refused(again("demo/__init__.py/x"), "a file below a file");
    assert_archive_refused(
        with(Entry::folder("demo/__init__.py")),
        "a folder at a file",
    );
}

#[test]
fn bad_input_20_local_headers_and_directory_that_differ() {
    let change = |what: &str, change: fn(&mut Entry)| {
        assert_archive_refused(tampered(|zip| change(&mut zip.entries[0])), what);
    };
    change("no central entry", |entry| entry.in_directory = false);
    change("no local header", |entry| entry.in_body = false);
    change("another name", |entry| {
        entry.local_name = Some(b"demo/__init__.pz".to_vec())
    });
    change("another flag", |entry| entry.local_flags = Some(2));
    change("another checksum", |entry| {
        entry.local_sizes = Some((1, entry.sizes.1, entry.sizes.2))
    });
    change("another packed size", |entry| {
        entry.local_sizes = Some((entry.sizes.0, 1, entry.sizes.2))
    });
    change("another size", |entry| {
        entry.local_sizes = Some((entry.sizes.0, entry.sizes.1, 1))
    });
    change("sizes of zero without a descriptor", |entry| {
        entry.local_sizes = Some((0, 0, 0))
    });
    change("another offset", |entry| entry.offset = Some(3));
    change("an offset past the end", |entry| {
        entry.offset = Some(u32::MAX - 1)
    });
}

#[test]
fn bad_input_21_descriptors_that_lie() {
    for field in 0..3 {
        for form in [Descriptor::Bare, Descriptor::Signed, Descriptor::Wide] {
            let result = tampered(|zip| {
                let entry = zip.entries[0].clone().streamed(form);
                let signature = if form == Descriptor::Bare { 0 } else { 4 };
                let width = if form == Descriptor::Wide && field > 0 {
                    8
                } else {
                    4
                };
                zip.entries[0] = entry;
                zip.entries[0].after[signature + field * width] ^= 1;
            });
            assert_archive_refused(result, &format!("field {field} of {form:?}"));
        }
    }
    let missing = tampered(|zip| {
        zip.entries[0] = zip.entries[0].clone().streamed(Descriptor::Signed);
        zip.entries[0].after.clear();
    });
    assert_archive_refused(missing, "no descriptor");
    let unannounced = tampered(|zip| {
        zip.entries[0] = zip.entries[0].clone().streamed(Descriptor::Wide);
        zip.entries[0].local_extra.clear();
    });
    assert_archive_refused(unannounced, "a wide descriptor without a zip64 field");
}

#[test]
fn bad_input_21_zip64_that_lies() {
    let change = |what: &str, change: fn(&mut Entry)| {
        let result = tampered(|zip| {
            zip.entries[0] = zip.entries[0].clone().wide();
            change(&mut zip.entries[0]);
        });
        assert_archive_refused(result, what);
    };
    change("a field too short", |entry| entry.extra = zip64(&[17]));
    change("a field too long", |entry| {
        entry.extra.splice(2..4, [20, 0]).for_each(drop)
    });
    change("one value too many", |entry| {
        entry.extra = [&entry.extra[..], &[0; 8]].concat();
        entry.extra[2] = 24;
    });
    change("two fields", |entry| entry.extra = entry.extra.repeat(2));
    change("no field", |entry| entry.extra.clear());
    change("another value in the local header", |entry| {
        entry.local_extra[4] ^= 1
    });
    change("no field in the local header", |entry| {
        entry.local_extra.clear()
    });
    let unneeded = tampered(|zip| zip.entries[0].extra = zip64(&[17, 17]));
    assert_archive_refused(unneeded, "a field that is not needed");
}

#[test]
fn bad_input_21_end_records_that_lie() {
    assert_archive_refused(tampered(|zip| zip.miscount = 1), "one entry too many");
    assert_archive_refused(tampered(|zip| zip.miscount = -1), "one entry too few");
    let wide = |count: i64, between: &[u8]| {
        tampered(|zip| {
            zip.wide = true;
            zip.wide_miscount = count;
            zip.after_directory = between.to_vec();
        })
    };
    assert_archive_refused(wide(1, b""), "another count in the zip64 end record");
    assert_archive_refused(wide(0, b"x"), "bytes before the zip64 end record");
    let orphan = tampered(|zip| zip.after_directory = [&b"PK\x06\x06"[..], &[0; 52]].concat());
    assert_archive_refused(orphan, "a zip64 end record without a locator");
    let orphan = tampered(|zip| zip.after_directory = [&b"PK\x06\x07"[..], &[0; 16]].concat());
    assert_archive_refused(orphan, "a locator without a zip64 end record");
    let bytes = demo().build();
    let twice = [&bytes[..], &bytes[bytes.len() - 22..]].concat();
    assert_archive_refused(
        install_untouched(&twice, &demo().filename()),
        "two end records",
    );
}

#[test]
fn bad_input_22_bytes_that_belong_to_nothing() {
    assert_archive_refused(
        tampered(|zip| zip.before = b"#!/bin/sh\n".to_vec()),
        "bytes before",
    );
    assert_archive_refused(tampered(|zip| zip.after = b"x".to_vec()), "bytes after");
    assert_archive_refused(tampered(|zip| zip.after = vec![0; 512]), "zeros after");
    assert_archive_refused(
        tampered(|zip| zip.between = b"x".to_vec()),
        "bytes before the directory",
    );
    assert_archive_refused(
        tampered(|zip| zip.after_directory = b"x".to_vec()),
        "bytes after the directory",
    );
    assert_archive_refused(
        tampered(|zip| zip.entries[0].after = b"x".to_vec()),
        "bytes after an entry",
    );
    assert_archive_refused(
        tampered(|zip| zip.comment = demo().build()),
        "a zip archive in the comment",
    );
    assert_archive_refused(
        tampered(|zip| zip.before = vec![0; 512]),
        "a tar header before",
    );
}

#[test]
fn bad_input_22_bytes_behind_the_end_of_a_stream() {
    // The stream ends before the declared packed size does; a reader that streams would go on there.
    for hidden in [&b"x"[..], b"PK\x03\x04 hidden", &[0; 8]] {
        let mut zip = demo().zip();
        let entry = &mut zip.entries[0];
        entry.data.extend(hidden);
        entry.sizes.1 += hidden.len() as u32;
        let message = refusal(install_bytes(
            &zip.build(),
            &demo().filename(),
            Layout::Posix,
        ));
        assert!(
            message.contains("could not unpack `demo/__init__.py`"),
            "{message}"
        );
    }
    // The same, with what a gzip reader would take for the end.
    let mut zip = demo().zip();
    let entry = &mut zip.entries[0];
    let (crc, _, size) = entry.sizes;
    entry.data.extend(crc.to_le_bytes());
    entry.data.extend(size.to_le_bytes());
    entry.sizes.1 += 8;
    let message = refusal(install_bytes(
        &zip.build(),
        &demo().filename(),
        Layout::Posix,
    ));
    assert!(
        message.contains("could not unpack `demo/__init__.py`"),
        "{message}"
    );
}

#[test]
fn bad_input_23_overlapping_entries() {
    let mut zip = demo().zip();
    let mut alias = zip.entries[0].clone();
    alias.in_body = false;
    alias.offset = Some(0);
    zip.entries.push(alias.clone());
    assert_archive_refused(
        install_untouched(&zip.build(), &demo().filename()),
        "one local header twice",
    );
    alias.name = b"demo/__init__.pz".to_vec();
    *zip.entries.last_mut().unwrap() = alias;
    assert_archive_refused(
        install_untouched(&zip.build(), &demo().filename()),
        "one stream with two names",
    );
    // The second entry is inside of the first, a stored one.
    let inner = Zip::new(vec![Entry::stored("b", b"inner")]).build();
    let mut outer = Entry::stored("a", &inner);
    outer.sizes.0 = crc32(&inner);
    let mut hidden = Entry::stored("b", b"inner");
    hidden.in_body = false;
    hidden.offset = Some(31);
    let bytes = Zip::new(vec![outer, hidden]).build();
    assert_archive_refused(
        install_untouched(&bytes, &demo().filename()),
        "an entry inside of another",
    );
}

#[test]
fn bad_input_23_bombs() {
    let zeros = vec![0; 1 << 20];
    let mut bomb = Entry::deflated("zeros", &zeros);
    // A file of a megabyte that says it unpacks to a gigabyte: refused before it is inflated.
    bomb.data = vec![0; 1_060_000];
    bomb.sizes = (0, 1_060_000, 1 << 30);
    let message = refusal(with(bomb));
    assert!(
        message.contains("bytes of content, more than the 536870912"),
        "{message}"
    );
    let mut impossible = Entry::deflated("zeros", &zeros);
    impossible.sizes.2 = 400 << 20;
    assert_archive_refused(with(impossible), "a ratio that deflate cannot reach");
    // A stream that holds more than it says.
    let mut liar = Entry::deflated("demo/zeros", &zeros);
    liar.sizes.2 = 1 << 19;
    let wheel = demo().entry(liar, &zeros[..1 << 19]);
    let message = refusal(install_posix(&wheel));
    assert!(
        message.contains("size that the archive declares"),
        "{message}"
    );
}

#[test]
fn bad_input_23_too_many_entries() {
    let mut zip = demo().zip();
    zip.wide = true;
    zip.miscount = i32::from(u16::MAX) - zip.entries.len() as i32;
    zip.wide_miscount = MAX_ENTRIES as i64;
    let message = refusal(install_untouched(&zip.build(), &demo().filename()));
    assert!(message.contains("more than the 500000"), "{message}");
}

#[test]
fn bad_input_24_unsupported_is_not_corrupt() {
    let unsupported = |change: fn(&mut Entry), feature: &str| {
        let message = refusal(tampered(|zip| change(&mut zip.entries[0])));
        assert!(
            message.contains("unsupported") && message.contains(feature),
            "{message}"
        );
    };
    unsupported(|entry| entry.flags |= 1, "encryption");
    unsupported(|entry| entry.flags |= 1 << 6, "encryption");
    unsupported(|entry| entry.version = 64, "newer version");
    unsupported(|entry| entry.flags |= 1 << 13, "encryption");
    for (method, feature) in [
        (9, "Deflate64"),
        (12, "bzip2"),
        (14, "LZMA"),
        (93, "Zstandard"),
        (97, "WavPack"),
        (1, "unusual"),
    ] {
        let message = refusal(tampered(|zip| zip.entries[0].method = method));
        assert!(
            message.contains("unsupported") && message.contains(feature),
            "{message}"
        );
    }
    let message = refusal(tampered(|zip| zip.disk = 1));
    assert!(message.contains("split over several files"), "{message}");
}

#[test]
fn damaged_content_is_named() {
    let damage = |change: fn(&mut Entry)| {
        let mut zip = demo().zip();
        change(&mut zip.entries[0]);
        refusal(install_bytes(
            &zip.build(),
            &demo().filename(),
            Layout::Posix,
        ))
    };
    for message in [
        damage(|entry| entry.sizes.0 ^= 1),
        damage(|entry| entry.data[3] ^= 0x40),
        damage(|entry| {
            *entry = Entry {
                sizes: (1, entry.sizes.1, entry.sizes.2),
                ..entry.clone()
            }
        }),
    ] {
        assert!(
            message.contains("could not unpack `demo/__init__.py`"),
            "{message}"
        );
    }
}

#[test]
fn bad_input_20_every_truncation_is_refused() {
    let bytes = WheelBuilder::new("demo", "1.0")
        .file("demo.py", "x = 1\n")
        .build();
    for length in 0..bytes.len() {
        let result = install_untouched(&bytes[..length], "demo-1.0-py3-none-any.whl");
        assert!(matches!(result, Err(WheelError::Archive(_))), "{length}");
    }
}
