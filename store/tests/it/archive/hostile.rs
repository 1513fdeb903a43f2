//! Archives that were made to do harm: refused, and nothing of them is in the store.

use dht_store::archive::ArchiveError;
use dht_store::{Digest, EntryId};

use super::kit::{Made, export, from_file, from_stream, made, put_together, seen, taken_apart};
use crate::kit::Kit;

/// The head, the documents, three entries, bytecode, the end.
const RUNS: usize = 7;
const HEAD: usize = 0;
const DOCUMENTS: usize = 1;
const PYTHON: usize = 2;
const DEMO: usize = 3;
const BYTECODE: usize = 5;

fn runs() -> Vec<Vec<u8>> {
    let Made { kit, wanted, .. } = made();
    let runs = taken_apart(&export(&kit.store, &wanted));
    assert_eq!(runs.len(), RUNS);
    runs
}

/// Imports from file and stream; both have to refuse, and say why.
fn refused(name: &str, archive: &[u8], why: &str) {
    let second = Kit::new();
    let before = seen(&second.store);
    for import in [from_file, from_stream] {
        let error = import(&second.store, archive).expect_err(name);
        let text = error.to_string();
        assert!(text.contains(why), "{name}: {text}");
        assert_eq!(seen(&second.store), before, "{name}");
    }
}

/// Where the member begins whose name, in its header, ends like this.
fn member(run: &[u8], end: &str) -> usize {
    let is_header = |at: &usize| &run[at + 257..at + 262] == b"ustar";
    let mut blocks = (0..run.len()).step_by(512).filter(is_header);
    let found = blocks.find(|at| {
        let name = run[*at..at + 100].split(|byte| *byte == 0).next().unwrap();
        name.ends_with(end.as_bytes())
    });
    found.unwrap_or_else(|| panic!("there is no member `{end}`"))
}

/// Changes a field of a header and makes its checksum right again.
fn set(run: &mut [u8], at: usize, field: usize, value: &[u8]) {
    run[at + field..at + field + value.len()].copy_from_slice(value);
    run[at + 148..at + 156].copy_from_slice(b"        ");
    let sum: u32 = run[at..at + 512].iter().copied().map(u32::from).sum();
    run[at + 148..at + 155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

#[test]
fn item_31_members_that_are_no_files_are_refused() {
    for (kind, what) in [
        (b'1', "a second name"),
        (b'2', "a symbolic link"),
        (b'3', "a character device"),
        (b'4', "a block device"),
        (b'5', "a folder"),
        (b'6', "a pipe"),
        (b'7', "a contiguous file"),
        (b'S', "a sparse file"),
        (b'L', "a long name"),
        (b'x', "a header of PAX"),
        (b'g', "a global header"),
        (0, "a file of the old kind"),
    ] {
        let mut runs = runs();
        let at = member(&runs[DEMO], "site/demo.py");
        set(&mut runs[DEMO], at, 156, &[kind]);
        set(&mut runs[DEMO], at, 157, b"/etc/passwd");
        refused(what, &put_together(&runs), "another one than");
    }
}

#[test]
fn item_31_links_and_names_that_lead_out_are_refused() {
    for (field, value, what) in [
        (0, &b"../../../../evil\0"[..], "a name that leads out"),
        (0, b"/etc/passwd\0", "an absolute name"),
        (100, b"0004755", "set-user-id"),
        (100, b"0000666", "writable"),
        (108, b"0001000", "an owner"),
        (
            124,
            b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
            "a size of 2^63",
        ),
        (124, b"00000000000", "no size"),
        (136, b"77777777777", "another time"),
        (265, b"root", "a user"),
        (345, b"/abs", "an absolute prefix"),
        (500, b"x", "something in the padding"),
    ] {
        let mut runs = runs();
        let at = member(&runs[DEMO], "site/demo.py");
        set(&mut runs[DEMO], at, field, value);
        refused(what, &put_together(&runs), "another one than");
    }
    let mut runs = runs();
    let at = member(&runs[PYTHON], "bin/python3");
    set(&mut runs[PYTHON], at, 157, b"/etc/passwd");
    refused("a link elsewhere", &put_together(&runs), "another one than");
}

#[test]
fn item_31_a_link_and_then_a_file_through_it_are_refused() {
    let mut runs = runs();
    let at = member(&runs[DEMO], "/site/");
    set(&mut runs[DEMO], at, 156, b"2");
    set(&mut runs[DEMO], at, 157, b"/tmp");
    refused(
        "a link as a folder",
        &put_together(&runs),
        "another one than",
    );
}

#[test]
fn item_32_headers_in_disguise_are_refused() {
    let record = |text: &str| {
        let mut block = format!("{} {text}\n", text.len() + 4).into_bytes();
        block.resize(512, 0);
        block
    };
    for text in [
        "size=1000000",
        "path=../../evil",
        "path=a\0b",
        "hdrcharset=BINARY",
        "size",
    ] {
        let mut runs = runs();
        let at = member(&runs[DEMO], "site/demo.py");
        let mut pax = runs[DEMO][at..at + 512].to_vec();
        set(&mut pax, 0, 156, b"x");
        set(&mut pax, 0, 124, b"00000000020");
        let rest = runs[DEMO].split_off(at);
        let length = at + rest.len();
        runs[DEMO].extend([pax, record(text), rest].concat());
        runs[DEMO].truncate(length);
        refused(text, &put_together(&runs), "another one than");
    }
}

#[test]
fn item_33_frames_without_bounds_are_refused() {
    let runs = runs();
    let honest = put_together(&runs);
    let whole = zstd::encode_all(&runs.concat()[..], 3).unwrap();
    refused("one frame for all", &whole, "");
    let mut skippable = honest.clone();
    let length = skippable.len();
    let at =
        length - u64::from_le_bytes(honest[length - 16..length - 8].try_into().unwrap()) as usize;
    skippable[at + 4..at + 8].copy_from_slice(&u32::MAX.to_le_bytes());
    refused("an index of 4 GiB", &skippable, "index");
    // Megabytes of zeros in a few hundred bytes, behind what was announced.
    let mut bomb = runs.clone();
    bomb[DEMO].extend(vec![0; 3 << 20]);
    refused("a bomb", &put_together(&bomb), "cut elsewhere");
    let mut two = runs;
    let more = two[RUNS - 1].clone();
    two.push(more);
    refused("more after the end", &put_together(&two), "");
}

#[test]
fn item_34_content_that_is_not_what_was_announced_is_refused() {
    let mut changed = runs();
    let at = member(&changed[DEMO], "site/demo.py") + 512;
    changed[DEMO][at] ^= 1;
    refused(
        "another byte",
        &put_together(&changed),
        "not those of its hash",
    );

    let mut padded = runs();
    let at = member(&padded[DEMO], "site/demo.py") + 1000;
    padded[DEMO][at] = 1;
    refused(
        "hidden bytes",
        &put_together(&padded),
        "between two members",
    );

    let mut manifest = runs();
    let at = 512 + 20;
    manifest[DEMO][at] ^= 1;
    refused("another manifest", &put_together(&manifest), "`manifests/");

    let mut swapped = runs();
    swapped.swap(PYTHON, DEMO);
    refused("swapped entries", &put_together(&swapped), "");

    let mut missing = runs();
    missing.remove(DEMO);
    refused("an entry that is missing", &put_together(&missing), "");

    let mut twice = runs();
    let again = twice[DEMO].clone();
    twice.insert(DEMO, again);
    refused("an entry twice", &put_together(&twice), "");
}

/// Replaces text in the head, whose header follows from it.
fn with_head(edit: impl Fn(&str) -> String) -> Vec<u8> {
    let mut runs = runs();
    let size = usize::from_str_radix(std::str::from_utf8(&runs[HEAD][124..135]).unwrap(), 8);
    let text = std::str::from_utf8(&runs[HEAD][512..512 + size.unwrap()]).unwrap();
    let text = edit(text);
    let mut block = runs[HEAD][..512].to_vec();
    set(
        &mut block,
        0,
        124,
        format!("{:011o}", text.len()).as_bytes(),
    );
    let mtime = Digest::of(text.as_bytes()).mtime();
    set(&mut block, 0, 136, format!("{mtime:011o}").as_bytes());
    block.extend(text.as_bytes());
    block.resize(block.len().next_multiple_of(512), 0);
    runs[HEAD] = block;
    put_together(&runs)
}

#[test]
fn item_34_heads_that_do_not_fit_are_refused() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let without = |word: &str| {
        with_head(|text| {
            let kept = lines(text).into_iter();
            let kept = kept.filter(|line| !line.contains(word));
            kept.map(|line| line + "\n").collect()
        })
    };
    refused("an entry less", &without("-other-"), "");
    refused("no environment", &without("environment"), "");
    let unnamed = EntryId::of(b"unnamed");
    let more = with_head(|text| {
        let line = format!("needs {unnamed}-unnamed-1\nsupplement");
        text.replacen("supplement", &line, 1)
    });
    refused("an entry that nothing names", &more, "names it");
    let up = with_head(|text| text.replace("-demo-1.0", "-..-1.0"));
    refused("a name that leads out", &up, "not of the format");
    let huge = with_head(|text| text.replacen("entry ", "entry 99", 1));
    refused("another size", &huge, "");
    let size = with_head(|text| text.replacen("entry ", "entry 281474976710656000", 1));
    refused("a size without bounds", &size, "not of the format");
}

#[test]
fn item_35_other_versions_are_told() {
    for version in ["0", "2"] {
        let other =
            with_head(|text| text.replacen("dht-archive 1", &format!("dht-archive {version}"), 1));
        refused(version, &other, "this program reads version 1");
    }
    let second = Kit::new();
    for (bytes, what) in [
        (&b""[..], "nothing"),
        (b"PK\x03\x04 a zip archive, long enough", "a zip"),
        (b"#!/bin/sh\necho a script\n", "a script"),
        (
            &zstd::encode_all(&[7; 3000][..], 3).unwrap(),
            "a frame of something",
        ),
    ] {
        let error = from_stream(&second.store, bytes).expect_err(what);
        let is_foreign = matches!(
            error,
            ArchiveError::Foreign(_) | ArchiveError::Refused { .. }
        );
        assert!(is_foreign, "{what}: {error}");
    }
}

#[test]
fn claims_that_do_not_fit_are_refused() {
    let mut runs = runs();
    let at = member(&runs[DOCUMENTS], &Digest::of(b"demo").to_string()) + 512;
    runs[DOCUMENTS][at + 6] ^= 1;
    refused(
        "a claim of something else",
        &put_together(&runs),
        "its hash",
    );
}

#[test]
fn only_bytecode_comes_as_bytecode() {
    let mut runs = runs();
    let end = "os.cpython-311.pyc";
    let at = member(&runs[BYTECODE], end);
    runs[BYTECODE][at + 512] ^= 1;
    refused(
        "other bytecode",
        &put_together(&runs),
        "not those of its hash",
    );
}
