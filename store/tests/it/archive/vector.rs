//! The golden archive, written by another program after `schemas/archive-format.md`: see
//! `vectors.rs` for what that means.

use std::collections::BTreeSet;

use dht_store::archive::{ImportOptions, Plan, Source, Wanted};

use super::kit::{file, options};
use crate::kit::Kit;

const ARCHIVE: &[u8] = include_bytes!("../../../../schemas/vectors/archive/v1/archive.tar.zst");
const TAR: &[u8] = include_bytes!("../../../../schemas/vectors/archive/v1/archive.tar");
const HEAD: &[u8] = include_bytes!("../../../../schemas/vectors/archive/v1/head");
const NAME: &str = "bf40fdac0efdff89da40c507e2d5d1f9bf47bd1c44bc1d350ab08584c1d8e41c";
const ENVIRONMENT: &str = "df4ad2fbe94f59b7288510d51bd184fe20c8f65f2dbefb446a02727777d951b4";

#[test]
fn archives_of_version_1() {
    let kit = Kit::new();
    let incoming = Source::File(file(ARCHIVE)).open().unwrap();
    let head = incoming.head().clone();
    assert_eq!(head.to_bytes(), HEAD);
    assert_eq!(head.id().to_string(), NAME);
    let asked = ImportOptions {
        id: Some(NAME.parse().unwrap()),
        kinds: &["environment", "export", "wheel"],
        ..options()
    };
    let report = incoming.import(&kit.store, &asked).unwrap();
    assert_eq!(
        (report.imported, report.supplements, report.claims),
        (2, 1, 3)
    );
    let fingerprint = ENVIRONMENT.parse().unwrap();
    assert_eq!(report.environments, [fingerprint]);

    let supplements = head.supplements.iter();
    let wanted = Wanted {
        environments: [fingerprint].into(),
        claims: head.claims.iter().map(|part| part.name.clone()).collect(),
        supplements: supplements
            .map(|part| (part.entry.clone(), part.label.clone()))
            .collect(),
        had: BTreeSet::new(),
    };
    let plan = Plan::draw(&kit.store, &wanted).unwrap();
    assert_eq!(plan.head(), &head);
    let mut out = Vec::new();
    let _ = plan.write(&kit.store, &mut out, 3, &|_| {}).unwrap();
    assert!(zstd::decode_all(&out[..]).unwrap() == TAR);
}
