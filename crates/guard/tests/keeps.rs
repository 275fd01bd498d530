//! Outside a drain an idle client is kept although the application closed its own connection, and served on a new one.

use segue_core::pod::Protocol;

use crate::support::{End, TestBed, moment, soon};

const GET: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const POST: &str = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CLOSES: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

impl TestBed {
    /// The application's end of the next connection that a request comes on: those that only ask whether it still
    /// listens end at once.
    async fn asked(&self) -> End {
        loop {
            let (stream, _) =
                soon("a connection to the application", self.application.accept()).await.unwrap();
            if soon("its first byte or its end", stream.peek(&mut [0])).await.unwrap() > 0 {
                return End::new(stream);
            }
        }
    }
}

/// How long the application waits before it closes: far more than a busy machine is late by.
async fn idle() {
    for _ in 0..10 {
        moment().await;
    }
}

/// What the client has asked is answered.
async fn answer(application: &mut End, client: &mut End, asked: &str) {
    application.hears(asked).await;
    application.say(OK).await;
    client.hears(OK).await;
}

async fn exchange(client: &mut End, application: &mut End) {
    client.say(GET).await;
    answer(application, client, GET).await;
}

#[tokio::test]
async fn a_client_is_kept_and_its_next_request_goes_to_a_new_connection() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    exchange(&mut client, &mut application).await;
    for times in 1..=3 {
        application.ends().await;
        application.hears_end().await;
        moment().await;
        let snapshot = bed.guard.snapshot();
        assert_eq!((snapshot.connections, snapshot.kept, snapshot.closing, snapshot.in_flight), (1, 1, 0, 0));
        client.say(POST).await;
        application = bed.asked().await;
        answer(&mut application, &mut client, POST).await;
        let counters = bed.guard.snapshot().counters;
        assert_eq!((counters.reconnected, counters.requests, counters.broken_off), (times, times + 1, 0));
    }
    client.ends().await;
    application.hears_end().await;
    application.ends().await;
    client.hears_end().await;
    let snapshot = bed.until("the end", |snapshot| snapshot.connections == 0).await;
    assert_eq!((snapshot.kept, snapshot.in_flight, snapshot.closing), (0, 0, 0));
}

/// The close and the request come before the guard has looked at either.
#[tokio::test]
async fn a_request_that_crosses_the_applications_close_is_served() {
    let bed = TestBed::new().await;
    for request in [GET, POST, &format!("{POST}{GET}")] {
        let (mut client, mut application) = bed.pair().await;
        exchange(&mut client, &mut application).await;
        // Neither waits: on one thread the guard sees both at once.
        rustix::net::shutdown(&application.stream, rustix::net::Shutdown::Both).unwrap();
        client.stream.try_write(request.as_bytes()).unwrap();
        let mut again = bed.asked().await;
        again.hears(request).await;
        again.say(OK).await;
        client.hears(OK).await;
    }
    let counters = bed.guard.snapshot().counters;
    assert_eq!((counters.reconnected, counters.broken_off), (3, 0));
}

/// As above, with the first words on their connections; what is no HTTP can't be said again.
#[tokio::test]
async fn a_first_request_that_crosses_the_applications_close_is_served_and_nothing_else() {
    let bed = TestBed::with(Protocol::Http, |_| ()).await;
    let (mut client, application) = bed.pair().await;
    rustix::net::shutdown(&application.stream, rustix::net::Shutdown::Both).unwrap();
    client.stream.try_write(POST.as_bytes()).unwrap();
    let mut again = bed.asked().await;
    answer(&mut again, &mut client, POST).await;

    let bed = TestBed::new().await;
    // By another connection HTTP is known to be spoken.
    let (mut other, mut served) = bed.pair().await;
    exchange(&mut other, &mut served).await;
    let (mut client, application) = bed.pair().await;
    rustix::net::shutdown(&application.stream, rustix::net::Shutdown::Both).unwrap();
    client.stream.try_write(b"EHLO x\r\n").unwrap();
    client.hears_end().await;
    // What looked like a request's beginning was none.
    other.say("GE").await;
    bed.until("the beginning", |snapshot| snapshot.in_flight == 1).await;
    rustix::net::shutdown(&served.stream, rustix::net::Shutdown::Both).unwrap();
    other.stream.try_write(b"E\0\r\n").unwrap();
    other.hears_end().await;
    assert_eq!(bed.guard.snapshot().counters.reconnected, 0);
}

#[tokio::test]
async fn an_application_that_resets_an_idle_connection_loses_no_client_either() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    exchange(&mut client, &mut application).await;
    application.resets();
    moment().await;
    client.say(POST).await;
    let mut again = bed.asked().await;
    answer(&mut again, &mut client, POST).await;
}

#[tokio::test]
async fn a_head_that_had_begun_when_the_application_closed_goes_to_the_next_connection_whole() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    exchange(&mut client, &mut application).await;
    client.say(&POST[..9]).await;
    bed.until("the beginning", |snapshot| snapshot.in_flight == 1).await;
    drop(application);
    moment().await;
    client.say(&POST[9..]).await;
    let mut again = bed.asked().await;
    answer(&mut again, &mut client, POST).await;
}

#[tokio::test]
async fn a_client_that_leaves_while_it_is_kept_is_let_go() {
    for half in ["", &GET[..7]] {
        let bed = TestBed::new().await;
        let (mut client, mut application) = bed.pair().await;
        exchange(&mut client, &mut application).await;
        drop(application);
        moment().await;
        client.say(half).await;
        client.ends().await;
        if !half.is_empty() {
            // As without a guard, the application has the last word on what is no request.
            let mut again = bed.asked().await;
            again.hears(half).await;
            again.hears_end().await;
            again.ends().await;
        }
        client.hears_end().await;
        bed.until("the end", |snapshot| snapshot.connections == 0).await;
    }
}

#[tokio::test]
async fn before_any_request_a_client_is_kept_where_http_is_known_to_be_spoken() {
    let bed = TestBed::with(Protocol::Http, |_| ()).await;
    let (mut client, application) = bed.pair().await;
    drop(application);
    moment().await;
    client.say(POST).await;
    let mut again = bed.asked().await;
    answer(&mut again, &mut client, POST).await;

    let bed = TestBed::new().await;
    let (mut client, application) = bed.pair().await;
    drop(application);
    client.hears_end().await;
    // Another connection shows that it is HTTP.
    let (mut other, mut served) = bed.pair().await;
    exchange(&mut other, &mut served).await;
    let (mut client, application) = bed.pair().await;
    drop(application);
    moment().await;
    client.say(POST).await;
    let mut again = bed.asked().await;
    answer(&mut again, &mut client, POST).await;
}

#[tokio::test]
async fn an_application_that_is_down_is_seen_to_be_down() {
    let bed = TestBed::new().await;
    let (mut idle, mut idle_application) = bed.pair().await;
    exchange(&mut idle, &mut idle_application).await;
    let (mut kept, mut kept_application) = bed.pair().await;
    exchange(&mut kept, &mut kept_application).await;
    drop(kept_application);
    let (mut half, half_application) = bed.pair().await;
    half.say(&GET[..7]).await;
    bed.until("its beginning", |snapshot| snapshot.in_flight == 1).await;
    moment().await;
    let TestBed { guard, address, application } = bed;
    drop(application);
    drop(half_application);
    // One that ends with its application is closed at once, as without a guard.
    drop(idle_application);
    idle.hears_end().await;
    // One that has begun a request is owed more than an end, and one that was kept learns it with its next request.
    half.hears_reset().await;
    kept.say(POST).await;
    kept.hears_reset().await;
    let mut new = End::new(tokio::net::TcpStream::connect(address).await.unwrap());
    new.hears_reset().await;
    assert_eq!(guard.snapshot().counters.upstream_refused, 4);
}

/// What the application may have taken is never sent again, and what is no HTTP/1 at a message boundary ends as before.
#[tokio::test]
async fn nothing_else_is_kept_and_nothing_is_sent_twice() {
    let asked_before = |said: &'static str| (said, "");
    for (request, answer) in [
        asked_before(GET),
        asked_before(POST),
        asked_before("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhi"),
        (GET, "HTTP/1.1 200 OK\r\nContent-"),
        (GET, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"),
        (GET, "HTTP/1.1 103 Early Hints\r\n\r\n"),
        (GET, CLOSES),
        (GET, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        (GET, "HTTP/1.1 200 OK\r\n\r\nok"),
        ("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", OK),
        ("GET /a HTTP/1.0\r\n\r\n", OK),
        (
            "GET /a HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        ),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 1111 80\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", OK),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0", "\0\0\0\u{4}\0\0\0\0\0"),
        ("EHLO x\r\n", "250 x\r\n"),
    ] {
        let bed = TestBed::with(Protocol::Auto, |_| ()).await;
        let (mut client, mut application) = bed.pair().await;
        client.say(request).await;
        application.hears(request).await;
        application.say(answer).await;
        application.ends().await;
        client.hears(answer).await;
        client.hears_end().await;
        drop((client, application));
        bed.until("the end", |snapshot| snapshot.connections == 0).await;
        assert_eq!(bed.guard.snapshot().counters.reconnected, 0, "{request:?} {answer:?}");
        let another = tokio::time::timeout(std::time::Duration::from_millis(20), bed.application.accept());
        assert!(another.await.is_err(), "a second connection after {request:?} {answer:?}");
    }
}

#[tokio::test]
async fn in_a_drain_a_close_of_the_application_is_a_close() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    let (mut kept, mut other) = bed.pair().await;
    exchange(&mut client, &mut application).await;
    exchange(&mut kept, &mut other).await;
    drop(other);
    moment().await;
    bed.guard.announce();
    drop(application);
    client.hears_end().await;
    // One that was kept before is served, and told to go.
    kept.say(GET).await;
    let mut again = bed.asked().await;
    again.hears(GET).await;
    again.say(OK).await;
    kept.hears(CLOSES).await;
    kept.hears_end().await;
}

#[tokio::test]
async fn a_kept_client_is_closed_like_any_idle_one() {
    let bed = TestBed::with(Protocol::Auto, |settings| settings.linger = std::time::Duration::ZERO).await;
    let (mut client, mut application) = bed.pair().await;
    exchange(&mut client, &mut application).await;
    drop(application);
    moment().await;
    bed.guard.announce();
    bed.guard.close_idle(std::time::Duration::ZERO);
    client.hears_end().await;
    drop(client);
    let snapshot = bed.until("the end", |snapshot| snapshot.connections == 0).await;
    assert_eq!((snapshot.counters.closed_idle, snapshot.counters.reconnected), (1, 0));
}

/// Twice it closes after the same time; then a request comes just before the third.
#[tokio::test]
async fn a_connection_that_the_application_is_about_to_close_is_not_used() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    exchange(&mut client, &mut application).await;
    idle().await;
    drop(application);
    moment().await;
    client.say(GET).await;
    let mut application = bed.asked().await;
    answer(&mut application, &mut client, GET).await;
    idle().await;
    client.say(POST).await;
    application.hears_end().await;
    let mut again = bed.asked().await;
    answer(&mut again, &mut client, POST).await;
    assert_eq!(bed.guard.snapshot().counters.reconnected, 2);
}

#[tokio::test]
async fn an_application_that_closes_every_connection_is_asked_a_few_times_and_no_more() {
    let TestBed { guard, address, application } = TestBed::new().await;
    let connects = tokio::net::TcpStream::connect(address);
    let (connected, (served, _)) = tokio::try_join!(connects, application.accept()).unwrap();
    let (mut client, mut served) = (End::new(connected), End::new(served));
    exchange(&mut client, &mut served).await;
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = count.clone();
    let closes = tokio::spawn(async move {
        loop {
            drop(application.accept().await);
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    });
    drop(served);
    moment().await;
    client.say(POST).await;
    let mut rest = Vec::new();
    let _ =
        soon("the client's end", tokio::io::AsyncReadExt::read_to_end(&mut client.stream, &mut rest)).await;
    assert_eq!(rest, b"");
    crate::support::until(&guard, "the end", |snapshot| snapshot.connections == 0).await;
    moment().await;
    let counters = guard.snapshot().counters;
    assert_eq!((counters.reconnected, counters.upstream_refused), (3, 0));
    // One more was to see whether it listens.
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 4);
    closes.abort();
}

#[tokio::test]
async fn what_the_application_says_unasked_before_its_end_reaches_the_client() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    exchange(&mut client, &mut application).await;
    application.say("HTTP/1.1 408 Late").await;
    moment().await;
    drop(application);
    client.stream.try_write(GET.as_bytes()).unwrap();
    client.hears("HTTP/1.1 408 Late").await;
}

/// The rest of a request is not written behind an end: it would hide what became of its beginning.
#[tokio::test]
async fn a_request_that_comes_in_two_pieces_is_not_begun_twice() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    exchange(&mut client, &mut application).await;
    client.say(&POST[..POST.len() - 1]).await;
    application.hears(&POST[..POST.len() - 1]).await;
    drop(application);
    client.stream.try_write(&POST.as_bytes()[POST.len() - 1..]).unwrap();
    let mut rest = Vec::new();
    let _ =
        soon("the client's end", tokio::io::AsyncReadExt::read_to_end(&mut client.stream, &mut rest)).await;
    let snapshot = bed.until("the end", |snapshot| snapshot.connections == 0).await;
    assert_eq!(
        (snapshot.counters.resent, snapshot.counters.reconnected, snapshot.counters.broken_off),
        (0, 0, 1)
    );
}

#[tokio::test]
async fn a_request_with_the_clients_end_behind_it_is_served_on_the_next_connection() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    exchange(&mut client, &mut application).await;
    drop(application);
    moment().await;
    client.say(POST).await;
    client.ends().await;
    let mut again = bed.asked().await;
    again.hears(POST).await;
    again.hears_end().await;
    again.say(OK).await;
    again.ends().await;
    client.hears(OK).await;
    client.hears_end().await;
}
