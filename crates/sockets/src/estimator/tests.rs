//! Whole snapshots, as an agent takes them every 200 ms.

use super::arrivals::Origin;
use super::*;
use crate::snapshot::{Listener, Traffic};
use std::net::SocketAddr;
use std::time::Duration;

const INTERVAL: u64 = 200;
const NODE: &str = "10.0.0.1";
const CLIENT: &str = "10.0.0.2";

/// A pod: what is open in it, and what the kernel counted.
struct Pod {
    estimator: Estimator,
    now: u64,
    opens: u64,
    cookie: u64,
    waiting: u32,
    open: Vec<Open>,
    /// Over, this side first: when, and who.
    closed: Vec<(u64, Open)>,
}

#[derive(Clone)]
struct Open {
    remote: SocketAddr,
    cookie: u64,
    received: u64,
    sent: u64,
    last_received: u64,
    last_sent: u64,
}

impl Pod {
    fn new() -> Self {
        let seconds = Duration::from_secs;
        let settings =
            Settings { ports: vec![80], idle_after: seconds(5), longest_request: Some(seconds(30)) };
        let (open, closed) = (Vec::new(), Vec::new());
        Self {
            estimator: Estimator::new(settings),
            now: 1_000_000,
            opens: 7,
            cookie: 0,
            waiting: 0,
            open,
            closed,
        }
    }

    fn connection(&mut self, from: &str) -> Open {
        self.opens += 1;
        self.cookie += 1;
        let port = 10_000 + u16::try_from(self.cookie).unwrap();
        let remote = SocketAddr::new(from.parse().unwrap(), port);
        let (last_received, last_sent) = (self.now, self.now);
        Open { remote, cookie: self.cookie, received: 0, sent: 0, last_received, last_sent }
    }

    /// A request on a connection of its own that the application closes; it took no time.
    fn fresh(&mut self, from: &str) {
        let connection = self.connection(from);
        self.closed.push((self.now, connection));
    }

    /// Opens a connection that stays, and answers its number.
    fn keep(&mut self, from: &str) -> usize {
        let connection = self.connection(from);
        self.open.push(connection);
        self.open.len() - 1
    }

    fn request(&mut self, number: usize) {
        self.open[number].received += 100;
        self.open[number].last_received = self.now;
    }

    fn answer(&mut self, number: usize) {
        self.open[number].sent += 100;
        self.open[number].last_sent = self.now + 1;
    }

    fn snapshot(&self, source: Source) -> Snapshot {
        let ago = |then: u64| Duration::from_millis(self.now.saturating_sub(then));
        let blank = |open: &Open| Connection {
            local: "10.0.0.9:80".parse().unwrap(),
            remote: open.remote,
            state: TcpState::Established,
            unread: 0,
            unacknowledged: 0,
            inode: 1,
            cookie: open.cookie,
            time_wait_left: None,
            traffic: None,
        };
        let traffic = |open: &Open| Traffic {
            last_received: ago(open.last_received),
            last_sent: ago(open.last_sent),
            unacknowledged_segments: 0,
            unsent: Some(0),
            received: Some(open.received),
            acknowledged: Some(open.sent),
            sent: Some(open.sent),
        };
        let open = self.open.iter().map(|open| Connection { traffic: Some(traffic(open)), ..blank(open) });
        let waits = self.closed.iter().filter(|(closed, _)| self.now - closed < 60_000);
        let closed = waits.map(|(closed, open)| Connection {
            state: TcpState::TimeWait,
            inode: 0,
            time_wait_left: Some(Duration::from_millis(60_000 + closed - self.now)),
            ..blank(open)
        });
        let listener = Listener {
            local: "[::]:80".parse().unwrap(),
            waiting: self.waiting,
            backlog: Some(128),
            inode: 2,
        };
        Snapshot {
            taken: Time::from_millis(self.now),
            source,
            passive_opens: Some(self.opens),
            listeners: vec![listener],
            connections: open.chain(closed).collect(),
        }
    }

    fn observe(&mut self) -> Estimate {
        let snapshot = self.snapshot(Source::Netlink);
        self.estimator.observe(&snapshot)
    }

    /// Lets time pass, 10 ms by 10 ms, with a snapshot every 200 ms.
    fn pass(&mut self, milliseconds: u64, mut happens: impl FnMut(&mut Self)) -> Estimate {
        let until = self.now + milliseconds;
        while self.now < until {
            self.now += 10;
            happens(self);
            if self.now.is_multiple_of(INTERVAL) {
                self.observe();
            }
        }
        self.observe()
    }
}

fn quiet_for(pod: &Pod, estimate: &Estimate) -> u64 {
    pod.now - estimate.last_request.map_or(0, Time::as_millis)
}

#[test]
fn a_request_is_in_flight_until_it_was_answered_and_all_was_silent() {
    let mut pod = Pod::new();
    pod.observe();
    let number = pod.keep(CLIENT);
    pod.request(number);
    let asked = pod.pass(20_000, |_| ());
    assert_eq!((asked.in_flight, asked.connections), (InFlight::Estimated(1), 1));
    pod.answer(number);
    assert_eq!(pod.pass(4_000, |_| ()).in_flight, InFlight::Estimated(1));
    let answered = pod.pass(1_200, |_| ());
    assert_eq!((answered.in_flight, answered.connections), (InFlight::Estimated(0), 1));
    assert!(answered.listening);
}

#[test]
fn nothing_is_in_flight_when_two_snapshots_say_so() {
    let mut pod = Pod::new();
    let number = pod.keep(CLIENT);
    pod.request(number);
    assert_eq!(pod.observe().in_flight, InFlight::Estimated(1));
    let missed = pod.open.remove(number);
    assert_eq!(pod.observe().in_flight, InFlight::Estimated(1));
    pod.open.push(missed);
    assert_eq!(pod.observe().in_flight, InFlight::Estimated(1));
    pod.open.clear();
    assert_eq!(
        [pod.observe().in_flight, pod.observe().in_flight],
        [InFlight::Estimated(1), InFlight::Estimated(0)]
    );
}

#[test]
fn what_was_there_before_the_first_snapshot_is_known_by_its_times() {
    let mut pod = Pod::new();
    let number = pod.keep(CLIENT);
    pod.request(number);
    pod.answer(number);
    pod.now += 7_000;
    let first = pod.observe();
    assert_eq!(quiet_for(&pod, &first), 7_000);
    assert_eq!((first.in_flight, first.connections), (InFlight::Estimated(0), 1));
}

#[test]
fn a_new_request_on_a_kept_connection_breaks_the_quiet() {
    let mut pod = Pod::new();
    let number = pod.keep(CLIENT);
    let silent = pod.pass(10_000, |_| ());
    assert_eq!(quiet_for(&pod, &silent), 10_000);
    pod.request(number);
    let asked = pod.pass(1_000, |_| ());
    assert_eq!(quiet_for(&pod, &asked), 1_000);
}

#[test]
fn a_connection_that_ends_is_no_request() {
    let mut pod = Pod::new();
    pod.keep(CLIENT);
    pod.keep(CLIENT);
    pod.pass(5_000, |_| ());
    pod.open.pop();
    let ended = pod.open.pop().unwrap();
    pod.closed.push((pod.now, ended));
    let estimate = pod.pass(1_000, |_| ());
    assert_eq!(quiet_for(&pod, &estimate), 6_000);
    assert_eq!(estimate.connections, 0);
}

#[test]
fn probes_learnt_before_the_drain_do_not_break_its_quiet() {
    let mut pod = Pod::new();
    let probe = |pod: &mut Pod| {
        if pod.now % 1000 == 330 {
            pod.fresh(NODE);
        }
    };
    pod.pass(20_000, probe);
    let known: Vec<_> = pod.estimator.periods.periods().collect();
    assert_eq!(known, [(Origin::Remote(NODE.parse().unwrap(), 80), Duration::from_secs(1))]);
    pod.estimator.stop_learning();
    let drained = pod.pass(10_000, probe);
    assert!(quiet_for(&pod, &drained) >= 10_000);
    // One request from the same address, beside the period.
    pod.fresh(NODE);
    let broken = pod.pass(1_500, probe);
    assert_eq!(quiet_for(&pod, &broken), 1_500);
}

#[test]
fn probes_not_learnt_before_the_drain_break_its_quiet() {
    let mut pod = Pod::new();
    pod.observe();
    pod.estimator.stop_learning();
    let drained = pod.pass(20_000, |pod| {
        if pod.now % 1000 == 330 {
            pod.fresh(NODE);
        }
    });
    assert!(quiet_for(&pod, &drained) < 1_000);
    pod.estimator.learn();
    pod.pass(20_000, |pod| {
        if pod.now % 1000 == 330 {
            pod.fresh(NODE);
        }
    });
    assert_eq!(pod.estimator.periods.periods().count(), 1);
}

#[test]
fn an_agent_that_comes_late_learns_probes_from_what_they_left_behind() {
    let mut pod = Pod::new();
    for _ in 0..20 {
        pod.now += 1000;
        pod.fresh(NODE);
    }
    pod.observe();
    pod.estimator.stop_learning();
    let drained = pod.pass(10_000, |pod| {
        if pod.now % 1000 == 0 {
            pod.fresh(NODE);
        }
    });
    assert!(quiet_for(&pod, &drained) >= 10_000);
}

#[test]
fn traffic_behind_the_address_of_a_probe_stays_visible() {
    let mut pod = Pod::new();
    let probe = |pod: &mut Pod| {
        if pod.now % 1000 == 330 {
            pod.fresh(NODE);
        }
    };
    pod.pass(20_000, probe);
    pod.estimator.stop_learning();
    let drained = pod.pass(10_000, |pod| {
        probe(pod);
        if pod.now % 1000 == 780 {
            pod.fresh(NODE);
        }
    });
    assert!(quiet_for(&pod, &drained) < 1_000);
}

#[test]
fn a_scraper_on_a_kept_connection_is_not_in_flight_once_it_is_answered() {
    let mut pod = Pod::new();
    let number = pod.keep(NODE);
    let scrape = |pod: &mut Pod| match pod.now % 2000 {
        500 => pod.request(number),
        520 => pod.answer(number),
        _ => {}
    };
    let early = pod.pass(4_000, scrape);
    assert_eq!((early.in_flight, early.connections), (InFlight::Estimated(1), 1));
    let known = pod.pass(40_000, scrape);
    assert_eq!((known.in_flight, known.connections), (InFlight::Estimated(0), 1));
    // Its request is in flight as any other while it is not answered.
    pod.request(number);
    pod.now += 100;
    assert_eq!(pod.observe().in_flight, InFlight::Estimated(1));
}

#[test]
fn connections_between_two_snapshots_are_counted_though_never_seen() {
    let mut pod = Pod::new();
    let silent = pod.pass(5_000, |_| ());
    assert_eq!(silent.last_request, None);
    pod.opens += 1;
    let counted = pod.pass(200, |_| ());
    // It may have come just before this snapshot.
    assert_eq!(quiet_for(&pod, &counted), 0);
    // Seen and counted: nothing unseen.
    let at = pod.now;
    pod.fresh(CLIENT);
    let later = pod.pass(3_000, |_| ());
    assert_eq!(later.last_request, Some(Time::from_millis(at)));
}

#[test]
fn a_connection_seen_before_it_is_counted_is_not_counted_twice() {
    let mut pod = Pod::new();
    pod.observe();
    pod.keep(CLIENT);
    pod.opens -= 1;
    let at = pod.now;
    let first = pod.observe();
    assert_eq!(first.last_request, Some(Time::from_millis(at)));
    pod.opens += 1;
    let second = pod.pass(1_000, |_| ());
    assert_eq!(second.last_request, Some(Time::from_millis(at)));
}

#[test]
fn a_client_in_the_same_pod_that_closed_first_explains_what_was_counted() {
    let mut pod = Pod::new();
    pod.pass(1_000, |_| ());
    let mut snapshot = pod.snapshot(Source::Netlink);
    snapshot.passive_opens = Some(pod.opens + 1);
    snapshot.listeners.push(Listener { local: "0.0.0.0:9999".parse().unwrap(), ..snapshot.listeners[0] });
    let client = |port: u16| Connection {
        local: "127.0.0.1:50000".parse().unwrap(),
        remote: SocketAddr::from(([127, 0, 0, 1], port)),
        state: TcpState::TimeWait,
        unread: 0,
        unacknowledged: 0,
        inode: 0,
        cookie: 99,
        time_wait_left: Some(Duration::from_mins(1)),
        traffic: None,
    };
    snapshot.connections.push(client(9999));
    assert_eq!(pod.estimator.observe(&snapshot).last_request, None);
    // The same towards the application is a request.
    snapshot.passive_opens = Some(pod.opens + 2);
    snapshot.connections.push(client(80));
    assert_eq!(pod.estimator.observe(&snapshot).last_request, Some(snapshot.taken));
}

#[test]
fn what_waits_in_the_accept_queue_is_in_flight_once() {
    let mut pod = Pod::new();
    pod.keep(CLIENT);
    pod.now += 60_000;
    pod.waiting = 3;
    let mut snapshot = pod.snapshot(Source::Netlink);
    assert_eq!(pod.estimator.observe(&snapshot).in_flight, InFlight::Estimated(3));
    snapshot.connections[0].inode = 0;
    assert_eq!(pod.estimator.observe(&snapshot).in_flight, InFlight::Estimated(3));
}

#[test]
fn without_times_nothing_is_claimed() {
    let mut pod = Pod::new();
    pod.now += 60_000;
    let snapshot = pod.snapshot(Source::Proc);
    let blind = pod.estimator.observe(&snapshot);
    assert_eq!((blind.in_flight, blind.last_request), (InFlight::Unknown, Some(snapshot.taken)));
    assert!(blind.listening);
    // Nor is quiet, where connections can't be counted.
    let uncounted = Snapshot { passive_opens: None, ..pod.snapshot(Source::Netlink) };
    let estimate = pod.estimator.observe(&uncounted);
    assert_eq!((estimate.in_flight, estimate.last_request), (InFlight::Estimated(0), Some(uncounted.taken)));
}

#[test]
fn a_socket_without_its_times_makes_the_count_unknown() {
    let mut pod = Pod::new();
    pod.keep(CLIENT);
    let mut snapshot = pod.snapshot(Source::Netlink);
    snapshot.connections[0].traffic = None;
    let estimate = pod.estimator.observe(&snapshot);
    assert_eq!((estimate.in_flight, estimate.connections), (InFlight::Unknown, 1));
}

#[test]
fn other_ports_are_none_of_the_application() {
    let mut pod = Pod::new();
    pod.keep(CLIENT);
    let mut snapshot = pod.snapshot(Source::Netlink);
    snapshot.connections[0].local.set_port(81);
    snapshot.listeners[0].local.set_port(81);
    let estimate = pod.estimator.observe(&snapshot);
    assert_eq!((estimate.connections, estimate.listening, estimate.last_request), (0, false, None));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Whatever comes, nothing is missed: the last request is the last that came.
    #[test]
    fn without_a_probe_period_every_arrival_is_a_request(
        events in proptest::collection::vec((10_u64..2500, 0_u8..4), 1..40),
    ) {
        let mut pod = Pod::new();
        pod.observe();
        pod.estimator.stop_learning();
        let mut last = None;
        for (gap, kind) in events {
            pod.pass(gap / 10 * 10, |_| ());
            match kind {
                0 => pod.fresh(NODE),
                1 => _ = pod.keep(CLIENT),
                _ if pod.open.is_empty() => continue,
                _ => {
                    let number = pod.open.len() - 1;
                    pod.request(number);
                }
            }
            last = Some(Time::from_millis(pod.now));
        }
        proptest::prop_assert_eq!(pod.observe().last_request, last);
    }
}
