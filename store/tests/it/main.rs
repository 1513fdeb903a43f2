//! The store as its users see it: entries that are published, linked, compared and repaired.

mod kit;
mod life;
mod update;
