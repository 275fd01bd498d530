//! hyper as an oracle: where both understand a message they see the same one; what hyper takes for a whole message is
//! never read as a longer or shorter one.

use crate::events::{Event, answers, requests};
use crate::messages::{answer, damage, harm, request};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use segue_wire::http1::{AnswerHead, RequestHead, RequestKind};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A message as either side understood it: its target or status, and its body without the framing.
type Message = (String, Vec<u8>);

/// What hyper made of a stream.
#[derive(Debug, Default)]
struct Verdict {
    messages: Vec<Message>,
    /// It was inside a message when the stream ended.
    wanted_more: bool,
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Whether an error says that the stream ended too early.
fn is_incomplete(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let ended = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message)
            || error.downcast_ref::<io::Error>().is_some_and(ended)
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// Has a hyper server read `bytes`.
fn served(bytes: &[u8]) -> Verdict {
    let messages = Rc::new(RefCell::new(Vec::new()));
    let wanted_more = Rc::new(Cell::new(false));
    run(async {
        let (client, server) = tokio::io::duplex(1 << 20);
        let service = service_fn(|request: Request<Incoming>| {
            let (messages, wanted_more) = (Rc::clone(&messages), Rc::clone(&wanted_more));
            async move {
                let (head, body) = request.into_parts();
                match body.collect().await {
                    Ok(body) => messages.borrow_mut().push((head.uri.to_string(), body.to_bytes().to_vec())),
                    Err(error) => wanted_more.set(wanted_more.get() || is_incomplete(&error)),
                }
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .half_close(true)
            .serve_connection(TokioIo::new(server), service);
        let (mut read, mut write) = tokio::io::split(client);
        let feed = async {
            // The server may hang up before it has read all.
            let _ = write.write_all(bytes).await;
            let _ = write.shutdown().await;
        };
        let mut answers = Vec::new();
        let (outcome, (), _) = tokio::join!(connection, feed, read.read_to_end(&mut answers));
        if let Err(error) = outcome {
            wanted_more.set(wanted_more.get() || is_incomplete(&error));
        }
    });
    Verdict { messages: messages.take(), wanted_more: wanted_more.get() }
}

/// Has a hyper client read these answers, each handed over when it has sent another request.
fn received(answers: &[(RequestKind, Vec<u8>)]) -> Verdict {
    run(async {
        let (client, server) = tokio::io::duplex(1 << 20);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(client)).await.unwrap();
        let mut verdict = Verdict::default();
        let ask = async {
            for (kind, _) in answers {
                let method = if *kind == RequestKind::Head { Method::HEAD } else { Method::GET };
                let request = Request::builder().method(method).uri("/").body(Empty::new()).unwrap();
                let answer = async {
                    sender.ready().await?;
                    let (head, body) = sender.send_request(request).await?.into_parts();
                    Ok::<_, hyper::Error>((head.status, body.collect().await?.to_bytes()))
                };
                match answer.await {
                    Ok((status, body)) => verdict.messages.push((status.as_str().to_owned(), body.to_vec())),
                    Err(error) => {
                        verdict.wanted_more = is_incomplete(&error);
                        break;
                    }
                }
            }
            drop(sender);
        };
        let (mut read, mut write) = tokio::io::split(server);
        let feed = async {
            let mut asked = Vec::new();
            for (_, answer) in answers {
                while !asked.ends_with(b"\r\n\r\n") {
                    match read.read_buf(&mut asked).await {
                        Ok(1..) => {}
                        Ok(0) | Err(_) => return,
                    }
                }
                asked.clear();
                if write.write_all(answer).await.is_err() {
                    return;
                }
            }
            let _ = write.shutdown().await;
        };
        let _ = tokio::join!(ask, feed, connection);
        verdict
    })
}

/// A body without its framing, `chunked` or not; written apart from the reader, for bytes that are known to be whole.
fn content(mut bytes: &[u8], chunked: bool) -> Vec<u8> {
    if !chunked {
        return bytes.to_vec();
    }
    let mut out = Vec::new();
    loop {
        let line = bytes.windows(2).position(|end| end == b"\r\n").unwrap();
        let digits = std::str::from_utf8(&bytes[..line]).unwrap().split(';').next().unwrap();
        let size = usize::from_str_radix(digits, 16).unwrap();
        if size == 0 {
            return out;
        }
        out.extend_from_slice(&bytes[line + 2..line + 2 + size]);
        bytes = &bytes[line + size + 4..];
    }
}

fn is_chunked(head: &[u8]) -> bool {
    head.to_ascii_lowercase().windows(20).any(|part| part == b"\r\ntransfer-encoding:")
}

/// The messages in `bytes` as a reader found them, each with its length, and how the rest was left.
fn understood<H>(
    bytes: &[u8],
    events: &[Event<H>],
    name: impl Fn(&H, &[u8]) -> Option<String>,
    ends: impl Fn(&H) -> bool,
) -> (Vec<(usize, Message)>, Event<()>) {
    let mut found = Vec::new();
    let (mut at, mut start) = (0, 0);
    let mut open: Option<(String, bool)> = None;
    for event in events {
        match event {
            Event::Blank(length) => {
                at += length;
                start = at;
            }
            Event::Head(length, head) => {
                let head_bytes = &bytes[at..at + length];
                at += length;
                let Some(name) = name(head, head_bytes) else { continue };
                if ends(head) {
                    found.push((at - start, (name, Vec::new())));
                    start = at;
                } else {
                    open = Some((name, is_chunked(head_bytes)));
                }
            }
            Event::Body(length, over) => {
                let body = &bytes[at..at + length];
                at += length;
                if *over {
                    let (name, chunked) = open.take().unwrap();
                    found.push((at - start, (name, content(body, chunked))));
                    start = at;
                }
            }
            Event::Opaque(_) => return (found, Event::Opaque(bytes.len() - start)),
            Event::Left(_) => return (found, Event::Left(bytes.len() - start)),
        }
    }
    unreachable!("the last event says how the rest was left")
}

fn understood_requests(bytes: &[u8]) -> (Vec<(usize, Message)>, Event<()>) {
    // As hyper shows a target: without what stands behind a `#`.
    let name = |head: &RequestHead, bytes: &[u8]| {
        let target = String::from_utf8(bytes[head.target.clone()].to_vec()).unwrap();
        Some(target.parse::<Uri>().map_or(target, |target| target.to_string()))
    };
    understood(bytes, &requests(bytes, &[]), name, |head| head.ends)
}

fn understood_answers(bytes: &[u8], kinds: &[RequestKind]) -> (Vec<(usize, Message)>, Event<()>) {
    let name = |head: &AnswerHead, _: &[u8]| (!head.interim).then(|| head.status.to_string());
    understood(bytes, &answers(bytes, &[], kinds), name, |head| head.ends)
}

/// Holds what a reader found against hyper's verdict. hyper may refuse a message that the reader understood, never see
/// another one in its bytes, nor want more of them.
fn agree(ours: &[Message], rest: &Event<()>, verdict: &Verdict) -> Result<(), TestCaseError> {
    let both = ours.len().min(verdict.messages.len());
    prop_assert_eq!(&ours[..both], &verdict.messages[..both]);
    if verdict.messages.len() > ours.len() {
        prop_assert!(matches!(rest, Event::Opaque(_)), "hyper sees more: {:?}, {:?}", rest, verdict);
    }
    if verdict.wanted_more {
        prop_assert!(both == ours.len(), "hyper wants more of what is whole: {:?}, {:?}", ours, verdict);
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn plain_requests_are_the_ones_that_a_hyper_server_sees(messages in prop::collection::vec(request(), 1..5)) {
        let bytes: Vec<u8> = messages.into_iter().flat_map(|(_, bytes)| bytes).collect();
        let (found, rest) = understood_requests(&bytes);
        let ours: Vec<Message> = found.into_iter().map(|(_, message)| message).collect();
        prop_assert_eq!((ours, rest, false), {
            let verdict = served(&bytes);
            (verdict.messages, Event::Left(0), verdict.wanted_more)
        });
    }

    #[test]
    fn a_hyper_server_never_sees_another_request_in_damaged_bytes(
        messages in prop::collection::vec(request(), 1..4),
        damage in damage(),
    ) {
        let mut bytes: Vec<u8> = messages.into_iter().flat_map(|(_, bytes)| bytes).collect();
        harm(&mut bytes, &damage);
        let (found, rest) = understood_requests(&bytes);
        let ours: Vec<Message> = found.into_iter().map(|(_, message)| message).collect();
        agree(&ours, &rest, &served(&bytes))?;
    }

    #[test]
    fn plain_answers_are_the_ones_that_a_hyper_client_sees(messages in prop::collection::vec(answer(), 1..5)) {
        let kinds: Vec<RequestKind> = messages.iter().map(|(kind, _)| *kind).collect();
        let bytes: Vec<u8> = messages.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let (found, rest) = understood_answers(&bytes, &kinds);
        let ours: Vec<Message> = found.into_iter().map(|(_, message)| message).collect();
        let verdict = received(&messages);
        prop_assert_eq!((ours, rest, false), (verdict.messages, Event::Left(0), verdict.wanted_more));
    }

    #[test]
    fn a_hyper_client_never_sees_another_answer_in_damaged_bytes(
        messages in prop::collection::vec(answer(), 1..4),
        damage in damage(),
    ) {
        let kinds: Vec<RequestKind> = messages.iter().map(|(kind, _)| *kind).collect();
        let mut bytes: Vec<u8> = messages.into_iter().flat_map(|(_, bytes)| bytes).collect();
        harm(&mut bytes, &damage);
        let (found, _) = understood_answers(&bytes, &kinds);
        // hyper gets each answer as the reader cut it: were it longer or shorter to hyper, it would want more, or find
        // bytes that nobody asked for.
        let mut start = 0;
        let slices: Vec<(RequestKind, Vec<u8>)> = found.iter().zip(&kinds).map(|((length, _), kind)| {
            start += length;
            (*kind, bytes[start - length..start].to_vec())
        }).collect();
        let ours: Vec<Message> = found.into_iter().take(slices.len()).map(|(_, message)| message).collect();
        agree(&ours, &Event::Left(0), &received(&slices))?;
    }
}

#[test]
fn the_oracles_can_tell() {
    // What the properties above rest on: hyper's verdict is not simply empty.
    let verdict = served(b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nokGET /b HTTP/1.1\r\n\r\nPOST /c HTTP/1.1\r\nContent-Length: 9\r\n\r\n");
    assert_eq!(verdict.messages, [("/a".to_owned(), b"ok".to_vec()), ("/b".to_owned(), Vec::new())]);
    assert!(verdict.wanted_more);
    let whole = (RequestKind::Other, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec());
    let short = (RequestKind::Other, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok".to_vec());
    let verdict = received(&[whole, short]);
    assert_eq!(verdict.messages, [(StatusCode::OK.as_str().to_owned(), b"ok".to_vec())]);
    assert!(verdict.wanted_more);
}
