//! Tests of what an HTTP/2 client sends, frame by frame.

use super::*;
use crate::downstream::session::Budget;
use crate::operation::{Operation, Phase};
use crate::registry::Registry;
use std::sync::Arc;

fn session() -> Session {
    Session::new(Arc::new(Operation::new(Phase::Http2Idle)), Arc::new(Budget::new(1)))
}

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
}

/// Whether a head was under way behind each byte.
fn in_head(sent: &[u8]) -> String {
    let (mut frames, session) = (Frames::new(), session());
    frames.follow(&[0; PREFACE], &session).unwrap();
    let each = sent.chunks(1).map(|byte| {
        frames.follow(byte, &session).unwrap();
        if frames.in_head() { 'h' } else { '-' }
    });
    each.collect()
}

#[test]
fn a_head_lasts_from_its_first_byte_to_its_last() {
    assert_eq!(in_head(&frame(HEADERS, END_HEADERS, b"abc")), "hhhhhhhhhhh-");
    let two = [frame(HEADERS, 0, b"a"), frame(CONTINUATION, END_HEADERS, b"b")].concat();
    assert_eq!(in_head(&two), "hhhhhhhhhhhhhhhhhhh-");
    let empty = [frame(HEADERS, 0, b"a"), frame(CONTINUATION, END_HEADERS, b"")].concat();
    assert_eq!(in_head(&empty), "hhhhhhhhhhhhhhhhhh-");
    let three =
        [frame(HEADERS, 0, b""), frame(CONTINUATION, 0, b"a"), frame(CONTINUATION, END_HEADERS, b"b")];
    assert_eq!(in_head(&three.concat()), "h".repeat(28) + "-");
    assert_eq!(in_head(&frame(DATA, 0, b"abc")), "hhhhhhhh----");
    let long = frame(DATA, 0, &vec![0; 0x1_0203]);
    assert_eq!(
        in_head(&[long, frame(2, 0, b"")].concat()),
        "hhhhhhhh".to_owned() + &"-".repeat(0x1_0204) + "hhhhhhhh-"
    );
}

#[test]
fn an_allowance_is_used_up_and_earned() {
    let session = Arc::new(session());
    let (priority, data) = (frame(2, 0, b"12345"), frame(DATA, 0, b"x"));
    let send = |frames: &mut Frames, bytes: &[u8], times: u64| {
        (0..times).try_for_each(|_| frames.follow(bytes, &session))
    };
    let begun = || {
        let mut frames = Frames::new();
        send(&mut frames, &[0; PREFACE], 1).unwrap();
        frames
    };
    let mut frames = begun();
    assert_eq!(send(&mut frames, &priority, MOST), Ok(()));
    assert_eq!(send(&mut frames, &data, 2), Ok(()));
    assert_eq!(send(&mut frames, &priority, 2 * A_REQUEST), Ok(()));
    for empty in [&priority, &frame(DATA, 0, b""), &frame(CONTINUATION, 0, b""), &frame(0x42, 0, b"x")] {
        // Time may bring some back.
        assert_eq!(send(&mut begun(), empty, 2 * MOST), Err(Flood));
    }
    for useful in [frame(DATA, END_STREAM, b""), frame(HEADERS, END_HEADERS, b"")] {
        assert_eq!(send(&mut begun(), &useful, 2 * MOST), Ok(()), "these end by themselves");
    }
    let mut frames = begun();
    assert_eq!(send(&mut frames, &priority, MOST), Ok(()));
    let registry = Arc::new(Registry::default());
    let stream = session.begin(registry.register(Arc::new(Operation::new(Phase::Connect))));
    drop(stream.hold(vec![b'x'; 1024 * 1024].into()));
    assert_eq!(send(&mut frames, &priority, MOST), Ok(()), "it was given so much");
}

#[test]
fn time_brings_an_allowance_back() {
    for (milliseconds, earned) in [(0, 0), (9, 0), (10, 1), (1000, 100), (2550, 255)] {
        assert_eq!(earned_in(milliseconds), earned);
    }
    let (mut frames, session) = (Frames::new(), session());
    frames.follow(&[0; PREFACE], &session).unwrap();
    let priority = frame(2, 0, b"12345");
    // As if this had begun long ago, which is also what the sweep's clock says.
    frames.allowance = 0;
    frames.refilled = 0;
    while clock::tick() < 20 {
        std::thread::yield_now();
    }
    assert_eq!(frames.follow(&priority, &session), Ok(()));
}
