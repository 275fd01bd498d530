//! Each answer of the proxy's own: how it comes about, its status and what goes with it.

use std::net::SocketAddr;
use std::time::Duration;

use crate::support::http::{Client, Message};
use crate::support::origin::{Origin, nobody, ok};
use crate::support::{PATIENCE, config, pause, pool_of, start, until};
use segue_proxy::{Config, Limits, Reason};

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// What a client is told that sends this to a proxy before these instances.
fn told(instances: &[SocketAddr], limits: Limits, sent: impl AsRef<[u8]>) -> Message {
    let proxy = start(&pool_of(instances), Config { limits, ..config() });
    let mut client = Client::connect(proxy.local_addr());
    client.send(sent);
    client.answer()
}

fn saying(answer: &'static str) -> SocketAddr {
    Origin::new(move |mut client| {
        let _ = client.request();
        client.send(answer);
    })
    .address
}

fn silent() -> SocketAddr {
    Origin::new(|mut client| {
        let _ = client.request();
        pause(PATIENCE);
    })
    .address
}

fn brief() -> Duration {
    Duration::from_millis(200)
}

/// An answer that has this reason; what is missing here does not compile.
fn answer_with(reason: Reason) -> Message {
    let limits = Limits::default();
    match reason {
        Reason::NoInstance => told(&[], limits, GET),
        Reason::ConnectRefused => told(&[nobody()], limits, GET),
        Reason::ConnectTimeout => {
            // A listener whose queue is full answers no more connection attempts.
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            rustix::net::listen(&listener, 0).unwrap();
            let address = listener.local_addr().unwrap();
            let _filling = std::net::TcpStream::connect(address).unwrap();
            told(&[address], Limits { connect: brief(), ..limits }, GET)
        }
        Reason::InstanceClosed => told(&[saying("")], limits, GET),
        Reason::BadAnswer => told(&[saying("SSH-2.0\r\n")], limits, GET),
        Reason::AnswerTimeout => told(&[silent()], Limits { answer: Some(brief()), ..limits }, GET),
        Reason::Cut => {
            let pool = pool_of(&[silent()]);
            let proxy = start(&pool, config());
            let mut client = Client::connect(proxy.local_addr());
            client.send(GET);
            until("in flight", || pool.instances()[0].in_flight == 1);
            pool.cut("a");
            client.answer()
        }
        Reason::BodyTimeout => {
            let half = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf";
            told(&[Origin::echo().address], Limits { body: brief(), ..limits }, half)
        }
        Reason::BadBody => {
            let broken = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nnone";
            told(&[Origin::echo().address], limits, broken)
        }
        Reason::HeaderTooLarge => {
            let large = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(70_000));
            told(&[Origin::echo().address], limits, large)
        }
        Reason::BadRequest => told(&[Origin::echo().address], limits, "GET / HTTP/1.1\r\n\r\n"),
        Reason::TargetTooLong => {
            let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(65_534));
            told(&[Origin::echo().address], Limits { header_bytes: 1024 * 1024, ..limits }, long)
        }
        Reason::MethodNotCarried => {
            told(&[Origin::echo().address], limits, "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n")
        }
        Reason::CodingNotCarried => {
            let coded = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
            told(&[Origin::echo().address], limits, coded)
        }
        Reason::TooManyConnections => {
            told(&[Origin::echo().address], Limits { connections: 0, ..limits }, GET)
        }
        Reason::OutOfFileDescriptors => without_file_descriptors(),
    }
}

/// What the process itself still closes makes room for one connection, or two.
fn without_file_descriptors() -> Message {
    let mut answers = (0..20).map(|_| with_the_open_ones_alone());
    answers.find(|answer| answer.status() != 200).expect("no descriptor is left")
}

/// The limit is the whole process's, so this must be alone in it.
fn with_the_open_ones_alone() -> Message {
    let (origin, proxy_config) = (Origin::answering(|_| ok("x")), config());
    let proxy = start(&pool_of(&[origin.address]), proxy_config);
    let mut client = Client::connect(proxy.local_addr());
    until("taken", || proxy.stats().connections == 1);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
    let before = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let none_left = rustix::process::Rlimit { current: Some(open), ..before };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, none_left).unwrap();
    client.send(GET);
    let answer = client.answer();
    rustix::process::setrlimit(rustix::process::Resource::Nofile, before).unwrap();
    answer
}

/// Runs in a process of its own for the sake of one of them.
#[test]
pub(crate) fn each_reason_comes_about_and_has_its_status() {
    if !crate::support::alone("reasons::each_reason_comes_about_and_has_its_status") {
        return;
    }
    // The last one first: what the others leave would free file descriptors.
    for reason in Reason::ALL.into_iter().rev() {
        let answer = answer_with(reason);
        assert_eq!((answer.status(), answer.reason()), (reason.status().as_u16(), reason.as_str()));
        let retry = if answer.status() == 503 { "1" } else { "" };
        assert_eq!(answer.header("retry-after"), retry, "{reason:?}");
    }
}
