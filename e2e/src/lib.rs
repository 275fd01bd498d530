//! Helpers for the tests that hold Segue's promises against real processes under real load.
//!
//! One file per promise in `tests/`. A test makes a [`Place`] (a folder of its own, with the state folder in it),
//! writes a spec there, starts [`Up`] and says what must come [`until`](wait::until) it does. What was started is
//! found by the place's mark in its environment and ended when the test ends, however it ends.

mod binary;
pub mod carried;
pub mod client;
mod clock;
mod overloaded;
pub mod place;
pub mod plain;
pub mod pressure;
pub mod processes;
pub mod running;
pub mod service;
pub mod status;
mod up;
pub mod wait;

pub use binary::segue;
pub use carried::under_load;
pub use client::Client;
pub use place::Place;
pub use pressure::{Pressure, Told};
pub use processes::{Process, Role};
pub use running::Running;
pub use service::{Sample, Service};
pub use status::Status;
pub use up::Up;
