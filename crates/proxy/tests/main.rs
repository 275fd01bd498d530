//! The proxy against real sockets: one promise per module.
#![expect(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod support;

mod breaks_off;
mod clients_misbehave;
mod cuts;
mod docs;
mod drains;
mod expects;
mod floods;
mod half_requests;
mod headers;
mod http2;
mod http2_instances;
mod instances_misbehave;
mod keeps_connections;
mod limits;
mod makes_room;
mod memory;
mod passes_through;
mod reasons;
mod refuses_smuggling;
mod tls;
mod upgrades;
mod withdraws;
