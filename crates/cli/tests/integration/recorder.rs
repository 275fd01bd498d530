//! A small server that writes down what it is sent, over TLS too.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Which connection it came on.
    pub(crate) connection: usize,
    pub(crate) method: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: usize,
    /// From its head to the end of its body.
    pub(crate) upload: Duration,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Serves until the test's process ends.
pub(crate) struct Recorder {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// What is sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    AtOnce,
    Never,
}

impl Recorder {
    pub(crate) fn start(answers: Answers) -> Self {
        Self::over(answers, None)
    }

    /// Speaks TLS with this configuration.
    pub(crate) fn secure(config: rustls::ServerConfig) -> Self {
        Self::over(Answers::AtOnce, Some(Arc::new(config)))
    }

    fn over(answers: Answers, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let written = seen.clone();
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().flatten().enumerate() {
                let (seen, tls) = (written.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    None => serve(stream, connection, answers, &seen),
                    Some(config) => {
                        let tls = rustls::ServerConnection::new(config).unwrap();
                        serve(rustls::StreamOwned::new(tls, stream), connection, answers, &seen);
                    }
                });
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many connections carried a request.
    pub(crate) fn connections(&self) -> usize {
        self.seen().iter().map(|seen| seen.connection).collect::<std::collections::BTreeSet<_>>().len()
    }
}

fn serve(stream: impl Read + Write, connection: usize, answers: Answers, seen: &Mutex<Vec<Seen>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream, connection) {
        seen.lock().unwrap().push(request);
        if answers == Answers::Never {
            continue;
        }
        let answer = "HTTP/1.1 200 OK\r\nx-build: v9\r\ncontent-length: 5\r\n\r\nhello";
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long an upload took is what is asked")]
fn read(stream: &mut impl BufRead, connection: usize) -> Option<Seen> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let began = Instant::now();
    let method = lines.first()?.split(' ').next()?.to_owned();
    let pair = |line: &String| {
        line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
    };
    let headers: Vec<(String, String)> = lines[1..].iter().filter_map(pair).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some(Seen { connection, method, headers, body: body.len(), upload: began.elapsed() })
}

/// A connection to whom never opens: its queue is full and nobody accepts.
pub(crate) struct Full {
    pub(crate) address: String,
    _first: TcpStream,
    _listener: rustix::fd::OwnedFd,
}

impl Full {
    pub(crate) fn new() -> Self {
        use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&listener, &std::net::SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        // A queue of none holds one.
        listen(&listener, 0).unwrap();
        let address = std::net::SocketAddr::try_from(getsockname(&listener).unwrap()).unwrap();
        let first = TcpStream::connect(address).unwrap();
        Self { address: address.to_string(), _first: first, _listener: listener }
    }
}
