//! WebSockets: which ends are good, and what is lost by the others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use segue_probe::{Connections, Load, Protocol, Report, Shape};
use segue_wire::websocket::{Close, Decoder, Message, Opcode, Rules, Sender, accept_key, code, encode};

use crate::server::{Peer, load, probe, serve};

fn shake_hands(peer: &mut Peer) {
    let request = peer.request().unwrap();
    let accept = accept_key(request.header("sec-websocket-key").unwrap());
    peer.write(format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-accept: {accept}\r\nsegue-version: v1\r\n\r\n"
    ));
}

/// Echoes so many messages, then returns true; false if the client said goodbye (and was answered) or left before.
fn echo(peer: &mut Peer, decoder: &mut Decoder, mut messages: usize) -> bool {
    loop {
        let bytes = peer.some_bytes();
        if bytes.is_empty() {
            return false;
        }
        let mut left = &bytes[..];
        while let Some(message) = decoder.decode(&mut left).unwrap() {
            let mut out = Vec::new();
            match message {
                Message::Binary(payload) => {
                    encode(Opcode::Binary, &payload, None, &mut out);
                    messages = messages.saturating_sub(1);
                }
                Message::Close(close) => {
                    close.unwrap().encode(None, &mut out);
                    peer.write(out);
                    return false;
                }
                _ => {}
            }
            peer.write(out);
        }
        // What came together is answered together.
        if messages == 0 {
            return true;
        }
    }
}

fn decoder() -> Decoder {
    Decoder::new(Rules::strict(Sender::Client), 1 << 20)
}

fn say_close(peer: &mut Peer, code: u16) {
    let mut out = Vec::new();
    Close { code, reason: "upgrade".into() }.encode(None, &mut out);
    peer.write(out);
}

/// Forty messages over one socket at a time.
fn run(address: &str) -> Report {
    probe(load(address, 0.4, shape()))
}

fn shape() -> Shape {
    Shape { protocol: Protocol::WebSocket, body_size: 100, pool: 1, ..Shape::new("WebSocket", 100.0) }
}

#[test]
fn every_message_comes_back_and_the_socket_ends_politely() {
    let address = serve(|mut peer| {
        shake_hands(&mut peer);
        echo(&mut peer, &mut decoder(), usize::MAX);
    });
    let report = run(&address);
    assert_eq!(report.drops(), BTreeMap::new());
    // Forty messages, and the socket itself.
    assert_eq!((report.ledger.ok(), report.ledger.connections), (41, 1));
}

/// Reads to the connection's end: how many more messages came, and whether the client had said goodbye.
fn unanswered(peer: &mut Peer, decoder: &mut Decoder) -> (u64, bool) {
    let (mut count, mut goodbye) = (0, false);
    loop {
        let bytes = peer.some_bytes();
        if bytes.is_empty() {
            return (count, goodbye);
        }
        let mut left = &bytes[..];
        while let Some(message) = decoder.decode(&mut left).unwrap() {
            count += u64::from(matches!(message, Message::Binary(_)));
            goodbye |= matches!(message, Message::Close(_));
        }
    }
}

/// Runs against a server that echoes ten messages on each socket and then does `end`. The probe's drops of both
/// kinds must be what the server itself knows: (lost messages, sockets without a close frame).
fn assert_ends(end: impl Fn(&mut Peer) + Send + Sync + 'static, polite: bool, least_lost: u64) {
    let (sockets, lost) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (seen_sockets, seen_lost) = (sockets.clone(), lost.clone());
    let address = serve(move |mut peer| {
        shake_hands(&mut peer);
        let mut decoder = decoder();
        if echo(&mut peer, &mut decoder, 10) {
            end(&mut peer);
            let (more, goodbye) = unanswered(&mut peer, &mut decoder);
            // At the end of the run both may have ended it at once: then nobody has missed a close frame.
            seen_sockets.fetch_add(u64::from(polite || !goodbye), Ordering::Relaxed);
            seen_lost.fetch_add(more, Ordering::Relaxed);
        }
    });
    let report = run(&address);
    let (sockets, lost) = (sockets.load(Ordering::Relaxed), lost.load(Ordering::Relaxed));
    let wanted = [("websocket-lost", lost), ("websocket-no-close", if polite { 0 } else { sockets })];
    let wanted: BTreeMap<_, _> = wanted
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| (kind.to_owned(), count))
        .collect();
    assert_eq!(report.drops(), wanted);
    assert!(sockets >= 2 && lost >= least_lost, "{sockets} sockets, {lost} lost");
    // Forty messages, and every socket is one request.
    assert_eq!(report.ledger.requests(), 40 + report.ledger.connections);
}

#[test]
fn a_close_between_two_messages_is_no_drop_and_the_next_socket_goes_on() {
    assert_ends(|peer| say_close(peer, code::GOING_AWAY), true, 0);
    assert_ends(|peer| say_close(peer, code::SERVICE_RESTART), true, 0);
}

#[test]
fn an_end_without_a_close_frame_drops_the_socket() {
    assert_ends(Peer::finish, false, 0);
}

#[test]
fn a_message_that_was_sent_and_not_echoed_is_lost_even_after_a_polite_close() {
    let lost = Arc::new(AtomicU64::new(0));
    let seen = lost.clone();
    let address = serve(move |mut peer| {
        shake_hands(&mut peer);
        let mut decoder = decoder();
        if echo(&mut peer, &mut decoder, 10) {
            // The next is read, and not answered.
            let bytes = peer.some_bytes();
            let mut left = &bytes[..];
            let mut count = 0;
            while let Some(message) = decoder.decode(&mut left).unwrap() {
                count += u64::from(matches!(message, Message::Binary(_)));
            }
            say_close(&mut peer, code::GOING_AWAY);
            seen.fetch_add(count + unanswered(&mut peer, &mut decoder).0, Ordering::Relaxed);
        }
    });
    let report = run(&address);
    let lost = lost.load(Ordering::Relaxed);
    assert!(lost >= 1);
    assert_eq!(report.drops(), BTreeMap::from([("websocket-lost".to_owned(), lost)]));
}

#[test]
fn a_reset_drops_the_socket_and_what_was_on_its_way() {
    let address = serve(|mut peer| {
        shake_hands(&mut peer);
        peer.some_bytes();
        peer.reset();
    });
    let report = run(&address);
    let drops = report.drops();
    assert_eq!(drops["websocket-no-close"], report.ledger.connections);
    assert_eq!(drops["websocket-lost"], 40);
}

#[test]
fn a_close_that_tells_of_an_error_is_a_drop() {
    let address = serve(|mut peer| {
        shake_hands(&mut peer);
        let mut decoder = decoder();
        if echo(&mut peer, &mut decoder, 10) {
            say_close(&mut peer, 1011);
            unanswered(&mut peer, &mut decoder);
        }
    });
    let report = run(&address);
    let drops = report.drops();
    assert!(drops["protocol-error"] >= 2, "{drops:?}");
    let causes: Vec<&str> = report.ledger.causes().keys().map(|(_, cause)| &**cause).collect();
    assert_eq!(causes, ["closed with 1011"]);
    assert!(!drops.contains_key("websocket-no-close"), "{drops:?}");
}

#[test]
fn an_upgrade_that_is_refused_drops_each_message_that_it_was_for() {
    for (status, kind) in [("403 Forbidden", "websocket-refused"), ("503 Unavailable", "http-503")] {
        let address = serve(move |mut peer| {
            peer.request();
            peer.write(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"));
            peer.wait_for_the_end();
        });
        let report = run(&address);
        assert_eq!(report.drops(), BTreeMap::from([(kind.to_owned(), 40)]));
    }
}

#[test]
fn an_echo_of_something_else_is_a_wrong_body() {
    let address = serve(|mut peer| {
        shake_hands(&mut peer);
        let mut decoder = decoder();
        loop {
            let bytes = peer.some_bytes();
            let mut left = &bytes[..];
            while let Some(message) = decoder.decode(&mut left).unwrap() {
                let mut out = Vec::new();
                match message {
                    Message::Binary(_) => encode(Opcode::Binary, &[b'x'; 100], None, &mut out),
                    _ => return,
                }
                peer.write(out);
            }
            if bytes.is_empty() {
                return;
            }
        }
    });
    let drops = run(&address).drops();
    assert_eq!(drops.get("wrong-body"), Some(&40), "{drops:?}");
}

#[test]
fn a_message_that_is_not_echoed_in_time_is_a_response_timeout() {
    let address = serve(|mut peer| {
        shake_hands(&mut peer);
        peer.wait_for_the_end();
    });
    let load = load(&address, 0.4, shape());
    let report = probe(Load { timeout: Duration::from_millis(200), ..load });
    assert_eq!(report.drops(), BTreeMap::from([("response-timeout".to_owned(), 40)]));
}

#[test]
fn a_ping_is_answered_between_messages() {
    let address = serve(|mut peer| {
        shake_hands(&mut peer);
        let mut decoder = decoder();
        echo(&mut peer, &mut decoder, 10);
        let mut out = Vec::new();
        encode(Opcode::Ping, b"are you there", None, &mut out);
        peer.write(out);
        let mut ponged = false;
        while !ponged {
            let bytes = peer.some_bytes();
            let mut left = &bytes[..];
            while let Some(message) = decoder.decode(&mut left).unwrap() {
                ponged |= message == Message::Pong(b"are you there".to_vec());
                if let Message::Binary(payload) = message {
                    let mut out = Vec::new();
                    encode(Opcode::Binary, &payload, None, &mut out);
                    peer.write(out);
                }
            }
        }
        echo(&mut peer, &mut decoder, usize::MAX);
    });
    let report = run(&address);
    assert_eq!(report.drops(), BTreeMap::new());
    assert_eq!(report.ledger.connections, 1);
}

#[test]
fn a_fresh_socket_carries_one_message() {
    let address = serve(|mut peer| {
        shake_hands(&mut peer);
        echo(&mut peer, &mut decoder(), usize::MAX);
    });
    let report = probe(load(&address, 0.4, Shape { connections: Connections::Fresh, ..shape() }));
    assert_eq!(report.drops(), BTreeMap::new());
    assert_eq!((report.ledger.ok(), report.ledger.connections), (80, 40));
}
