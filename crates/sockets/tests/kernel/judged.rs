//! An estimator over real sockets: a request, its answer, and a connection that no snapshot could show.

use crate::clock;
use crate::pair::{connect, listen};
use segue_core::drain::InFlight;
use segue_sockets::{Collector, Estimate, Estimator, Settings};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

struct Agent {
    collector: Collector,
    estimator: Estimator,
}

impl Agent {
    fn over(port: u16) -> Self {
        let settings =
            Settings { ports: vec![port], idle_after: Duration::from_millis(100), longest_request: None };
        let mut agent = Self { collector: Collector::open().unwrap(), estimator: Estimator::new(settings) };
        agent.observe();
        agent
    }

    fn observe(&mut self) -> Estimate {
        let snapshot = self.collector.snapshot(clock::now).unwrap();
        self.estimator.observe(&snapshot)
    }

    #[track_caller]
    fn until(&mut self, expected: InFlight) -> Estimate {
        for _ in 0..500 {
            let estimate = self.observe();
            if estimate.in_flight == expected {
                return estimate;
            }
            clock::pause();
        }
        panic!("never {expected:?}: {:?}", self.observe());
    }
}

#[test]
fn a_request_is_in_flight_until_its_answer_is_over() {
    let (listening, local) = listen("127.0.0.1:0");
    let mut agent = Agent::over(local.port());
    let (mut client, mut server) = connect(&listening);
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    server.read_exact(&mut [0; 18]).unwrap();
    // Longer than it may be silent: it was not answered.
    for _ in 0..30 {
        assert_eq!(agent.observe().in_flight, InFlight::Estimated(1));
        clock::pause();
    }
    server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    let answered = agent.until(InFlight::Estimated(0));
    assert_eq!((answered.connections, answered.listening), (1, true));
    client.write_all(b"G").unwrap();
    assert_eq!(agent.until(InFlight::Estimated(1)).connections, 1);
}

#[test]
fn a_connection_in_the_accept_queue_is_in_flight_and_a_port_without_a_listener_is_told() {
    let (listening, local) = listen("127.0.0.1:0");
    let mut agent = Agent::over(local.port());
    let client = TcpStream::connect(local).unwrap();
    agent.until(InFlight::Estimated(1));
    for _ in 0..30 {
        assert_eq!(agent.observe().in_flight, InFlight::Estimated(1));
        clock::pause();
    }
    drop((client, listening));
    assert!(!agent.observe().listening);
}

#[test]
fn a_connection_that_came_and_went_between_two_snapshots_broke_the_quiet() {
    let (listening, local) = listen("127.0.0.1:0");
    let mut agent = Agent::over(local.port());
    let before = clock::now();
    // A tick of the kernel, by which its times may be off.
    clock::pause();
    for client_first in [false, true] {
        let (client, server) = connect(&listening);
        if client_first {
            drop(client);
            drop(server);
        } else {
            drop(server);
            drop(client);
        }
        assert!(agent.observe().last_request >= Some(before));
    }
}
