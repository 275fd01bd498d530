//! What the kernel shows of a request that was written just when the application closed, on real sockets.
//!
//! The moment between the look for an end and the write is too short to be met by a test: the request is written where
//! the guard would have written it a moment later.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::guard::Guard;
use crate::registration::Registration;
use crate::shared::Shared;
use crate::support::{settings, soon};
use crate::upstream::Application;

const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";

const MORE: &[u8] = b"GET /more HTTP/1.1\r\nHost: x\r\n\r\n";

/// How the application ends the connection on which it is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ends {
    BeforeTheRequest,
    HavingReadAll,
    HavingReadAPart,
    HavingReadNothing,
    ForItsOwnWordsOnly,
}

async fn pair(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let connects = TcpStream::connect(listener.local_addr().unwrap());
    let (one, other) = tokio::join!(connects, listener.accept());
    (one.unwrap(), other.unwrap().0)
}

/// Both ends of a connection to an application that was written one request to, and ended so.
async fn asked(listener: &TcpListener, ends: Ends) -> (TcpStream, Option<TcpStream>) {
    let (mut asks, mut application) = pair(listener).await;
    if ends == Ends::BeforeTheRequest {
        drop(application);
        asks.write_all(REQUEST).await.unwrap();
        return (asks, None);
    }
    if ends == Ends::ForItsOwnWordsOnly {
        application.shutdown().await.unwrap();
        asks.write_all(REQUEST).await.unwrap();
        return (asks, Some(application));
    }
    asks.write_all(REQUEST).await.unwrap();
    let read = match ends {
        Ends::HavingReadAll => REQUEST.len(),
        Ends::HavingReadAPart => 20,
        _ => 0,
    };
    application.readable().await.unwrap();
    application.read_exact(&mut vec![0; read]).await.unwrap();
    (asks, None)
}

#[tokio::test]
async fn only_what_was_provably_not_taken_is_sent_again() {
    for (ends, again) in [
        (Ends::BeforeTheRequest, true),
        (Ends::HavingReadAll, false),
        (Ends::HavingReadAPart, false),
        (Ends::HavingReadNothing, false),
        (Ends::ForItsOwnWordsOnly, false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let number = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::new(settings(number), Vec::new()));
        let (mut client, carried) = pair(&listener).await;
        let (first, _taken) = pair(&listener).await;
        let to = Arc::new(Application::new(number));
        let registration = Registration::enter(shared.clone(), crate::limits::admit(&shared).await.unwrap());
        let mut connection = Connection::new(registration, carried, first, to, Protocol::Http);
        client.write_all(REQUEST).await.unwrap();
        let passes = poll_fn(|context| {
            let polled = connection.poll(context);
            assert!(polled.is_pending());
            if connection.renewal.written == REQUEST { Poll::Ready(()) } else { Poll::Pending }
        });
        soon("the request", passes).await;
        let (asked, _application) = asked(&listener, ends).await;
        connection.application = Upstream::Open(asked);
        if again {
            // What the client says meanwhile is not written behind the end, and comes after it.
            client.write_all(MORE).await.unwrap();
            client.writable().await.unwrap();
        }
        let task = tokio::spawn(async move { poll_fn(|context| connection.poll(context)).await });
        let counters = || Guard::new(shared.clone()).snapshot().counters;
        if again {
            let (mut application, _) = soon("another connection", listener.accept()).await.unwrap();
            let mut heard = vec![0; REQUEST.len() + MORE.len()];
            soon("the request", application.read_exact(&mut heard)).await.unwrap();
            assert_eq!(heard, [REQUEST, MORE].concat());
            application.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
            let mut answer = [0; 40];
            soon("the answer", client.read_exact(&mut answer)).await.unwrap();
            assert_eq!(answer[38..], *b"ok");
            assert_eq!((counters().resent, counters().broken_off), (1, 0));
        } else {
            let mut nothing = Vec::new();
            // An end or a reset, and no answer.
            let _ = soon("the end", client.read_to_end(&mut nothing)).await;
            assert_eq!(nothing, b"");
            assert_eq!(
                (counters().resent, counters().reconnected, counters().broken_off),
                (0, 0, 1),
                "{ends:?}"
            );
        }
        drop(client);
        task.abort();
    }
}

#[test]
fn how_soon_an_application_closes_is_learnt_and_forgotten() {
    let seconds = Duration::from_secs;
    let to = Application::new(1);
    assert!(!to.is_about_to_close(seconds(5)), "nothing is known");
    to.closed_after(Duration::from_millis(5_050));
    to.closed_after(seconds(5));
    to.closed_after(Duration::from_millis(5_300));
    assert!(!to.is_about_to_close(Duration::from_millis(3_900)));
    assert!(to.is_about_to_close(Duration::from_secs(4)));
    assert!(to.is_about_to_close(Duration::from_secs(6)));
    // Another time than before counts from now on.
    to.closed_after(seconds(2));
    assert!(!to.is_about_to_close(Duration::from_millis(1_499)));
    assert!(to.is_about_to_close(Duration::from_millis(1_500)));
    // A connection that is still open shows that there was no timer.
    assert!(!to.is_about_to_close(Duration::from_millis(2_501)));
    assert!(!to.is_about_to_close(seconds(2)));
}

#[test]
fn a_time_is_alike_within_a_quarter_and_a_second_at_most() {
    let milliseconds = Duration::from_millis;
    for (known, other, last_before, last_after) in [
        (2000, 2500, 1499, 2500),
        (2000, 2501, 1875, 3126),
        (2000, 1500, 1124, 1875),
        (2000, 1499, 1124, 1873),
        (60_000, 61_000, 58_999, 61_000),
        (60_000, 61_001, 60_000, 62_001),
        (0, 0, 0, 1),
    ] {
        let to = Application::new(1);
        to.closed_after(milliseconds(known));
        to.closed_after(milliseconds(other));
        assert!(!to.is_about_to_close(milliseconds(last_before)), "{known} {other}");
        assert!(to.is_about_to_close(milliseconds(last_before + 1)), "{known} {other}");
        assert!(to.is_about_to_close(milliseconds(last_after)), "{known} {other}");
        assert!(!to.is_about_to_close(milliseconds(last_after + 1)), "{known} {other}");
        assert!(!to.is_about_to_close(milliseconds(last_after)), "it is forgotten");
    }
}
