//! What the kernel knows of TCP connections: for an agent inside a pod that has no guard in front of its application.
//!
//! Two halves, strictly apart:
//!
//! ```text
//!   kernel ──sock_diag (or /proc)──▶ Collector ──Snapshot──▶ Estimator ──Estimate──▶ drain
//!          collecting: I/O, no judgement    estimating: no I/O, no clock
//! ```
//!
//! * [`Collector`] takes a [`Snapshot`] of every TCP socket in the network namespace. It needs no privilege.
//! * [`Estimator`] judges snapshots: what is in flight, when the last application request came, what is merely kept open.
//!
//! One every 200 ms is meant, as long as it takes far less: at 24,000 sockets a snapshot takes 40 ms and its judgement
//! 5 ms (2 µs per socket, most of it in the kernel).
//!
//! # What is invisible
//!
//! Sockets show bytes and times, no requests. So every number is an estimate that errs towards *busy*; where it can't
//! tell it says so, and then only the drain's bounds end a wait.
//!
//! * An answer with a gap longer than `idle_after` (a slow stream, a long poll that sent its head early) looks over.
//! * Kernel times count in ticks (1 to 10 ms). A request that comes in the tick of the answer before it looks answered
//!   with it, once `idle_after` has passed.
//! * A connection that opens and closes between two snapshots leaves a TIME_WAIT socket if this side closed first. If the
//!   client did, only the namespace's counter of passive opens tells, without an address and a port: whatever it
//!   counts that no socket explains is taken as an application request. So does chatter on the pod's other ports.
//! * Several requests on one connection between two snapshots are one arrival. Requests in the last moment of a connection
//!   that is gone in the next snapshot are none: its client needs a new connection, and that is seen.
//! * HTTP/2 and WebSocket frames of any kind, and the rest of a long upload, count as requests.
//! * A client that sends precisely every whole number of seconds, from an address that sends little else, can't be told
//!   from a probe (see [`Estimator`]).

mod collector;
mod estimator;
mod netlink;
mod proc;
mod snapshot;

pub use collector::{CollectError, Collector};
pub use estimator::{Estimate, Estimator, Settings};
pub use snapshot::{Connection, Listener, Snapshot, Source, TcpState, Traffic};
