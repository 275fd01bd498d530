//! A small HTTP server in a thread: it holds each answer back until the test gives it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

pub(crate) struct Application {
    pub(crate) port: u16,
    state: Arc<State>,
}

struct State {
    /// Whether answers are given.
    gives: Mutex<bool>,
    given: Condvar,
    ended: AtomicBool,
}

impl Application {
    /// Listens on that port; it answers at once.
    pub(crate) fn listen(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let ended = AtomicBool::new(false);
        let state = Arc::new(State { gives: Mutex::new(true), given: Condvar::new(), ended });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.ended.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, stream) = (Arc::clone(&shared), stream.unwrap());
                std::thread::spawn(move || serve(&stream, &shared));
            }
        });
        Self { port, state }
    }

    /// From now on answers are held back, or given.
    pub(crate) fn give(&self, gives: bool) {
        *self.state.gives.lock().unwrap() = gives;
        self.state.given.notify_all();
    }

    /// Stops listening; what was accepted goes on.
    pub(crate) fn end(&self) {
        self.state.ended.store(true, Ordering::SeqCst);
        // The listener is closed by whoever is accepted next.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        super::until("the port is free", || TcpStream::connect(("127.0.0.1", self.port)).is_err());
    }
}

fn serve(mut stream: &TcpStream, state: &State) {
    let mut unread = Vec::new();
    let mut bytes = [0; 1024];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(count) => unread.extend_from_slice(&bytes[..count]),
        }
        while let Some(end) = unread.windows(4).position(|four| four == b"\r\n\r\n") {
            unread.drain(..end + 4);
            let mut gives = state.gives.lock().unwrap();
            while !*gives {
                gives = state.given.wait(gives).unwrap();
            }
            drop(gives);
            if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err() {
                return;
            }
        }
    }
}

/// A port on which each connection is served by `serve`, in a thread.
pub(crate) fn serves(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream.unwrap()));
        }
    });
    port
}
