//! What the project says of wheels and source archives, applied to a lock: uv's `no-binary` and
//! `no-build`. Pure.

use std::collections::BTreeSet;

use uv_normalize::PackageName;

use super::{PackageSource, Pylock};

/// Which packages may come as wheels, and which may be built (`tool.uv.no-binary`,
/// `no-binary-package`, `no-build`, `no-build-package`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BinaryPolicy {
    /// No package comes as a wheel.
    pub no_binary: bool,
    /// These do not.
    pub no_binary_packages: BTreeSet<PackageName>,
    /// No package of an index is built.
    pub no_build: bool,
    /// These are not.
    pub no_build_packages: BTreeSet<PackageName>,
}

impl Pylock {
    /// Leaves out the files that the policy forbids. A package may have none left, which matters
    /// only where it is selected.
    pub fn restrict(&mut self, policy: &BinaryPolicy) {
        for package in &mut self.packages {
            let PackageSource::Files { sdist, wheels } = &mut package.source else {
                continue;
            };
            if policy.no_binary || policy.no_binary_packages.contains(&package.name) {
                wheels.clear();
            }
            if policy.no_build || policy.no_build_packages.contains(&package.name) {
                *sdist = None;
            }
        }
    }
}
