//! A `.dhtconfig` that people wrote over years: `dhtl setup` adds to it, and they find everything again.

use std::fs;

use crate::setup::{locked_project, sandbox};

/// Long, odd and valid: every style of YAML that the file allows, with remarks in every place.
const MINE: &str = r#"# yaml-language-server: $schema=https://intranet.example/dhtconfig.json
# =====================================================================
#  The weather service.   Questions: #platform   (do NOT sort this file)
# =====================================================================

# tools: pinned by hand, see RFC-12

    # linters
  # (the indentation above is on purpose)


# who may change this: ops only
env_template: # names only!
  optional: [LEVEL,   # DATABASE_URL comes from the vault

    SENTRY_DSN, ]
  required:
  -   "QUOTED_NAME"   # two spaces before, three after
  - 'SINGLE'
  # - OLD_TOKEN      (gone since 2023)

git: {lfs: false, hooks: {pre_commit: true}} # flow, as we like it

'version': "2.0"     # the last key on purpose

platform_deps:
    darwin:
        brew: [ redis ,"postgresql@14" ]   # M1 only
    # linux follows
    linux: &linux
        apt:
            # build
            - "g++"
            - libpq-dev # for psycopg2 (source)
            # run

            - redis-server
assembly:

  link_mode: copy   # NFS homes :(

# -- end of the file; keep the empty lines below --


"#;

#[test]
fn a_handwritten_file_is_found_again_line_by_line() {
    for windows in [false, true] {
        let Some(sandbox) = sandbox() else { return };
        let folder = locked_project(&sandbox);
        let mine = match windows {
            true => MINE.replace('\n', "\r\n"),
            false => MINE.to_owned(),
        };
        fs::write(folder.join(".dhtconfig"), &mine).unwrap();
        fs::write(
            folder.join("Dockerfile"),
            "FROM python:3.11\nRUN apt-get install -y libpq-dev curl\n",
        )
        .unwrap();
        fs::write(folder.join(".nvmrc"), "18.17.0\n").unwrap();
        let run = |args: &[&str]| sandbox.dhtl_run().args(args).in_folder(&folder).output();
        let _ = run(&["setup"]).success().warns("✓ .dhtconfig updated: ");
        let written = fs::read_to_string(folder.join(".dhtconfig")).unwrap();
        // Every line stands there still, in its order, but for those that had to change.
        let changed = ["git: {lfs: false", "env_template: #"];
        let mut rest = written.split_inclusive('\n');
        for line in mine.split_inclusive('\n') {
            if !changed.iter().any(|start| line.starts_with(start)) {
                assert!(
                    rest.any(|it| it == line),
                    "{line:?} is gone or moved in\n{written}"
                );
            }
        }
        for part in [
            "- curl",
            "lfs: true",
            "# flow, as we like it",
            "DATABASE_URL",
            "18.17.0",
            "config_checksum",
        ] {
            assert!(written.contains(part), "{part} in\n{written}");
        }
        if windows {
            assert!(!written.replace("\r\n", "").contains('\n'), "{written:?}");
        }
        let _ = run(&["setup"]).success().warns("✓ .dhtconfig unchanged");
        assert_eq!(
            fs::read_to_string(folder.join(".dhtconfig")).unwrap(),
            written
        );
        let _ = run(&["regenerate"]).success().warns("✓ MATCH");
    }
}
