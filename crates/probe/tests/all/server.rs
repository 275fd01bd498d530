//! Small raw servers: they speak bytes, so that they can break every rule.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use segue_probe::{Load, Report, Shape, Target, run};

/// One accepted connection.
pub(crate) struct Peer {
    reader: BufReader<TcpStream>,
}

/// What a request's head said.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Serves every connection on a thread of its own until the test's process ends; says where.
pub(crate) fn serve(handle: impl Fn(Peer) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let handle = Arc::new(handle);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = handle.clone();
            std::thread::spawn(move || handle(Peer { reader: BufReader::new(stream) }));
        }
    });
    format!("127.0.0.1:{}", address.port())
}

impl Peer {
    /// The next request; `None` when the client has closed (or reset) the connection.
    pub(crate) fn request(&mut self) -> Option<Request> {
        let mut head = self.head()?;
        let length = head.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        head.body = vec![0; length];
        self.reader.read_exact(&mut head.body).ok()?;
        Some(head)
    }

    /// The head of the next request; its body is still to come.
    pub(crate) fn head(&mut self) -> Option<Request> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let headers = lines[1..].iter().filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        });
        Some(Request { headers: headers.collect(), body: Vec::new() })
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        // A client that has left is what some of these tests are about.
        let _ = self.reader.get_mut().write_all(bytes.as_ref());
    }

    pub(crate) fn answer(&mut self, body: &[u8]) {
        let head = format!("HTTP/1.1 200 OK\r\nsegue-version: v1\r\ncontent-length: {}\r\n\r\n", body.len());
        self.write([head.as_bytes(), body].concat());
    }

    /// Exactly so many bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Some bytes, as they come; none at the end.
    pub(crate) fn some_bytes(&mut self) -> Vec<u8> {
        let bytes = self.reader.fill_buf().map(<[u8]>::to_vec).unwrap_or_default();
        self.reader.consume(bytes.len());
        bytes
    }

    /// What is written from now on leaves with the end.
    pub(crate) fn hold_back(&mut self) {
        rustix::net::sockopt::set_tcp_cork(self.reader.get_ref(), true).unwrap();
    }

    /// Ends this direction in an orderly way; the client may still write.
    pub(crate) fn finish(&mut self) {
        let _ = self.reader.get_mut().shutdown(Shutdown::Write);
    }

    /// Ends the connection by a reset.
    pub(crate) fn reset(self) {
        rustix::net::sockopt::set_socket_linger(self.reader.get_ref(), Some(Duration::ZERO)).unwrap();
    }

    /// Waits until the client ends the connection.
    pub(crate) fn wait_for_the_end(mut self) {
        let mut rest = Vec::new();
        let _ = self.reader.read_to_end(&mut rest);
    }
}

#[expect(clippy::disallowed_methods, reason = "a server that is slow")]
pub(crate) fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

pub(crate) fn target(address: &str) -> Target {
    format!("http://{address}/").parse().unwrap()
}

/// One shape for so many seconds, with patience that suits a test.
pub(crate) fn load(address: &str, seconds: f64, shape: Shape) -> Load {
    Load {
        shapes: vec![shape],
        timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(2),
        ..Load::new(target(address), Duration::from_secs_f64(seconds))
    }
}

pub(crate) fn probe(load: Load) -> Report {
    run(load, |_| ()).unwrap()
}

/// Runs one shape for a fifth of a second at 50 per second: ten requests.
pub(crate) fn ten(address: &str, shape: Shape) -> Report {
    probe(load(address, 0.2, Shape { rate: 50.0, ..shape }))
}
