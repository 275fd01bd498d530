//! What is known of one connection.

use std::sync::Arc;

use segue_core::pod::Protocol;
use tokio::net::TcpStream;

use super::closing::Closing;
use super::half_connection::HalfConnection;
use super::head::Head;
use super::protocol::ProtocolState;
use super::renewal::{Renewal, Upstream};
use crate::registration::Registration;
use crate::table::ConnectionState;
use crate::upstream::Application;

/// One side was reset, or is treated so: the other is too.
pub(super) struct Reset;

/// One client's connection and its counterpart to the application.
pub(super) struct Connection {
    pub(super) registration: Registration,
    /// What the plan says that is spoken on its port.
    pub(super) configured: Protocol,
    pub(super) client: TcpStream,
    pub(super) application: Upstream,
    pub(super) renewal: Renewal,
    pub(super) up: HalfConnection,
    pub(super) down: HalfConnection,
    pub(super) protocol: ProtocolState,
    pub(super) closing: Option<Closing>,
    pub(super) head: Option<Head>,
    /// A write to the application failed: it takes nothing any more.
    pub(super) write_failed: bool,
    /// Something changed that concerns the other direction.
    pub(super) again: bool,
}

impl Connection {
    pub(super) fn new(
        mut registration: Registration,
        client: TcpStream,
        application: TcpStream,
        to: Arc<Application>,
        configured: Protocol,
    ) -> Self {
        let protocol = ProtocolState::of(configured);
        if matches!(protocol, ProtocolState::Bytes) {
            registration.update(ConnectionState::Opaque, 0);
        }
        Self {
            registration,
            configured,
            client,
            application: Upstream::Open(application),
            renewal: Renewal::new(to),
            up: HalfConnection::default(),
            down: HalfConnection::default(),
            protocol,
            closing: None,
            head: None,
            write_failed: false,
            again: false,
        }
    }
}
