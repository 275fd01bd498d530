//! After an upgrade: counted until the end, told to go between two messages.

use std::time::Duration;

use segue_core::pod::Protocol;
use segue_wire::http2::PREFACE;
use segue_wire::websocket::{Close, Opcode, encode};

use crate::support::{End, TestBed, moment};

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);

fn frame(opcode: Opcode, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let mut frame = Vec::new();
    encode(opcode, payload, key, &mut frame);
    frame
}

fn going_away() -> Vec<u8> {
    let mut frame = Vec::new();
    Close { code: 1001, reason: "going away".to_owned() }.encode(None, &mut frame);
    frame
}

async fn websocket(bed: &TestBed) -> (End, End) {
    let (mut client, mut application) = bed.pair().await;
    client.say(UPGRADE).await;
    application.hears(UPGRADE).await;
    application.say(SWITCH).await;
    client.hears(SWITCH).await;
    (client, application)
}

#[tokio::test]
async fn a_websocket_is_in_flight_until_it_closes() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = websocket(&bed).await;
    client.say(frame(Opcode::Text, b"hello", KEY)).await;
    application.hears(frame(Opcode::Text, b"hello", KEY)).await;
    let snapshot = bed.guard.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.kept, snapshot.opaque), (1, 0, 0));
    client.ends().await;
    application.hears_end().await;
    application.ends().await;
    client.hears_end().await;
    bed.until("the end", |snapshot| snapshot.in_flight == 0 && snapshot.connections == 0).await;
}

#[tokio::test]
async fn in_a_drain_a_websocket_sees_a_whole_closing_handshake_between_two_messages() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = websocket(&bed).await;
    // Half a message: it is not interrupted.
    let message = frame(Opcode::Binary, &[7; 300], None);
    application.say(&message[..100]).await;
    client.hears(&message[..100]).await;
    bed.guard.announce();
    moment().await;
    assert_eq!(bed.guard.snapshot().counters.websockets_told, 0);
    application.say(&message[100..]).await;
    client.hears(&message[100..]).await;
    client.hears(going_away()).await;
    // What the client had still to say, and its own close, reach the application; what that says now, nobody.
    client.say(frame(Opcode::Text, b"last", KEY)).await;
    client.say(frame(Opcode::Close, &[3, 0xe9], KEY)).await;
    application.hears(frame(Opcode::Text, b"last", KEY)).await;
    application.hears(frame(Opcode::Close, &[3, 0xe9], KEY)).await;
    application.say(frame(Opcode::Close, &[3, 0xe9], None)).await;
    application.ends().await;
    client.hears_end().await;
    client.ends().await;
    application.hears_end().await;
    let snapshot = bed.until("the end", |snapshot| snapshot.connections == 0).await;
    assert_eq!((snapshot.counters.websockets_told, snapshot.in_flight), (1, 0));
}

#[tokio::test]
async fn what_the_client_said_last_is_answered_before_it_is_told() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = websocket(&bed).await;
    bed.guard.announce();
    client.say(frame(Opcode::Text, b"question", KEY)).await;
    application.hears(frame(Opcode::Text, b"question", KEY)).await;
    moment().await;
    assert_eq!(bed.guard.snapshot().counters.websockets_told, 0);
    application.say(frame(Opcode::Text, b"answer", None)).await;
    client.hears(frame(Opcode::Text, b"answer", None)).await;
    client.hears(going_away()).await;
}

#[tokio::test]
async fn a_client_that_does_not_close_is_ended_and_the_application_told() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = websocket(&bed).await;
    bed.guard.announce();
    client.hears(going_away()).await;
    let told = application.hears_all().await;
    // Masked, as a client's must be; the key is unknown.
    assert_eq!((told[0], told[1], told.len()), (0x88, 0x8c, 18));
    client.hears_end().await;
    application.ends().await;
    bed.until("the end", |snapshot| snapshot.connections == 0).await;
}

#[tokio::test]
async fn a_client_that_ends_without_a_close_frame_does_not_leave_the_application_without_one() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = websocket(&bed).await;
    bed.guard.announce();
    client.hears(going_away()).await;
    client.say(frame(Opcode::Text, b"bye", KEY)).await;
    client.ends().await;
    application.hears(frame(Opcode::Text, b"bye", KEY)).await;
    assert_eq!(application.hears_all().await[..2], [0x88, 0x8c]);
}

#[tokio::test]
async fn a_websocket_has_its_grace() {
    let bed =
        TestBed::with(Protocol::Auto, |settings| settings.websocket_grace = Duration::from_mins(1)).await;
    let (mut client, mut application) = websocket(&bed).await;
    bed.guard.announce();
    moment().await;
    application.say(frame(Opcode::Text, b"on", None)).await;
    client.hears(frame(Opcode::Text, b"on", None)).await;
    assert_eq!(bed.guard.snapshot().counters.websockets_told, 0);
}

#[tokio::test]
async fn another_protocol_is_passed_and_never_told() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    // What looks like a request is none.
    let early = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    client.say("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").await;
    client.say(early).await;
    application.hears("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").await;
    bed.guard.announce();
    application.say("HTTP/1.1 200 OK\r\n\r\nraw").await;
    client.hears("HTTP/1.1 200 OK\r\n\r\nraw").await;
    application.hears(early).await;
    moment().await;
    let snapshot = bed.guard.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.counters.requests), (1, 1));
    client.ends().await;
    application.hears_end().await;
    application.ends().await;
    client.hears_end().await;
}

#[tokio::test]
async fn an_upgrade_that_is_declined_leaves_an_ordinary_connection() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    let next = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";
    client.say(UPGRADE).await;
    client.say(next).await;
    application.hears(UPGRADE).await;
    moment().await;
    bed.guard.announce();
    application.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    client.hears("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    application.hears(next).await;
    application.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    client.hears("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    client.hears_end().await;
}

#[tokio::test]
async fn http2_by_upgrade_has_the_first_request_as_its_first_stream() {
    let bed = TestBed::new().await;
    let (mut client, mut application) = bed.pair().await;
    let upgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
                   HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    client.say(upgrade).await;
    application.hears(upgrade).await;
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    application.say(switch).await;
    application.say(settings).await;
    client.hears(switch).await;
    client.hears(settings).await;
    client.say(PREFACE).await;
    client.say(settings).await;
    application.hears(PREFACE).await;
    application.hears(settings).await;
    assert_eq!(bed.guard.snapshot().in_flight, 1);
    application.say([0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88]).await;
    client.hears([0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88]).await;
    bed.until("the answer", |snapshot| snapshot.in_flight == 0 && snapshot.kept == 1).await;
}
