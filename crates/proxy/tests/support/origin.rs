//! Instances: servers of which a test says what each connection does.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::http::{Client, Message};

/// An instance; it serves until the test's process ends.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    pub(crate) connections: Arc<AtomicUsize>,
}

impl Origin {
    /// Each connection is handed to `serve`.
    pub(crate) fn new(serve: impl Fn(Client) + Send + Sync + 'static) -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (serve, counted) = (Arc::new(serve), connections.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let serve = serve.clone();
                thread::spawn(move || serve(Client::over(stream)));
            }
        });
        Origin { address, connections }
    }

    /// Each request is answered with the bytes that `answer` makes of it; the connection is kept.
    pub(crate) fn answering(answer: impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static) -> Origin {
        Origin::new(move |mut client| {
            while let Ok(Some(request)) = client.request() {
                if client.0.get_mut().write_all(&answer(&request)).is_err() {
                    return;
                }
            }
        })
    }

    /// Answers 200 with the request's body, or with its first line if it has none.
    pub(crate) fn echo() -> Origin {
        Origin::answering(
            |request| {
                if request.body.is_empty() { ok(&request.first) } else { ok(&request.body) }
            },
        )
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

pub(crate) fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Ends the connection with a reset.
pub(crate) fn reset(stream: &TcpStream) {
    rustix::net::sockopt::set_socket_linger(stream, Some(std::time::Duration::ZERO)).unwrap();
}
