//! Back to an environment that stood in the project before: assembled from the store, nothing else.

use std::path::{Path, PathBuf};

use dht_store::fs::FsError;
use dht_store::{Depth, Environment, Fingerprint, LinkMode, StoreError};

use super::generations::{GenerationLine, generations};
use super::regenerate::VENV;
use crate::env::assemble::{self, AssembleReport, CreateOptions, Standing, standing};
use crate::env::base;
use crate::env::blueprint::{Blueprint, BlueprintError, Place, target_of};
use crate::env::context::Context;
use crate::env::former::Predecessor;
use crate::env::state::{self, State};
use crate::env::update::{UpdateOptions, update};

/// Why no former environment could be brought back.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// There is none, or it was collected.
    #[error("the store keeps no generation {}of `{}`", number.map(|it| format!("{it} ")).unwrap_or_default(), path.display())]
    None {
        /// Which one was asked for.
        number: Option<u32>,
        /// The environment's folder.
        path: PathBuf,
    },
    /// It stands already.
    #[error("generation {0} stands already")]
    Stands(u32),
    /// Something else stands there.
    #[error("`{}` was not made by dhtl", .0.display())]
    Foreign(PathBuf),
    /// What shall stand could not be told.
    #[error(transparent)]
    Blueprint(#[from] BlueprintError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk refused.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Files of the store are damaged.
    #[error("{0} files of that environment are damaged in the store")]
    Damaged(usize),
}

/// What was brought back.
#[derive(Debug)]
pub struct RolledBack {
    /// Which generation.
    pub generation: GenerationLine,
    /// What was done to the folder.
    pub assembled: AssembleReport,
}

/// Puts the generation with this number in place again, or the one that stood last.
pub fn rollback(
    context: &Context<'_>,
    project: &Path,
    number: Option<u32>,
) -> Result<RolledBack, RollbackError> {
    let store = context.store;
    let folder = project.join(VENV);
    store.enter()?;
    store.ensure_writable()?;
    let _venv = store.lock_name(folder.as_os_str().as_encoded_bytes(), &|_| {})?;
    let lines = generations(store, project)?;
    let chosen = lines.into_iter().find(|line| match number {
        Some(number) => line.generation == number,
        None => !line.current,
    });
    let generation = chosen.ok_or_else(|| RollbackError::None {
        number,
        path: folder.clone(),
    })?;
    if generation.current {
        return Err(RollbackError::Stands(generation.generation));
    }
    let environment =
        store
            .environment(generation.environment)?
            .ok_or_else(|| RollbackError::None {
                number: Some(generation.generation),
                path: folder.clone(),
            })?;
    let work = Work {
        context,
        project,
        folder: &folder,
    };
    let assembled = work.assemble(environment, generation.environment)?;
    if !assembled.damaged.is_empty() {
        return Err(RollbackError::Damaged(assembled.damaged.len()));
    }
    store.hold(&folder, Path::new(state::WITNESS));
    Ok(RolledBack {
        generation,
        assembled,
    })
}

struct Work<'a> {
    context: &'a Context<'a>,
    project: &'a Path,
    folder: &'a Path,
}

impl Work<'_> {
    fn assemble(
        &self,
        environment: Environment,
        fingerprint: Fingerprint,
    ) -> Result<AssembleReport, RollbackError> {
        let (old, link_mode) = match standing(self.folder) {
            Standing::Ours(old) => {
                let mode = old.link_mode;
                (Some(old), mode)
            }
            Standing::Nothing | Standing::Empty | Standing::Broken => (None, LinkMode::Auto),
            Standing::Foreign => return Err(RollbackError::Foreign(self.folder.to_owned())),
        };
        let bytecode = old.as_ref().is_some_and(|old| old.bytecode);
        let prompt = match &old {
            Some(old) => old.prompt.clone(),
            None => {
                let name = self.project.file_name().unwrap_or_default();
                name.to_string_lossy().into_owned()
            }
        };
        let state = State::new(fingerprint, link_mode, bytecode, &prompt);
        let former = old.as_ref().map(|old| old.fingerprint);
        let inside = Path::new(state::WITNESS);
        self.context
            .store
            .set_root(self.folder, fingerprint, former, inside)?;
        let blueprint = self.draw(environment, &state)?;
        let Some(old) = old else {
            return Ok(assemble::create(
                &blueprint,
                &state,
                self.folder,
                CreateOptions {
                    carried: &[],
                    every_byte: false,
                    folders_only: false,
                },
                self.context.progress,
            )?);
        };
        let interrupted = State::interrupted(self.folder);
        let others = [Some(&old), interrupted.as_ref()];
        let former: Vec<Predecessor> = others
            .into_iter()
            .flatten()
            .filter_map(|old| self.predecessor(old))
            .collect();
        // What changes is looked at; of the rest, what was changed by other hands since.
        let depth = match State::written_at(self.folder) {
            Some(since) if interrupted.is_none() && former.len() == 1 => Depth::Quick { since },
            _ => Depth::Stat,
        };
        let options = UpdateOptions {
            depth,
            former: &former,
            remove_added: false,
            dry_run: false,
            rewrite_state: true,
        };
        Ok(update(&blueprint, &state, self.folder, options)?)
    }

    fn predecessor(&self, old: &State) -> Option<Predecessor> {
        let environment = self.context.store.environment(old.fingerprint).ok()??;
        let gone = self.draw(environment.clone(), old).ok()?;
        Some(Predecessor { environment, gone })
    }

    fn draw(&self, environment: Environment, state: &State) -> Result<Blueprint, BlueprintError> {
        let target = target_of(&environment)?;
        let program = base::program_of(self.context, &environment.base, &target);
        let place = Place {
            project: self.project,
            environment: self.folder,
            interpreter: &program,
            bytecode: state.bytecode,
            prompt: &state.prompt,
        };
        Blueprint::draw(self.context.store, environment, place)
    }
}
