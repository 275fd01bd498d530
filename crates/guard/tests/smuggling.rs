//! Shapes that two programs could read in two ways: passed as bytes, never changed, never guessed at.

use crate::support::{TestBed, moment};

const SHAPES: [&str; 10] = [
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n folded: 1\r\n\r\n",
    "GET / HTTP/1.1\nHost: x\n\n",
    "GET /\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;\"\r\nabc\r\n0\r\n\r\n",
];

const ANSWERS: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn what_could_be_read_in_two_ways_passes_as_bytes_and_nothing_is_put_in() {
    for shape in SHAPES {
        let bed = TestBed::new().await;
        let (mut client, mut application) = bed.pair().await;
        client.say(shape).await;
        application.hears(shape).await;
        bed.guard.announce();
        // Something that follows is no request that anyone could be sure of.
        client.say("GET /next HTTP/1.1\r\nHost: x\r\n\r\n").await;
        application.hears("GET /next HTTP/1.1\r\nHost: x\r\n\r\n").await;
        application.say(ANSWERS.repeat(2)).await;
        client.hears(ANSWERS.repeat(2)).await;
        let snapshot = bed.until(shape, |snapshot| snapshot.opaque == 1).await;
        assert_eq!((snapshot.counters.announced, snapshot.in_flight, snapshot.kept), (0, 0, 0), "{shape:?}");
        bed.guard.close_idle(std::time::Duration::ZERO);
        client.say("more").await;
        application.hears("more").await;
    }
}

#[tokio::test]
async fn an_answer_that_could_be_read_in_two_ways_passes_as_bytes() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    application.hears("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    bed.guard.announce();
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    application.say(answer).await;
    client.hears(answer).await;
    moment().await;
    let snapshot = bed.guard.snapshot();
    assert_eq!((snapshot.opaque, snapshot.in_flight, snapshot.counters.announced), (1, 0, 0));
}

/// Half an end is none, however long the client goes on: nobody knows what for.
#[tokio::test]
async fn what_is_not_understood_is_carried_until_both_sides_have_ended() {
    for (said, before, answer) in [("GET /\r\n", 0, ANSWERS), ("GET / HTTP/1.0\r\n\r\nmore", 1, ANSWERS)] {
        let bed = TestBed::with(segue_core::pod::Protocol::Auto, |settings| {
            settings.linger = std::time::Duration::ZERO;
        })
        .await;
        let (mut client, mut application) = bed.pair().await;
        client.say(said).await;
        application.hears(said).await;
        bed.until(said, |snapshot| snapshot.in_flight == before && snapshot.opaque == 1 - before).await;
        application.say(answer).await;
        client.hears(answer).await;
        bed.until(said, |snapshot| snapshot.opaque == 1).await;
        application.ends().await;
        client.hears_end().await;
        moment().await;
        client.say("more").await;
        application.hears("more").await;
        assert_eq!(bed.guard.snapshot().opaque, 1);
        client.ends().await;
        application.hears_end().await;
        bed.until("the end", |snapshot| snapshot.connections == 0).await;
    }
}

#[tokio::test]
async fn a_head_of_any_length_passes() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    // One that is still understood, and one that is too long for that.
    for (length, opaque) in [(65_400, 0), (200_000, 1)] {
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(length));
        let ((), ()) = tokio::join!(client.say(&head), application.hears(&head));
        application.say(ANSWERS).await;
        client.hears(ANSWERS).await;
        bed.until("the head", |snapshot| snapshot.opaque == opaque && snapshot.in_flight == 0).await;
    }
}
