//! In a drain, answers say `Connection: close`, and what crosses the close is known.

use std::time::Duration;

use crate::support::{TestBed, moment};

const GET: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LAST: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

#[tokio::test]
async fn the_answer_says_close_once_and_then_both_sides_are_closed() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say(GET).await;
    application.hears(GET).await;
    bed.guard.announce();
    bed.guard.announce();
    application.say(OK).await;
    client.hears(LAST).await;
    client.hears_end().await;
    application.hears_end().await;
    let snapshot = bed.until("closing", |snapshot| snapshot.closing == 1).await;
    assert_eq!((snapshot.in_flight, snapshot.kept, snapshot.counters.announced), (0, 0, 1));
    client.ends().await;
    let snapshot = bed.until("closed", |snapshot| snapshot.connections == 0).await;
    assert_eq!(snapshot.counters.raced, 0);
}

#[tokio::test]
async fn of_pipelined_requests_the_last_ones_answer_says_close() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say(GET.repeat(3)).await;
    application.hears(GET.repeat(3)).await;
    bed.guard.announce();
    application.say(OK.repeat(2)).await;
    client.hears(OK.repeat(2)).await;
    application.say(OK).await;
    client.hears(LAST).await;
    client.hears_end().await;
    assert_eq!(bed.guard.snapshot().counters.announced, 1);
}

#[tokio::test]
async fn a_request_that_has_begun_is_answered_too() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say(GET).await;
    client.say(&GET[..9]).await;
    application.hears(GET).await;
    bed.until("the beginning of the second", |snapshot| snapshot.in_flight == 2).await;
    bed.guard.announce();
    application.say(OK).await;
    client.hears(OK).await;
    client.say(&GET[9..]).await;
    application.hears(GET).await;
    application.say(OK).await;
    client.hears(LAST).await;
    client.hears_end().await;
    assert_eq!(bed.guard.snapshot().counters.raced, 0);
}

#[tokio::test]
async fn a_refusal_of_a_body_that_was_not_sent_leaves_open_what_follows() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    let request = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    client.say(request).await;
    application.hears(request).await;
    application.say("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n").await;
    client.hears("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n").await;
    // The body, or the next request: nobody can know.
    client.say(GET).await;
    application.hears(GET).await;
    bed.until("opaque", |snapshot| snapshot.opaque == 1 && snapshot.in_flight == 0).await;
}

#[tokio::test]
async fn interim_answers_say_nothing_of_it() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").await;
    application.hears("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").await;
    bed.guard.announce();
    application.say("HTTP/1.1 100 Continue\r\n\r\n").await;
    client.hears("HTTP/1.1 100 Continue\r\n\r\n").await;
    client.say("hi").await;
    application.hears("hi").await;
    application.say(OK).await;
    client.hears(LAST).await;
    client.hears_end().await;
}

#[tokio::test]
async fn a_request_that_crosses_the_close_is_known_and_not_done() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say(GET).await;
    application.hears(GET).await;
    bed.guard.announce();
    application.say(&OK[..OK.len() - 1]).await;
    client.hears(&LAST[..LAST.len() - 1]).await;
    client.say(GET.repeat(2)).await;
    client.say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    client.say("GET / HT").await;
    bed.until("raced", |snapshot| snapshot.counters.raced == 2).await;
    application.say(&OK[OK.len() - 1..]).await;
    application.hears_end().await;
    client.hears(&LAST[LAST.len() - 1..]).await;
    client.hears_end().await;
    client.ends().await;
    let snapshot = bed.until("closed", |snapshot| snapshot.connections == 0).await;
    assert_eq!((snapshot.counters.raced, snapshot.in_flight), (3, 0));
}

#[tokio::test]
async fn the_rest_of_a_request_whose_answer_came_early_still_reaches_the_application() {
    let bed = TestBed::with(segue_core::pod::Protocol::Auto, |settings| {
        settings.longest_request = Duration::from_hours(1);
        settings.linger = Duration::ZERO;
    })
    .await;
    let (mut client, mut application) = bed.pair().await;
    client.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab").await;
    application.hears("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab").await;
    bed.guard.announce();
    application.say(OK).await;
    client.hears(LAST).await;
    client.hears_end().await;
    moment().await;
    client.say("c").await;
    application.hears("c").await;
    let snapshot = bed.guard.snapshot();
    assert_eq!((snapshot.closing, snapshot.kept, snapshot.in_flight), (1, 0, 0));
    client.say("d").await;
    // Then neither side is carried for as long as the rest might have taken.
    application.hears("d").await;
    application.hears_end().await;
    let snapshot = bed.until("closed", |snapshot| snapshot.connections == 0).await;
    assert_eq!(snapshot.counters.raced, 0);
}

#[tokio::test]
async fn a_client_that_does_not_close_has_its_time_and_no_more() {
    let bed = TestBed::with(segue_core::pod::Protocol::Auto, |settings| {
        settings.linger = Duration::from_millis(50);
    })
    .await;
    let (mut client, mut application) = bed.pair().await;
    bed.guard.announce();
    client.say(GET).await;
    application.hears(GET).await;
    application.say(OK).await;
    client.hears(LAST).await;
    bed.until("closed", |snapshot| snapshot.connections == 0).await;
}

#[tokio::test]
async fn a_drain_that_is_taken_back_changes_nothing_for_those_who_were_not_told() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    bed.guard.announce();
    bed.guard.close_idle(Duration::ZERO);
    bed.guard.open();
    for _ in 0..2 {
        client.say(GET).await;
        application.hears(GET).await;
        application.say(OK).await;
        client.hears(OK).await;
        moment().await;
    }
    assert_eq!(bed.guard.snapshot().counters.closed_idle, 0);
}

/// It is closed before it has said anything.
#[tokio::test]
async fn a_first_request_that_crosses_the_close_is_known_too() {
    for protocol in [segue_core::pod::Protocol::Auto, segue_core::pod::Protocol::Http] {
        let bed = TestBed::with(protocol, |settings| settings.linger = Duration::from_secs(1)).await;
        let (mut client, mut application) = bed.pair().await;
        bed.guard.announce();
        bed.guard.close_idle(Duration::ZERO);
        client.hears_end().await;
        application.hears_end().await;
        client.say(GET).await;
        client.ends().await;
        let snapshot = bed.until("closed", |snapshot| snapshot.connections == 0).await;
        assert_eq!((snapshot.counters.closed_idle, snapshot.counters.raced), (1, 1));
    }
}

#[tokio::test]
async fn a_drain_that_is_taken_back_closes_nobody_who_comes_later() {
    let bed =
        TestBed::with(segue_core::pod::Protocol::Auto, |settings| settings.linger = Duration::ZERO).await;
    let (mut client, _application) = bed.pair().await;
    bed.guard.announce();
    bed.guard.close_idle(Duration::ZERO);
    client.hears_end().await;
    bed.guard.open();
    let (mut client, mut application) = bed.pair().await;
    for _ in 0..2 {
        moment().await;
        client.say(GET).await;
        application.hears(GET).await;
        application.say(OK).await;
        client.hears(OK).await;
    }
    assert_eq!(bed.guard.snapshot().counters.closed_idle, 1);
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_what_crosses_that_is_known() {
    let bed = TestBed::with(segue_core::pod::Protocol::Auto, |settings| {
        settings.linger = Duration::from_millis(200);
    })
    .await;
    let (mut client, mut application) = bed.pair().await;
    let (mut polite, _other) = bed.pair().await;
    client.say(GET).await;
    application.hears(GET).await;
    application.say(OK).await;
    client.hears(OK).await;
    bed.guard.announce();
    bed.guard.close_idle(Duration::ZERO);
    application.hears_end().await;
    client.say(GET).await;
    polite.hears_end().await;
    polite.ends().await;
    let snapshot = bed.until("closed", |snapshot| snapshot.connections == 0).await;
    assert_eq!((snapshot.counters.closed_idle, snapshot.counters.raced), (2, 1));
}

#[tokio::test]
async fn a_request_that_is_there_already_is_served_and_not_closed() {
    let bed =
        TestBed::with(segue_core::pod::Protocol::Auto, |settings| settings.linger = Duration::ZERO).await;
    let (mut client, mut application) = bed.pair().await;
    moment().await;
    bed.guard.announce();
    bed.guard.close_idle(Duration::ZERO);
    client.say(GET).await;
    application.hears(GET).await;
    application.say(OK).await;
    client.hears(LAST).await;
    let counters = bed.guard.snapshot().counters;
    assert_eq!((counters.closed_idle, counters.raced), (0, 0));
}

#[tokio::test]
async fn the_deadline_cuts_what_is_in_flight_by_a_reset_and_the_rest_by_an_end() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    let (mut idle, mut other) = bed.pair().await;
    client.say(GET).await;
    application.hears(GET).await;
    assert_eq!(bed.guard.cut(), 1);
    client.hears_reset().await;
    application.hears_reset().await;
    idle.hears_end().await;
    other.hears_end().await;
    let snapshot = bed.until("cut", |snapshot| snapshot.connections == 0).await;
    assert_eq!((snapshot.counters.cut, snapshot.in_flight, snapshot.kept), (1, 0, 0));
}
