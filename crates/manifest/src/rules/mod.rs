//! Rules that find. Each is a function over a workload joined with what concerns it and the few settings that it needs; what it yields
//! are [`Finding`]s, and no text is touched. `inject` applies the edits of what was found, in the order in which it was found.
//!
//! ```text
//!  stop_hook ──▶ sleeps     grace     strategy     environment ──▶ mesh     scrapers
//!        └──────────────────┴────▶ finding ◀┴───────────┴──────────────────────┘
//! ```

pub(crate) mod environment;
mod finding;
pub(crate) mod grace;
pub(crate) mod mesh;
pub(crate) mod scrapers;
mod sleeps;
pub(crate) mod stop_hook;
pub(crate) mod strategy;

pub use crate::notes::{Origin, Rule};
pub use finding::{Change, Finding, Severity};

#[cfg(test)]
mod tests;
