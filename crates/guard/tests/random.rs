//! Whatever is said, however it is split: the same bytes arrive as without a guard.

use std::cell::RefCell;
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use segue_core::pod::Protocol;
use segue_wire::http1::announce_close;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{TestBed, pause, soon};

/// `CASES=20000 cargo test -p segue-guard` looks longer.
fn config() -> ProptestConfig {
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(96);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

const REQUESTS: [&str; 9] = [
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /l HTTP/1.1\r\nhost:x\r\nContent-Length: 11\r\n\r\nGET / HTTP/",
    "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab\r\nc\r\n0\r\nt: 1\r\n\r\n",
    "PUT /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "\r\nOPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /10 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "GET /bad HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
];

const ANSWERS: [&str; 9] = [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\u{1}\u{2}hi",
    "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\nuntil the end",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "\0\0\0\u{4}\0\0\0\0\0",
];

const PREFACE: &str =
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0\0\0\u{1}\u{1}\u{5}\0\0\0\u{1}\u{1}";

/// Messages one after the other, some bytes changed.
fn stream(parts: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let mutation = (any::<Index>(), prop_oneof![any::<u8>(), select(b"\r\n :;0\0".to_vec())]);
    (prop::collection::vec(select(parts), 0..6), prop::collection::vec(mutation, 0..3), any::<bool>())
        .prop_map(|(parts, mutations, changes)| {
            let mut bytes = parts.concat().into_bytes();
            for (at, byte) in mutations {
                if changes && !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
            }
            bytes
        })
}

fn client_stream() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => stream(&REQUESTS),
        1 => stream(&REQUESTS).prop_map(|rest| [PREFACE.as_bytes(), &rest].concat()),
        1 => stream(&REQUESTS).prop_map(|rest| [b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n", &rest[..]].concat()),
        1 => prop::collection::vec(any::<u8>(), 0..60_000),
    ]
}

/// Where the bytes are split; a pause follows each split.
fn splits() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), 0..8)
}

fn pieces(length: usize, splits: &[Index]) -> Vec<Range<usize>> {
    let mut at: Vec<usize> = splits.iter().map(|split| split.index(length + 1)).collect();
    at.extend([0, length]);
    at.sort_unstable();
    at.windows(2).map(|two| two[0]..two[1]).collect()
}

/// Says everything, ends, and hears everything up to the other's end.
async fn converse(stream: TcpStream, say: Vec<u8>, splits: Vec<Index>) -> Vec<u8> {
    stream.set_nodelay(true).unwrap();
    let (mut reads, mut writes) = stream.into_split();
    let says = async move {
        for piece in pieces(say.len(), &splits) {
            writes.write_all(&say[piece]).await.unwrap();
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        }
        writes.shutdown().await.unwrap();
    };
    let hears = async move {
        let mut heard = Vec::new();
        reads.read_to_end(&mut heard).await.unwrap();
        heard
    };
    soon("both ends", async { tokio::join!(says, hears) }).await.1
}

/// Takes every further connection, ends it as soon as something is heard, and hears everything up to the client's end.
async fn hear_on_others(bed: &TestBed, all: &RefCell<Vec<u8>>) {
    let mut part = vec![0; 16 * 1024];
    loop {
        let (mut stream, _) = bed.application.accept().await.unwrap();
        while let Ok(length @ 1..) = stream.read(&mut part).await {
            all.borrow_mut().extend_from_slice(&part[..length]);
            stream.shutdown().await.unwrap();
        }
    }
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_arrive_as_they_were_said(
        up in client_stream(),
        down in stream(&ANSWERS),
        up_splits in splits(),
        down_splits in splits(),
        protocol in select(vec![Protocol::Auto, Protocol::Http, Protocol::Tcp]),
    ) {
        let (heard_up, heard_down, snapshot) = run(async {
            let bed = TestBed::with(protocol, |_| ()).await;
            let (client, application) = bed.pair().await;
            let heard_later = RefCell::new(Vec::new());
            let both = async {
                let heard = tokio::join!(
                    converse(client.stream, up.clone(), up_splits),
                    converse(application.stream, down.clone(), down_splits),
                );
                bed.until("the end", |snapshot| snapshot.connections == 0).await;
                // What was written before that end is in the other sockets' buffers: one turn of the runtime.
                pause().await;
                heard
            };
            // An application that ends between two messages is asked for the next on another connection.
            let (heard_down, mut heard_up) = tokio::select! {
                heard = both => heard,
                () = hear_on_others(&bed, &heard_later) => unreachable!("it goes on"),
            };
            heard_up.append(&mut heard_later.borrow_mut());
            let snapshot = bed.until("the end", |snapshot| snapshot.connections == 0).await;
            (heard_up, heard_down, snapshot)
        });
        prop_assert_eq!(text(&heard_up), text(&up));
        prop_assert_eq!(text(&heard_down), text(&down));
        let left = (snapshot.in_flight, snapshot.kept, snapshot.opaque, snapshot.closing);
        prop_assert_eq!(left, (0, 0, 0, 0));
    }

    /// Requests of a client that waits for no answer, a drain that begins at any moment: the application is asked for the
    /// first so many, each is answered, only the last answer differs, by what it says of the end; the rest is known.
    #[test]
    fn a_drain_changes_one_answer_and_knows_what_it_lost(
        requests in prop::collection::vec(select(&REQUESTS[..6]), 1..7),
        answer in select(vec![ANSWERS[0], ANSWERS[5]]),
        up_splits in splits(),
        after in 0_usize..7,
    ) {
        // An answer to HEAD has no body, one to a request that waits for a 100 leaves open what follows.
        let requests: Vec<&str> = requests.into_iter().filter(|request| !request.contains("Expect")).collect();
        let of = |request: &str| {
            let end = answer.find("\r\n\r\n").unwrap() + 4;
            if request.starts_with("HEAD") { answer[..end].to_owned() } else { answer.to_owned() }
        };
        let answers: Vec<String> = requests.iter().map(|request| of(request)).collect();
        let after = after.min(requests.len());
        let (heard, asked, snapshot) = run(async {
            let bed = TestBed::with(Protocol::Http, |_| ()).await;
            let (client, mut application) = bed.pair().await;
            let (guard, requests, answers) = (&bed.guard, &requests, &answers);
            let serves = async move {
                let mut asked = 0;
                for (at, request) in requests.iter().enumerate() {
                    if at == after {
                        guard.announce();
                    }
                    let mut heard = vec![0; request.len()];
                    match application.stream.read_exact(&mut heard).await {
                        Ok(_) => assert_eq!(text(&heard), text(request.as_bytes())),
                        Err(_) => break,
                    }
                    asked += 1;
                    application.say(&answers[at]).await;
                }
                application.hears_end().await;
                asked
            };
            let said = requests.concat().into_bytes();
            let client = converse(client.stream, said, up_splits);
            let (heard, asked) = tokio::join!(client, soon("the application", serves));
            let snapshot = bed.until("the end", |snapshot| snapshot.connections == 0).await;
            (heard, asked, snapshot)
        });
        let answered = answers[..asked].concat().into_bytes();
        if snapshot.counters.announced == 0 {
            prop_assert_eq!(text(&heard), text(&answered));
            prop_assert_eq!(asked, requests.len());
        } else {
            let mut expected = answers[..asked - 1].concat().into_bytes();
            let last = answers[asked - 1].as_bytes();
            let head = last.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            announce_close(&last[..head], &mut expected);
            expected.extend_from_slice(&last[head..]);
            prop_assert_eq!(text(&heard), text(&expected));
        }
        let counted = (snapshot.counters.requests, snapshot.counters.raced);
        prop_assert_eq!(counted, (asked as u64, (requests.len() - asked) as u64));
    }
}
