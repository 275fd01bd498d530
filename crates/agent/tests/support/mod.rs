//! An agent, its hooks, and an application that answers when it is told to.

mod application;
mod pod;

pub(crate) use application::{Application, serves};
pub(crate) use pod::{Hook, Pod, free_port, lines};

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

pub(crate) const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A connection on which one request was sent.
pub(crate) fn request(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(GET).unwrap();
    stream
}

/// Milliseconds since the machine booted, on the agents' clock.
pub(crate) fn since_boot() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    u64::try_from(time.tv_sec * 1000 + time.tv_nsec / 1_000_000).unwrap()
}

/// A moment.
#[expect(clippy::disallowed_methods, reason = "this is the tests' clock")]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}

/// Until it is so; a test that waits for nothing else ends after 20 s.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        pause();
    }
    panic!("it never came true: {what}");
}
