//! What the kernel shows of a request that was written just when the application closed, on real sockets.
//!
//! The moment between the look for an end and the write is too short to be met by a test: the request is written where
//! the guard would have written it a moment later.

use std::future::poll_fn;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::connection::tests::{carried, pair};
use crate::guard::Guard;
use crate::support::soon;
use crate::upstream::Application;

const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

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

/// Both ends of a connection to an application that was written one request to, and ended so.
async fn asked(listener: &TcpListener, request: &[u8], ends: Ends) -> (TcpStream, Option<TcpStream>) {
    let (mut asks, mut application) = pair(listener).await;
    if ends == Ends::BeforeTheRequest {
        drop(application);
        asks.write_all(request).await.unwrap();
        return (asks, None);
    }
    if ends == Ends::ForItsOwnWordsOnly {
        application.shutdown().await.unwrap();
        asks.write_all(request).await.unwrap();
        return (asks, Some(application));
    }
    asks.write_all(request).await.unwrap();
    let read = match ends {
        Ends::HavingReadAll => request.len(),
        Ends::HavingReadAPart => 20,
        _ => 0,
    };
    application.readable().await.unwrap();
    application.read_exact(&mut vec![0; read]).await.unwrap();
    (asks, None)
}

/// A request that is so long.
fn request_of(length: usize) -> Vec<u8> {
    let (before, behind) = ("GET / HTTP/1.1\r\nHost: ", "\r\n\r\n");
    let host = "x".repeat(length - before.len() - behind.len());
    [before, &host, behind].concat().into_bytes()
}

#[tokio::test]
async fn only_what_was_provably_not_taken_is_sent_again() {
    for (request, ends, again) in [
        (REQUEST.to_vec(), Ends::BeforeTheRequest, true),
        (REQUEST.to_vec(), Ends::HavingReadAll, false),
        (REQUEST.to_vec(), Ends::HavingReadAPart, false),
        (REQUEST.to_vec(), Ends::HavingReadNothing, false),
        (REQUEST.to_vec(), Ends::ForItsOwnWordsOnly, false),
        // The longest that is sure to be one piece, and one byte more.
        (request_of(8192), Ends::BeforeTheRequest, true),
        (request_of(8193), Ends::BeforeTheRequest, false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (mut client, mut connection, _first) = carried(&listener).await;
        let shared = connection.registration.shared.clone();
        client.write_all(&request).await.unwrap();
        let mut there = vec![0; request.len()];
        while soon("the request", connection.client.peek(&mut there)).await.unwrap() < request.len() {
            tokio::task::yield_now().await;
        }
        let passes = poll_fn(|context| {
            assert!(connection.poll(context).is_pending());
            let is_written = connection.protocol.is_waiting() && !connection.renewal.is_untouched;
            if is_written { Poll::Ready(()) } else { Poll::Pending }
        });
        soon("the request", passes).await;
        let (asked, _application) = asked(&listener, &request, ends).await;
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
            let mut heard = vec![0; request.len() + MORE.len()];
            soon("the request", application.read_exact(&mut heard)).await.unwrap();
            assert_eq!(heard, [&request, MORE].concat());
            application.write_all(OK).await.unwrap();
            let mut answer = [0; OK.len()];
            soon("the answer", client.read_exact(&mut answer)).await.unwrap();
            assert_eq!(answer, *OK);
            assert_eq!((counters().resent, counters().broken_off), (1, 0));
        } else {
            let mut nothing = Vec::new();
            // An end or a reset, and no answer.
            let _ = soon("the end", client.read_to_end(&mut nothing)).await;
            assert_eq!(nothing, b"");
            assert_eq!(
                (counters().resent, counters().reconnected, counters().broken_off),
                (0, 0, 1),
                "{ends:?} {}",
                request.len()
            );
        }
        drop(client);
        task.abort();
    }
}

/// What the client has said while a new connection is made need not have been read.
#[tokio::test]
async fn what_is_unread_when_a_new_connection_is_there_goes_to_it_and_is_reset_if_there_is_none() {
    for (said, ends, listens) in [
        ("", false, true),
        ("", true, true),
        ("G", false, true),
        ("", false, false),
        ("G", false, false),
        ("G", true, false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (mut client, mut connection, _first) = carried(&listener).await;
        let (made, _taken) = pair(&listener).await;
        let made = if listens { Ok(made) } else { Err(io::ErrorKind::ConnectionRefused.into()) };
        connection.application = Upstream::Connecting(Box::pin(std::future::ready(made)));
        client.write_all(said.as_bytes()).await.unwrap();
        if ends {
            client.shutdown().await.unwrap();
        }
        if ends || !said.is_empty() {
            soon("what the client said", connection.client.readable()).await.unwrap();
        }
        let is_needed = !said.is_empty();
        let is_reset = poll_fn(|context| Poll::Ready(connection.poll_connect(context))).await.is_err();
        let counters = Guard::new(connection.registration.shared.clone()).snapshot().counters;
        let case = format!("{said:?} {ends} {listens}");
        assert_eq!(is_reset, is_needed && !listens, "{case}");
        assert_eq!(counters.reconnected, u64::from(is_needed && listens), "{case}");
        assert_eq!(counters.upstream_refused, u64::from(!listens), "{case}");
        let is_as_expected = match &connection.application {
            Upstream::Open(_) => is_needed && listens,
            Upstream::Resting => !is_needed && listens,
            Upstream::Closed => !listens,
            Upstream::Connecting(_) => false,
        };
        assert!(is_as_expected, "{case}");
        // Where nothing was said, an application that is gone is an end.
        assert_eq!(connection.down.finished, !is_needed && !listens, "{case}");
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
