//! Wheels with random damage: refused or installed, never a panic, and never as something else.

use proptest::prelude::*;

use super::*;

fn rich() -> WheelBuilder {
    demo()
        .data("scripts/tool", "#!python\nprint(1)\n")
        .data("headers/x.h", "int x;")
        .file("x.pth", "import os\n")
        .console_script("demo", "demo:main")
}

fn try_install(bytes: &[u8]) -> Option<BTreeMap<TreePath, Vec<u8>>> {
    let installed = install_bytes(bytes, &rich().filename(), Layout::Posix).ok()?;
    Some(installed.content)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn damaged_wheels_are_refused_or_mean_the_same(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut bytes = rich().build();
        for (index, value) in damage {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(content) = try_install(&bytes) {
            let expected = try_install(&rich().build()).unwrap();
            // `RECORD` itself has no hash; its damage may show as another spelling of a row.
            let differs = |path: &&TreePath| content.get(*path) != expected.get(*path);
            let different: Vec<_> = expected.keys().chain(content.keys()).filter(differs).collect();
            prop_assert!(different.is_empty(), "{different:?}");
        }
    }

    #[test]
    fn anything_that_ends_like_an_archive_is_read_without_panic(
        head in proptest::collection::vec(any::<u8>(), 0..200),
        fields in any::<[u8; 18]>()
    ) {
        let bytes = [&head[..], b"PK\x05\x06", &fields].concat();
        prop_assert!(try_install(&bytes).is_none());
    }

    #[test]
    fn spliced_wheels_are_read_without_panic(
        first in any::<prop::sample::Index>(),
        second in any::<prop::sample::Index>()
    ) {
        let bytes = rich().build();
        let (first, second) = (first.index(bytes.len()), second.index(bytes.len()));
        try_install(&[&bytes[..first], &bytes[second..]].concat());
    }
}
