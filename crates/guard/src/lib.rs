//! The transparent splice in front of one application.
//!
//! ```text
//!   client ──────▶ guard's port ──── one connection each ────▶ application's port
//!            bytes pass as they are; the guard sees where messages end
//! ```
//!
//! It counts what is in flight, and when a drain begins it makes clients leave: answers say `Connection: close`,
//! HTTP/2 gets GOAWAY twice, a WebSocket gets a close frame, and idle connections are closed last. It never pools or
//! invents an answer, and sends again only what the application has provably not taken; how a connection ends on one
//! side, it ends on the other, but for an HTTP/1 client between two messages, which is kept outside a drain.
//!
//! - [`bind`] takes all ports or none; [`Bound::serve`] starts, and gives a [`Guard`] to steer by.
//! - [`Guard::snapshot`] is what a drain wants to know; [`Guard::announce`], [`Guard::close_idle`] and [`Guard::cut`]
//!   are its steps, [`Guard::open`] takes the drain back.

mod buffer;
mod clock;
mod connection;
mod guard;
mod idle;
mod limits;
mod listener;
mod lock;
mod places;
mod registration;
mod settings;
mod shared;
mod snapshot;
#[cfg(test)]
mod support;
mod table;
mod upstream;

pub use guard::Guard;
pub use listener::{BindError, Bound, bind, listen};
pub use settings::Settings;
pub use snapshot::{Counters, Snapshot};
