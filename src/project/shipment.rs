//! What travels from one machine to another: everything that `regenerate --offline` needs there.

use std::collections::{BTreeMap, BTreeSet};

use dht_store::archive::{ArchiveError, Wanted};
use dht_store::format::realisation::Realised;
use dht_store::{Base, Environment, Fingerprint, RealisationKind, Store, StoreError};

use super::resolve::{self, ResolveError};
use super::spec::Spec;
use super::{claims, pep751, resolve::ENVIRONMENT};
use crate::env::base::{PYTHON, SERVED};
use crate::env::blueprint::bytecode_label;
use crate::env::context::Context;
use crate::env::realise::WHEEL;
use crate::env::sources::BUILT;
use crate::env::uv::{UvSetupError, keep_pinned};
use crate::model::platform::Platform;

/// The kinds of claims that travel. One about a program of the machine (`python-external`) never
/// does, and whatever it says in a foreign archive, nobody listens.
const KINDS: [RealisationKind; 7] = [
    BUILT,
    ENVIRONMENT,
    pep751::EXPORT,
    pep751::LOCATED,
    PYTHON,
    SERVED,
    WHEEL,
];

/// What goes along with environments.
#[derive(Debug, Clone, Copy)]
pub struct Extras {
    /// The bytecode that the store has for them.
    pub bytecode: bool,
    /// uv, for each platform.
    pub uv: bool,
}

/// What travels.
#[derive(Debug, Default)]
pub struct Shipment {
    /// Its parts.
    pub wanted: Wanted,
    /// The environments, each with its platform.
    pub environments: BTreeMap<Fingerprint, String>,
    /// Environments that were left out, with the reason.
    pub left_out: Vec<(Fingerprint, String)>,
}

/// Why something cannot travel.
#[derive(Debug, thiserror::Error)]
pub enum ShipmentError {
    /// The environment could not be resolved.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// uv could not be had.
    #[error("could not take uv for {platform} along")]
    Uv {
        /// The platform.
        platform: Platform,
        /// What is missing.
        source: UvSetupError,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive could not be written, or is refused.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Returns the kinds of claims that are taken from an archive.
pub fn kinds() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.0).collect()
}

/// Packs what a project asks for on some platforms. What the store does not have is brought in.
///
/// # Errors
///
/// When an environment cannot be resolved, or its Python is outside of the store.
pub fn of_project(
    context: &Context<'_>,
    spec: &Spec,
    platforms: &BTreeSet<Platform>,
    extras: Extras,
) -> Result<Shipment, ShipmentError> {
    let mut shipment = Shipment::default();
    for platform in platforms.iter().copied() {
        let resolved = resolve::resolve(context, spec, platform, false)?;
        if matches!(resolved.environment.base, Base::External { .. }) {
            return Err(ArchiveError::External(resolved.fingerprint).into());
        }
        let claims = claims::claims(context, spec, &resolved)?;
        shipment.wanted.claims.extend(claims);
        shipment.add(resolved.fingerprint, &resolved.environment, extras);
        if extras.uv {
            let kept = keep_pinned(context, platform);
            let (_, claims) = kept.map_err(|source| ShipmentError::Uv { platform, source })?;
            shipment.wanted.claims.extend(claims);
        }
    }
    Ok(shipment)
}

/// Packs one environment that the store knows, and what the store knows of it.
///
/// # Errors
///
/// When the store does not know it.
pub fn of_environment(
    store: &Store,
    fingerprint: Fingerprint,
    extras: Extras,
) -> Result<Shipment, ShipmentError> {
    let environment = known(store, fingerprint)?;
    let entries: BTreeSet<_> = environment.entries().collect();
    let mut shipment = Shipment::default();
    for kind in KINDS {
        for name in store.claims(kind.0)? {
            let belongs = match store.claim(&name) {
                Some(Realised::Entry(entry)) => entries.contains(&entry),
                Some(Realised::Environment(found)) => found == fingerprint,
                Some(Realised::Text(_)) | None => false,
            };
            if belongs {
                shipment.wanted.claims.insert(name);
            }
        }
    }
    shipment.add(fingerprint, &environment, extras);
    Ok(shipment)
}

/// Packs every environment of the store that is whole, and everything that the store remembers.
///
/// # Errors
///
/// When the store cannot be read.
pub fn of_store(store: &Store, extras: Extras) -> Result<Shipment, ShipmentError> {
    let mut shipment = Shipment::default();
    for fingerprint in store.known_environments()? {
        let environment = known(store, fingerprint)?;
        let missing = environment.entries().find(|entry| !store.has_entry(entry));
        match (&environment.base, missing) {
            (Base::External { .. }, _) => {
                let reason = "its Python is outside of the store".to_owned();
                shipment.left_out.push((fingerprint, reason));
            }
            (Base::Entry(_), Some(entry)) => {
                let reason = format!("the store lacks `{} {}`", entry.name, entry.version);
                shipment.left_out.push((fingerprint, reason));
            }
            (Base::Entry(_), None) => shipment.add(fingerprint, &environment, extras),
        }
    }
    for kind in KINDS {
        for name in store.claims(kind.0)? {
            let belongs = match store.claim(&name) {
                Some(Realised::Environment(found)) => shipment.environments.contains_key(&found),
                Some(Realised::Entry(_) | Realised::Text(_)) => true,
                None => false,
            };
            if belongs {
                shipment.wanted.claims.insert(name);
            }
        }
    }
    Ok(shipment)
}

impl Shipment {
    fn add(&mut self, fingerprint: Fingerprint, environment: &Environment, extras: Extras) {
        self.wanted.environments.insert(fingerprint);
        let platform = environment.platform.clone();
        self.environments.insert(fingerprint, platform);
        if extras.bytecode {
            let label = bytecode_label(&environment.base);
            let entries = environment.entries();
            let supplements = entries.map(|entry| (entry, label.clone()));
            self.wanted.supplements.extend(supplements);
        }
    }

    /// Leaves out what a store has that holds this environment.
    ///
    /// # Errors
    ///
    /// When the store does not know it.
    pub fn since(&mut self, store: &Store, fingerprint: Fingerprint) -> Result<(), ShipmentError> {
        self.wanted.had.extend(known(store, fingerprint)?.entries());
        Ok(())
    }
}

fn known(store: &Store, fingerprint: Fingerprint) -> Result<Environment, ShipmentError> {
    let environment = store.environment(fingerprint)?;
    Ok(environment.ok_or(ArchiveError::NoEnvironment(fingerprint))?)
}
