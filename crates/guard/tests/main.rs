//! The guard against real sockets: one promise per module.
#![expect(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod support;

mod counts;
mod http2;
mod passes;
mod says_close;
mod upgrades;
