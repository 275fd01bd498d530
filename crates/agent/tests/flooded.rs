//! The agent's port while somebody takes what there is of it: who has to be answered is.

use crate::support::{Application, Pod, request, until};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// Far more than there are places.
const MANY: usize = 600;

/// An address of this machine that is not loopback: from it comes what comes from the network. Without one there is no
/// outside that could do any harm.
fn outside() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    socket.connect(("192.0.2.1", 9)).ok()?;
    let address = socket.local_addr().unwrap().ip();
    (!address.is_loopback() && TcpListener::bind((address, 0)).is_ok()).then_some(address)
}

/// Connections that ask once and stay.
fn flood(address: IpAddr, port: u16) -> Vec<TcpStream> {
    let one = |number: usize| {
        let mut stream = TcpStream::connect((address, port)).unwrap();
        // Some stay silent, as those do whose client is slow.
        let request: &[u8] =
            if number.is_multiple_of(3) { b"GET /sta" } else { b"GET /status HTTP/1.1\r\nHost: a\r\n\r\n" };
        let _ = stream.write_all(request);
        stream
    };
    (0..MANY).map(one).collect()
}

fn is_ready(address: IpAddr, port: u16) -> bool {
    let mut stream = TcpStream::connect((address, port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut answer = [0; 12];
    let asked = stream.write_all(b"GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    asked.and_then(|()| stream.read_exact(&mut answer)).is_ok() && &answer == b"HTTP/1.1 200"
}

/// How many of these the agent has not closed.
fn open(flood: &[TcpStream]) -> usize {
    let is_open = |mut stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        let mut bytes = [0; 4096];
        loop {
            match stream.read(&mut bytes) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
            }
        }
    };
    flood.iter().filter(|stream| is_open(stream)).count()
}

/// Holds the drain up for as long as the test takes.
fn in_flight(pod: &Pod, application: &Application) -> TcpStream {
    application.give(false);
    let carried = request(pod.guard_port());
    until("it is in flight", || pod.status()["in_flight"] == 1);
    carried
}

#[test]
fn a_neighbour_that_takes_all_it_can_keeps_neither_probes_nor_hooks_nor_status_out() {
    let Some(address) = outside() else { return };
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.plan.drain.deadline = Duration::from_mins(1);
    pod.start();
    let port = pod.plan.control_port;
    let held = flood(address, port);
    assert!(is_ready(address, port), "a probe of the kubelet comes from the network, too");
    assert!(is_ready(Ipv4Addr::LOCALHOST.into(), port));
    until("no more than its places are left to it", || open(&held) <= 192);
    assert!(open(&held) > 100, "it is not all thrown out either");
    assert_eq!(pod.state(), "serving");
    let carried = in_flight(&pod, &application);
    let mut hook = pod.hook(&[]);
    pod.until_state("draining");
    let more = flood(address, port);
    assert_eq!(pod.status()["hooks"], 1);
    application.give(true);
    drop(carried);
    let (code, said) = hook.returns();
    assert_eq!((code, said.as_str()), (0, ""), "it was let go by the agent itself");
    assert_eq!(pod.status()["outcome"]["reason"], "drained");
    drop((held, more));
}

#[test]
fn who_floods_from_inside_the_pod_puts_no_hook_out() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.plan.drain.deadline = Duration::from_mins(1);
    pod.start();
    let carried = in_flight(&pod, &application);
    let mut hook = pod.hook(&[]);
    pod.until_state("draining");
    let held = flood(Ipv4Addr::LOCALHOST.into(), pod.plan.control_port);
    until("no more than their places are left to them", || open(&held) <= 64);
    assert_eq!(pod.status()["hooks"], 1);
    application.give(true);
    drop(carried);
    let (code, said) = hook.returns();
    assert_eq!((code, said.as_str()), (0, ""), "it was let go by the agent itself");
}

#[test]
fn who_asks_now_and_then_keeps_a_place_that_those_who_are_silent_lose() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let port = pod.plan.control_port;
    let connect = |_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let asks = |mut stream: &TcpStream| {
        stream.write_all(b"GET /ready HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"ready\n") {
            let mut bytes = [0; 1024];
            match stream.read(&mut bytes) {
                Ok(count @ 1..) => answer.extend_from_slice(&bytes[..count]),
                _ => return false,
            }
        }
        true
    };
    let scraper = connect(0);
    assert!(asks(&scraper));
    let silent: Vec<_> = (0..40).map(connect).collect();
    // The last of them has a place, so all have.
    assert!(asks(&silent[39]));
    assert!(asks(&scraper));
    let more: Vec<_> = (0..40).map(connect).collect();
    assert!(asks(&more[39]));
    until("those that were silent for longest are out", || open(&silent) <= 40 - 17);
    assert_eq!(open(&more), 40);
    assert_eq!(open(std::slice::from_ref(&scraper)), 1);
}

#[test]
fn a_connection_that_asks_nothing_is_closed_before_long() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let silent = TcpStream::connect((Ipv4Addr::LOCALHOST, pod.plan.control_port)).unwrap();
    let mut asked = TcpStream::connect((Ipv4Addr::LOCALHOST, pod.plan.control_port)).unwrap();
    asked.write_all(b"GET /ready HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    until("both are closed", || {
        open(std::slice::from_ref(&silent)) + open(std::slice::from_ref(&asked)) == 0
    });
}
