//! Snapshots of real sockets on the loopback of this machine: what the kernel really says, and that it takes no privilege.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod agreement;
mod clock;
mod judged;
mod many;
mod pair;
mod states;
mod unprivileged;
