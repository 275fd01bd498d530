//! The guard against real sockets: one promise per module.
#![expect(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod support;

mod counts;
mod faults;
mod heads;
mod http2;
mod keeps;
mod limits;
mod passes;
mod random;
mod says_close;
mod smuggling;
mod upgrades;
