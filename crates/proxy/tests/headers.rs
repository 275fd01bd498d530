//! Which headers and trailers reach an instance, and how many.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::http::{Client, Message};
use crate::support::http2::{DATA, END_HEADERS, END_STREAM, Frames, HEADERS, RESET, frame, request};
use crate::support::origin::{Origin, ok};
use crate::support::{config, pause, pool_of, start};
use segue_proxy::{Config, Proxy};

/// An instance that notes its requests.
fn noting() -> (Origin, Arc<Mutex<Vec<Message>>>) {
    let noted: Arc<Mutex<Vec<Message>>> = Arc::default();
    let list = noted.clone();
    let origin = Origin::answering(move |request| {
        list.lock().unwrap().push(request.clone());
        ok("x")
    });
    (origin, noted)
}

/// What a client could make up about where its request came from, where it ends and whom it is for.
const MADE_UP: [(&str, &str); 17] = [
    ("x-forwarded-for", "6.6.6.6"),
    ("x-forwarded-proto", "made-up"),
    ("x-forwarded-host", "made-up"),
    ("x-forwarded-port", "made-up"),
    ("x-forwarded-prefix", "made-up"),
    ("x-forwarded-ssl", "made-up"),
    ("x-forwarded-server", "made-up"),
    ("x-forwarded-scheme", "made-up"),
    ("x-forwarded", "made-up"),
    ("x-real-ip", "6.6.6.6"),
    ("forwarded", "for=6.6.6.6"),
    ("x_forwarded_for", "6.6.6.6"),
    ("x-forwarded_host", "made-up"),
    ("x_real_ip", "6.6.6.6"),
    ("content_length", "66"),
    ("transfer_encoding", "made-up"),
    ("proxy_authorization", "made-up"),
];

/// Header lines of these.
fn lines(fields: &[(&str, &str)]) -> String {
    fields.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect()
}

/// So many header lines.
fn many(count: usize) -> String {
    (0..count).flat_map(|number| ["x-".to_owned(), number.to_string(), ": y\r\n".to_owned()]).collect()
}

fn names(message: &Message) -> Vec<&str> {
    let mut names: Vec<_> = message.headers.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
pub(crate) fn what_a_client_makes_up_about_its_way_does_not_reach_an_instance() {
    let (origin, noted) = noting();
    let proxy = start(&pool_of(&[origin.address]), config());
    let lines = lines(&MADE_UP);
    let mut client = Client::connect(proxy.local_addr());
    client.send(format!("GET / HTTP/1.1\r\nhost: test\r\n{lines}x_mine: 1\r\n\r\n"));
    assert_eq!(client.answer().status(), 200);
    let mut client = Frames::connect(proxy.local_addr());
    client.ask(1, &[&MADE_UP[..], &[("x_mine", "1")]].concat());
    client.wait_for(HEADERS, 1);
    let noted = noted.lock().unwrap();
    assert_eq!(noted.len(), 2);
    for request in noted.iter() {
        assert_eq!(
            names(request),
            ["host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x_mine"]
        );
        assert_eq!(request.header("x-forwarded-for"), "127.0.0.1");
        assert_eq!(
            (request.header("x-forwarded-proto"), request.header("x-forwarded-host")),
            ("http", "test")
        );
    }
}

#[test]
pub(crate) fn behind_a_trusted_proxy_only_disguises_are_taken_out() {
    let (origin, noted) = noting();
    let proxy = start(&pool_of(&[origin.address]), Config { trust_forwarded: true, ..config() });
    let mut client = Client::connect(proxy.local_addr());
    let lines = lines(&MADE_UP);
    client.send(format!("GET / HTTP/1.1\r\nhost: test\r\n{lines}\r\n"));
    assert_eq!(client.answer().status(), 200);
    let noted = noted.lock().unwrap();
    let plain = MADE_UP.iter().map(|(name, _)| *name).filter(|name| !name.contains('_'));
    let mut expected: Vec<_> = plain.chain(["host"]).collect();
    expected.sort_unstable();
    assert_eq!(names(&noted[0]), expected);
    assert_eq!(noted[0].header("x-forwarded-for"), "6.6.6.6, 127.0.0.1");
}

/// Trailers that would change what a message says, and one that may be there.
const TRAILERS: [(&str, &str); 12] = [
    ("x-forwarded-for", "6.6.6.6"),
    ("x_forwarded_for", "6.6.6.6"),
    ("x-real-ip", "6.6.6.6"),
    ("content-length", "66"),
    ("content_length", "66"),
    ("transfer-encoding", "chunked"),
    ("host", "made-up"),
    ("authorization", "made-up"),
    ("cookie", "made-up"),
    ("te", "made-up"),
    ("if-match", "made-up"),
    ("x-sum", "5"),
];

#[test]
pub(crate) fn a_trailer_of_a_request_changes_nothing_that_its_head_said() {
    let (origin, noted) = noting();
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    let lines = lines(&TRAILERS);
    client.send(format!(
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n{lines}\r\n"
    ));
    assert_eq!(client.answer().status(), 200);
    let mut client = Frames::connect(proxy.local_addr());
    client.send(&frame(HEADERS, END_HEADERS, 1, &request("POST", &[])));
    client.send(&frame(DATA, 0, 1, b"hello"));
    // HTTP/2 itself refuses those of a connection.
    let trailers: Vec<u8> = TRAILERS
        .iter()
        .filter(|(name, _)| !["transfer-encoding", "te"].contains(name))
        .flat_map(|(name, value)| crate::support::http2::literal(name, value))
        .collect();
    client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &trailers));
    client.wait_for(HEADERS, 1);
    let noted = noted.lock().unwrap();
    assert_eq!(noted.len(), 2);
    for request in noted.iter() {
        assert_eq!(request.trailers.iter().collect::<Vec<_>>(), [(&"x-sum".to_owned(), &"5".to_owned())]);
    }
}

#[test]
pub(crate) fn a_trailer_of_an_answer_changes_nothing_that_its_head_said() {
    let origin = Origin::answering(|_| {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum, host, cookie\r\n\r\n";
        format!("{head}5\r\nhello\r\n0\r\n{}\r\n", lines(&TRAILERS)).into_bytes()
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: te\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.text(), "hello");
    assert_eq!(answer.trailers.iter().collect::<Vec<_>>(), [(&"x-sum".to_owned(), &"5".to_owned())]);
}

#[test]
pub(crate) fn room_for_more_fields_is_not_made_before_the_answer_before_has_left() {
    let origin = Origin::new(|mut client| {
        while let Ok(mut asked) = client.head() {
            client.send(ok("x".repeat(asked.header("size").parse().unwrap())));
            if client.body(&mut asked, true).is_err() {
                return;
            }
        }
    });
    // What the proxy has written must not all rest in the kernel.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::sockopt::set_socket_send_buffer_size(&listener, 16 * 1024).unwrap();
    let proxy = Proxy::start(listener, pool_of(&[origin.address]), config()).unwrap();
    let clients: Vec<_> = (1..=50)
        .map(|size| {
            let mut client = Client::connect(proxy.local_addr());
            let size = size * 8 * 1024;
            // The body is held back, so hyper passes it over once the answer is handed over whole.
            client.send(format!(
                "POST / HTTP/1.1\r\nhost: a\r\nsize: {size}\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n\
                 helloGET / HTTP/1.1\r\nhost: a\r\nsize: 2\r\n{}\r\n",
                many(101)
            ));
            (size, client)
        })
        .collect();
    pause(Duration::from_millis(300));
    let reading = clients.into_iter().map(|(size, mut client)| {
        std::thread::spawn(move || {
            let answer = client.try_answer().map(|answer| answer.body.len());
            assert_eq!(answer.ok(), Some(size));
            assert_eq!(client.answer().text(), "xx", "after {size}");
        })
    });
    let reading: Vec<_> = reading.collect();
    for reader in reading {
        reader.join().unwrap();
    }
}

#[test]
pub(crate) fn the_number_of_headers_is_no_limit_in_either_direction() {
    let origin = Origin::answering(move |request| {
        let count =
            request.headers.keys().filter(|name| name.starts_with("x-") && !name.contains('f')).count();
        format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nseen: {count}\r\n{}\r\n", many(count)).into_bytes()
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    for count in [3, 100, 101, 150, 129, 1000, 5000, 3] {
        client.send(format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", many(count)));
        let answer = client.answer();
        assert_eq!((answer.status(), answer.header("seen")), (200, &*count.to_string()), "{count}");
        assert_eq!(answer.headers.keys().filter(|name| name.starts_with("x-")).count(), count);
    }
    assert_eq!(proxy.stats().accepted, 1);
    // In two pieces, with a request before it.
    let head = format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", many(300));
    client.send(["GET / HTTP/1.1\r\nhost: a\r\n\r\n", &head[..1000]].concat());
    assert_eq!(client.answer().header("seen"), "0");
    client.send(&head[1000..]);
    assert_eq!(client.answer().header("seen"), "300");
}

#[test]
pub(crate) fn the_number_of_trailers_of_an_answer_is_no_limit() {
    let origin = Origin::answering(|_| {
        let trailers = many(500);
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-0\r\n\r\n";
        format!("{head}5\r\nhello\r\n0\r\n{trailers}\r\n").into_bytes()
    });
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Client::connect(proxy.local_addr());
    client.send("GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: te\r\n\r\n");
    assert_eq!(client.answer().text(), "hello");
}

#[test]
pub(crate) fn two_lengths_of_an_http_2_request_are_refused() {
    let (origin, noted) = noting();
    let proxy = start(&pool_of(&[origin.address]), config());
    let mut client = Frames::connect(proxy.local_addr());
    let head = request("POST", &[("content-length", "5"), ("content-length", "6")]);
    client.send(&frame(HEADERS, END_HEADERS, 1, &head));
    client.send(&frame(DATA, END_STREAM, 1, b"hello"));
    let refused = loop {
        let frame = client.read().unwrap();
        if frame.stream == 1 && [HEADERS, RESET].contains(&frame.kind) {
            break frame;
        }
    };
    assert!(refused.kind == RESET || proxy.stats().own_answers.get("bad-request") == Some(&1));
    assert!(noted.lock().unwrap().is_empty());
}

#[test]
pub(crate) fn an_answer_has_a_limit_of_its_own() {
    for (size, status) in [(65_000, 200), (66_000, 502)] {
        let origin = Origin::answering(move |_| {
            format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: {}\r\n\r\n", "y".repeat(size)).into_bytes()
        });
        let proxy = start(&pool_of(&[origin.address]), config());
        assert_eq!(Client::connect(proxy.local_addr()).get("/").status(), status);
    }
}

#[test]
pub(crate) fn a_request_has_no_more_than_a_hundred_trailers() {
    let (origin, noted) = noting();
    let proxy = start(&pool_of(&[origin.address]), config());
    for (count, reason) in [(100, ""), (101, "bad-body")] {
        let lines = many(count);
        let mut client = Client::connect(proxy.local_addr());
        client.send(format!(
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n{lines}\r\n"
        ));
        assert_eq!(client.answer().reason(), reason);
    }
    assert_eq!(noted.lock().unwrap()[0].trailers.len(), 100);
}
