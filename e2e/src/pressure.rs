//! Load on a service while something is done to it, and the ledger of what became of every request.

use std::net::SocketAddr;
use std::time::Duration;

use segue_probe::{Connections, Expect, Load, Probe, Protocol, Report, Shape};

use crate::overloaded::{Overloaded, shows_nothing};
use crate::wait;

/// Far longer than any test: a load is ended by its test.
const LONGEST: Duration = Duration::from_mins(10);

/// A load that goes on in the background.
pub struct Pressure {
    probe: Probe,
}

// === impl Pressure ===

impl Pressure {
    /// Any shapes; returns when they are well under way.
    #[track_caller]
    pub fn start(address: SocketAddr, shapes: Vec<Shape>) -> Self {
        let pressure = Self::begin(address, LONGEST, shapes);
        pressure.more(50);
        pressure
    }

    /// Any shapes, sent for so long at the most.
    #[track_caller]
    pub fn begin(address: SocketAddr, duration: Duration, shapes: Vec<Shape>) -> Self {
        let target = format!("http://{address}/").parse().expect("an address makes a target");
        let load = Load { shapes, timeout: LONGEST, ..Load::new(target, duration) };
        let probe = segue_probe::start(load).unwrap_or_else(|error| panic!("no load: {error}"));
        Self { probe }
    }

    /// Waits until exactly so many requests are in flight.
    #[track_caller]
    pub fn until_in_flight(&self, count: u64) {
        wait::until(&format!("{count} requests are in flight"), wait::LONG, || {
            let progress = self.probe.progress();
            if progress.in_flight == count { Ok(()) } else { Err(format!("{progress:?}")) }
        });
    }

    /// Waits until so many more requests have ended.
    #[track_caller]
    pub fn more(&self, requests: u64) {
        let goal = self.probe.progress().requests + requests;
        wait::until(&format!("{requests} more requests have ended"), wait::LONG, || {
            let progress = self.probe.progress();
            if progress.requests >= goal { Ok(()) } else { Err(format!("{progress:?}")) }
        });
    }

    /// Waits until a request was answered by this version.
    #[track_caller]
    pub fn until_answered_by(&self, version: &str) {
        wait::until(&format!("{version} answers"), wait::LONG, || {
            let progress = self.probe.progress();
            if progress.versions.contains_key(version) { Ok(()) } else { Err(format!("{progress:?}")) }
        });
    }

    /// How many were dropped so far.
    pub fn dropped(&self) -> u64 {
        self.probe.progress().dropped
    }

    /// Sends no more, and waits for what is in flight. An error where the machine could not carry the load, and nothing was
    /// shown.
    #[track_caller]
    pub fn end(self) -> Result<Report, Overloaded> {
        self.probe.stopper().stop();
        self.out()
    }

    /// [`Pressure::end`] of one that was to be sent for some time only, at its own end.
    #[track_caller]
    pub fn out(self) -> Result<Report, Overloaded> {
        let report = self.probe.wait().unwrap_or_else(|error| panic!("the load broke off: {error}"));
        assert_eq!(report.ledger.open_tickets(), 0, "requests without a fate");
        shows_nothing(&report).map_or(Ok(report), Err)
    }
}

/// Every kind of client at once: kept and fresh connections, HTTP/2, bodies, requests of one second, streams of two, and
/// WebSockets.
pub fn mixed() -> Vec<Shape> {
    every_kind("/sleep?ms=1000", "/stream?ms=2000&every=50")
}

/// The same, with nothing that a drain has to wait for long.
pub fn brisk() -> Vec<Shape> {
    every_kind("/sleep?ms=200", "/stream?ms=300&every=50")
}

/// Requests that are answered at once, on kept and fresh connections.
pub fn quick() -> Vec<Shape> {
    vec![Shape { connections: Connections::Mixed, ..Shape::new("quick", 100.0) }]
}

/// GET requests of this path, so many per second.
pub fn get(name: &str, rate: f64, path: &str) -> Shape {
    Shape { path: Some(path.to_owned()), ..Shape::new(name, rate) }
}

fn every_kind(long: &str, stream: &str) -> Vec<Shape> {
    vec![
        Shape::new("kept", 60.0),
        Shape { connections: Connections::Fresh, ..Shape::new("fresh", 20.0) },
        Shape { protocol: Protocol::Http2, pool: 2, ..Shape::new("http2", 20.0) },
        Shape {
            method: "POST".parse().expect("a method"),
            body_size: 8 << 10,
            expect: Expect::Echo,
            connections: Connections::Mixed,
            ..Shape::new("post", 30.0)
        },
        Shape { path: Some(long.to_owned()), ..Shape::new("long", 6.0) },
        Shape { path: Some(stream.to_owned()), ..Shape::new("stream", 2.0) },
        Shape {
            protocol: Protocol::WebSocket,
            path: Some("/ws".to_owned()),
            body_size: 256,
            pool: 4,
            ..Shape::new("websocket", 20.0)
        },
    ]
}

/// What tests ask of a report.
pub trait Told {
    /// How many were dropped.
    fn dropped(&self) -> u64;

    /// How many were answered by a version.
    fn answered_by(&self, version: &str) -> u64;

    /// Every drop.
    fn losses(&self) -> String;

    /// Panics, with each drop told, if there was one; or if a shape of the load never came through.
    fn assert_no_drops(&self);
}

impl Told for Report {
    fn dropped(&self) -> u64 {
        self.ledger.dropped()
    }

    fn answered_by(&self, version: &str) -> u64 {
        let versions = self.ledger.versions();
        versions.iter().find(|(name, _)| name == version).map_or(0, |(_, count)| *count)
    }

    fn losses(&self) -> String {
        let told = self.ledger.losses().iter().map(|loss| {
            let name = self.shapes.get(loss.shape).map_or("?", String::as_str);
            format!("{name} {}, planned {:?}: {:?}\n", loss.number, loss.planned, loss.end)
        });
        told.collect()
    }

    #[track_caller]
    fn assert_no_drops(&self) {
        assert_eq!(self.dropped(), 0, "dropped:\n{}", self.losses());
        for (name, counts) in self.shapes.iter().zip(self.ledger.shapes()) {
            assert!(counts.ok > 0, "nothing of {name} came through: {counts:?}");
        }
    }
}
