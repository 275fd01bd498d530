//! What is known of one connection.

use std::sync::Arc;

use segue_core::pod::Protocol;
use tokio::net::TcpStream;

use super::closing::Closing;
use super::head::Head;
use super::lane::Lane;
use super::renewal::{Renewal, Upstream};
use super::speech::Speech;
use crate::held::Held;
use crate::table::Stand;
use crate::upstream::Application;

/// One side was reset, or is treated so: the other is too.
pub(super) struct Reset;

/// One client's connection and its counterpart to the application.
pub(super) struct Connection {
    pub(super) held: Held,
    pub(super) protocol: Protocol,
    pub(super) client: TcpStream,
    pub(super) application: Upstream,
    pub(super) renewal: Renewal,
    pub(super) up: Lane,
    pub(super) down: Lane,
    pub(super) speech: Speech,
    pub(super) closing: Option<Closing>,
    pub(super) head: Option<Head>,
    /// The application takes nothing any more.
    pub(super) is_deaf: bool,
    /// Something changed that concerns the other direction.
    pub(super) again: bool,
}

impl Connection {
    pub(super) fn new(
        mut held: Held,
        client: TcpStream,
        application: TcpStream,
        to: Arc<Application>,
        protocol: Protocol,
    ) -> Self {
        let speech = Speech::of(protocol);
        if matches!(speech, Speech::Bytes) {
            held.stands(Stand::Opaque, 0);
        }
        Self {
            held,
            protocol,
            client,
            application: Upstream::Open(application),
            renewal: Renewal::new(to),
            up: Lane::default(),
            down: Lane::default(),
            speech,
            closing: None,
            head: None,
            is_deaf: false,
            again: false,
        }
    }
}
