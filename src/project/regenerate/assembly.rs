//! The environment's folder is made anew, or changed from what stood there before.

use std::collections::BTreeSet;
use std::path::PathBuf;

use dht_store::fs::FsError;
use dht_store::{Depth, Environment};

use super::{RegenerateError, Work};
use crate::env::assemble::{self, AssembleReport, CreateOptions, Standing};
use crate::env::base::Interpreter;
use crate::env::blueprint::{Blueprint, Place};
use crate::env::former::Predecessor;
use crate::env::state::State;
use crate::env::update::{self, UpdateOptions};
use crate::project::resolve::Resolved;

impl Work<'_> {
    pub(super) fn draw(
        &self,
        environment: &Environment,
        interpreter: &Interpreter,
    ) -> Result<Blueprint, RegenerateError> {
        let place = Place {
            project: &self.spec.root.folder,
            environment: &self.folder,
            interpreter: &interpreter.program,
            bytecode: self.bytecode,
            prompt: &self.spec.prompt(),
        };
        Ok(Blueprint::draw(
            self.context.store,
            environment.clone(),
            place,
        )?)
    }

    pub(super) fn assemble(
        &self,
        blueprint: &Blueprint,
        resolved: &Resolved,
    ) -> Result<(State, AssembleReport, bool), RegenerateError> {
        let state = self.state(resolved);
        let progress = self.context.progress;
        match &self.standing {
            Standing::Ours(old) if old.link_mode == state.link_mode => {
                let report = self.update(blueprint, &state, old, &resolved.interpreter)?;
                Ok((state, report, false))
            }
            _ if self.options.dry_run => {
                let report = AssembleReport::default();
                Ok((state, report, true))
            }
            Standing::Empty => {
                let options = UpdateOptions {
                    depth: Depth::Stat,
                    former: &[],
                    remove_added: false,
                    dry_run: false,
                    rewrite_state: true,
                };
                let report = update::update(blueprint, &state, &self.folder, options)?;
                Ok((state, report, true))
            }
            Standing::Nothing | Standing::Broken | Standing::Foreign | Standing::Ours(_) => {
                let carried = self.carried(&resolved.interpreter)?;
                let options = CreateOptions {
                    carried: &carried,
                    every_byte: self.options.deep,
                    folders_only: self.options.quick,
                };
                let report = assemble::create(blueprint, &state, &self.folder, options, progress)?;
                Ok((state, report, true))
            }
        }
    }

    /// Returns what the user added to the environment that is made anew, and keeps.
    fn carried(&self, interpreter: &Interpreter) -> Result<Vec<PathBuf>, FsError> {
        let Standing::Ours(old) = &self.standing else {
            return Ok(Vec::new());
        };
        if self.options.remove_added {
            return Ok(Vec::new());
        }
        let interrupted = State::interrupted(&self.folder);
        let former: Vec<Predecessor> = [Some(old), interrupted.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(|former| self.predecessor(former, None, interpreter))
            .collect();
        assemble::added(&former, old.link_mode, &self.folder)
    }

    fn update(
        &self,
        blueprint: &Blueprint,
        state: &State,
        old: &State,
        interpreter: &Interpreter,
    ) -> Result<AssembleReport, RegenerateError> {
        let interrupted = State::interrupted(&self.folder);
        let others: Vec<&State> = [Some(old), interrupted.as_ref()]
            .into_iter()
            .flatten()
            .filter(|former| former.fingerprint != state.fingerprint)
            .collect();
        let follows = (old.bytecode == state.bytecode).then_some(&blueprint.environment);
        let former: Vec<Predecessor> = others
            .iter()
            .filter_map(|former| self.predecessor(former, follows, interpreter))
            .collect();
        let is_told = interrupted.is_none() && follows.is_some() && former.len() == others.len();
        let depth = match State::written_at(&self.folder) {
            Some(since) if self.options.quick && is_told => Depth::Quick { since },
            _ if self.options.deep => Depth::Deep,
            _ => Depth::Stat,
        };
        let options = UpdateOptions {
            depth,
            former: &former,
            remove_added: self.options.remove_added,
            dry_run: self.options.dry_run,
            rewrite_state: old != state,
        };
        Ok(update::update(blueprint, state, &self.folder, options)?)
    }

    /// Draws what stood there before; what can no longer be told is left alone. Of one that is followed
    /// by an environment of the same base, only what is no part of that one is drawn.
    ///
    /// The interpreter decides no path, so that of today serves.
    fn predecessor(
        &self,
        old: &State,
        follows: Option<&Environment>,
        interpreter: &Interpreter,
    ) -> Option<Predecessor> {
        let environment = self.context.store.environment(old.fingerprint).ok()??;
        let mut gone = environment.clone();
        if let Some(new) = follows
            && (&new.base, &new.mounts) == (&gone.base, &gone.mounts)
        {
            let kept: BTreeSet<_> = new.packages.iter().collect();
            gone.packages.retain(|package| !kept.contains(package));
            gone.tools.retain(|tool| !new.tools.contains(tool));
        }
        let place = Place {
            project: &self.spec.root.folder,
            environment: &self.folder,
            interpreter: &interpreter.program,
            bytecode: old.bytecode,
            prompt: &old.prompt,
        };
        let gone = Blueprint::draw(self.context.store, gone, place).ok()?;
        Some(Predecessor { environment, gone })
    }
}
