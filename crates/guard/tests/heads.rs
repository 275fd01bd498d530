//! A head that never becomes whole holds nobody up for ever.

use std::time::Duration;

use segue_core::pod::Protocol;

use crate::support::{TestBed, moment};

const GET: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LAST: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

#[tokio::test]
async fn a_head_may_take_as_long_as_the_longest_request_and_no_longer() {
    for half in ["G", &GET[..9]] {
        let bed = TestBed::with(Protocol::Auto, |settings| settings.longest_request = Duration::ZERO).await;
        let (mut client, mut application) = bed.pair().await;
        client.say(half).await;
        bed.until("its beginning", |snapshot| snapshot.in_flight == 1 && snapshot.kept == 0).await;
        // Whether it grows meanwhile or not.
        let growing = half.len() > 1;
        for byte in GET[half.len()..].bytes().take(if growing { 2 } else { 0 }) {
            moment().await;
            client.say([byte]).await;
        }
        client.hears_end().await;
        application.hears_end().await;
        let snapshot = bed.until("closing", |snapshot| snapshot.closing == 1).await;
        assert_eq!((snapshot.in_flight, snapshot.counters.unfinished, snapshot.counters.requests), (0, 1, 0));
        client.say("rest").await;
        client.ends().await;
        let snapshot = bed.until("the end", |snapshot| snapshot.connections == 0).await;
        assert_eq!((snapshot.counters.raced, snapshot.counters.panics), (0, 0));
    }
}

#[tokio::test]
async fn in_a_drain_a_head_of_which_nothing_comes_goes_like_an_idle_connection() {
    let bed = TestBed::with(Protocol::Auto, |settings| {
        settings.longest_request = Duration::from_mins(1);
        settings.linger = Duration::ZERO;
    })
    .await;
    let (mut stuck, mut application) = bed.pair().await;
    let (mut slow, mut other) = bed.pair().await;
    stuck.say("GET /a HTT").await;
    slow.say(&GET[..1]).await;
    bed.until("their beginnings", |snapshot| snapshot.in_flight == 2).await;
    bed.guard.announce();
    for byte in GET[1..].bytes().take(12) {
        moment().await;
        slow.say([byte]).await;
    }
    stuck.hears_end().await;
    application.hears_end().await;
    slow.say(&GET[13..]).await;
    other.hears(GET).await;
    other.say(OK).await;
    slow.hears(LAST).await;
    let snapshot = bed.until("nothing in flight", |snapshot| snapshot.in_flight == 0).await;
    assert_eq!((snapshot.counters.unfinished, snapshot.counters.requests), (1, 1));
}

#[tokio::test]
async fn a_request_whose_head_is_whole_has_all_its_time() {
    let bed = TestBed::with(Protocol::Auto, |settings| {
        settings.longest_request = Duration::from_millis(100);
        settings.linger = Duration::from_millis(100);
    })
    .await;
    let (mut client, mut application) = bed.pair().await;
    client.say(&GET[..9]).await;
    client.say(&GET[9..]).await;
    application.hears(GET).await;
    // The beginning of the next does not end it.
    client.say(&GET[..9]).await;
    bed.guard.announce();
    for _ in 0..12 {
        moment().await;
    }
    assert_eq!(bed.guard.snapshot().counters.unfinished, 0);
    application.say(OK).await;
    client.hears(OK).await;
    client.say(&GET[9..]).await;
    application.hears(GET).await;
}
