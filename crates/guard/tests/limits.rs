//! Too many connections, and which of the idle ones goes when.

use std::time::Duration;

use segue_core::pod::Protocol;
use tokio::net::TcpStream;

use crate::support::{End, TestBed, moment, soon};

const GET: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn exchange(client: &mut End, application: &mut End) {
    client.say(GET).await;
    application.hears(GET).await;
    application.say(OK).await;
    client.hears(OK).await;
}

#[tokio::test]
async fn above_the_limit_the_longest_idle_makes_room() {
    let bed = TestBed::with(Protocol::Auto, |settings| settings.max_connections = 2).await;
    let (mut first, mut first_application) = bed.pair().await;
    let (mut second, mut second_application) = bed.pair().await;
    exchange(&mut second, &mut second_application).await;
    moment().await;
    exchange(&mut first, &mut first_application).await;
    let (mut third, mut third_application) = bed.pair().await;
    second.hears_end().await;
    second_application.hears_end().await;
    exchange(&mut first, &mut first_application).await;
    exchange(&mut third, &mut third_application).await;
    let counters = bed.guard.snapshot().counters;
    assert_eq!((counters.over_limit_closed, counters.over_limit_refused, counters.closed_idle), (1, 0, 0));
}

#[tokio::test]
async fn two_that_come_at_once_take_the_places_of_two() {
    let bed = TestBed::with(Protocol::Auto, |settings| settings.max_connections = 2).await;
    let (mut first, _application) = bed.pair().await;
    let (mut second, _other) = bed.pair().await;
    let (_third, _fourth) =
        tokio::try_join!(TcpStream::connect(bed.address), TcpStream::connect(bed.address)).unwrap();
    first.hears_end().await;
    second.hears_end().await;
    assert_eq!(bed.guard.snapshot().counters.over_limit_closed, 2);
}

#[tokio::test]
async fn a_connection_that_is_being_closed_takes_no_place() {
    let bed = TestBed::with(Protocol::Auto, |settings| settings.max_connections = 2).await;
    let (mut slow_to_close, _application) = bed.pair().await;
    let (leaves, left) = bed.pair().await;
    let _third = bed.pair().await;
    slow_to_close.hears_end().await;
    drop((leaves, left));
    bed.until("one left", |snapshot| snapshot.connections == 2 && snapshot.closing == 1).await;
    let (mut fourth, mut application) = bed.pair().await;
    exchange(&mut fourth, &mut application).await;
    assert_eq!(bed.guard.snapshot().counters.over_limit_closed, 1);
}

#[tokio::test]
async fn above_the_limit_with_all_busy_the_new_one_is_reset() {
    let bed = TestBed::with(Protocol::Auto, |settings| settings.max_connections = 1).await;
    let (mut busy, mut application) = bed.pair().await;
    busy.say(GET).await;
    application.hears(GET).await;
    let mut refused = End::new(TcpStream::connect(bed.address).await.unwrap());
    refused.hears_reset().await;
    application.say(OK).await;
    busy.hears(OK).await;
    let snapshot = bed.until("kept", |snapshot| snapshot.kept == 1).await;
    assert_eq!((snapshot.counters.over_limit_closed, snapshot.counters.over_limit_refused), (0, 1));
    assert_eq!((snapshot.connections, snapshot.counters.connections), (1, 1));
}

/// A connection that has said something is no idle one, however little that was: nobody is let in for it.
#[tokio::test]
async fn no_more_than_the_limit_are_carried_whatever_those_who_are_in_have_said() {
    for said in ["G", "GET /a", "PRI * HT", "PROXY "] {
        let bed = TestBed::with(Protocol::Auto, |settings| settings.max_connections = 2).await;
        let mut pairs = vec![bed.pair().await, bed.pair().await];
        for (client, _) in &mut pairs {
            client.say(said).await;
        }
        bed.until("what they said", |snapshot| snapshot.kept == 0).await;
        for refused in 1..=5 {
            let mut new = End::new(TcpStream::connect(bed.address).await.unwrap());
            new.hears_reset().await;
            let snapshot = bed.guard.snapshot();
            assert_eq!((snapshot.connections, snapshot.counters.over_limit_refused), (2, refused), "{said}");
        }
        assert_eq!(bed.guard.snapshot().counters.over_limit_closed, 0);
    }
}

#[tokio::test]
async fn of_those_that_are_being_closed_a_quarter_and_one_are_carried_beside_the_limit() {
    let bed = TestBed::with(Protocol::Auto, |settings| settings.max_connections = 4).await;
    // None of them ends its side.
    let mut slow = Vec::new();
    for _ in 0..4 {
        slow.push(bed.pair().await);
        moment().await;
    }
    let _carried = [bed.pair().await, bed.pair().await];
    let mut refused = End::new(TcpStream::connect(bed.address).await.unwrap());
    refused.hears_reset().await;
    let snapshot = bed.guard.snapshot();
    assert_eq!((snapshot.connections, snapshot.closing), (6, 3));
    assert_eq!((snapshot.counters.over_limit_closed, snapshot.counters.over_limit_refused), (3, 1));
    // One that has ended leaves its place.
    drop(slow.remove(2));
    bed.until("its end", |snapshot| snapshot.connections == 5).await;
    bed.pair().await;
    assert_eq!(bed.guard.snapshot().counters.over_limit_closed, 3);
}

/// The one that is asked is just being used: the new one gets no place, and no other is closed.
#[tokio::test]
async fn a_place_that_was_only_asked_for_is_not_given_away() {
    let bed = TestBed::with(Protocol::Auto, |settings| settings.max_connections = 1).await;
    let (mut client, mut application) = bed.pair().await;
    exchange(&mut client, &mut application).await;
    bed.until("kept", |snapshot| snapshot.kept == 1).await;
    let connects = TcpStream::connect(bed.address).await.unwrap();
    client.stream.try_write(GET.as_bytes()).unwrap();
    application.hears(GET).await;
    End::new(connects).hears_reset().await;
    application.say(OK).await;
    client.hears(OK).await;
    let snapshot = bed.guard.snapshot();
    assert_eq!((snapshot.counters.connections, snapshot.counters.over_limit_closed), (1, 0));
    assert_eq!(snapshot.counters.over_limit_refused, 1);
}

/// Its queue of connections that wait to be taken is full: the kernel drops what comes.
#[tokio::test]
async fn an_application_that_takes_no_connection_is_not_waited_for_for_ever() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(0).unwrap();
    let address = full.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        waiting.push(stream.unwrap());
    }
    let (guard, address) =
        crate::support::serve(crate::support::settings(address.port(), Protocol::Auto)).await;
    let _client = TcpStream::connect(address).await.unwrap();
    let refused = async {
        while guard.snapshot().counters.upstream_refused == 0 {
            moment().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_mins(1), refused).await.is_ok());
    assert_eq!(guard.snapshot().connections, 0);
}

#[tokio::test]
async fn idle_connections_are_closed_one_after_the_other_the_longest_idle_first() {
    let bed = TestBed::with(Protocol::Auto, |settings| settings.linger = Duration::ZERO).await;
    let mut pairs = Vec::new();
    for _ in 0..3 {
        pairs.push(bed.pair().await);
    }
    // In another order than they came.
    for at in [1, 2, 0] {
        let (client, application) = &mut pairs[at];
        exchange(client, application).await;
        moment().await;
    }
    bed.guard.close_idle(Duration::from_millis(1500));
    for (before, at) in [1, 2, 0].into_iter().enumerate() {
        pairs[at].0.hears_end().await;
        assert_eq!(bed.guard.snapshot().counters.closed_idle, before as u64 + 1);
    }
}

#[tokio::test]
async fn a_connection_whose_next_request_is_expected_is_kept_for_it() {
    let bed = TestBed::with(Protocol::Auto, |settings| settings.linger = Duration::from_mins(1)).await;
    let (mut quick, mut quick_application) = bed.pair().await;
    for _ in 0..3 {
        exchange(&mut quick, &mut quick_application).await;
    }
    // Of this one no gap is known, though its only request came in two pieces.
    let (mut other, mut other_application) = bed.pair().await;
    other.say(&GET[..2]).await;
    bed.until("its beginning", |snapshot| snapshot.in_flight == 1).await;
    other.say(&GET[2..]).await;
    other_application.hears(GET).await;
    other_application.say(OK).await;
    other.hears(OK).await;
    bed.guard.announce();
    bed.guard.close_idle(Duration::ZERO);
    quick.hears_end().await;
    moment().await;
    assert_eq!(bed.guard.snapshot().counters.closed_idle, 1);
    other.say(GET).await;
    other_application.hears(GET).await;
    other_application.say(OK).await;
    other.hears("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
    other.hears_end().await;
    let counters = bed.guard.snapshot().counters;
    assert_eq!((counters.closed_idle, counters.raced), (1, 0));
}

#[tokio::test]
async fn a_connection_that_is_not_understood_is_never_closed_for_being_idle() {
    let bed = TestBed::with(Protocol::Tcp, |settings| {
        settings.linger = Duration::ZERO;
        settings.max_connections = 1;
    })
    .await;
    let (mut client, mut application) = bed.pair().await;
    bed.guard.announce();
    bed.guard.close_idle(Duration::ZERO);
    let mut refused = End::new(TcpStream::connect(bed.address).await.unwrap());
    refused.hears_reset().await;
    moment().await;
    client.say("still here").await;
    application.hears("still here").await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_and_no_other_is_kept() {
    let taken = tokio::net::TcpListener::bind("[::]:0").await.unwrap();
    let taken_port = taken.local_addr().unwrap().port();
    let free = {
        let free = tokio::net::TcpListener::bind("[::]:0").await.unwrap();
        free.local_addr().unwrap().port()
    };
    let mut settings = crate::support::settings(1, Protocol::Auto);
    settings.ports[0].guard = Some(free);
    let mut second = settings.ports[0].clone();
    second.guard = Some(taken_port);
    settings.ports.push(second);
    let error = segue_guard::bind(settings).await.err().unwrap();
    assert_eq!(error.port, taken_port);
    assert!(error.to_string().contains(&taken_port.to_string()));
    drop(tokio::net::TcpListener::bind(("::", free)).await.unwrap());
}

#[tokio::test]
async fn an_application_that_listens_elsewhere_is_reached_where_it_does() {
    let application = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = application.local_addr().unwrap().port();
    let (guard, address) = crate::support::serve(crate::support::settings(port, Protocol::Auto)).await;
    let mut early = End::new(TcpStream::connect(address).await.unwrap());
    early.hears_reset().await;
    guard.reach(port, &["127.0.0.2".parse().unwrap()]);
    for _ in 0..2 {
        let mut client = End::new(TcpStream::connect(address).await.unwrap());
        let (stream, _) = soon("the connection", application.accept()).await.unwrap();
        exchange(&mut client, &mut End::new(stream)).await;
    }
    assert_eq!(guard.snapshot().counters.upstream_refused, 1);
}

#[tokio::test]
async fn ipv6_clients_are_served_too() {
    let bed = TestBed::new().await;
    let mut client = End::new(TcpStream::connect(("::1", bed.address.port())).await.unwrap());
    let (stream, _) = soon("the connection", bed.application.accept()).await.unwrap();
    exchange(&mut client, &mut End::new(stream)).await;
}
