//! Upgraded connections: passed on, counted, and told to go between two messages.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use crate::support::http::Client;
use crate::support::origin::{Origin, ok};
use crate::support::{PATIENCE, config, now, pause, pool_of, start, until, wait};
use segue_proxy::{Config, Drained, Pool, Proxy};
use segue_wire::websocket::{Close, Decoder, Message, Opcode, Rules, Sender, encode};

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                       sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

/// Reads whole messages of one direction.
struct Messages(Decoder);

impl Messages {
    fn of(sender: Sender) -> Messages {
        Messages(Decoder::new(Rules::strict(sender), 1 << 20))
    }

    /// `None` at the end of the connection.
    fn next(&mut self, client: &mut Client) -> Option<Message> {
        let mut byte = [0];
        loop {
            // One byte at a time keeps nothing back from the next read.
            if client.0.read(&mut byte).ok()? == 0 {
                return None;
            }
            if let Some(message) = self.0.decode(&mut &byte[..]).unwrap() {
                return Some(message);
            }
        }
    }
}

fn frame(opcode: Opcode, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let mut frame = Vec::new();
    encode(opcode, payload, key, &mut frame);
    frame
}

/// A WebSocket server that echoes, answers a close with a close, and tells the test each close code.
fn echo() -> (Origin, std::sync::mpsc::Receiver<Option<u16>>) {
    let (told, closes) = std::sync::mpsc::channel();
    let origin = Origin::new(move |mut client| {
        assert_eq!(client.head().unwrap().header("upgrade"), "websocket");
        client.send(SWITCH);
        let mut messages = Messages::of(Sender::Client);
        while let Some(message) = messages.next(&mut client) {
            match message {
                Message::Text(text) => client.send(frame(Opcode::Text, text.as_bytes(), None)),
                Message::Close(close) => {
                    let _ = told.send(close.as_ref().map(|close| close.code));
                    let mut answer = Vec::new();
                    close.unwrap_or(Close { code: 1000, reason: String::new() }).encode(None, &mut answer);
                    // The other side may be gone.
                    let _ = client.0.get_mut().write_all(&answer);
                    return;
                }
                _ => {}
            }
        }
    });
    (origin, closes)
}

const RAW: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: raw\r\n\r\n";

/// A server of a protocol that is no WebSocket: it says something first, then echoes.
fn raw_echo() -> Origin {
    Origin::new(|mut client| {
        let _ = client.head();
        client.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: raw\r\n\r\nfirst");
        let mut bytes = [0; 64];
        while let Ok(read @ 1..) = client.0.read(&mut bytes) {
            client.send(&bytes[..read]);
        }
    })
}

fn opened(origin: &Origin, config: Config) -> (Pool, Proxy, Client) {
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, config);
    let mut client = Client::connect(proxy.local_addr());
    client.send(UPGRADE);
    let answer = client.head().unwrap();
    assert_eq!(
        (answer.status(), answer.header("upgrade"), answer.header("connection")),
        (101, "websocket", "upgrade")
    );
    (pool, proxy, client)
}

fn say(client: &mut Client, text: &str) {
    client.send(frame(Opcode::Text, text.as_bytes(), Some([1, 2, 3, 4])));
}

fn close_with(client: &mut Client, code: u16) {
    let mut close = Vec::new();
    Close { code, reason: String::new() }.encode(Some([5, 6, 7, 8]), &mut close);
    client.send(close);
}

#[test]
pub(crate) fn messages_pass_both_ways_and_the_connection_counts_as_in_flight() {
    let (origin, closes) = echo();
    let (pool, proxy, mut client) = opened(&origin, config());
    let mut messages = Messages::of(Sender::Server);
    for number in 0..10 {
        say(&mut client, &number.to_string());
        assert!(
            matches!(messages.next(&mut client), Some(Message::Text(text)) if text == number.to_string())
        );
    }
    let view = &pool.instances()[0];
    assert_eq!((view.in_flight, view.upgraded, proxy.stats().in_flight), (1, 1, 1));
    close_with(&mut client, 1000);
    assert!(matches!(messages.next(&mut client), Some(Message::Close(Some(close))) if close.code == 1000));
    assert!(messages.next(&mut client).is_none());
    assert_eq!(closes.recv_timeout(PATIENCE), Ok(Some(1000)));
    drop(client);
    until("not in flight any more", || {
        let view = &pool.instances()[0];
        (view.in_flight, view.upgraded, proxy.stats().connections) == (0, 0, 0)
    });
}

#[test]
pub(crate) fn a_withdrawn_instances_websocket_is_told_1001_and_both_sides_close() {
    let (origin, closes) = echo();
    let config = Config { websocket_grace: Duration::from_millis(300), ..config() };
    let (pool, _proxy, mut client) = opened(&origin, config);
    let mut messages = Messages::of(Sender::Server);
    say(&mut client, "before");
    assert!(matches!(messages.next(&mut client), Some(Message::Text(text)) if text == "before"));
    let began = now();
    pool.withdraw("a");
    say(&mut client, "in the grace");
    assert!(matches!(messages.next(&mut client), Some(Message::Text(text)) if text == "in the grace"));
    assert!(matches!(messages.next(&mut client), Some(Message::Close(Some(close))) if close.code == 1001));
    assert!(now() - began >= Duration::from_millis(250), "the grace was given");
    close_with(&mut client, 1001);
    assert_eq!(closes.recv_timeout(PATIENCE), Ok(Some(1001)), "the instance saw the client's close");
    assert!(messages.next(&mut client).is_none());
    until("not in flight any more", || pool.instances()[0].in_flight == 0);
}

#[test]
pub(crate) fn the_close_never_comes_inside_a_message() {
    // One message in two fragments, with a pause between them and inside a frame.
    let origin = Origin::new(|mut client| {
        let _ = client.head();
        client.send(SWITCH);
        client.send([0x01, 3, b'o', b'n']);
        pause(Duration::from_millis(300));
        client.send([b'e']);
        pause(Duration::from_millis(300));
        client.send([0x80, 3, b't', b'w', b'o']);
        let mut rest = [0; 64];
        while matches!(client.0.read(&mut rest), Ok(1..)) {}
    });
    let (pool, _proxy, mut client) = opened(&origin, config());
    pool.withdraw("a");
    let mut messages = Messages::of(Sender::Server);
    assert!(matches!(messages.next(&mut client), Some(Message::Text(text)) if text == "onetwo"));
    assert!(matches!(messages.next(&mut client), Some(Message::Close(Some(close))) if close.code == 1001));
}

#[test]
pub(crate) fn what_the_client_asked_last_is_answered_before_the_close() {
    let origin = Origin::new(|mut client| {
        let _ = client.head();
        client.send(SWITCH);
        let mut messages = Messages::of(Sender::Client);
        let _ = messages.next(&mut client);
        pause(Duration::from_millis(400));
        client.send(frame(Opcode::Text, b"answer", None));
        let _ = messages.next(&mut client);
    });
    let (pool, _proxy, mut client) = opened(&origin, config());
    say(&mut client, "question");
    pause(Duration::from_millis(100));
    pool.withdraw("a");
    let mut messages = Messages::of(Sender::Server);
    assert!(matches!(messages.next(&mut client), Some(Message::Text(text)) if text == "answer"));
    assert!(matches!(messages.next(&mut client), Some(Message::Close(Some(close))) if close.code == 1001));
}

#[test]
pub(crate) fn the_close_comes_in_a_moment_of_silence() {
    let origin = Origin::new(|mut client| {
        let _ = client.head();
        client.send(SWITCH);
        let mut messages = Messages::of(Sender::Client);
        let _ = messages.next(&mut client);
        for _ in 0..10 {
            client.send(frame(Opcode::Text, b"one of ten", None));
            pause(Duration::from_millis(10));
        }
        let _ = messages.next(&mut client);
    });
    let (pool, _proxy, mut client) = opened(&origin, config());
    pool.withdraw("a");
    say(&mut client, "question");
    let mut messages = Messages::of(Sender::Server);
    for _ in 0..10 {
        assert!(matches!(messages.next(&mut client), Some(Message::Text(text)) if text == "one of ten"));
    }
    assert!(matches!(messages.next(&mut client), Some(Message::Close(Some(close))) if close.code == 1001));
}

#[test]
pub(crate) fn a_client_that_does_not_answer_the_close_is_closed_all_the_same() {
    let (origin, _closes) = echo();
    let (pool, proxy, mut client) = opened(&origin, config());
    pool.withdraw("a");
    let mut messages = Messages::of(Sender::Server);
    assert!(matches!(messages.next(&mut client), Some(Message::Close(Some(close))) if close.code == 1001));
    assert!(messages.next(&mut client).is_none());
    until("gone", || (pool.instances()[0].in_flight, proxy.stats().connections) == (0, 0));
}

#[test]
pub(crate) fn the_proxys_own_drain_tells_websockets_too() {
    let (origin, _closes) = echo();
    let (_pool, proxy, mut client) = opened(&origin, config());
    let draining = std::thread::spawn(move || wait(proxy.drain(PATIENCE)));
    let mut messages = Messages::of(Sender::Server);
    assert!(matches!(messages.next(&mut client), Some(Message::Close(Some(close))) if close.code == 1001));
    close_with(&mut client, 1001);
    assert!(messages.next(&mut client).is_none());
    assert_eq!(draining.join().unwrap(), Drained { cut: 0 });
}

#[test]
pub(crate) fn another_protocol_passes_too_and_ends_only_with_a_cut() {
    let origin = raw_echo();
    let pool = pool_of(&[origin.address]);
    let proxy = start(&pool, config());
    let mut client = Client::connect(proxy.local_addr());
    client.send([RAW, "early"].concat());
    assert_eq!(client.head().unwrap().status(), 101);
    let mut read = [0; 10];
    client.0.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"firstearly");
    pool.withdraw("a");
    pause(Duration::from_millis(200));
    client.send("still");
    client.0.read_exact(&mut read[..5]).unwrap();
    assert_eq!(&read[..5], b"still");
    assert_eq!(pool.cut("a"), 1);
    until("gone", || (pool.instances()[0].in_flight, proxy.stats().connections) == (0, 0));
}

#[test]
pub(crate) fn a_client_that_never_reads_its_messages_is_let_go_after_the_limit() {
    let origin = Origin::new(|mut client| {
        let _ = client.head();
        client.send(SWITCH);
        let message = frame(Opcode::Binary, &vec![0; 1_000_000], None);
        while client.0.get_mut().write_all(&message).is_ok() {}
    });
    let limits = segue_proxy::Limits { body: Duration::from_millis(500), ..Default::default() };
    let (pool, proxy, _client) = opened(&origin, Config { limits, ..config() });
    until("let go", || (pool.instances()[0].in_flight, proxy.stats().connections) == (0, 0));
}

#[test]
pub(crate) fn a_silent_websocket_is_not_idle() {
    let (origin, _) = echo();
    let limits = segue_proxy::Limits { idle: Duration::from_millis(200), ..Default::default() };
    let (_pool, _proxy, mut client) = opened(&origin, Config { limits, ..config() });
    pause(Duration::from_millis(900));
    say(&mut client, "still here");
    let mut messages = Messages::of(Sender::Server);
    assert!(matches!(messages.next(&mut client), Some(Message::Text(text)) if text == "still here"));
}

#[test]
pub(crate) fn what_is_said_in_an_upgraded_connection_begins_no_head() {
    let (origin, _) = echo();
    let limits = segue_proxy::Limits { head: Duration::from_millis(200), ..Default::default() };
    let (_pool, _proxy, mut client) = opened(&origin, Config { limits: limits.clone(), ..config() });
    let mut messages = Messages::of(Sender::Server);
    let raw = raw_echo();
    let proxy = start(&pool_of(&[raw.address]), Config { limits, ..config() });
    let mut other = Client::connect(proxy.local_addr());
    other.send(RAW);
    assert_eq!(other.head().unwrap().status(), 101);
    let mut echoed = [0; 5];
    other.0.read_exact(&mut echoed).unwrap();
    for text in ["first", "later"] {
        say(&mut client, text);
        assert!(matches!(messages.next(&mut client), Some(Message::Text(echoed)) if echoed == text));
        other.send(text);
        other.0.read_exact(&mut echoed).unwrap();
        assert_eq!(&echoed, text.as_bytes());
        pause(Duration::from_millis(900));
    }
}

#[test]
pub(crate) fn a_newcomer_gets_the_place_of_an_idle_client_and_not_that_of_a_silent_upgraded_one() {
    let upgraded = 6;
    let origin = Origin::new(|mut client| {
        while let Ok(Some(request)) = client.request() {
            client.send(if request.header("upgrade").is_empty() { ok("here") } else { SWITCH.into() });
        }
    });
    let limits = segue_proxy::Limits { connections: upgraded + 1, ..Default::default() };
    let proxy = start(&pool_of(&[origin.address]), Config { limits, ..config() });
    let _tunnels: Vec<_> = (0..upgraded)
        .map(|_| {
            let mut client = Client::connect(proxy.local_addr());
            client.send(UPGRADE);
            assert_eq!(client.head().unwrap().status(), 101);
            client
        })
        .collect();
    pause(Duration::from_millis(300));
    let mut idle = Client::connect(proxy.local_addr());
    assert_eq!(idle.get("/").status(), 200);
    assert_eq!(Client::connect(proxy.local_addr()).get("/").status(), 200);
    assert!(idle.ended());
    until("only the upgraded ones are in flight", || proxy.stats().in_flight == upgraded as u64);
}
