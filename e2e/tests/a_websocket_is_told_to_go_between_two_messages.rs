//! A WebSocket of an instance that goes is closed with 1001, between two messages, and its client comes back to another.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use segue_e2e::{Client, Sample, Service, Told, pressure, under_load, wait};
use segue_probe::Protocol;
use segue_wire::websocket::{Decoder, Message, Opcode, Rules, Sender, code, encode};

/// Rude: the program itself says no word at its end.
fn sample(version: &str) -> Sample<'_> {
    Sample { version, replicas: 2, flags: &["--rude"], websocket_grace: "300ms", ..Sample::default() }
}

struct Socket {
    client: Client,
    decoder: Decoder,
    version: String,
}

impl Socket {
    fn open(listen: SocketAddr) -> Self {
        let mut client = Client::connect(listen);
        let handshake = "GET /ws HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
            sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        client.stream().write_all(handshake.as_bytes()).unwrap();
        let head = client.head().unwrap();
        assert_eq!(head.status, 101, "{head:?}");
        let version = head.version().unwrap().to_owned();
        Self { client, decoder: Decoder::new(Rules::strict(Sender::Server), 1 << 20), version }
    }

    fn say(&mut self, opcode: Opcode, payload: &[u8]) {
        let mut bytes = Vec::new();
        encode(opcode, payload, Some([1, 2, 3, 4]), &mut bytes);
        self.client.stream().write_all(&bytes).unwrap();
    }

    /// What comes until the end of the connection, message by message; whether it ended in the middle of one.
    fn rest(&mut self) -> (Vec<Message>, bool) {
        let mut messages = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let count = match self.client.stream().read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error}"),
            };
            let mut bytes = &buffer[..count];
            while let Some(message) = self.decoder.decode(&mut bytes).unwrap() {
                if matches!(message, Message::Close(_)) {
                    self.say(Opcode::Close, &code::GOING_AWAY.to_be_bytes());
                }
                messages.push(message);
            }
        }
        (messages, !self.decoder.between_messages())
    }
}

#[test]
fn it_is_told_1001_and_nothing_comes_after_that() {
    let service = Service::start(&sample("v1"));
    let mut sockets: Vec<Socket> = (0..4).map(|_| Socket::open(service.listen)).collect();
    for (number, socket) in sockets.iter_mut().enumerate() {
        assert_eq!(socket.version, "v1");
        socket.say(Opcode::Text, format!("message {number}").as_bytes());
    }
    service.until("4 in flight", |status| status.0["proxy"]["in_flight"] == 4);
    let deploy = service.begin_deploy(&sample("v2"));
    for (number, socket) in sockets.iter_mut().enumerate() {
        let (messages, torn) = socket.rest();
        assert!(!torn);
        let [Message::Text(echo), Message::Close(Some(close))] = &messages[..] else {
            panic!("an echo and a close were to come: {messages:?}")
        };
        assert_eq!((echo.as_str(), close.code), (format!("message {number}").as_str(), code::GOING_AWAY));
    }
    deploy.ended().assert_code(0);
    assert_eq!(Socket::open(service.listen).version, "v2");
    let last = service.status().history().last().cloned().unwrap_or_default();
    assert_eq!(last["cut"], 0, "{last:#}");
}

#[test]
fn a_message_that_is_half_sent_to_it_is_finished_first() {
    let service = Service::start(&sample("v1"));
    let mut socket = Socket::open(service.listen);
    // Larger than what the buffers between hold: the proxy is in its middle for as long as nobody reads.
    let message = vec![b'm'; 900_000];
    let mut bytes = Vec::new();
    encode(Opcode::Binary, &message, Some([1, 2, 3, 4]), &mut bytes);
    let mut writer = socket.client.stream().try_clone().unwrap();
    let sending = std::thread::spawn(move || writer.write_all(&bytes));
    let deploy = service.begin_deploy(&sample("v2"));
    service.until("v1 drains", |status| {
        status.instances().iter().any(|one| one.version() == "v1" && one.state() == "draining")
    });
    // The time at which it is told is over.
    wait::pass(Duration::from_millis(600));
    let (messages, torn) = socket.rest();
    sending.join().unwrap().unwrap();
    assert!(!torn);
    let [Message::Binary(echo), Message::Close(Some(close))] = &messages[..] else {
        panic!("an echo and a close were to come: {} messages", messages.len())
    };
    assert!(*echo == message);
    assert_eq!(close.code, code::GOING_AWAY);
    deploy.ended().assert_code(0);
}

#[test]
fn no_message_is_lost_under_load_and_clients_come_back_to_the_new_version() {
    under_load(|share| {
        let service = Service::start(&sample("v1"));
        let mut shape = pressure::get("websocket", 50.0, "/ws");
        shape.protocol = Protocol::WebSocket;
        shape.pool = 5;
        let load = share.begin(service.listen, wait::LONG, vec![shape]);
        load.until_answered_by("v1");
        for version in ["v2", "v3"] {
            service.deploy(&sample(version)).assert_code(0);
            load.until_answered_by(version);
        }
        let report = load.end()?;
        report.assert_no_drops();
        let versions: Vec<&str> =
            report.ledger.versions().iter().map(|(version, _)| version.as_str()).collect();
        assert!(["v1", "v2", "v3"].iter().all(|version| versions.contains(version)), "{versions:?}");
        Ok(())
    });
}
