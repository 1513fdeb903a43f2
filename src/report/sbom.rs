//! The inventory as CycloneDX 1.6 and as SPDX 2.3, both JSON. Pure, and the same bytes everywhere:
//! no time of making, no serial number by chance.

use dht_store::Digest;
use serde_json::{Map, Value, json};

use crate::model::license::License;
use crate::project::sbom::{Component, Inventory};

/// The time that SPDX asks for, and which says nothing here: that of every folder in the store.
const CREATED: &str = "1980-01-02T00:00:00Z";

/// Returns the inventory as a CycloneDX 1.6 document (ECMA-424).
pub fn cyclonedx(inventory: &Inventory) -> Value {
    let Inventory {
        project,
        fingerprint,
        platform,
        python: (python, python_version, base),
        components,
    } = inventory;
    let python_ref = format!("{python}@{python_version}");
    let subject = json!({
        "type": "application",
        "bom-ref": project,
        "name": project,
        "hashes": [hash(fingerprint.0)],
        "properties": [property("dhtl:fingerprint", format!("blake3:{fingerprint}")), property("dhtl:platform", platform.clone())],
    });
    let interpreter = json!({
        "type": "platform",
        "bom-ref": python_ref,
        "name": python,
        "version": python_version,
        "purl": format!("pkg:generic/{python}@{python_version}"),
        "hashes": [hash(*base)],
    });
    let mut listed = vec![interpreter];
    listed.extend(components.iter().map(cyclonedx_component));
    let all = components.iter().map(reference).chain([python_ref.clone()]);
    let mut dependencies = vec![
        json!({ "ref": project, "dependsOn": sorted(all.collect()) }),
        json!({ "ref": python_ref, "dependsOn": [] }),
    ];
    dependencies.extend(components.iter().map(|component| {
        let needs = needed(component, components).map(reference).collect();
        json!({ "ref": reference(component), "dependsOn": sorted(needs) })
    }));
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid(inventory, "cyclonedx"),
        "version": 1,
        "metadata": {
            "tools": { "components": [{ "type": "application", "name": "dhtl", "version": env!("CARGO_PKG_VERSION") }] },
            "component": subject,
        },
        "components": listed,
        "dependencies": dependencies,
    })
}

fn cyclonedx_component(component: &Component) -> Value {
    let mut value = Map::new();
    let mut set = |key: &str, entry: Value| {
        value.insert(key.to_owned(), entry);
    };
    set("type", json!("library"));
    set("bom-ref", json!(reference(component)));
    set("name", json!(component.name));
    set("version", json!(component.version));
    set("hashes", json!([hash(component.entry.0)]));
    let mut properties = vec![property("dhtl:entry", component.entry.to_string())];
    properties.extend(
        component
            .tool
            .clone()
            .map(|tool| property("dhtl:tool", tool)),
    );
    set("properties", Value::Array(properties));
    if let Some(purl) = &component.purl {
        set("purl", json!(purl));
    }
    if let Some(summary) = &component.summary {
        set("description", json!(summary));
    }
    if let Some(license) = &component.license {
        let license = match license {
            License::Id(id) => json!({ "license": { "id": id } }),
            License::Expression(expression) => json!({ "expression": expression }),
            License::Name(name) => json!({ "license": { "name": name } }),
        };
        set("licenses", json!([license]));
    }
    if let Some(website) = &component.website {
        let reference = json!({ "type": "website", "url": website });
        set("externalReferences", json!([reference]));
    }
    Value::Object(value)
}

/// Returns the inventory as an SPDX 2.3 document (ISO/IEC 5962).
pub fn spdx(inventory: &Inventory) -> Value {
    let Inventory {
        project,
        fingerprint,
        platform,
        python: (python, python_version, base),
        components,
    } = inventory;
    let mut subject = spdx_package("SPDXRef-Environment", project, None, fingerprint.0);
    subject["comment"] = json!(format!("environment blake3:{fingerprint} for {platform}"));
    subject["primaryPackagePurpose"] = json!("APPLICATION");
    let mut interpreter = spdx_package("SPDXRef-Python", python, Some(python_version), *base);
    interpreter["externalRefs"] = json!([purl_reference(&format!(
        "pkg:generic/{python}@{python_version}"
    ))]);
    let mut packages = vec![subject, interpreter];
    let mut relations = vec![
        relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Environment"),
        relation("SPDXRef-Environment", "CONTAINS", "SPDXRef-Python"),
    ];
    for component in components {
        let id = spdx_id(component);
        packages.push(spdx_component(component));
        relations.push(relation("SPDXRef-Environment", "CONTAINS", &id));
        for other in needed(component, components) {
            relations.push(relation(&id, "DEPENDS_ON", &spdx_id(other)));
        }
    }
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": project,
        "documentNamespace": uuid(inventory, "spdx"),
        "creationInfo": {
            "created": CREATED,
            "creators": [format!("Tool: dhtl-{}", env!("CARGO_PKG_VERSION"))],
            "comment": "the time says nothing: the same environment gives the same document",
        },
        "documentDescribes": ["SPDXRef-Environment"],
        "packages": packages,
        "relationships": relations,
    })
}

fn spdx_component(component: &Component) -> Value {
    let (id, version) = (spdx_id(component), Some(&component.version));
    let mut value = spdx_package(&id, &component.name, version, component.entry.0);
    match &component.license {
        Some(License::Id(text) | License::Expression(text)) => {
            value["licenseDeclared"] = json!(text);
        }
        Some(License::Name(words)) => {
            value["licenseComments"] = json!(format!("the package says: {words}"));
        }
        None => {}
    }
    if let Some(purl) = &component.purl {
        value["externalRefs"] = json!([purl_reference(purl)]);
    }
    if let Some(summary) = &component.summary {
        value["summary"] = json!(summary);
    }
    if let Some(website) = &component.website {
        value["homepage"] = json!(website);
    }
    value
}

fn spdx_package(id: &str, name: &str, version: Option<&String>, digest: Digest) -> Value {
    let mut value = json!({
        "SPDXID": id,
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "checksums": [{ "algorithm": "BLAKE3", "checksumValue": digest.to_string() }],
    });
    if let Some(version) = version {
        value["versionInfo"] = json!(version);
    }
    value
}

fn purl_reference(purl: &str) -> Value {
    json!({
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": purl,
    })
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({
        "spdxElementId": from,
        "relationshipType": kind,
        "relatedSpdxElement": to,
    })
}

/// Identifiers hold letters, digits, dots and dashes (SPDX 2.3, clause 7.2).
fn spdx_id(component: &Component) -> String {
    match &component.tool {
        None => format!("SPDXRef-Package-{}", component.name),
        Some(tool) => format!("SPDXRef-Tool-{tool}.{}", component.name),
    }
}

fn reference(component: &Component) -> String {
    let (name, version) = (&component.name, &component.version);
    match &component.tool {
        None => format!("{name}@{version}"),
        Some(tool) => format!("tool:{tool}/{name}@{version}"),
    }
}

fn needed<'a>(
    component: &'a Component,
    all: &'a [Component],
) -> impl Iterator<Item = &'a Component> {
    let found = component.needs.iter().filter_map(|name| {
        let key = (&component.tool, name);
        let index = all.binary_search_by(|other| (&other.tool, &other.name).cmp(&key));
        index.ok().map(|index| &all[index])
    });
    found.into_iter()
}

fn sorted(mut references: Vec<String>) -> Vec<String> {
    references.sort();
    references
}

/// The root hash over all files: BLAKE3 of the manifest, or of the environment's document.
fn hash(digest: Digest) -> Value {
    json!({ "alg": "BLAKE3", "content": digest.to_string() })
}

fn property(name: &str, value: String) -> Value {
    json!({ "name": name, "value": value })
}

/// Returns a UUID that follows from the content (version 8 of RFC 9562, section 5.8).
fn uuid(inventory: &Inventory, form: &str) -> String {
    let (project, fingerprint) = (&inventory.project, inventory.fingerprint);
    let text = format!("dhtl {form} {project} {fingerprint}");
    let mut bytes = *Digest::of(text.as_bytes()).as_bytes();
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes[..16].iter().map(|it| format!("{it:02x}")).collect();
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use dht_store::{EntryId, Fingerprint};

    fn inventory() -> Inventory {
        let component = |name: &str, license, needs: &[&str]| Component {
            tool: None,
            name: name.to_owned(),
            version: "1.0".into(),
            entry: EntryId::of(name.as_bytes()),
            purl: Some(format!("pkg:pypi/{name}@1.0")),
            summary: None,
            license,
            website: None,
            needs: needs.iter().map(|it| (*it).to_owned()).collect(),
        };
        Inventory {
            project: "demo".into(),
            fingerprint: Fingerprint::of(b"demo"),
            platform: "linux-x86_64".into(),
            python: ("cpython".into(), "3.11.7".into(), Digest::of(b"python")),
            components: vec![
                component("a", Some(License::Id("MIT".into())), &["b"]),
                component("b", Some(License::Name("BSD License".into())), &[]),
            ],
        }
    }

    #[test]
    fn the_subject_is_the_fingerprint() {
        let inventory = inventory();
        let fingerprint = inventory.fingerprint.to_string();
        let document = cyclonedx(&inventory);
        let hash = &document["metadata"]["component"]["hashes"][0];
        assert_eq!(hash["content"], fingerprint.as_str());
        let document = spdx(&inventory);
        let checksum = &document["packages"][0]["checksums"][0];
        assert_eq!(checksum["checksumValue"], fingerprint.as_str());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = cyclonedx(&inventory());
        let listed = document["components"].as_array().unwrap();
        let known: Vec<&Value> = listed.iter().map(|it| &it["bom-ref"]).collect();
        for dependency in document["dependencies"].as_array().unwrap() {
            for on in dependency["dependsOn"].as_array().unwrap() {
                assert!(known.contains(&on), "{on}");
            }
        }
        assert_eq!(document["dependencies"][2]["dependsOn"], json!(["b@1.0"]));
        let document = spdx(&inventory());
        let listed = document["packages"].as_array().unwrap();
        let ids: Vec<&Value> = listed.iter().map(|it| &it["SPDXID"]).collect();
        for relation in document["relationships"].as_array().unwrap() {
            assert!(ids.contains(&&relation["relatedSpdxElement"]), "{relation}");
        }
        assert_eq!(listed[2]["licenseDeclared"], "MIT");
        assert_eq!(listed[3]["licenseDeclared"], "NOASSERTION");
    }

    #[test]
    fn a_tool_has_packages_of_its_own() {
        let mut inventory = inventory();
        let mut other = inventory.components[1].clone();
        other.tool = Some("ruff".into());
        inventory.components.push(other.clone());
        let found: Vec<_> = needed(&inventory.components[0], &inventory.components).collect();
        assert_eq!(found, [&inventory.components[1]]);
        assert_eq!(reference(&other), "tool:ruff/b@1.0");
        let document = cyclonedx(&inventory);
        assert_eq!(document["components"][3]["properties"][1]["value"], "ruff");
    }

    #[test]
    fn another_environment_is_another_document() {
        let (one, mut other) = (inventory(), inventory());
        assert_eq!(cyclonedx(&one), cyclonedx(&other));
        other.fingerprint = Fingerprint::of(b"other");
        assert_ne!(uuid(&one, "spdx"), uuid(&other, "spdx"));
        assert_ne!(uuid(&one, "spdx"), uuid(&one, "cyclonedx"));
    }
}
