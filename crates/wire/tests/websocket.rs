//! WebSocket framing against the standard's own examples, and against every way to split a stream.

use proptest::prelude::*;
use segue_wire::websocket::{
    Close, Decoder, Error, Event, Header, Message, Opcode, Rules, Sender, Tracker, accept_key, code, encode,
    mask,
};

/// One frame as a test writes it.
#[derive(Debug, Clone)]
struct Frame {
    fin: bool,
    opcode: Opcode,
    payload: Vec<u8>,
    key: [u8; 4],
}

fn write(frames: &[Frame], sender: Sender) -> Vec<u8> {
    let mut out = Vec::new();
    for frame in frames {
        let key = (sender == Sender::Client).then_some(frame.key);
        let length = frame.payload.len() as u64;
        Header { fin: frame.fin, reserved: 0, opcode: frame.opcode, mask: key, length }.encode(&mut out);
        let start = out.len();
        out.extend_from_slice(&frame.payload);
        if let Some(key) = key {
            mask(key, 0, &mut out[start..]);
        }
    }
    out
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..40),
        2 => prop::collection::vec(any::<u8>(), 120..130),
        1 => prop::collection::vec(any::<u8>(), 65_530..65_545),
    ]
}

fn control() -> impl Strategy<Value = Frame> {
    (prop::bool::ANY, prop::collection::vec(any::<u8>(), 0..=125), any::<[u8; 4]>()).prop_map(
        |(ping, payload, key)| Frame {
            fin: true,
            opcode: if ping { Opcode::Ping } else { Opcode::Pong },
            payload,
            key,
        },
    )
}

/// A message in one or more fragments, with control frames between some of them.
fn message() -> impl Strategy<Value = Vec<Frame>> {
    prop::collection::vec((payload(), any::<[u8; 4]>(), prop::option::of(control())), 1..4).prop_map(
        |parts| {
            let last = parts.len() - 1;
            let mut frames = Vec::new();
            for (i, (payload, key, control)) in parts.into_iter().enumerate() {
                let opcode = if i == 0 { Opcode::Binary } else { Opcode::Continuation };
                frames.push(Frame { fin: i == last, opcode, payload, key });
                frames.extend(control);
            }
            frames
        },
    )
}

fn stream() -> impl Strategy<Value = (Vec<Frame>, Sender, Vec<usize>)> {
    (
        prop::collection::vec(message(), 1..4),
        prop_oneof![Just(Sender::Client), Just(Sender::Server)],
        prop::collection::vec(prop_oneof![0_usize..20, 0_usize..70_000], 0..60),
    )
        .prop_map(|(messages, sender, splits)| (messages.concat(), sender, splits))
}

/// The slices that `sizes` cut out of `bytes`, ending with what is left.
fn split<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut slices = Vec::new();
    for size in sizes {
        let (slice, rest) = bytes.split_at((*size).min(bytes.len()));
        slices.push(slice);
        bytes = rest;
    }
    slices.push(bytes);
    slices
}

fn events(slices: &[&[u8]], rules: Rules) -> (Vec<Event>, Option<Error>) {
    let mut tracker = Tracker::new(rules);
    let mut events = Vec::new();
    for slice in slices {
        if let Err(error) = tracker.feed(slice, |event| events.push(event)) {
            return (events, Some(error));
        }
    }
    (events, None)
}

fn messages(slices: &[&[u8]], rules: Rules) -> (Vec<Message>, Option<Error>) {
    let mut decoder = Decoder::new(rules, 1 << 20);
    let mut messages = Vec::new();
    for mut slice in slices.iter().copied() {
        loop {
            match decoder.decode(&mut slice) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_split_of_a_stream_gives_the_same_events((frames, sender, splits) in stream()) {
        let bytes = write(&frames, sender);
        let whole = events(&[&bytes], Rules::strict(sender));
        prop_assert_eq!(&whole.1, &None);
        prop_assert_eq!(whole.0.len(), frames.len() * 2);
        prop_assert_eq!(events(&split(&bytes, &splits), Rules::strict(sender)), whole);
    }

    #[test]
    fn one_byte_at_a_time_gives_the_same_events(frames in message()) {
        let bytes = write(&frames, Sender::Server);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        let rules = Rules::strict(Sender::Server);
        prop_assert_eq!(events(&single, rules), events(&[&bytes], rules));
    }

    #[test]
    fn any_split_of_any_bytes_gives_the_same_events_and_the_same_error(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        splits in prop::collection::vec(0_usize..12, 0..30),
    ) {
        let rules = Rules::any_extension(Sender::Server);
        prop_assert_eq!(events(&split(&bytes, &splits), rules), events(&[&bytes], rules));
        prop_assert_eq!(messages(&split(&bytes, &splits), rules), messages(&[&bytes], rules));
    }

    #[test]
    fn what_was_sent_is_what_is_decoded((frames, sender, splits) in stream()) {
        let bytes = write(&frames, sender);
        let mut wanted = Vec::new();
        let mut open = Vec::new();
        for frame in frames {
            match frame.opcode {
                Opcode::Ping => wanted.push(Message::Ping(frame.payload)),
                Opcode::Pong => wanted.push(Message::Pong(frame.payload)),
                _ => {
                    open.extend(frame.payload);
                    if frame.fin {
                        wanted.push(Message::Binary(std::mem::take(&mut open)));
                    }
                }
            }
        }
        prop_assert_eq!(messages(&split(&bytes, &splits), Rules::strict(sender)), (wanted, None));
    }

    #[test]
    fn a_close_frame_put_at_any_boundary_loses_no_message_before_it(
        (frames, _, splits) in stream(), cut in any::<prop::sample::Index>(),
    ) {
        let bytes = write(&frames, Sender::Server);
        let rules = Rules::strict(Sender::Server);
        let boundaries: Vec<usize> = std::iter::once(0).chain(events(&[&bytes], rules).0.iter().filter_map(|event| {
            match event {
                Event::FrameEnd { boundary: true, offset, .. } => usize::try_from(*offset).ok(),
                _ => None,
            }
        })).collect();
        let at = *cut.get(&boundaries);
        let mut spliced = bytes[..at].to_vec();
        let goodbye = Close { code: code::GOING_AWAY, reason: "upgrade".into() };
        goodbye.encode(None, &mut spliced);
        let (mut told, error) = messages(&split(&spliced, &splits), rules);
        prop_assert_eq!(error, None);
        prop_assert_eq!(told.pop(), Some(Message::Close(Some(goodbye))));
        prop_assert_eq!(told, messages(&[&bytes[..at]], rules).0);
    }

    #[test]
    fn the_last_boundary_is_the_last_place_for_a_frame_of_ones_own((frames, _, splits) in stream()) {
        let bytes = write(&frames, Sender::Server);
        let rules = Rules::strict(Sender::Server);
        let mut tracker = Tracker::new(rules);
        let mut before = 0;
        for slice in split(&bytes, &splits) {
            let boundary = tracker.last_boundary(slice).unwrap();
            let mut fresh = Tracker::new(rules);
            let mut wanted = None;
            for end in 0..=slice.len() {
                let from = if end == 0 { 0 } else { before + end - 1 };
                fresh.feed(&bytes[from..before + end], |_| ()).unwrap();
                if fresh.between_messages() {
                    wanted = Some(end);
                }
            }
            prop_assert_eq!(boundary, wanted);
            before += slice.len();
        }
    }

    #[test]
    fn masking_twice_gives_the_same_bytes(
        key in any::<[u8; 4]>(), bytes in prop::collection::vec(any::<u8>(), 0..100), at in 0_usize..100,
    ) {
        let mut wanted = bytes.clone();
        for (i, byte) in wanted.iter_mut().enumerate() {
            *byte ^= key[i % 4];
        }
        let mut masked = bytes.clone();
        let at = at.min(masked.len());
        mask(key, 0, &mut masked[..at]);
        mask(key, at as u64, &mut masked[at..]);
        prop_assert_eq!(&masked, &wanted);
        mask(key, 0, &mut masked);
        prop_assert_eq!(masked, bytes);
    }

    #[test]
    fn a_header_is_read_as_it_was_written(
        fin in any::<bool>(), reserved in 0_u8..8, bits in 0_u8..3, key in prop::option::of(any::<[u8; 4]>()),
        length in prop_oneof![0_u64..200, 65_500_u64..65_600, 0_u64..(1 << 63)],
    ) {
        let opcode = Opcode::from_bits(bits).unwrap();
        let header = Header { fin, reserved, opcode, mask: key, length };
        let mut out = Vec::new();
        header.encode(&mut out);
        prop_assert_eq!(Header::parse(&out), Ok(Some((header, out.len()))));
        for short in 0..out.len() {
            prop_assert_eq!(Header::parse(&out[..short]), Ok(None));
        }
    }
}

fn server_error(bytes: &[u8]) -> Option<Error> {
    messages(&[bytes], Rules::strict(Sender::Server)).1
}

#[test]
fn the_examples_of_the_standard_are_understood() {
    let hello = Message::Text("Hello".into());
    let rules = Rules::strict(Sender::Server);
    assert_eq!(messages(&[b"\x81\x05Hello"], rules), (vec![hello.clone()], None));
    assert_eq!(messages(&[b"\x01\x03Hel\x80\x02lo"], rules), (vec![hello.clone()], None));
    assert_eq!(messages(&[b"\x89\x05Hello"], rules), (vec![Message::Ping(b"Hello".to_vec())], None));
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(messages(&[masked], Rules::strict(Sender::Client)), (vec![hello], None));
    let mut out = Vec::new();
    encode(Opcode::Text, b"Hello", Some([0x37, 0xfa, 0x21, 0x3d]), &mut out);
    assert_eq!(out, masked);
    assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn each_breach_of_the_standard_has_its_own_error() {
    assert_eq!(server_error(b"\xc1\x00"), Some(Error::ReservedBits(0b100)));
    assert_eq!(server_error(b"\x83\x00"), Some(Error::ReservedOpcode(0x3)));
    assert_eq!(server_error(b"\x8b\x00"), Some(Error::ReservedOpcode(0xb)));
    assert_eq!(server_error(b"\x09\x00"), Some(Error::FragmentedControl));
    assert_eq!(server_error(b"\x89\x7e\x00\x7e"), Some(Error::ControlTooLong(126)));
    assert_eq!(server_error(b"\x82\x7e\x00\x7d"), Some(Error::LengthForm(125)));
    assert_eq!(server_error(b"\x82\x7f\0\0\0\0\0\0\xff\xff"), Some(Error::LengthForm(65_535)));
    assert_eq!(server_error(b"\x82\x7f\x80\0\0\0\0\0\0\0"), Some(Error::LengthForm(1 << 63)));
    assert_eq!(server_error(b"\x80\x00"), Some(Error::NothingToContinue));
    assert_eq!(server_error(b"\x01\x00\x81\x00"), Some(Error::MessageInsideMessage));
    assert_eq!(server_error(b"\x81\x80\0\0\0\0"), Some(Error::Masked));
    assert_eq!(server_error(b"\x88\x00\x81\x00"), Some(Error::AfterClose));
    assert_eq!(server_error(b"\x88\x01\x03"), Some(Error::CloseLength));
    assert_eq!(server_error(b"\x88\x02\x03\xed"), Some(Error::CloseCode(1005)));
    assert_eq!(server_error(b"\x88\x03\x03\xe8\xff"), Some(Error::NotUtf8));
    assert_eq!(server_error(b"\x81\x01\xff"), Some(Error::NotUtf8));
    assert_eq!(messages(&[b"\x81\x00"], Rules::strict(Sender::Client)).1, Some(Error::Unmasked));
}

#[test]
fn a_frame_may_be_as_long_as_its_limit_and_no_longer() {
    let rules = Rules { max_frame: 300, ..Rules::strict(Sender::Server) };
    let mut out = Vec::new();
    encode(Opcode::Binary, &[7; 300], None, &mut out);
    assert_eq!(messages(&[&out], rules), (vec![Message::Binary(vec![7; 300])], None));
    out.clear();
    encode(Opcode::Binary, &[7; 301], None, &mut out);
    assert_eq!(messages(&[&out], rules), (vec![], Some(Error::FrameTooLong { length: 301, max: 300 })));
}

#[test]
fn a_message_of_many_short_frames_is_held_to_its_limit() {
    let mut decoder = Decoder::new(Rules::strict(Sender::Server), 10);
    let mut bytes: &[u8] = b"\x02\x06abcdef\x00\x06ghijkl";
    assert_eq!(decoder.decode(&mut bytes), Err(Error::MessageTooLong { max: 10 }));
}

#[test]
fn a_promised_length_takes_no_memory_before_its_bytes_come() {
    let mut decoder = Decoder::new(Rules::strict(Sender::Server), u64::MAX);
    let mut bytes: &[u8] = b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xffabc";
    assert_eq!(decoder.decode(&mut bytes), Ok(None));
    assert!(bytes.is_empty());
    assert!(!decoder.between_messages());
}

#[test]
fn a_splice_may_speak_only_between_two_messages() {
    let mut tracker = Tracker::new(Rules::any_extension(Sender::Server));
    assert!(tracker.between_messages());
    assert_eq!(tracker.last_boundary(b"\xc1\x02hi\x01"), Ok(Some(4)));
    assert!(!tracker.between_messages());
    // A whole ping between two fragments ends a frame, but no message.
    assert_eq!(tracker.last_boundary(b"\x02he\x89\x01p"), Ok(None));
    assert!(!tracker.between_messages());
    assert_eq!(tracker.last_boundary(b"\x80\x01y\x82"), Ok(Some(3)));
    assert_eq!(tracker.last_boundary(b"\x00\x88\x00"), Ok(Some(3)));
    assert!(tracker.closed());
    assert_eq!(tracker.offset(), 18);
}

#[test]
fn a_close_reason_is_cut_at_a_whole_character() {
    let close = Close { code: code::SERVICE_RESTART, reason: "ü".repeat(100) };
    let mut out = Vec::new();
    close.encode(None, &mut out);
    assert_eq!(out.len(), 2 + 2 + 122);
    assert_eq!(Close::parse(&out[2..]), Ok(Some(Close { reason: "ü".repeat(61), ..close })));
    assert_eq!(Close::parse(&[]), Ok(None));
}
