//! Archives: what goes out comes in, and nothing else does.

mod flips;
mod hostile;
mod kit;
mod round;
mod vector;
