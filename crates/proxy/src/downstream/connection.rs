//! What the requests of one client connection share, and whether its client is still there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::net::TcpStream;

use super::notes::Notes;
use super::places::Place;
use super::socket::{Client, Socket};
use crate::operation::{Operation, Phase};
use crate::registry::Registered;
use crate::request::Origin;
use crate::shared::Shared;

/// What the requests of one client connection share.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    /// The worker that serves it.
    pub(crate) worker: u64,
    pub(crate) socket: Socket,
    pub(crate) origin: Origin,
    pub(crate) notes: Arc<Notes>,
    pub(super) operation: Arc<Operation>,
    _registered: Registered,
    _place: Place,
}

impl Connection {
    pub(super) fn new(place: Place, worker: u64, stream: TcpStream, peer: SocketAddr) -> Connection {
        let shared = place.shared().clone();
        let operation = Arc::new(Operation::new(Phase::Parked));
        Connection {
            worker,
            socket: Socket::new(stream),
            origin: Origin {
                client: peer.ip().to_canonical().to_string(),
                scheme: if shared.config.tls.is_some() { "https" } else { "http" },
                trust_forwarded: shared.config.trust_forwarded,
            },
            notes: Arc::default(),
            _registered: shared.registry.register(operation.clone()),
            _place: place,
            operation,
            shared,
        }
    }

    pub(crate) fn operation(&self) -> &Arc<Operation> {
        &self.operation
    }
}

/// Whether an HTTP/1 client has reset its connection. hyper looks after HTTP/2 and after a body that it reads.
pub(crate) fn poll_gone(
    connection: &Connection,
    body_read: bool,
    watch: &mut bool,
    context: &mut Context<'_>,
) -> bool {
    if !*watch || !body_read || connection.operation.phase().is_http2() {
        return false;
    }
    match connection.socket.poll_client(context) {
        Poll::Pending => false,
        Poll::Ready(Client::Gone) => true,
        // It sent its next request, or closed its sending side: either way it waits for this answer.
        Poll::Ready(Client::Waits) => {
            *watch = false;
            false
        }
    }
}

/// The connection ends without an answer: nobody is there to read one.
#[derive(Debug, thiserror::Error)]
#[error("the client is gone")]
pub(crate) struct ClientGone;
