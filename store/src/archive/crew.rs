//! Threads that stage runs, each as soon as one is free.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::ArchiveError;
use super::frame::FrameReader;
use super::layout::Part;
use super::passage::{Job, JobFrames, check_end};
use super::run::{Frames, RunReader};
use super::source::{buffered, next_frame};
use super::work;
use crate::format::environment::EntryRef;
use crate::stage::{ReadyEntry, Transaction};

/// Trees that are complete.
#[derive(Default)]
pub(crate) struct Ready {
    /// Entries.
    pub entries: Vec<ReadyEntry>,
    /// Derived files, by label.
    pub supplements: BTreeMap<String, Vec<(EntryRef, ReadyEntry)>>,
}

/// The threads, and what they work on.
#[derive(Clone, Copy)]
pub(crate) struct Crew<'a, 'store> {
    /// Where trees are staged.
    pub transaction: &'a Transaction<'store>,
    /// Hears how many bytes of tar were staged.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl Crew<'_, '_> {
    /// Runs `produce` here and what it hands out on other threads.
    pub(crate) fn work<'h>(
        &self,
        file: Option<&File>,
        produce: impl FnOnce(&SyncSender<Job<'h>>) -> Result<(), ArchiveError>,
    ) -> Result<Ready, ArchiveError> {
        let ready: Mutex<Ready> = Mutex::default();
        let failed: Mutex<Option<ArchiveError>> = Mutex::default();
        let produced = std::thread::scope(|scope| {
            let (jobs, queue) = sync_channel::<Job<'h>>(1);
            let queue = Arc::new(Mutex::new(queue));
            for _ in 0..rayon::current_num_threads() {
                let queue = Arc::clone(&queue);
                let (ready, failed) = (&ready, &failed);
                scope.spawn(move || {
                    loop {
                        let job = lock(&queue).recv();
                        let Ok(job) = job else { return };
                        if lock(failed).is_some() {
                            return;
                        }
                        if let Err(error) = self.stage(file, job, ready) {
                            lock(failed).get_or_insert(error);
                            return;
                        }
                    }
                });
            }
            // When the last thread has failed, whoever hands out learns it from the closed queue.
            drop(queue);
            produce(&jobs)
        });
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        match (failed, produced) {
            // A thread that waits for frames fails too when they cannot be read.
            (_, Err(error)) | (Some(error), Ok(())) => Err(error),
            (None, Ok(())) => Ok(ready.into_inner().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    fn stage(
        &self,
        file: Option<&File>,
        job: Job<'_>,
        ready: &Mutex<Ready>,
    ) -> Result<(), ArchiveError> {
        let gone = || ArchiveError::Truncated("its content".to_owned());
        match (job.frames, file) {
            (JobFrames::Stream(frames), _) => {
                let mut next = |frame: &mut Vec<u8>| {
                    let (bytes, content) = frames.recv().map_err(|_| gone())?;
                    *frame = bytes;
                    Ok(content)
                };
                self.stage_run(job.part, &mut next, ready)
            }
            (JobFrames::File(span), Some(file)) => {
                let mut reader = FrameReader::new(buffered(file, span.offset), span.offset);
                let mut next = |frame: &mut Vec<u8>| next_frame(&mut reader, frame);
                self.stage_run(job.part, &mut next, ready)?;
                check_end(reader.offset(), span)
            }
            (JobFrames::File(_), None) => Err(gone()),
        }
    }

    fn stage_run(
        &self,
        part: Part<'_>,
        frames: &mut Frames<'_>,
        ready: &Mutex<Ready>,
    ) -> Result<(), ArchiveError> {
        let run = RunReader::new(frames, Some(part.size()))?;
        match part {
            Part::Entry(part) => {
                let staged = work::entry(self.transaction, part, run)?;
                lock(ready).entries.push(staged);
            }
            Part::Supplement(part) => {
                let staged = work::supplement(self.transaction, part, run)?;
                let mut ready = lock(ready);
                let of_label = ready.supplements.entry(part.label.clone()).or_default();
                of_label.push((part.entry.clone(), staged));
            }
            Part::Documents { .. } | Part::End => {}
        }
        (self.progress)(part.size());
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
