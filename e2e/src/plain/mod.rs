//! Plain Kubernetes on the real cluster: an application, rolled under load, and what became of every request.
//!
//! ```text
//!  Setup ──▶ objects ──▶ Recipe ──▶ Deployed ──▶ Clients start ──▶ roll ──▶ Clients end ──▶ Outcome
//!                                      └── Watch (pods), AgentLogs, Scraper all along ───────────┘
//! ```
//!
//! [`run`](scenario::run) does the whole of it; tests of faults put the parts together themselves.

pub mod agents;
pub mod client;
pub mod clients;
pub mod deployed;
mod hosts;
pub mod ledger;
pub mod namespace;
pub mod objects;
pub mod outcome;
pub mod route;
pub mod scenario;
pub mod scraper;
pub mod setup;
pub mod stall;
pub mod watch;
mod yaml;

pub use agents::{AgentLogs, LastPicture};
pub use client::{Client, Place};
pub use clients::Clients;
pub use deployed::Deployed;
pub use ledger::{Ledger, seconds_since_1970};
pub use namespace::Network;
pub use outcome::{Outcome, Removal};
pub use scenario::{Scenario, replace, run};
pub use scraper::Scraper;
pub use setup::{Entry, Kind, Recipe, Setup, ShutdownBehaviour};
pub use stall::Stall;
pub use watch::{Sight, Watch};
