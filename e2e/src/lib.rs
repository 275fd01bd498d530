//! Helpers for the tests that hold Segue's promises against real processes under real load.
//!
//! One file per promise in `tests/`. A test makes a [`Place`] (a folder of its own, with the state folder in it),
//! writes a spec there, starts [`Up`] and says what must come [`until`](wait::until) it does. What was started is
//! ended by its pid when the test ends, however it ends.

mod binary;
mod clock;
pub mod place;
pub mod running;
pub mod service;
pub mod status;
pub mod sweep;
pub mod wait;

pub use binary::segue;
pub use place::Place;
pub use running::{Running, Up};
pub use service::{Sample, Service};
pub use status::Status;
