//! h2 as an oracle: what is counted on the wire is what a real client and a real server have under way.

use crate::tap::{Put, Tap, between, settle};
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::server::{SendPushedResponse, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response};
use proptest::prelude::*;
use segue_wire::http2::Streams;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::task::{LocalSet, spawn_local};

type Taken = Rc<RefCell<BTreeMap<u32, (Request<RecvStream>, SendResponse<Bytes>)>>>;

/// One thing that one of the peers does. Places count the streams.
#[derive(Debug, Clone)]
enum Act {
    Ask { ends: bool, long: bool },
    ClientData { place: prop::sample::Index, ends: bool },
    ClientReset { place: prop::sample::Index },
    Answer { place: prop::sample::Index, ends: bool, long: bool },
    ServerData { place: prop::sample::Index, ends: bool },
    ServerTrailers { place: prop::sample::Index },
    ServerReset { place: prop::sample::Index },
    Push { place: prop::sample::Index, ends: bool },
}

fn act() -> impl Strategy<Value = Act> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        4 => (any::<bool>(), prop::bool::weighted(0.2)).prop_map(|(ends, long)| Act::Ask { ends, long }),
        2 => (place(), any::<bool>()).prop_map(|(place, ends)| Act::ClientData { place, ends }),
        1 => place().prop_map(|place| Act::ClientReset { place }),
        4 => (place(), any::<bool>(), prop::bool::weighted(0.2)).prop_map(|(place, ends, long)| Act::Answer { place, ends, long }),
        3 => (place(), any::<bool>()).prop_map(|(place, ends)| Act::ServerData { place, ends }),
        1 => place().prop_map(|place| Act::ServerTrailers { place }),
        1 => place().prop_map(|place| Act::ServerReset { place }),
        1 => (place(), any::<bool>()).prop_map(|(place, ends)| Act::Push { place, ends }),
    ]
}

/// One stream as its peers know it.
struct Stream {
    id: u32,
    client: SendStream<Bytes>,
    client_ended: bool,
    server: Option<SendStream<Bytes>>,
    server_ended: bool,
    reset: bool,
    /// Kept, for dropping it would reset the stream.
    answer: ResponseFuture,
}

impl Stream {
    fn open(&self) -> bool {
        !self.server_ended && !self.reset
    }
}

/// The two peers.
struct Peers {
    ask: SendRequest<Bytes>,
    taken: Taken,
    streams: Vec<Stream>,
    /// Pushed answers that are under way.
    pushed: Vec<(SendPushedResponse<Bytes>, Option<SendStream<Bytes>>)>,
    pushed_open: usize,
    tap: Tap,
}

impl Peers {
    async fn meet(put: Put) -> Self {
        let (client, server, tap) = between(Streams::new(), put);
        let taken = Taken::default();
        let accepted = Rc::clone(&taken);
        spawn_local(async move {
            let mut connection = h2::server::handshake(server).await.unwrap();
            while let Some(Ok((request, answer))) = connection.accept().await {
                accepted.borrow_mut().insert(request.body().stream_id().into(), (request, answer));
            }
        });
        let (ask, connection) = h2::client::handshake(client).await.unwrap();
        spawn_local(connection);
        Self { ask, taken, streams: Vec::new(), pushed: Vec::new(), pushed_open: 0, tap }
    }

    async fn act(&mut self, act: &Act) {
        match act {
            Act::Ask { ends, long } => self.ask(*ends, *long),
            Act::Answer { place, ends, long } => self.answer(*place, *ends, *long),
            Act::Push { place, ends } => self.push(*place, *ends),
            Act::ClientData { place, ends } => {
                if let Some(stream) = self.at(*place, |stream| !stream.client_ended && !stream.reset) {
                    stream.client.send_data(Bytes::from_static(b"asked"), *ends).unwrap();
                    stream.client_ended = *ends;
                }
            }
            Act::ClientReset { place } => {
                if let Some(stream) = self.at(*place, Stream::open) {
                    stream.client.send_reset(Reason::CANCEL);
                    stream.reset = true;
                }
            }
            Act::ServerData { place, ends } => {
                if let Some(stream) = self.at(*place, |stream| stream.open() && stream.server.is_some()) {
                    let data = Bytes::from_static(if *ends { b"" } else { b"answered" });
                    stream.server.as_mut().unwrap().send_data(data, *ends).unwrap();
                    stream.server_ended = *ends;
                }
            }
            Act::ServerTrailers { place } => {
                if let Some(stream) = self.at(*place, |stream| stream.open() && stream.server.is_some()) {
                    stream
                        .server
                        .as_mut()
                        .unwrap()
                        .send_trailers(long(Response::new(())).headers().clone())
                        .unwrap();
                    stream.server_ended = true;
                }
            }
            Act::ServerReset { place } => {
                let taken = Rc::clone(&self.taken);
                if let Some(stream) = self.at(*place, Stream::open) {
                    taken.borrow_mut().get_mut(&stream.id).unwrap().1.send_reset(Reason::INTERNAL_ERROR);
                    stream.reset = true;
                }
            }
        }
        settle(&self.tap).await;
    }

    /// A stream that is `fit`, if there is one.
    fn at(&mut self, place: prop::sample::Index, fit: impl Fn(&Stream) -> bool) -> Option<&mut Stream> {
        let mut fitting: Vec<_> = self.streams.iter_mut().filter(|stream| fit(stream)).collect();
        (!fitting.is_empty()).then(|| fitting.swap_remove(place.index(fitting.len())))
    }

    fn ask(&mut self, ends: bool, is_long: bool) {
        let request = Request::post("http://peer/").body(()).unwrap();
        let request = if is_long {
            let (mut head, ()) = request.into_parts();
            head.headers = long(Response::new(())).headers().clone();
            Request::from_parts(head, ())
        } else {
            request
        };
        let (answer, client) = self.ask.send_request(request, ends).unwrap();
        let id = client.stream_id().into();
        self.streams.push(Stream {
            id,
            client,
            client_ended: ends,
            server: None,
            server_ended: false,
            reset: false,
            answer,
        });
    }

    fn answer(&mut self, place: prop::sample::Index, ends: bool, is_long: bool) {
        let taken = Rc::clone(&self.taken);
        if let Some(stream) = self.at(place, |stream| stream.open() && stream.server.is_none()) {
            let answer = if is_long { long(Response::new(())) } else { Response::new(()) };
            stream.server =
                Some(taken.borrow_mut().get_mut(&stream.id).unwrap().1.send_response(answer, ends).unwrap());
            stream.server_ended = ends;
        }
    }

    fn push(&mut self, place: prop::sample::Index, ends: bool) {
        let taken = Rc::clone(&self.taken);
        if let Some(stream) = self.at(place, |stream| stream.open() && !stream.client_ended) {
            let request = Request::get("http://peer/pushed").body(()).unwrap();
            let mut pushed = taken.borrow_mut().get_mut(&stream.id).unwrap().1.push_request(request).unwrap();
            let body = pushed.send_response(Response::new(()), ends).unwrap();
            self.pushed.push((pushed, Some(body)));
            self.pushed_open += usize::from(!ends);
        }
    }

    fn open(&self) -> usize {
        self.streams.iter().filter(|stream| stream.open()).count() + self.pushed_open
    }
}

/// An answer whose header block does not fit one frame.
fn long(mut answer: Response<()>) -> Response<()> {
    answer.headers_mut().insert("x-long", "x".repeat(40_000).parse().unwrap());
    answer
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    LocalSet::new().block_on(&runtime, future)
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn what_is_counted_is_what_the_peers_have_under_way(
        acts in prop::collection::vec(act(), 1..25),
        put in prop::sample::select(vec![Put::Nothing, Put::Pings]),
    ) {
        run(async {
            let mut peers = Peers::meet(put).await;
            settle(&peers.tap).await;
            for act in &acts {
                peers.act(act).await;
                let seen = peers.tap.borrow();
                prop_assert_eq!(seen.streams.open(), peers.open(), "after {:?}", act);
                let last = peers.streams.last().map_or(0, |stream| stream.id);
                prop_assert_eq!(seen.streams.last_client_stream(), last);
                prop_assert_eq!(seen.answered, seen.pings);
            }
            prop_assert!(put == Put::Nothing || peers.tap.borrow().pings > 0);
            Ok(())
        })?;
    }
}

#[test]
fn a_client_that_is_told_to_leave_ends_what_it_began_and_asks_no_more() {
    run(async {
        let mut peers = Peers::meet(Put::Nothing).await;
        for _ in 0..2 {
            peers.act(&Act::Ask { ends: true, long: false }).await;
        }
        peers.tap.borrow_mut().put = Put::Leave;
        let ids: Vec<u32> = peers.streams.iter().map(|stream| stream.id).collect();
        for id in &ids {
            let mut body = {
                let mut taken = peers.taken.borrow_mut();
                taken.get_mut(id).unwrap().1.send_response(Response::new(()), false).unwrap()
            };
            settle(&peers.tap).await;
            body.send_data(Bytes::from_static(b"whole"), true).unwrap();
            settle(&peers.tap).await;
        }
        for stream in peers.streams {
            let mut body = stream.answer.await.unwrap().into_body();
            assert_eq!(body.data().await.unwrap().unwrap(), "whole");
        }
        assert_eq!((peers.tap.borrow().answered, peers.tap.borrow().streams.open()), (1, 0));
        assert!(peers.ask.ready().await.is_err(), "a client that was told to leave must not ask again");
    });
}

#[test]
fn a_server_that_leaves_is_heard() {
    run(async {
        let (client, server, tap) = between(Streams::new(), Put::Nothing);
        spawn_local(async move {
            let mut connection = h2::server::handshake(server).await.unwrap();
            let (_, mut answer) = connection.accept().await.unwrap().unwrap();
            connection.graceful_shutdown();
            answer.send_response(Response::new(()), true).unwrap();
            assert!(connection.accept().await.is_none());
        });
        let (mut ask, connection) = h2::client::handshake(client).await.unwrap();
        spawn_local(connection);
        let (answer, _) = ask.send_request(Request::new(()), true).unwrap();
        answer.await.unwrap();
        settle(&tap).await;
        let seen = tap.borrow();
        assert_eq!((seen.streams.server_said_goaway(), seen.streams.open()), (Some(1), 0));
    });
}
