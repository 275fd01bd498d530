//! What is in flight, kept and known.

use crate::support::{TestBed, moment};

const GET: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn a_request_is_in_flight_from_its_first_byte_to_its_answers_last() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    let idle = bed.guard.snapshot();
    assert_eq!((idle.in_flight, idle.kept, idle.last_request), (0, 1, None));
    client.say(&GET[..6]).await;
    bed.until("the first byte", |snapshot| snapshot.in_flight == 1 && snapshot.kept == 0).await;
    client.say(&GET[6..]).await;
    application.hears(GET).await;
    let begun = bed.until("the request", |snapshot| snapshot.last_request.is_some()).await;
    assert_eq!((begun.in_flight, begun.counters.requests), (1, 1));
    application.say(&OK[..OK.len() - 1]).await;
    client.hears(&OK[..OK.len() - 1]).await;
    assert_eq!(bed.guard.snapshot().in_flight, 1);
    application.say(&OK[OK.len() - 1..]).await;
    client.hears(&OK[OK.len() - 1..]).await;
    bed.until("the answer", |snapshot| snapshot.in_flight == 0 && snapshot.kept == 1).await;
}

#[tokio::test]
async fn requests_that_are_no_application_requests_pass_and_do_not_count() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    for probe in [
        "GET /healthz?x HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nuser-agent: kube-probe/1.34\r\n\r\n",
    ] {
        client.say(probe).await;
        application.hears(probe).await;
        let snapshot = bed.guard.snapshot();
        assert_eq!((snapshot.in_flight, snapshot.last_request), (0, None));
        application.say(OK).await;
        client.hears(OK).await;
    }
    let snapshot = bed.until("kept", |snapshot| snapshot.kept == 1).await;
    assert_eq!((snapshot.counters.requests, snapshot.counters.discounted), (0, 2));
}

#[tokio::test]
async fn every_pipelined_request_is_in_flight() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say(GET.repeat(3)).await;
    application.hears(GET.repeat(3)).await;
    assert_eq!(bed.guard.snapshot().in_flight, 3);
    application.say(OK).await;
    client.hears(OK).await;
    bed.until("the first answer", |snapshot| snapshot.in_flight == 2).await;
    application.say(OK.repeat(2)).await;
    client.hears(OK.repeat(2)).await;
    bed.until("all answers", |snapshot| snapshot.in_flight == 0).await;
}

#[tokio::test]
async fn a_change_that_was_not_waited_for_is_told_at_once() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say(GET).await;
    application.hears(GET).await;
    application.say(OK).await;
    client.hears(OK).await;
    bed.until("the answer", |snapshot| snapshot.in_flight == 0).await;
    crate::support::soon("what has happened", bed.guard.changed()).await;
    // A request that begins ends no wait.
    client.say(GET).await;
    application.hears(GET).await;
    moment().await;
    assert_eq!(bed.guard.snapshot().in_flight, 1);
}

#[tokio::test]
async fn what_the_application_breaks_off_is_counted() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say(GET.repeat(2)).await;
    application.hears(GET.repeat(2)).await;
    application.say(&OK[..OK.len() - 1]).await;
    client.hears(&OK[..OK.len() - 1]).await;
    application.ends().await;
    client.hears_end().await;
    bed.until("an end in the middle of an answer", |snapshot| snapshot.counters.broken_off == 2).await;

    let (mut client, mut application) = bed.pair().await;
    client.say(GET).await;
    application.hears(GET).await;
    application.resets();
    client.hears_reset().await;
    bed.until("a reset", |snapshot| snapshot.counters.broken_off == 3).await;
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_is_whole_and_a_client_that_left_is_owed_none() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    client.say(GET).await;
    application.hears(GET).await;
    application.say("HTTP/1.1 200 OK\r\n\r\nok").await;
    application.ends().await;
    client.hears("HTTP/1.1 200 OK\r\n\r\nok").await;
    client.hears_end().await;
    let (mut client, mut application) = bed.pair().await;
    client.say(GET).await;
    application.hears(GET).await;
    client.ends().await;
    application.hears_end().await;
    application.ends().await;
    client.hears_end().await;
    let snapshot = bed.until("both are over", |snapshot| snapshot.in_flight == 0).await;
    assert_eq!(snapshot.counters.broken_off, 0);
}
