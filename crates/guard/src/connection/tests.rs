//! A connection between real sockets that a test looks into; and what only such a test can bring about.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::clock;
use crate::guard::Guard;
use crate::shared::Shared;
use crate::support::{registered, settings, soon};

/// Both ends of a connection.
pub(super) async fn pair(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let connects = TcpStream::connect(listener.local_addr().unwrap());
    let (one, other) = soon("a connection", async { tokio::join!(connects, listener.accept()) }).await;
    (one.unwrap(), other.unwrap().0)
}

/// A client's connection that nobody has looked at yet: the client, the guard's part, and the application.
pub(super) async fn carried(listener: &TcpListener) -> (TcpStream, Connection, TcpStream) {
    let number = listener.local_addr().unwrap().port();
    let shared = Arc::new(Shared::new(settings(number), Vec::new()));
    let (client, carried) = pair(listener).await;
    let (first, application) = pair(listener).await;
    let registration = registered(&shared);
    let to = Arc::new(Application::new(number));
    let connection = Connection::new(registration, carried, first, to, Protocol::Http);
    (client, connection, application)
}

#[tokio::test]
async fn what_the_application_has_not_taken_when_its_last_answer_ends_still_reaches_it() {
    const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (mut client, mut connection, mut application) = carried(&listener).await;
    let Upstream::Open(to) = &connection.application else { panic!("it is open") };
    // Nothing more can be written to it.
    let mut before = 0;
    while clock::within(std::time::Duration::from_millis(50), to.writable()).await.is_some() {
        while let Ok(length) = to.try_write(&[b'x'; 10_000]) {
            before += length;
        }
    }
    client.write_all(REQUEST).await.unwrap();
    let reads = poll_fn(|context| {
        assert!(connection.poll(context).is_pending());
        if connection.protocol.is_waiting() { Poll::Ready(()) } else { Poll::Pending }
    });
    soon("the request", reads).await;
    Guard::new(connection.registration.shared.clone()).announce();
    application.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    let task = tokio::spawn(async move { poll_fn(|context| connection.poll(context)).await });
    let mut answer = Vec::new();
    soon("the answer", client.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    let mut heard = Vec::new();
    soon("the request and the end", application.read_to_end(&mut heard)).await.unwrap();
    assert_eq!(&heard[before..], REQUEST);
    task.abort();
}
