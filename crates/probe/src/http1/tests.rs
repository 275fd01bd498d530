//! The one moment that no server can be made to hit from outside: the connection ends after this side last heard of
//! it, and before it writes.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::channel;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::LocalSet;

use super::*;
use crate::addresses::Addresses;
use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::load::{Load, Shape};
use crate::schedule::Due;
use crate::worker::Plan;

fn worker(address: std::net::SocketAddr, ledger: Arc<Mutex<Ledger>>) -> Rc<Worker> {
    let mut load = Load::new(format!("http://{address}/").parse().unwrap(), Duration::from_secs(1));
    load.shapes = vec![Shape::new("GET", 1.0)];
    let (addresses, _resolver) = Addresses::resolve(&load.target).unwrap();
    Worker::new(Plan {
        load: Arc::new(load),
        clock: Clock::start(),
        ledger,
        addresses,
        tls_http1: None,
        tls_http2: None,
        thread: 0,
        stopped: watch::channel(false).1,
    })
}

/// Sends one request that is answered, lets the server do `end` to the connection unseen, and sends another.
fn second_after(end: impl FnOnce(TcpStream) + Send + 'static) -> (Exchanged, Ledger) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (go, may_end) = channel();
    let (done, ended) = channel();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        assert!(stream.read(&mut request).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
        may_end.recv().unwrap();
        end(stream);
        done.send(()).unwrap();
    });
    let ledger = Arc::new(Mutex::new(Ledger::new(1, false)));
    let worker = worker(address, ledger.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let exchanged = LocalSet::new().block_on(&runtime, async {
        let job = |number| worker.job(Due { at: Duration::ZERO, shape: 0, number });
        let mut link = Link::open(&worker, 0).await.unwrap_or_else(|fate| panic!("{fate:?}"));
        assert!(matches!(link.exchange(&worker, job(0)).await, Exchanged::Keep));
        // Without an await: the runtime hears nothing of it.
        go.send(()).unwrap();
        ended.recv().unwrap();
        link.exchange(&worker, job(1)).await
    });
    server.join().unwrap();
    let ledger = ledger.lock().clone();
    (exchanged, ledger)
}

#[test]
fn a_request_comes_back_unsent_if_its_connection_was_closed_or_reset_before_it_could_be_written() {
    let reset = |stream: TcpStream| {
        rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    };
    let ends: [Box<dyn FnOnce(TcpStream) + Send>; 2] = [Box::new(drop), Box::new(reset)];
    for end in ends {
        let (exchanged, ledger) = second_after(end);
        assert!(matches!(exchanged, Exchanged::Unsent(_)));
        // It has no fate yet: another connection will be its.
        assert_eq!((ledger.ok(), ledger.dropped(), ledger.open_tickets()), (1, 0, 1));
    }
}
