//! The contracts in `schemas/` are what the types say, and the examples keep them.

use std::fs;
use std::path::{Path, PathBuf};

use dht_store::Environment;
use dht_store::format::root::Root;
use dht_store::format::store_json::StoreJson;
use dhtl::env::state::State;
use dhtl::report::archive::{ArchiveReport, ImportedReport};
use dhtl::report::diff::DiffReport;
use dhtl::report::env_vars::{EnvSetupReport, EnvTemplateReport};
use dhtl::report::fingerprint::{AskedReport, FingerprintReport, FingerprintsReport};
use dhtl::report::freeze_tools::FreezeReport;
use dhtl::report::gc::{GcReport, WhyReport};
use dhtl::report::generations::{GenerationsReport, RollbackReport};
use dhtl::report::regenerate::RegenerateReport;
use dhtl::report::setup::SetupReport;
use dhtl::report::store::{EntryInfo, PathReport, StoreInfo, StoreListing, VerifyReport};
use dhtl::report::store_du::DuReport;
use dhtl::report::validate::ValidateReport;
use dhtl::report::why::WhyReport as TargetReport;
use dhtl::ui::json;
use jsonschema::Validator;
use schemars::{Schema, schema_for};
use serde_json::Value;

use crate::update;

/// A generated schema: its file in `schemas/`, and who generates it.
type Generated = (&'static str, fn() -> Schema);

/// Every generated schema.
const SCHEMAS: &[Generated] = &[
    ("dhtconfig.schema.json", dhtl::model::config::schema),
    ("environment.schema.json", || schema_for!(Environment)),
    ("root.schema.json", || schema_for!(Root)),
    ("state.schema.json", || schema_for!(State)),
    ("store.schema.json", || schema_for!(StoreJson)),
    ("report-env-setup.schema.json", || {
        json::schema::<EnvSetupReport>("env-setup", 1)
    }),
    ("report-generate-env-template.schema.json", || {
        json::schema::<EnvTemplateReport>("generate-env-template", 1)
    }),
    ("report-fingerprint.schema.json", || {
        json::schema::<FingerprintReport>("fingerprint", 1)
    }),
    ("report-gc.schema.json", || {
        json::schema::<GcReport>("gc", 1)
    }),
    ("report-gc-why.schema.json", || {
        json::schema::<WhyReport>("gc-why", 1)
    }),
    ("report-generations.schema.json", || {
        json::schema::<GenerationsReport>("generations", 1)
    }),
    ("report-rollback.schema.json", || {
        json::schema::<RollbackReport>("rollback", 1)
    }),
    ("report-store-du.schema.json", || {
        json::schema::<DuReport>("store-du", 1)
    }),
    ("report-diff.schema.json", || {
        json::schema::<DiffReport>("diff", 1)
    }),
    ("report-fingerprints.schema.json", || {
        json::schema::<FingerprintsReport>("fingerprints", 1)
    }),
    ("report-fingerprint-asked.schema.json", || {
        json::schema::<AskedReport>("fingerprint-asked", 1)
    }),
    ("report-freeze-tools.schema.json", || {
        json::schema::<FreezeReport>("freeze-tools", 1)
    }),
    ("report-regenerate.schema.json", || {
        json::schema::<RegenerateReport>("regenerate", 1)
    }),
    ("report-setup.schema.json", || {
        json::schema::<SetupReport>("setup", 1)
    }),
    ("report-store-export.schema.json", || {
        json::schema::<ArchiveReport>("store-export", 1)
    }),
    ("report-store-import.schema.json", || {
        json::schema::<ImportedReport>("store-import", 1)
    }),
    ("report-store-import-list.schema.json", || {
        json::schema::<ArchiveReport>("store-import-list", 1)
    }),
    ("report-store-entry.schema.json", || {
        json::schema::<EntryInfo>("store-entry", 1)
    }),
    ("report-store-info.schema.json", || {
        json::schema::<StoreInfo>("store-info", 1)
    }),
    ("report-store-path.schema.json", || {
        json::schema::<PathReport>("store-path", 1)
    }),
    ("report-store-ls.schema.json", || {
        json::schema::<StoreListing>("store-ls", 1)
    }),
    ("report-store-verify.schema.json", || {
        json::schema::<VerifyReport>("store-verify", 1)
    }),
    ("report-why.schema.json", || {
        json::schema::<TargetReport>("why", 1)
    }),
    ("report-validate-env.schema.json", || {
        json::schema::<ValidateReport>("validate-env", 1)
    }),
];

/// Returns the validator of the schema in `schemas/<name>.schema.json`.
pub fn validator(name: &str) -> Validator {
    let path = in_project("schemas").join(format!("{name}.schema.json"));
    let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn every_schema_is_what_its_types_say() {
    for (name, generate) in SCHEMAS {
        let path = in_project("schemas").join(name);
        let mut generated = serde_json::to_string_pretty(&generate()).unwrap();
        generated.push('\n');
        if update() {
            fs::write(&path, generated).unwrap();
            continue;
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            kept.replace("\r\n", "\n"),
            generated,
            "`schemas/{name}` is not what the types say; `DHT_UPDATE=1 cargo test --test it schemas` writes it anew"
        );
    }
}

#[test]
fn every_schema_is_a_schema() {
    for (name, generate) in SCHEMAS {
        let schema = generate().to_value();
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
    }
}

/// Returns every `.dhtconfig` that is kept as an example: in `examples/` and in the fixtures.
fn examples() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![
        in_project("examples"),
        in_project("tests/fixtures/dhtconfig"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with("dhtconfig") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_example_keeps_the_schema_and_is_read() {
    let schema = dhtl::model::config::schema().to_value();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let examples = examples();
    assert!(examples.len() >= 2, "{examples:?}");
    for path in examples {
        let bytes = fs::read(&path).unwrap();
        let value: Value = serde_yaml::from_slice(&bytes).unwrap();
        let problems: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{}: {problems:?}", path.display());
        if let Err(error) = dhtl::model::config::read(".dhtconfig", &bytes) {
            panic!("{}: {error}", path.display());
        }
    }
}

#[test]
fn every_vector_keeps_its_schema() {
    for (name, folder) in [
        ("environment", "environment/v1/entry"),
        ("environment", "environment/v1/external"),
        ("root", "root/v1/root"),
        ("state", "state/v1/state.json"),
        ("store", "store-json/v1/store.json"),
    ] {
        let bytes = fs::read(in_project("schemas/vectors").join(folder)).unwrap();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        let validator = validator(name);
        let problems: Vec<_> = validator.iter_errors(&value).collect();
        assert!(problems.is_empty(), "{folder}: {problems:?}");
    }
}

/// Bytes that stay as they are: an environment of today is understood by every later program.
#[test]
fn states_of_version_1() {
    let bytes = include_bytes!("../../schemas/vectors/state/v1/state.json");
    let fingerprint = "82b875bfd01861fe18cacaac0fd91ba6f001b505e9168f4b15434d65e6f68e10";
    let state = State::new(
        fingerprint.parse().unwrap(),
        dht_store::LinkMode::Hardlink,
        true,
        "demo",
    );
    assert_eq!(State::parse(bytes), Some(state.clone()));
    assert_eq!(state.to_bytes(), bytes);
}
