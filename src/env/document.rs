//! From realised packages to the environment document, and its fingerprint. Pure.

use std::collections::BTreeMap;

use dht_store::format::environment::FORMAT;
use dht_store::{Base, Environment, Package, Tool};

use crate::model::platform::Layout;
use crate::model::target::Target;

/// Returns the document of an environment for `target`.
pub fn document(
    target: &Target,
    base: Base,
    mut packages: Vec<Package>,
    mut tools: Vec<Tool>,
) -> Environment {
    packages.sort();
    for tool in &mut tools {
        tool.packages.sort();
    }
    tools.sort();
    Environment {
        format: FORMAT.to_owned(),
        platform: target.platform.to_string(),
        base,
        mounts: mounts(target),
        packages,
        tools,
    }
}

/// Returns where the top folders of a package's tree go.
fn mounts(target: &Target) -> BTreeMap<String, String> {
    let lib = target.python.lib_name();
    let (site_packages, scripts) = match target.platform.layout() {
        Layout::Posix => (format!("lib/{lib}/site-packages"), "bin"),
        Layout::Windows => ("Lib/site-packages".to_owned(), "Scripts"),
    };
    BTreeMap::from([
        ("data".to_owned(), ".".to_owned()),
        ("headers".to_owned(), format!("include/site/{lib}/{{name}}")),
        ("scripts".to_owned(), scripts.to_owned()),
        ("site-packages".to_owned(), site_packages),
    ])
}
