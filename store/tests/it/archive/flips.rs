//! Every byte of an archive counts.

use dht_store::Store;

use super::kit::{Made, export, from_file, from_stream, made, seen};
use crate::kit::Kit;

/// Changes bytes of an archive, one at a time: each run fails and leaves nothing, or gives the same.
fn flip(masks: &[u8], step: usize) -> (usize, usize) {
    let Made {
        kit,
        fingerprint,
        wanted,
    } = made();
    let archive = export(&kit.store, &wanted);
    let (mut runs, mut accepted) = (0, 0);
    let mut second = Kit::in_memory();
    let before = relative(&second.store);
    for index in (0..archive.len()).step_by(step) {
        for (number, mask) in masks.iter().enumerate() {
            let mut other = archive.clone();
            other[index] ^= mask;
            let by_file = (index + number) % 2 == 0;
            let import = if by_file { from_file } else { from_stream };
            runs += 1;
            if let Ok(report) = import(&second.store, &other) {
                accepted += 1;
                assert_eq!(report.environments, [fingerprint], "byte {index}");
                let environment = second.store.environment(fingerprint).unwrap().unwrap();
                for entry in environment.entries() {
                    let found = second.store.check_entry(&entry, true).unwrap();
                    assert_eq!(found.problems, [], "byte {index}");
                }
                second = Kit::in_memory();
            }
            assert_eq!(relative(&second.store), before, "byte {index}, {mask:#x}");
        }
    }
    (runs, accepted)
}

fn relative(store: &Store) -> Vec<String> {
    let prefix = store.path().display().to_string();
    let names = seen(store).into_iter();
    names.map(|name| name.replacen(&prefix, "", 1)).collect()
}

#[test]
fn a_byte_that_is_changed_is_found() {
    let (runs, _) = flip(&[0x01], 23);
    assert!(runs > 50, "{runs}");
}

#[test]
#[ignore = "network: takes minutes, so it runs with the long tests"]
fn every_byte_that_is_changed_is_found() {
    let (runs, accepted) = flip(&[0x01, 0x80, 0xFF, 0x10], 1);
    assert!(runs >= 10_000, "{runs}");
    // A bit that no reader uses may differ: the content is proven all the same.
    assert!(accepted * 100 < runs, "{accepted} of {runs}");
}

#[test]
fn a_part_of_an_archive_is_none_and_so_is_more_than_one() {
    let Made { kit, wanted, .. } = made();
    let archive = export(&kit.store, &wanted);
    let second = Kit::new();
    let before = seen(&second.store);
    let cuts = (0..archive.len()).step_by(61).chain([archive.len() - 1]);
    let mut others: Vec<Vec<u8>> = cuts.map(|length| archive[..length].to_vec()).collect();
    let frame = zstd::encode_all(&b"more"[..], 3).unwrap();
    let more: [&[u8]; 5] = [b"\0", b"more than four", &frame, &archive, &[0; 512]];
    others.extend(more.map(|more| [&archive, more].concat()));
    for (number, other) in others.iter().enumerate() {
        for import in [from_file, from_stream] {
            assert!(import(&second.store, other).is_err(), "{number}");
            assert_eq!(seen(&second.store), before, "{number}");
        }
    }
}
