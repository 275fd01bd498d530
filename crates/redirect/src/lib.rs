//! Leads what comes from outside for the application's ports to the guard's, in the network namespace of one pod.
//!
//! ```text
//!  client ──▶ pod:8080 ──input──▶ guard :15180 ──loopback──▶ application :8080
//!         ◀── from 8080 ──output──┘
//! ```
//!
//! Two chains of nf_tables write one port over another in each packet: the port that it is for on the way in, the port that it is
//! from on the way out. Nothing is remembered between packets, so there is no table of connections that could fill up, time out or
//! take a packet for a stray one ([why](../../../docs/decisions/0029-a-redirect-remembers-nothing.md)).
//!
//! * [`Redirects`]: which ports, checked.
//! * `rule`: the rules as data, pure. What a packet becomes under them is known without a kernel.
//! * `netlink`: writes them in one transaction, in place of those of before, and reads them back.

mod error;
mod netlink;
mod redirects;
mod rule;

pub use error::Error;
pub use netlink::install;
pub use redirects::{Redirect, Redirects, RedirectsError};
pub use rule::TABLE;
