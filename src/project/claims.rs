//! What the store has to say of a project's inputs, so that a machine without network resolves the same.

use std::collections::BTreeSet;

use dht_store::archive::ClaimName;

use super::pep751;
use super::resolve::{ENVIRONMENT, ResolveError, Resolved, input};
use super::spec::Spec;
use crate::env::base;
use crate::env::context::Context;
use crate::env::local_archive;
use crate::env::realise::{WheelInput, wheel_claims};
use crate::env::select::select;
use crate::env::sources::source_claims;
use crate::model::selection::{Selection, Source};

/// Names every claim about the inputs of a project, whether the store knows it or not.
///
/// # Errors
///
/// When the lock cannot be read.
pub fn claims(
    context: &Context<'_>,
    spec: &Spec,
    resolved: &Resolved,
) -> Result<BTreeSet<ClaimName>, ResolveError> {
    let Resolved {
        target,
        interpreter,
        ..
    } = resolved;
    let asked = input(spec, target, interpreter);
    let mut claims = BTreeSet::from([ClaimName::of(ENVIRONMENT, &asked)]);
    claims.extend(base::claims(context, &target.python, target.platform));
    claims.extend(pep751::claims(spec));
    let whole = pep751::whole(context, spec, interpreter)?;
    let selection = select(&whole.lock, target, &whole.request)?;
    let policy = pep751::policy(context, spec);
    let placed = spec.tools.place(spec, target, &policy, selection)?;
    let isolated = placed.tools.into_iter().map(|tool| tool.isolated);
    for selection in std::iter::once(placed.packages).chain(isolated) {
        claims.extend(of_packages(context, resolved, selection)?);
    }
    Ok(claims)
}

fn of_packages(
    context: &Context<'_>,
    resolved: &Resolved,
    selection: Selection,
) -> Result<Vec<ClaimName>, ResolveError> {
    let mut wheels = Vec::new();
    let mut sources = Vec::new();
    for package in selection.packages {
        let direct_url = local_archive::placeless_url(context, &package);
        match package.source {
            Source::Wheel(archive) => wheels.push(WheelInput {
                name: package.name,
                archive,
                direct_url,
            }),
            Source::Sdist { .. } | Source::Git { .. } | Source::Directory { .. } => {
                sources.push(package);
            }
        }
    }
    let Resolved {
        target,
        interpreter,
        ..
    } = resolved;
    let mut claims = wheel_claims(target, &wheels);
    claims.extend(source_claims(context, target, interpreter, &sources)?);
    Ok(claims)
}
