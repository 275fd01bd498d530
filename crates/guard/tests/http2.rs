//! HTTP/2 with prior knowledge, between a real client and a real server.

use bytes::Bytes;
use http::{Request, Response};
use segue_core::pod::Protocol;
use segue_wire::http2::{PREFACE, goaway, ping};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::{End, TestBed, moment, soon};

/// A server that answers each stream when the test says so: the paths it was asked for, and the way to let one go.
struct Server {
    asked: mpsc::UnboundedReceiver<(String, h2::server::SendResponse<Bytes>)>,
    ended: mpsc::UnboundedReceiver<()>,
}

impl Server {
    fn start(listener: TcpListener) -> Self {
        let (asks, asked) = mpsc::unbounded_channel();
        let (ends, ended) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (asks, ends) = (asks.clone(), ends.clone());
                tokio::spawn(async move {
                    let mut connection = h2::server::handshake(stream).await.unwrap();
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        let _ = asks.send((request.uri().path().to_owned(), respond));
                    }
                    let _ = ends.send(());
                });
            }
        });
        Self { asked, ended }
    }

    async fn asked(&mut self) -> (String, h2::server::SendResponse<Bytes>) {
        soon("a request", self.asked.recv()).await.unwrap()
    }
}

fn answer(mut to: h2::server::SendResponse<Bytes>, body: &'static str) {
    let mut stream = to.send_response(Response::new(()), false).unwrap();
    stream.send_data(Bytes::from_static(body.as_bytes()), true).unwrap();
}

type Ask = h2::client::SendRequest<Bytes>;

async fn client(bed: &TestBed) -> (Ask, tokio::task::JoinHandle<Result<(), h2::Error>>) {
    let stream = TcpStream::connect(bed.address).await.unwrap();
    let (ask, connection) = soon("the handshake", h2::client::handshake(stream)).await.unwrap();
    (ask, tokio::spawn(connection))
}

async fn ask(ask: &Ask, path: &str) -> h2::client::ResponseFuture {
    let mut ask = soon("room for a stream", ask.clone().ready()).await.unwrap();
    let request = Request::get(format!("http://a{path}")).body(()).unwrap();
    ask.send_request(request, true).unwrap().0
}

async fn body(answer: h2::client::ResponseFuture) -> Vec<u8> {
    let mut body = soon("an answer", answer).await.unwrap().into_body();
    let mut whole = Vec::new();
    while let Some(part) = soon("a part of a body", body.data()).await {
        whole.extend_from_slice(&part.unwrap());
    }
    whole
}

async fn bed() -> (TestBed, Server) {
    let bed = TestBed::new().await;
    let application = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let TestBed { guard, address, application: listener } = bed;
    (TestBed { guard, address, application }, Server::start(listener))
}

#[tokio::test]
async fn every_stream_is_in_flight_until_its_answers_last_byte() {
    let (bed, mut server) = bed().await;
    let (asks, _connection) = client(&bed).await;
    let first = ask(&asks, "/1").await;
    let second = ask(&asks, "/2").await;
    let (one, two) = (server.asked().await, server.asked().await);
    let snapshot = bed.guard.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.counters.requests, snapshot.kept), (2, 2, 0));
    answer(one.1, "one");
    assert_eq!(body(first).await, b"one");
    bed.until("one answer", |snapshot| snapshot.in_flight == 1).await;
    answer(two.1, "two");
    assert_eq!(body(second).await, b"two");
    bed.until("both answers", |snapshot| snapshot.in_flight == 0 && snapshot.kept == 1).await;
}

#[tokio::test]
async fn a_stream_that_the_client_resets_is_in_flight_no_more() {
    let (bed, mut server) = bed().await;
    let (asks, _connection) = client(&bed).await;
    let asked = ask(&asks, "/1").await;
    let _held = server.asked().await;
    drop(asked);
    bed.until("the reset", |snapshot| snapshot.in_flight == 0 && snapshot.kept == 1).await;
}

#[tokio::test]
async fn in_a_drain_the_client_finishes_what_it_began_and_leaves() {
    let (bed, mut server) = bed().await;
    let (asks, connection) = client(&bed).await;
    let first = ask(&asks, "/1").await;
    let (_, respond) = server.asked().await;
    bed.guard.announce();
    bed.until("goaway", |snapshot| snapshot.counters.goaways == 1).await;
    moment().await;
    assert_eq!(bed.guard.snapshot().in_flight, 1);
    assert!(asks.clone().ready().await.is_err(), "the client knows that it is to go");
    answer(respond, "one");
    assert_eq!(body(first).await, b"one");
    soon("the client's end", connection).await.unwrap().unwrap();
    soon("the server's end", server.ended.recv()).await.unwrap();
    let snapshot = bed.until("the end", |snapshot| snapshot.connections == 0).await;
    assert_eq!((snapshot.counters.goaways, snapshot.counters.raced), (1, 0));
}

#[tokio::test]
async fn an_idle_connection_leaves_in_a_drain_by_itself() {
    let (bed, mut server) = bed().await;
    let (asks, connection) = client(&bed).await;
    let first = ask(&asks, "/1").await;
    answer(server.asked().await.1, "one");
    assert_eq!(body(first).await, b"one");
    bed.guard.announce();
    soon("the client's end", connection).await.unwrap().unwrap();
    let snapshot = bed.until("the end", |snapshot| snapshot.connections == 0).await;
    assert_eq!((snapshot.counters.goaways, snapshot.counters.closed_idle), (1, 0));
}

const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

fn headers(stream: u8, flags: u8) -> [u8; 10] {
    [0, 0, 1, 1, flags, 0, 0, 0, stream, 0x82]
}

/// Both ends raw, with the settings exchanged and stream 1 asked for.
async fn raw(bed: &TestBed) -> (End, End) {
    let (mut client, mut application) = bed.pair().await;
    // A server's settings often come before the client has said anything.
    application.say(SETTINGS).await;
    client.hears(SETTINGS).await;
    client.say(PREFACE).await;
    client.say(SETTINGS).await;
    client.say(headers(1, 0x5)).await;
    application.hears(PREFACE).await;
    application.hears(SETTINGS).await;
    application.hears(headers(1, 0x5)).await;
    (client, application)
}

/// Reads the first GOAWAY and answers the PING behind it.
async fn hear_goaway(client: &mut End) -> [u8; 8] {
    client.hears(goaway(0x7fff_ffff, 0)).await;
    let mut asked = [0; 17];
    soon("a ping", tokio::io::AsyncReadExt::read_exact(&mut client.stream, &mut asked)).await.unwrap();
    let payload = *asked.last_chunk::<8>().unwrap();
    assert_eq!(asked, ping(payload, false));
    payload
}

#[tokio::test]
async fn the_second_goaway_names_the_last_stream_and_comes_between_frames() {
    let bed = TestBed::with(Protocol::Http, |_| ()).await;
    let (mut client, mut application) = raw(&bed).await;
    // A header block that is not over: nothing may come in between.
    application.say(headers(1, 0)).await;
    client.hears(headers(1, 0)).await;
    bed.guard.announce();
    moment().await;
    assert_eq!(bed.guard.snapshot().counters.goaways, 0);
    application.say([0, 0, 0, 9, 4, 0, 0, 0, 1]).await;
    client.hears([0, 0, 0, 9, 4, 0, 0, 0, 1]).await;
    let payload = hear_goaway(&mut client).await;
    // Another stream, and a ping of the client's own, cross it.
    client.say(headers(3, 0x5)).await;
    client.say(ping([9; 8], true)).await;
    application.hears(headers(3, 0x5)).await;
    application.hears(ping([9; 8], true)).await;
    let [first, rest @ ..] = ping(payload, true);
    client.say([first]).await;
    client.say(rest).await;
    client.hears(goaway(3, 0)).await;
    // What the application says of leaving can't take that back.
    application.say(goaway(0x7fff_ffff, 0)).await;
    client.hears(goaway(3, 0)).await;
    for stream in [1, 3] {
        application.say([0, 0, 1, 0, 1, 0, 0, 0, stream, b'x']).await;
        client.hears([0, 0, 1, 0, 1, 0, 0, 0, stream, b'x']).await;
    }
    client.hears_end().await;
    application.hears_end().await;
    // Lost is a request, not its trailers.
    for (stream, flags) in [(5, 0x4), (5, 0x5), (7, 0x5)] {
        client.say(headers(stream, flags)).await;
    }
    bed.until("the lost requests", |snapshot| snapshot.counters.raced >= 2).await;
    moment().await;
    assert_eq!(bed.guard.snapshot().counters.raced, 2);
}

#[tokio::test]
async fn a_client_that_does_not_answer_the_ping_is_served_on() {
    let bed = TestBed::with(Protocol::Http, |_| ()).await;
    let (mut client, mut application) = raw(&bed).await;
    bed.guard.announce();
    hear_goaway(&mut client).await;
    application.say(headers(1, 0x5)).await;
    client.hears(headers(1, 0x5)).await;
    client.say(headers(3, 0x5)).await;
    application.hears(headers(3, 0x5)).await;
    bed.until("in flight", |snapshot| snapshot.in_flight == 1 && snapshot.counters.requests == 2).await;
    application.say(headers(3, 0x5)).await;
    client.hears(headers(3, 0x5)).await;
    bed.until("kept", |snapshot| snapshot.kept == 1).await;
    // Idle, it goes in its turn.
    bed.guard.close_idle(std::time::Duration::ZERO);
    client.hears(goaway(3, 0)).await;
    client.hears_end().await;
    assert_eq!(bed.guard.snapshot().counters.closed_idle, 1);
}

#[tokio::test]
async fn a_stream_that_both_sides_speak_on_goes_on_through_a_drain() {
    let (bed, mut server) = bed().await;
    let (asks, connection) = client(&bed).await;
    let mut ready = soon("room for a stream", asks.ready()).await.unwrap();
    let request = Request::post("http://a/stream").body(()).unwrap();
    let (answer, mut says) = ready.send_request(request, false).unwrap();
    drop(ready);
    let (_, mut respond) = server.asked().await;
    let mut speaks = respond.send_response(Response::new(()), false).unwrap();
    let mut hears = soon("the head", answer).await.unwrap().into_body();
    for part in 0..50_u8 {
        if part == 10 {
            bed.guard.announce();
        }
        says.send_data(Bytes::from(vec![part; 10]), part == 49).unwrap();
        speaks.send_data(Bytes::from(vec![part; 100]), part == 49).unwrap();
        assert_eq!(soon("a part", hears.data()).await.unwrap().unwrap(), vec![part; 100]);
    }
    soon("the client's end", connection).await.unwrap().unwrap();
    let snapshot = bed.until("the end", |snapshot| snapshot.connections == 0).await;
    assert_eq!((snapshot.counters.goaways, snapshot.counters.raced), (1, 0));
}

#[tokio::test]
async fn a_new_connection_in_a_drain_is_served_for_a_second_and_told_behind_a_request() {
    let bed = TestBed::with(Protocol::Http, |_| ()).await;
    bed.guard.announce();
    let (mut client, mut application) = raw(&bed).await;
    for stream in [3, 5] {
        for _ in 0..6 {
            moment().await;
        }
        assert_eq!(bed.guard.snapshot().counters.goaways, 0);
        client.say(headers(stream, 0x5)).await;
        application.hears(headers(stream, 0x5)).await;
    }
    let payload = hear_goaway(&mut client).await;
    // What crosses it is served.
    client.say(headers(7, 0x5)).await;
    client.say(ping(payload, true)).await;
    application.hears(headers(7, 0x5)).await;
    client.hears(goaway(7, 0)).await;
    for stream in [1, 3, 5, 7] {
        application.say(headers(stream, 0x5)).await;
        client.hears(headers(stream, 0x5)).await;
    }
    client.hears_end().await;
    application.hears_end().await;
    let counters = bed.guard.snapshot().counters;
    assert_eq!((counters.goaways, counters.raced, counters.requests), (1, 0, 4));
}

#[tokio::test]
async fn a_connection_that_is_used_when_a_drain_begins_is_told_behind_its_next_request() {
    let bed = TestBed::with(Protocol::Http, |_| ()).await;
    let (mut client, mut application) = raw(&bed).await;
    bed.guard.announce();
    moment().await;
    assert_eq!(bed.guard.snapshot().counters.goaways, 0);
    client.say(headers(3, 0x5)).await;
    application.hears(headers(3, 0x5)).await;
    hear_goaway(&mut client).await;
    // One that is not used is told at once.
    let (mut idle, _application) = raw(&bed).await;
    bed.guard.open();
    for _ in 0..12 {
        moment().await;
    }
    bed.guard.announce();
    moment().await;
    assert_eq!(bed.guard.snapshot().counters.goaways, 2);
    hear_goaway(&mut idle).await;
}

#[tokio::test]
async fn a_new_connection_in_a_drain_that_asks_nothing_is_told_after_a_second() {
    let bed = TestBed::with(Protocol::Http, |_| ()).await;
    bed.guard.announce();
    let (mut client, mut application) = bed.pair().await;
    application.say(SETTINGS).await;
    client.hears(SETTINGS).await;
    client.say(PREFACE).await;
    client.say(SETTINGS).await;
    application.hears(PREFACE).await;
    application.hears(SETTINGS).await;
    for _ in 0..6 {
        moment().await;
    }
    assert_eq!(bed.guard.snapshot().counters.goaways, 0);
    // A request that is not answered begins the second anew.
    client.say(headers(1, 0x5)).await;
    application.hears(headers(1, 0x5)).await;
    for _ in 0..6 {
        moment().await;
    }
    assert_eq!(bed.guard.snapshot().counters.goaways, 0);
    let payload = hear_goaway(&mut client).await;
    client.say(ping(payload, true)).await;
    client.hears(goaway(1, 0)).await;
    application.say(headers(1, 0x5)).await;
    client.hears(headers(1, 0x5)).await;
    client.hears_end().await;
}

/// Node's own client, which repeats nothing: calls that come all the time through a drain, on a session as long as it
/// lasts.
#[tokio::test]
async fn no_call_of_nodes_client_is_refused_in_a_drain_and_it_does_not_storm() {
    const CALLS: u64 = 600;
    let (bed, mut server) = bed().await;
    let answers = tokio::spawn(async move {
        loop {
            let (_, respond) = server.asked().await;
            answer(respond, "fine");
        }
    });
    let script = r"
        const http2 = require('node:http2');
        const [address, calls] = [process.argv[1], Number(process.argv[2])];
        let session = null, opened = 0, sent = 0, ended = 0;
        const fates = {};
        const current = () => {
            if (session && !session.closed && !session.destroyed) return session;
            session = http2.connect(address);
            opened += 1;
            session.on('error', () => {});
            return session;
        };
        const end = (fate) => {
            fates[fate] = (fates[fate] || 0) + 1;
            if (++ended < calls) return;
            console.log(JSON.stringify({ opened, fates }));
            process.exit(0);
        };
        const call = () => {
            const request = current().request({ ':path': '/' });
            let body = '', fate = null;
            request.on('data', (part) => body += part);
            request.on('error', (error) => fate = error.code + ' ' + error.message);
            request.on('close', () => end(fate || (body === 'fine' ? 'ok' : 'half')));
            request.end();
            if (++sent < calls) setTimeout(call, 5);
        };
        call();
    ";
    let mut node = tokio::process::Command::new("node")
        .args(["-e", script, &format!("http://{}", bed.address), &CALLS.to_string()])
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    bed.until("a part of the calls", |snapshot| snapshot.counters.requests > CALLS / 4).await;
    bed.guard.announce();
    let mut said = String::new();
    let mut output = node.stdout.take().unwrap();
    tokio::io::AsyncReadExt::read_to_string(&mut output, &mut said).await.unwrap();
    node.wait().await.unwrap();
    answers.abort();
    let counters = bed.guard.snapshot().counters;
    assert!(said.contains(&format!("\"fates\":{{\"ok\":{CALLS}}}")), "{said} {counters:?}");
    assert_eq!(counters.raced, 0);
    assert!(counters.goaways > 1, "the drain was in the middle of the calls: {said}");
    assert!(counters.connections <= CALLS / 10, "it comes back and stays: {said}");
}
