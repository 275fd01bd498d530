//! What is written, for whatever was passed, left out and put in; and halves without sockets for other tests.

use std::task::Waker;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::support::soon;

impl HalfConnection {
    /// As if these bytes had been read.
    pub(in crate::connection) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.buffer.truncate(self.to);
        self.buffer.extend_from_slice(bytes.as_ref());
        self.to = self.buffer.len();
    }

    /// As if all that is to be written had been: what that was.
    pub(in crate::connection) fn written(&mut self) -> Vec<u8> {
        let mut out = std::mem::take(&mut self.extra);
        out.drain(..std::mem::take(&mut self.written));
        out.extend_from_slice(&self.buffer[self.from..self.mark]);
        self.from = self.mark;
        out
    }
}

/// What is done with the front of what was read.
#[derive(Debug, Clone, Copy)]
enum Act {
    Pass(usize),
    Skip(usize),
    SkipAll,
    Put(u8),
    Change(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1_usize..5).prop_map(Act::Pass),
        4 => (1_usize..5).prop_map(Act::Skip),
        1 => Just(Act::SkipAll),
        4 => any::<u8>().prop_map(Act::Put),
        4 => any::<u8>().prop_map(Act::Change),
    ]
}

proptest! {
    #[test]
    fn what_passes_is_written_in_its_order(said in prop::collection::vec(any::<u8>(), 0..40), acts in prop::collection::vec(act(), 0..12)) {
        let mut half = HalfConnection::default();
        half.say(&said);
        let (mut rest, mut expected) = (said, Vec::new());
        for act in acts {
            match act {
                Act::Pass(length) => {
                    let length = length.min(rest.len());
                    half.pass(length);
                    expected.extend(rest.drain(..length));
                }
                Act::Skip(length) => {
                    let length = length.min(rest.len());
                    half.skip(length);
                    rest.drain(..length);
                }
                Act::SkipAll => {
                    half.skip_all();
                    rest.clear();
                }
                Act::Put(byte) => {
                    half.put(|input, out| {
                        assert_eq!(input, rest);
                        out.push(byte);
                    });
                    expected.push(byte);
                }
                Act::Change(byte) => {
                    if let Some(last) = rest.len().checked_sub(1) {
                        half.change(last, &[byte]);
                        rest[last] = byte;
                    }
                }
            }
            prop_assert_eq!(half.input(), &rest[..]);
            prop_assert_eq!(half.has_input(), !rest.is_empty());
            prop_assert_eq!(half.has_output(), !expected.is_empty());
            if let Some(whole) = half.output(expected.len()) {
                prop_assert_eq!(whole, &expected[..]);
            }
            prop_assert!(expected.is_empty() || half.output(expected.len() - 1).is_none());
        }
        prop_assert_eq!(half.written(), expected);
    }
}

#[test]
fn what_is_to_be_written_is_one_piece_if_nothing_was_put_before_what_passed() {
    let mut half = HalfConnection::default();
    half.say("abcd");
    half.pass(2);
    assert_eq!(half.output(2), Some(b"ab".as_slice()));
    assert_eq!(half.output(1), None, "too long");
    half.put(|_, out| out.push(b'-'));
    assert_eq!(half.output(3), Some(b"ab-".as_slice()));
    half.pass(1);
    assert_eq!(half.output(9), None, "two pieces");
}

#[test]
fn all_that_is_not_understood_is_left_out_and_what_passed_before_is_written() {
    let mut half = HalfConnection::default();
    half.say("passed, not understood");
    half.pass(b"passed".len());
    half.skip_all();
    assert_eq!(half.input(), b"");
    half.say(", behind");
    assert_eq!(half.input(), b", behind");
    half.pass_all();
    assert_eq!(half.written(), b"passed, behind");
}

#[test]
fn what_is_put_back_is_written_before_everything_else_and_nothing_twice() {
    let mut half = HalfConnection::default();
    half.put(|_, out| out.extend_from_slice(b"written-rest"));
    half.written = b"written-".len();
    half.say("behind");
    half.pass_all();
    half.put_back(b"again-".to_vec());
    assert_eq!(half.written(), b"again-restbehind");
}

/// Both ends of a connection.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connects = TcpStream::connect(listener.local_addr().unwrap());
    let (one, other) = soon("a connection", async { tokio::join!(connects, listener.accept()) }).await;
    (one.unwrap(), other.unwrap().0)
}

async fn fill(
    half: &mut HalfConnection,
    from: &mut TcpStream,
    pool: &Pool,
    limit: usize,
) -> io::Result<usize> {
    soon("bytes", std::future::poll_fn(|context| half.poll_fill(context, from, pool, limit))).await
}

#[tokio::test]
async fn a_lane_is_filled_behind_its_input_up_to_the_limit_and_ends_with_its_sender() {
    let (mut says, mut from) = pair().await;
    let (pool, mut half) = (Pool::default(), HalfConnection::default());
    says.write_all(b"abc").await.unwrap();
    assert_eq!(fill(&mut half, &mut from, &pool, 8).await.unwrap(), 3);
    half.skip(1);
    says.write_all(b"d").await.unwrap();
    assert_eq!(fill(&mut half, &mut from, &pool, 8).await.unwrap(), 1);
    assert_eq!(half.input(), b"bcd");
    // More than a pooled buffer, less than the limit: it grows.
    let limit = 2 * buffer::SIZE + 10;
    let many = vec![b'x'; limit];
    says.write_all(&many).await.unwrap();
    while half.input().len() < limit {
        assert!(fill(&mut half, &mut from, &pool, limit).await.unwrap() > 0);
    }
    assert_eq!(half.input(), [b"bcd", &many[..limit - 3]].concat());
    let mut context = Context::from_waker(Waker::noop());
    assert!(half.poll_fill(&mut context, &mut from, &pool, limit).is_pending(), "it is full");
    half.skip_all();
    assert_eq!(fill(&mut half, &mut from, &pool, limit).await.unwrap(), 3);
    assert!(!half.ended);
    drop(says);
    assert_eq!(fill(&mut half, &mut from, &pool, limit).await.unwrap(), 0);
    assert!(half.ended);
    assert_eq!(half.input(), b"xxx");
}

#[tokio::test]
async fn a_limit_that_became_smaller_than_what_is_there_takes_nothing_away() {
    let (mut says, mut from) = pair().await;
    let (pool, mut half) = (Pool::default(), HalfConnection::default());
    let said: Vec<u8> = (0_u8..=250).cycle().take(3 * buffer::SIZE).collect();
    says.write_all(&said).await.unwrap();
    while half.input().len() < said.len() {
        assert!(fill(&mut half, &mut from, &pool, said.len()).await.unwrap() > 0);
    }
    says.write_all(b"more").await.unwrap();
    let mut context = Context::from_waker(Waker::noop());
    for limit in [said.len(), said.len() - 1, buffer::SIZE, 1, 0] {
        assert!(half.poll_fill(&mut context, &mut from, &pool, limit).is_pending(), "{limit}");
        assert!(half.input() == said, "{limit}");
    }
    // One byte has room again as soon as the limit allows for it, or one has gone.
    assert_eq!(fill(&mut half, &mut from, &pool, said.len() + 1).await.unwrap(), 1);
    half.skip(1);
    assert_eq!(fill(&mut half, &mut from, &pool, buffer::SIZE).await.unwrap(), 1);
    assert!(half.input() == [&said[1..], b"mo"].concat());
}

#[tokio::test]
async fn a_lane_holds_a_buffer_only_while_there_is_something_in_it() {
    let (mut says, mut from) = pair().await;
    let (pool, mut half, limit) = (Pool::default(), HalfConnection::default(), 3 * buffer::SIZE);
    says.write_all(b"abc").await.unwrap();
    fill(&mut half, &mut from, &pool, limit).await.unwrap();
    assert_eq!(half.buffer.len(), buffer::SIZE);
    let mut context = Context::from_waker(Waker::noop());
    half.skip(1);
    assert!(half.poll_fill(&mut context, &mut from, &pool, limit).is_pending());
    assert_eq!(
        (half.input(), half.buffer.len()),
        (b"bc".as_slice(), buffer::SIZE),
        "it grows when it is full"
    );
    half.skip_all();
    assert!(half.poll_fill(&mut context, &mut from, &pool, limit).is_pending());
    assert_eq!(half.buffer.capacity(), 0);
}

#[tokio::test]
async fn everything_is_written_however_little_the_kernel_takes_at_once() {
    let (mut to, mut client) = pair().await;
    let mut half = HalfConnection::default();
    let (put, passed) = (vec![b'p'; 3_000_000], vec![b'q'; 3_000_000]);
    half.say(&passed);
    half.put(|_, out| out.extend_from_slice(&put));
    half.pass_all();
    let writes = async {
        std::future::poll_fn(|context| half.poll_flush(context, &mut to)).await.unwrap();
        assert!(!half.has_output());
        drop(to);
    };
    let mut heard = Vec::new();
    let (read, ()) = soon("all of it", async { tokio::join!(client.read_to_end(&mut heard), writes) }).await;
    read.unwrap();
    assert!(heard == [put, passed].concat());
}
