//! The protocol that a connection speaks, and what is known of it there.

use segue_core::pod::Protocol;
use segue_wire::http1::MAX_HEAD;

use super::half_connection::HalfConnection;
use super::http1::Http1;
use super::http2::Http2;
use super::tunnel::Tunnel;
use crate::buffer;
use crate::registration::Registration;

/// The protocol that a connection speaks, with what is known of it there. The rare and the large ones lie in boxes, so
/// that an idle connection is small.
#[derive(Debug)]
pub(crate) enum ProtocolState {
    /// Nothing that would tell has been said; so many bytes of a PROXY header are still to pass.
    Unknown { proxied: usize },
    /// Something that is not understood: the bytes pass.
    Bytes,
    /// HTTP/1.
    Http1(Box<Http1>),
    /// HTTP/2.
    Http2(Box<Http2>),
    /// What an HTTP/1 connection was upgraded to.
    Tunnel(Box<Tunnel>),
}

impl ProtocolState {
    pub(crate) fn of(configured: Protocol) -> Self {
        if configured == Protocol::Tcp { Self::Bytes } else { Self::Unknown { proxied: 0 } }
    }

    /// What may be spoken on a connection that is closed before anything was said: only to count what comes too late.
    pub(crate) fn of_lost() -> Self {
        let mut http = Http1::new();
        http.lose();
        Self::Http1(Box::new(http))
    }

    /// How much of what was read and is not understood yet is held at most, for each direction.
    pub(crate) fn limit(&self) -> usize {
        // A head is looked at whole.
        if matches!(self, Self::Http1(_)) { MAX_HEAD + buffer::SIZE } else { buffer::SIZE }
    }

    /// The client has ended.
    pub(crate) fn client_ended(&mut self, registration: &mut Registration) {
        if let Self::Http1(http) = self {
            http.client_ended(registration);
        }
    }

    /// Says what the application must hear before its client's end. Answers whether it said something.
    pub(crate) fn say_end(&mut self, up: &mut HalfConnection) -> bool {
        let Self::Tunnel(tunnel) = self else { return false };
        tunnel.tell_application(up);
        up.has_output()
    }

    /// How many of the requests in flight have no whole answer if the application ends now, as far as can be known.
    pub(crate) fn without_answer(&self, in_flight: u32) -> u32 {
        match self {
            Self::Unknown { .. } | Self::Bytes | Self::Tunnel(_) => 0,
            Self::Http1(http) => http.without_answer(),
            Self::Http2(_) => in_flight,
        }
    }

    /// Whether the application still owes an answer, as far as can be known.
    pub(crate) fn is_waiting(&self) -> bool {
        match self {
            Self::Unknown { .. } => false,
            Self::Bytes | Self::Tunnel(_) => true,
            Self::Http1(http) => http.is_waiting(),
            Self::Http2(http) => http.has_streams(),
        }
    }
}

#[cfg(test)]
mod tests {
    use segue_core::Time;
    use segue_wire::http2::Streams;

    use super::*;

    #[test]
    fn a_head_is_held_whole_and_nothing_else_in_more_than_a_buffer() {
        let now = Time::from_millis(0);
        for state in [
            ProtocolState::of(Protocol::Auto),
            ProtocolState::of(Protocol::Tcp),
            ProtocolState::Http2(Box::new(Http2::new(Streams::new(), [0; 8], now))),
            ProtocolState::Tunnel(Box::new(Tunnel::new(true))),
        ] {
            assert_eq!(state.limit(), buffer::SIZE, "{state:?}");
        }
        for state in [ProtocolState::Http1(Box::new(Http1::new())), ProtocolState::of_lost()] {
            // One that is too long has to be seen to be.
            assert!((MAX_HEAD + 1..=2 * MAX_HEAD).contains(&state.limit()), "{state:?}");
        }
    }
}
