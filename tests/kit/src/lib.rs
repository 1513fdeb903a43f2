//! What the tests stand on. Nothing here is shipped, and nothing here knows how `dhtl` works inside.
//!
//! - [`sandbox`]: a home, a temporary folder and a work folder of a test's own; programs run there with a cleared environment.
//! - [`run`]: one program started there; without a network, or as another user, when the test wants that.
//! - [`host`]: what the host has.
//! - [`output`]: what a program printed, with assertions that show it when they fail.
//! - [`project`]: small projects, file by file.
//! - [`snapshot`]: what a folder holds (modes, sizes, hashes, links), and what differs between two moments.
//! - [`normalise`]: output without the paths, ids and times that differ from run to run.
//! - [`index`]: a package index on the loopback address that serves a folder of wheels.
//! - [`python_mirror`]: Python builds of this host, served as uv's builds are.
//! - [`server`]: a web server that fails on request: resets, stalls, lies, redirects.
//! - [`wheel`], [`zip`]: small wheels, and zip files with every lie that a test may want to tell.
#![expect(
    clippy::disallowed_methods,
    reason = "tests start real programs and read which host they run on; the rule guards the product"
)]

pub mod host;
pub mod index;
pub mod normalise;
pub mod output;
pub mod project;
pub mod python_mirror;
pub mod run;
pub mod sandbox;
pub mod server;
pub mod snapshot;
pub mod wheel;
pub mod zip;

pub use index::LoopbackIndex;
pub use output::Output;
pub use project::ProjectBuilder;
pub use python_mirror::PythonMirror;
pub use run::Run;
pub use sandbox::Sandbox;
pub use server::{Asked, FaultServer, Identity, Reply};
pub use snapshot::Snapshot;
pub use wheel::WheelBuilder;
