//! The open connections of one shape.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use hyper::client::conn::http2::SendRequest;
use tokio::sync::Notify;

use crate::body::Upload;
use crate::transport::Meter;

/// Servers commonly allow a hundred streams at once; more would wait inside the client, unseen.
const STREAMS: usize = 100;

/// The connections of one shape.
pub(crate) struct Pool {
    pub(super) least: usize,
    pub(super) links: RefCell<Vec<Rc<Link>>>,
    pub(super) opening: Cell<usize>,
    turn: Cell<usize>,
    /// A connection opened, or could not be.
    pub(super) opened: Notify,
}

/// An open connection.
pub(super) struct Link {
    pub(super) sender: RefCell<SendRequest<Upload>>,
    pub(super) meter: Rc<Meter>,
    pub(super) opened: Duration,
    pub(super) carried: Cell<u64>,
    pub(super) streams: Cell<usize>,
}

impl Pool {
    pub(crate) fn new(least: usize) -> Self {
        Self {
            least,
            links: RefCell::default(),
            opening: Cell::new(0),
            turn: Cell::new(0),
            opened: Notify::new(),
        }
    }

    /// A connection with room, by turns; `None` if another is to be opened.
    pub(super) fn pick(&self) -> Option<Rc<Link>> {
        let mut links = self.links.borrow_mut();
        links.retain(|link| !link.sender.borrow().is_closed());
        if links.len() + self.opening.get() < self.least {
            return None;
        }
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        let count = links.len();
        (0..count)
            .map(|i| &links[turn.wrapping_add(i) % count])
            .find(|link| link.streams.get() < STREAMS)
            .cloned()
    }
}
