//! The map of `dhtl`: which room holds what.
//!
//! - [`model`]: pure values (platforms, packages, locks, configuration); no I/O.
//! - [`python`]: what Python's formats mean: wheels, `RECORD`, launchers, interpreters, virtual environments.
//! - [`tools`]: programs that `dhtl` drives; the one place that starts processes.
//! - [`mod@env`]: the pipeline from a lock to a verified environment.
//! - [`project`]: the use-cases, each a sequence of steps over a project.
//! - [`report`]: what commands tell, for people and as JSON.
//! - [`ui`]: everything that a person reads.
//! - [`cli`]: arguments, dispatch, exit codes and hints.

pub mod cli;
pub mod env;
pub mod model;
pub mod project;
pub mod python;
pub mod report;
pub mod tools;
pub mod ui;
