//! The probe against servers that misbehave, each in one known way.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod chaos;
mod drops;
mod honesty;
mod http2;
mod kept;
mod ledger;
mod load;
mod plot;
mod server;
mod tls;
mod websocket;
