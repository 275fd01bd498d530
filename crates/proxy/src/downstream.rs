//! The side of the clients: accepting, finding out what a connection speaks, and serving it.

mod accept;
mod connection;
mod frames;
mod head;
mod intake;
mod notes;
mod places;
mod serve;
mod session;
mod socket;
mod streams;
mod tracked;

pub(crate) use accept::{Accepted, accept, take};
pub(crate) use connection::{ClientGone, Connection, poll_gone};
pub(crate) use session::{Budget, Held, Room, Stream};
pub(crate) use socket::Socket;
