//! The kinds of clients, and where they are.

use serde::{Deserialize, Serialize};

/// A kind of client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// POST over kept-alive connections.
    Kept,
    /// POST, a new connection for each.
    Fresh,
    /// POST that takes 1 to 2 s, by turns on kept and new connections.
    Long,
    /// Answers that come in pieces over 2 s.
    Stream,
    /// Messages on WebSockets.
    WebSocket,
    /// POST over HTTP/2 without TLS.
    Http2,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Kept, Self::Fresh, Self::Long, Self::Stream, Self::WebSocket, Self::Http2];

    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kept => "POST kept",
            Self::Fresh => "POST fresh",
            Self::Long => "1–2 s",
            Self::Stream => "streaming",
            Self::WebSocket => "WebSocket",
            Self::Http2 => "h2c",
        }
    }

    /// Requests per second from each place. From four places together they make 580.
    pub fn rate(self) -> u32 {
        match self {
            Self::Kept | Self::Fresh => 45,
            Self::Long | Self::Http2 => 15,
            Self::Stream => 5,
            Self::WebSocket => 20,
        }
    }

    /// The path, and the words of `segue probe` that make this client.
    pub(super) fn words(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Kept => ("/", &["--body-size", "512", "--expect", "echo"]),
            Self::Fresh => ("/", &["--body-size", "512", "--expect", "echo", "--connections", "fresh"]),
            Self::Long => (
                "/sleep?ms=1000&to=2000",
                &["--body-size", "512", "--expect", "echo", "--connections", "mixed"],
            ),
            Self::Stream => ("/stream?ms=2000&every=100", &[]),
            Self::WebSocket => ("/ws", &["--websocket", "--pool", "4"]),
            Self::Http2 => ("/", &["--http2", "--body-size", "512", "--expect", "echo", "--pool", "2"]),
        }
    }
}

/// Where clients are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In a pod on the node of this number.
    Pod(u8),
    /// On the node itself.
    Node(u8),
    /// In a pod of the application that stays; the number tells clients of one kind from each other.
    Peer(u8),
    /// On a machine outside the nodes; the number tells clients of one kind from each other.
    Outside(u8),
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pod(node) => write!(formatter, "pod-{node}"),
            Self::Node(node) => write!(formatter, "node-{node}"),
            Self::Peer(number) => write!(formatter, "peer-{number}"),
            Self::Outside(number) => write!(formatter, "outside-{number}"),
        }
    }
}
