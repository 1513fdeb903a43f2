//! What may go wrong: files that are changed by hand, runs that are killed, machines that refuse.
//!
//! Everything runs the real program on small wheels, without a network. Tests that loop are `slow`.

mod asked;
mod collected;
mod drift;
mod killed;
mod locks;
mod machine;
mod mutations;
mod strange;
mod world;

pub use world::{MODES, World};
