//! An honest load: requests sent by a schedule, each by one attempt, and the fate of every one of them.
//!
//! ```text
//!   Load ──start──▶ Probe ──wait──▶ Report ──▶ JSON, summary, plot
//!                   ▲   │
//!             Marker╯   ╰▶ Progress
//! ```
//!
//! What makes it honest:
//! - **Open loop.** Requests leave when the schedule says so, whatever became of those before. Latency counts from
//!   the planned time. The planned and the actual time are both kept; a run that was late itself is invalid.
//! - **No second try.** One request is one attempt. The only thing that any client does and this one does too: a kept
//!   connection that the server is seen to have closed *before* anything of the request was written on it is left,
//!   and another one is used. That is counted ([`Ledger::found_closed`]).
//! - **One fate each.** Every request ends as ok or as exactly one [`Kind`] of drop, in the [`Ledger`].
//! - **Own health.** What was planned and could not be sent is told apart, and makes the run invalid.

mod addresses;
mod body;
mod classify;
mod clock;
mod csv;
mod deadline;
mod fate;
mod http1;
mod http2;
mod job;
mod json;
mod ledger;
mod load;
mod marks;
pub mod plot;
mod report;
mod run;
mod schedule;
mod shape;
mod target;
mod timeline;
mod tls;
mod transport;
mod websocket;
mod work;
mod worker;

pub use clock::Clock;
pub use fate::{Fate, Kind, Unsent};
pub use json::Json;
pub use ledger::{ConnectionUse, End, Ledger, Record, ShapeCounts, Ticket, UNKNOWN};
pub use load::{Connections, Expect, Load, LoadError, Protocol, Shape, Trust};
pub use marks::{Mark, MarkKind, Marker};
pub use report::{DropWindow, Report};
pub use run::{Probe, Progress, RunError, Stopper, run, start};
pub use target::{Target, TargetError};
pub use timeline::{Coarse, Slot, Timeline};
pub use tls::TlsError;
