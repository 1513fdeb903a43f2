//! From pins to PEP 751: indexes are asked, once, where the files of a lock are.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::context::Context;
use super::fetch::FetchError;
use crate::model::pins::{self, LocateError, Offers, Pins, Question, Written};

/// How many pages are asked for at once.
const CONNECTIONS: usize = 16;

/// The files of a lock could not be found.
#[derive(Debug, thiserror::Error)]
pub enum LocatePinsError {
    /// An index gave no answer.
    #[error("could not ask `{index}` for the files of `{package}`")]
    Fetch {
        /// The index.
        index: String,
        /// The package.
        package: String,
        /// What went wrong.
        source: Box<FetchError>,
    },
    /// An index does not have them.
    #[error(transparent)]
    Locate(#[from] LocateError),
}

/// Asks the indexes for the files of `pins`, and writes them as a `pylock.toml`.
///
/// # Errors
///
/// When an index gives no answer, or none has a file that the lock means.
pub fn locate(context: &Context<'_>, pins: &Pins) -> Result<Written, LocatePinsError> {
    let questions: Vec<Question> = pins::questions(pins).into_iter().collect();
    let offers = Mutex::new(Offers::new());
    let failure: Mutex<Option<LocatePinsError>> = Mutex::new(None);
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let ask = || {
        while !stop.load(Ordering::Relaxed) {
            let Some(question) = questions.get(next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            match context.fetcher.offers(&question.0, &question.1) {
                Ok(files) => {
                    let mut offers = offers.lock().unwrap_or_else(PoisonError::into_inner);
                    offers.insert(question.clone(), files);
                }
                Err(source) => {
                    stop.store(true, Ordering::Relaxed);
                    let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                    failure.get_or_insert(LocatePinsError::Fetch {
                        index: question.0.to_string(),
                        package: question.1.to_string(),
                        source: Box::new(source),
                    });
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS.min(questions.len()) {
            scope.spawn(ask);
        }
    });
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let offers = offers.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(pins::pylock_text(pins, &offers)?)
}
