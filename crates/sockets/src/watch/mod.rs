//! The judge.

use segue_core::Time;
use segue_core::drain::InFlight;
use std::net::IpAddr;
use std::time::Duration;

use crate::{Picture, Source};

/// What a watch is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The ports on which the application listens.
    pub ports: Vec<u16>,
    /// How long a connection may be silent before it counts as idle.
    pub idle_after: Duration,
    /// How long one request takes at most; `None`: as long as it likes.
    pub longest_request: Option<Duration>,
}

/// What the pictures so far say of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Connections with a request in flight: estimated, or unknown.
    pub in_flight: InFlight,
    /// When the last application request came, if one was seen. Where arrivals can't be counted, the moment of the
    /// picture: then only the bound ends a wait for quiet.
    pub last_request: Option<Time>,
    /// Open connections with nothing in flight.
    pub kept: u64,
    /// Open connections.
    pub connections: u64,
    /// Whether anything listens on any of the application's ports.
    pub listening: bool,
    /// Where the last picture came from.
    pub source: Source,
}

/// A rhythm that was learnt: arrivals that do not hold a drain up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Whose; `None` for connections that only a counter showed.
    pub remote: Option<IpAddr>,
    /// To which port; 0 for connections that only a counter showed.
    pub port: u16,
    /// How long from one arrival to the next.
    pub period: Duration,
}

/// Judges pictures.
#[derive(Debug)]
pub struct Watch {
    settings: Settings,
}

impl Watch {
    /// A watch that has seen nothing and learns.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Takes note of a picture and says what is known now.
    pub fn observe(&mut self, picture: &Picture) -> Estimate {
        let _ = &self.settings;
        Estimate {
            in_flight: InFlight::Unknown,
            last_request: Some(picture.taken),
            kept: 0,
            connections: 0,
            listening: true,
            source: picture.source,
        }
    }

    /// A drain began: rhythms go on, but no new ones are learnt.
    pub fn stop_learning(&mut self) {}

    /// The pod serves again: rhythms are learnt.
    pub fn learn(&mut self) {}

    /// The rhythms that are learnt.
    pub fn rhythms(&self) -> Vec<Rhythm> {
        Vec::new()
    }
}
