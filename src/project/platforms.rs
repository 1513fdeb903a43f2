//! The same project on several platforms, computed on one machine: what a platform lacks is named,
//! and keeps none of the others from being computed.

use dht_store::Fingerprint;
use schemars::JsonSchema;
use serde::Serialize;

use super::expectation::inputs_mark;
use super::resolve::{self, ResolveError, Resolved};
use super::spec::Spec;
use crate::env::context::Context;
use crate::env::select::SelectError;
use crate::env::sources::SourceError;
use crate::model::asked::Mark;
use crate::model::platform::Platform;

/// A platform whose environment could not be computed, and everything that is missing for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lacking {
    /// The platform.
    pub platform: Platform,
    /// What is missing, or what went wrong.
    pub problems: Vec<String>,
}

/// The environment of a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Computed {
    /// The platform.
    pub platform: Platform,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// How many packages it has.
    pub packages: usize,
    /// The mark of its packages that do not lie in the project.
    pub inputs: Mark,
}

/// Computes what the project is on each of `platforms`, in their order.
pub fn compute(
    context: &Context<'_>,
    spec: &Spec,
    platforms: &[Platform],
) -> (Vec<Computed>, Vec<Lacking>) {
    let (mut computed, mut lacking) = (Vec::new(), Vec::new());
    for &platform in platforms {
        match resolve::resolve(context, spec, platform, false) {
            Ok(resolved) => computed.push(found(platform, &resolved)),
            Err(error) => lacking.push(Lacking {
                platform,
                problems: problems(context, spec, platform, &error),
            }),
        }
    }
    (computed, lacking)
}

fn found(platform: Platform, resolved: &Resolved) -> Computed {
    Computed {
        platform,
        fingerprint: resolved.fingerprint,
        packages: resolved.environment.packages.len(),
        inputs: inputs_mark(&resolved.environment),
    }
}

fn problems(
    context: &Context<'_>,
    spec: &Spec,
    platform: Platform,
    error: &ResolveError,
) -> Vec<String> {
    let mut told = each(error);
    if let ResolveError::Base(_) = error {
        // Without a Python it can still be told which packages have nothing for the platform.
        if let Err(error) = resolve::check_selection(context, spec, platform) {
            let is_new = |problem: &String| !told.contains(problem);
            let more: Vec<String> = each(&error).into_iter().filter(is_new).collect();
            told.extend(more);
        }
    }
    told
}

/// Returns each package's problem by itself, where there are several.
fn each(error: &ResolveError) -> Vec<String> {
    match error {
        ResolveError::Select(SelectError::NoFiles(missing)) => {
            missing.iter().map(ToString::to_string).collect()
        }
        ResolveError::Source(SourceError::Foreign { packages, platform }) => packages
            .iter()
            .map(|package| SourceError::foreign(package, *platform))
            .collect(),
        other => vec![chain(other)],
    }
}

/// Returns an error with all its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
