use super::*;
use crate::snapshot::{TcpState, Traffic};
use proptest::prelude::*;
use rustix::io::Errno;
use std::collections::VecDeque;
use std::net::SocketAddr;

const SEQUENCE: u32 = 9;

fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(16 + payload.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn done(code: i32) -> Vec<u8> {
    message(message::DONE, 2, SEQUENCE, &code.to_ne_bytes())
}

/// A socket as the kernel writes it, with `info` bytes of a TCP_INFO in which each byte is its own place.
fn socket(family: u8, state: u8, info: usize) -> Vec<u8> {
    let mut bytes = vec![family, state, 0, 0];
    bytes.extend(8080_u16.to_be_bytes());
    bytes.extend(40_000_u16.to_be_bytes());
    let (local, remote) =
        if family == 2 { ([10, 0, 0, 1], [10, 0, 0, 2]) } else { ([0xfd, 0, 0, 1], [0xfd, 0, 0, 2]) };
    for address in [local, remote] {
        bytes.extend(address);
        bytes.extend([0; 12]);
    }
    for number in [0_u32, 0x1111, 0x2222, 500, 6, 7, 1000, 8] {
        bytes.extend(number.to_ne_bytes());
    }
    let attribute = |kind: u16, value: &[u8]| {
        let mut bytes = u16::try_from(4 + value.len()).unwrap().to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    bytes.extend(attribute(8, &[0]));
    let places: Vec<u8> = (0..u8::MAX).take(info).collect();
    bytes.extend(attribute(2, &places));
    bytes
}

fn told(payload: &[u8]) -> crate::snapshot::Connection {
    let mut sockets = Sockets::default();
    sockets.add(inet::parse(payload).unwrap());
    sockets.connections[0]
}

#[test]
fn a_socket_is_read_field_by_field() {
    let told = told(&socket(2, 1, 232));
    assert_eq!(told.local, SocketAddr::from(([10, 0, 0, 1], 8080)));
    assert_eq!(told.remote, SocketAddr::from(([10, 0, 0, 2], 40_000)));
    assert_eq!((told.state, told.unread, told.unacknowledged), (TcpState::Established, 6, 7));
    assert_eq!((told.inode, told.cookie, told.time_wait_left), (8, 0x2222_0000_1111, None));
    let word = |at: u8| u32::from_ne_bytes([at, at + 1, at + 2, at + 3]);
    let long = |at: u8| u64::from_ne_bytes(std::array::from_fn(|byte| at + u8::try_from(byte).unwrap()));
    let expected = Traffic {
        last_received: Duration::from_millis(word(52).into()),
        last_sent: Duration::from_millis(word(44).into()),
        unacknowledged_segments: word(24),
        unsent: Some(word(144)),
        received: Some(long(128)),
        acknowledged: Some(long(120)),
        sent: Some(long(200)),
    };
    assert_eq!(told.traffic, Some(expected));
}

#[test]
fn the_rest_of_time_wait_is_told_for_no_other_state() {
    let waits = |state| {
        let mut payload = socket(2, state, 0);
        payload[2] = 3;
        told(&payload).time_wait_left
    };
    assert_eq!((waits(6), waits(5)), (Some(Duration::from_millis(500)), None));
}

#[test]
fn an_older_kernel_says_less() {
    let traffic = told(&socket(10, 1, 104)).traffic.unwrap();
    assert_eq!(
        (traffic.received, traffic.acknowledged, traffic.unsent, traffic.sent),
        (None, None, None, None)
    );
    assert!(traffic.last_received > Duration::ZERO);
    assert_eq!(told(&socket(2, 1, 160)).traffic.unwrap().sent, None);
    assert!(told(&socket(2, 1, 160)).traffic.unwrap().unsent.is_some());
    assert_eq!(told(&socket(2, 1, 55)).traffic, None);
}

#[test]
fn the_fin_of_a_peer_is_no_data() {
    let closed = told(&socket(2, 8, 232));
    assert_eq!((closed.state, closed.unread), (TcpState::CloseWait, 5));
    let open = told(&socket(2, 1, 232)).traffic.unwrap().received.unwrap();
    assert_eq!(closed.traffic.unwrap().received, Some(open - 1));
}

#[test]
fn an_answer_ends_with_done_and_leaves_other_answers_out() {
    let mut answer = Answer::to(SEQUENCE);
    let mut first = message(message::SOCKET, 2, SEQUENCE, &socket(2, 1, 232));
    first.extend(message(message::SOCKET, 2, SEQUENCE - 1, &socket(2, 1, 232)));
    assert_eq!(answer.take(&first).unwrap(), Progress::More);
    let mut second = message(message::SOCKET, 2, SEQUENCE, &socket(10, 10, 232));
    second.extend(done(0));
    assert_eq!(answer.take(&second).unwrap(), Progress::Over);
    assert_eq!((answer.sockets.connections.len(), answer.sockets.listeners.len()), (1, 1));
    let listener = answer.sockets.listeners[0];
    assert_eq!((listener.waiting, listener.backlog), (6, Some(7)));
}

#[test]
fn what_the_kernel_will_never_tell_is_a_refusal_and_what_it_may_is_not() {
    let fails = |code: i32, kind: u16| {
        Answer::to(SEQUENCE).take(&message(kind, 0, SEQUENCE, &code.to_ne_bytes())).unwrap_err()
    };
    for errno in [Errno::NOENT, Errno::PERM, Errno::OPNOTSUPP] {
        assert!(matches!(fails(-errno.raw_os_error(), message::ERROR), Failure::Refused(_)));
    }
    for errno in [Errno::NOBUFS, Errno::AGAIN, Errno::BUSY, Errno::MFILE] {
        assert!(matches!(fails(-errno.raw_os_error(), message::DONE), Failure::Passing(_)));
    }
    assert!(matches!(fails(0, message::OVERRUN), Failure::Malformed(_)));
}

#[test]
fn an_interrupted_dump_is_taken_again_but_not_for_ever() {
    let dump = |interrupted: bool, states: u8| {
        let mut answer = Answer::to(SEQUENCE);
        let flags = if interrupted { 2 | message::INTERRUPTED } else { 2 };
        answer.take(&message(message::SOCKET, flags, SEQUENCE, &socket(2, states, 232))).unwrap();
        answer
    };
    let mut dumps = VecDeque::from([dump(true, 1), dump(false, 8), dump(false, 9)]);
    let taken = again(|| Ok(dumps.pop_front().unwrap())).unwrap();
    assert_eq!((taken.connections[0].state, dumps.len()), (TcpState::CloseWait, 1));
    let mut asked = 0;
    again(|| {
        asked += 1;
        Ok(dump(true, 1))
    })
    .unwrap();
    assert_eq!(asked, ATTEMPTS);
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic_or_loop(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut answer = Answer::to(SEQUENCE);
        _ = answer.take(&bytes);
    }

    #[test]
    fn a_socket_cut_short_anywhere_is_an_error_or_a_socket_without_what_is_missing(cut in 0_usize..320) {
        let whole = socket(2, 1, 232);
        let part = &whole[..cut.min(whole.len())];
        match inet::parse(part) {
            Err(_) => prop_assert!(part.len() < 72),
            Ok(told) => prop_assert_eq!(told.traffic.is_some(), part.len() >= whole.len()),
        }
    }
}
