//! Streams: when they begin, and when they have ended.

use segue_wire::http2::{Change, FrameHeader, FrameKind, Front2, Streams};

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn sent(kind: FrameKind, flags: u8, stream: u32, length: u32) -> Front2 {
    Front2::Frame(FrameHeader { length, kind, flags, stream })
}

fn headers(flags: u8, stream: u32) -> Front2 {
    sent(FrameKind::Headers, flags | END_HEADERS, stream, 0)
}

fn payload(ends: bool) -> Front2 {
    Front2::Payload { length: 1, ends }
}

/// Streams of which the client has begun these.
fn begun(streams: &[u32]) -> Streams {
    let mut all = Streams::new();
    for stream in streams {
        assert_eq!(all.client_sent(&headers(END_STREAM, *stream)), Change::Began(*stream));
    }
    all
}

#[test]
fn a_stream_begins_with_its_first_headers_only() {
    let mut streams = Streams::new();
    assert_eq!((streams.open(), streams.last_client_stream()), (0, 0));
    assert_eq!(streams.client_sent(&headers(0, 3)), Change::Began(3));
    assert_eq!(streams.client_sent(&sent(FrameKind::Data, 0, 3, 5)), Change::Nothing);
    assert_eq!(streams.client_sent(&headers(END_STREAM, 3)), Change::Nothing, "trailers");
    assert_eq!(
        streams.client_sent(&headers(0, 1)),
        Change::Nothing,
        "an earlier one was skipped and can't begin"
    );
    assert_eq!(streams.client_sent(&sent(FrameKind::Priority, 0, 9, 5)), Change::Nothing);
    assert_eq!(streams.client_sent(&headers(0, 7)), Change::Began(7));
    assert_eq!((streams.open(), streams.last_client_stream()), (2, 7));
}

#[test]
fn a_stream_ends_with_the_servers_last_byte_not_with_the_clients() {
    let mut streams = begun(&[1, 3]);
    assert_eq!(streams.client_sent(&sent(FrameKind::Data, END_STREAM, 1, 0)), Change::Nothing);
    assert_eq!(streams.server_sent(&headers(0, 1)), Change::Nothing);
    assert_eq!(streams.server_sent(&sent(FrameKind::Data, END_STREAM, 1, 2)), Change::Nothing);
    assert_eq!(streams.server_sent(&payload(false)), Change::Nothing);
    assert_eq!(streams.open(), 2);
    assert_eq!(streams.server_sent(&payload(true)), Change::Ended(1));
    assert_eq!(streams.server_sent(&sent(FrameKind::Data, END_STREAM, 3, 0)), Change::Ended(3));
    assert_eq!(streams.open(), 0);
}

#[test]
fn a_header_block_that_ends_a_stream_is_waited_for_to_its_end() {
    let mut streams = begun(&[1]);
    assert_eq!(streams.server_sent(&sent(FrameKind::Headers, END_STREAM, 1, 1)), Change::Nothing);
    assert_eq!(streams.server_sent(&payload(true)), Change::Nothing);
    assert_eq!(streams.server_sent(&sent(FrameKind::Continuation, 0, 1, 0)), Change::Nothing);
    assert_eq!(streams.server_sent(&sent(FrameKind::Continuation, END_HEADERS, 1, 1)), Change::Nothing);
    assert_eq!(streams.server_sent(&payload(true)), Change::Ended(1));
}

#[test]
fn a_reset_of_either_side_ends_a_stream_once() {
    let mut streams = begun(&[1, 3, 5]);
    let reset = |stream| sent(FrameKind::ResetStream, 0, stream, 4);
    assert_eq!(streams.client_sent(&reset(1)), Change::Ended(1));
    assert_eq!(streams.client_sent(&reset(1)), Change::Nothing);
    assert_eq!(streams.server_sent(&reset(3)), Change::Nothing);
    assert_eq!(streams.server_sent(&payload(true)), Change::Ended(3));
    assert_eq!(streams.server_sent(&reset(1)), Change::Nothing);
    assert_eq!(streams.server_sent(&payload(true)), Change::Nothing);
    assert_eq!((streams.open(), streams.last_client_stream()), (1, 5));
}

#[test]
fn a_promised_stream_is_under_way_until_it_ends() {
    let mut streams = begun(&[1]);
    let promise = |promised| sent(FrameKind::PushPromise { promised }, END_HEADERS, 1, 4);
    assert_eq!(streams.server_sent(&promise(2)), Change::Began(2));
    assert_eq!(streams.server_sent(&promise(2)), Change::Nothing);
    assert_eq!(streams.server_sent(&payload(true)), Change::Nothing);
    assert_eq!(streams.server_sent(&promise(4)), Change::Began(4));
    assert_eq!(streams.server_sent(&payload(true)), Change::Nothing);
    assert_eq!((streams.open(), streams.last_client_stream()), (3, 1));
    assert_eq!(streams.server_sent(&headers(END_STREAM, 1)), Change::Ended(1));
    assert_eq!(streams.server_sent(&headers(END_STREAM, 2)), Change::Ended(2));
    assert_eq!(streams.client_sent(&sent(FrameKind::ResetStream, 0, 4, 4)), Change::Ended(4));
    assert_eq!(streams.open(), 0);
}

#[test]
fn streams_that_a_goaway_refuses_are_not_waited_for() {
    let mut streams = begun(&[1, 3, 5]);
    let goaway = |last_stream| sent(FrameKind::GoAway { last_stream }, 0, 0, 8);
    assert_eq!(streams.server_said_goaway(), None);
    assert_eq!(
        streams.server_sent(&sent(FrameKind::PushPromise { promised: 8 }, END_HEADERS, 1, 4)),
        Change::Began(8)
    );
    assert_eq!(streams.server_sent(&goaway(0x7fff_ffff)), Change::Nothing);
    assert_eq!(streams.client_sent(&headers(0, 7)), Change::Began(7));
    assert_eq!(streams.server_sent(&goaway(3)), Change::Refused(2));
    assert_eq!(streams.server_said_goaway(), Some(3));
    assert_eq!(streams.open(), 3);
    assert_eq!(streams.client_sent(&headers(0, 9)), Change::Nothing);
    assert_eq!((streams.open(), streams.last_client_stream()), (3, 9));
    assert_eq!(streams.server_sent(&goaway(5)), Change::Nothing, "it can't take back what it said");
    assert_eq!(streams.server_said_goaway(), Some(3));
    assert_eq!(streams.client_sent(&goaway(1)), Change::Nothing, "a client's concerns pushed streams");
    assert_eq!(streams.open(), 3);
}

#[test]
fn after_an_upgrade_stream_1_is_under_way() {
    let mut streams = Streams::after_upgrade();
    assert_eq!((streams.open(), streams.last_client_stream()), (1, 1));
    assert_eq!(streams.client_sent(&headers(END_STREAM, 3)), Change::Began(3));
    assert_eq!(streams.server_sent(&headers(END_STREAM, 1)), Change::Ended(1));
    assert_eq!((streams.open(), streams.last_client_stream()), (1, 3));
}
