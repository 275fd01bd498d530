//! Frames: what they are, where they end, and what is no HTTP/2.

use crate::frame;
use segue_wire::http2::{FrameHeader, FrameKind, FrameReader, Front2, PREFACE, goaway, ping};

const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// All that a reader finds in `bytes`; the last is what it says when nothing more is to be taken.
fn fronts(mut reader: FrameReader, bytes: &[u8]) -> Vec<Front2> {
    let mut fronts = Vec::new();
    let mut start = 0;
    loop {
        let front = reader.front(&bytes[start..]);
        fronts.push(front);
        start += match front {
            Front2::More | Front2::Invalid => return fronts,
            Front2::Preface => PREFACE.len(),
            Front2::Frame(_) => FrameHeader::LENGTH,
            Front2::Payload { length, .. } => length,
        };
    }
}

fn server(frames: &[Vec<u8>]) -> Vec<Front2> {
    fronts(FrameReader::server(), &[SETTINGS.to_vec(), frames.concat()].concat())[1..].to_vec()
}

fn client(frames: &[Vec<u8>]) -> Vec<Front2> {
    fronts(FrameReader::client(), &[PREFACE.to_vec(), SETTINGS.to_vec(), frames.concat()].concat())[2..]
        .to_vec()
}

fn header(kind: FrameKind, length: u32, flags: u8, stream: u32) -> Front2 {
    Front2::Frame(FrameHeader { length, kind, flags, stream })
}

#[test]
fn frames_are_found_with_their_payloads() {
    let frames = [
        frame(1, 4, 1, b"abc"),
        frame(0, 1, 1, b""),
        frame(2, 0, 3, &[0; 5]),
        frame(3, 0, 3, &[0; 4]),
        frame(8, 0, 0, &[0; 4]),
        frame(4, 0, 0, &[0; 12]),
        frame(0x2a, 0xff, 7, b"x"),
        frame(0, 0, 0x8000_0005, &vec![7; 20_000]),
    ];
    let payload = |length| Front2::Payload { length, ends: true };
    let expected = [
        header(FrameKind::Headers, 3, 4, 1),
        payload(3),
        header(FrameKind::Data, 0, 1, 1),
        header(FrameKind::Priority, 5, 0, 3),
        payload(5),
        header(FrameKind::ResetStream, 4, 0, 3),
        payload(4),
        header(FrameKind::WindowUpdate, 4, 0, 0),
        payload(4),
        header(FrameKind::Settings, 12, 0, 0),
        payload(12),
        header(FrameKind::Other(0x2a), 1, 0xff, 7),
        payload(1),
        header(FrameKind::Data, 20_000, 0, 5),
        payload(20_000),
        Front2::More,
    ];
    assert_eq!(server(&frames), expected);
    assert_eq!(client(&frames), expected);
}

#[test]
fn what_is_told_of_a_payload_is_waited_for() {
    for (bytes, kind, needed) in [
        (ping(*b"01234567", false).to_vec(), FrameKind::Ping { payload: *b"01234567" }, 17),
        (goaway(5, 0).to_vec(), FrameKind::GoAway { last_stream: 5 }, 13),
        (frame(5, 4, 1, &[0, 0, 0, 2, 9]), FrameKind::PushPromise { promised: 2 }, 13),
        (frame(5, 0xc, 1, &[1, 0x80, 0, 0, 4, 9, 0]), FrameKind::PushPromise { promised: 4 }, 14),
    ] {
        let mut reader = FrameReader::server();
        reader.front(&SETTINGS);
        assert_eq!(reader.front(&bytes[..needed - 1]), Front2::More, "{kind:?}");
        let found = reader.front(&bytes[..needed]);
        assert!(matches!(found, Front2::Frame(header) if header.kind == kind), "{found:?}");
    }
}

#[test]
fn flags_mean_what_their_frame_gives_them() {
    let read = |bytes: &[u8]| match server(&[bytes.to_vec()])[0] {
        Front2::Frame(header) => (header.ends_stream(), header.continues(), header.ack()),
        other => panic!("{other:?}"),
    };
    for (bytes, expected) in [
        (frame(0, 1, 1, b""), (true, false, false)),
        (frame(0, 4, 1, b""), (false, false, false)),
        (frame(1, 1, 1, b""), (true, true, false)),
        (frame(1, 4, 1, b""), (false, false, false)),
        (frame(5, 1, 1, &[0; 4]), (false, true, false)),
        (frame(5, 4, 1, &[0; 4]), (false, false, false)),
        (ping([0; 8], true).to_vec(), (false, false, true)),
        (ping([0; 8], false).to_vec(), (false, false, false)),
        (frame(4, 1, 0, b""), (false, false, true)),
        (frame(2, 1, 1, &[0; 5]), (false, false, false)),
        (frame(8, 1, 1, &[0; 4]), (false, false, false)),
    ] {
        assert_eq!(read(&bytes), expected, "{bytes:?}");
    }
    let mut reader = FrameReader::server();
    for bytes in [&SETTINGS[..], &frame(1, 0, 1, b""), &frame(9, 0, 1, b"")] {
        assert!(matches!(reader.front(bytes), Front2::Frame(_)));
    }
    let last = reader.front(&frame(9, 4, 1, b""));
    assert!(matches!(last, Front2::Frame(header) if !header.continues()), "{last:?}");
}

#[test]
fn written_frames_are_the_standards() {
    assert_eq!(goaway(0xffff_ffff, 2), [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 2]);
    assert_eq!(ping([9; 8], true), [0, 0, 8, 6, 1, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9]);
    assert_eq!(ping([9; 8], false)[4], 0);
}

#[test]
fn a_frame_may_be_put_in_only_between_frames_and_outside_of_a_header_block() {
    let mut reader = FrameReader::server();
    let mut may = vec![reader.may_insert()];
    for bytes in [
        &SETTINGS[..],
        &frame(1, 0, 1, b"ab"),
        b"a",
        b"b",
        &frame(9, 0, 1, b""),
        &frame(9, 4, 1, b"c"),
        b"c",
        &frame(0, 0, 1, b"d"),
        b"d",
        &frame(5, 0, 1, &[0; 4]),
        &[0; 4],
        &frame(9, 4, 1, b""),
        &frame(1, 0, 0, b""),
    ] {
        reader.front(bytes);
        may.push(reader.may_insert());
    }
    let expected =
        [false, true, false, false, false, false, false, true, false, true, false, false, true, false];
    assert_eq!(may, expected);
}

#[test]
fn what_breaks_the_standard_is_invalid_and_stays_so() {
    for bytes in [
        // Lengths.
        frame(2, 0, 1, &[0; 4]),
        frame(3, 0, 1, &[0; 5]),
        frame(8, 0, 1, &[0; 3]),
        frame(8, 0, 1, &[0; 5]),
        frame(4, 0, 0, &[0; 5]),
        frame(4, 1, 0, &[0; 6]),
        frame(6, 0, 0, &[0; 7]),
        frame(6, 0, 0, &[0; 9]),
        frame(7, 0, 0, &[0; 7]),
        // Streams.
        frame(0, 0, 0, b""),
        frame(1, 4, 0, b""),
        frame(2, 0, 0, &[0; 5]),
        frame(3, 0, 0, &[0; 4]),
        frame(9, 4, 0, b""),
        frame(4, 0, 1, b""),
        frame(6, 0, 1, &[0; 8]),
        frame(7, 0, 1, &[0; 8]),
        // Header blocks.
        frame(9, 4, 1, b""),
        [frame(1, 0, 1, b""), frame(0, 0, 1, b"")].concat(),
        [frame(1, 0, 1, b""), frame(9, 4, 3, b"")].concat(),
        [frame(1, 0, 1, b""), frame(4, 0, 0, b"")].concat(),
        [frame(1, 0, 1, b""), frame(0x2a, 0, 1, b"")].concat(),
        [frame(1, 0, 1, b""), frame(1, 4, 1, b"")].concat(),
        [frame(1, 4, 1, b""), frame(9, 4, 1, b"")].concat(),
    ] {
        for found in [server(std::slice::from_ref(&bytes)), client(std::slice::from_ref(&bytes))] {
            assert_eq!(found.last(), Some(&Front2::Invalid), "{bytes:?}");
        }
    }
    let mut reader = FrameReader::server();
    assert_eq!(reader.front(b"HTTP/1.1 400"), Front2::Invalid);
    assert_eq!(reader.front(&SETTINGS), Front2::Invalid);
    assert!(!reader.may_insert());
}

#[test]
fn only_a_server_promises_and_uses_even_streams() {
    for bytes in [frame(5, 4, 1, &[0, 0, 0, 2]), frame(1, 4, 2, b""), frame(0, 0, 2, b"")] {
        assert_eq!(client(std::slice::from_ref(&bytes)).last(), Some(&Front2::Invalid), "{bytes:?}");
        assert_eq!(server(std::slice::from_ref(&bytes)).last(), Some(&Front2::More), "{bytes:?}");
    }
    for bytes in [frame(5, 4, 0, &[0; 4]), frame(5, 4, 1, &[0; 3]), frame(5, 0xc, 1, &[0; 4])] {
        assert_eq!(server(&[bytes]), [Front2::Invalid]);
    }
    // A client may reset a pushed stream, and give it more room.
    for bytes in [frame(3, 0, 2, &[0; 4]), frame(8, 0, 2, &[0; 4]), frame(2, 0, 2, &[0; 5])] {
        assert_eq!(client(&[bytes]).last(), Some(&Front2::More));
    }
}

#[test]
fn both_sides_begin_as_the_standard_says() {
    let first = |frames: &[&[u8]]| *fronts(FrameReader::client(), &frames.concat()).last().unwrap();
    assert_eq!(first(&[PREFACE, &SETTINGS]), Front2::More);
    assert_eq!(first(&[&PREFACE[..23]]), Front2::More);
    assert_eq!(first(&[&PREFACE[..23], b"x"]), Front2::Invalid);
    assert_eq!(first(&[b"PRI * HTTP/1"]), Front2::Invalid);
    assert_eq!(first(&[b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"]), Front2::Invalid);
    assert_eq!(first(&[&SETTINGS]), Front2::Invalid);
    assert_eq!(first(&[PREFACE, &ping([0; 8], false)]), Front2::Invalid);
    assert_eq!(first(&[PREFACE, &frame(4, 1, 0, b"")]), Front2::Invalid);
    assert_eq!(first(&[PREFACE, &frame(1, 4, 1, b"")]), Front2::Invalid);
}
