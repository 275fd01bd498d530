//! Tests of the framing of answers' bodies.

use super::*;
use proptest::prelude::*;

fn decode_all(
    framing: &mut Framing,
    pieces: &[&[u8]],
) -> Result<(Vec<u8>, Option<HeaderMap>, bool), BadChunk> {
    let (mut input, mut data, mut trailers) = (BytesMut::new(), Vec::new(), None);
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match framing.decode(&mut input)? {
                Decoded::Data(bytes) => data.extend_from_slice(&bytes),
                Decoded::Trailers(fields) => trailers = Some(fields),
                Decoded::End => return Ok((data, trailers, true)),
                Decoded::More => break,
            }
        }
    }
    Ok((data, trailers, *framing == Framing::Done))
}

#[test]
fn a_length_ends_exactly() {
    let mut framing = Framing::Length(5);
    let mut input = BytesMut::from(&b"helloHTTP/1.1"[..]);
    assert!(matches!(framing.decode(&mut input), Ok(Decoded::Data(data)) if &data[..] == b"hello"));
    assert_eq!((framing, &input[..]), (Framing::Done, &b"HTTP/1.1"[..]));
}

#[test]
fn chunks_with_extensions_and_trailers_are_read() {
    let wire = b"5;a=b\r\nhello\r\n1 \r\n!\r\n0\r\nx-sum: 6\r\n\r\n";
    let (data, trailers, ended) = decode_all(&mut Framing::Chunked(Chunk::Size), &[wire]).unwrap();
    assert_eq!((&data[..], ended), (&b"hello!"[..], true));
    assert_eq!(trailers.unwrap()["x-sum"], "6");
}

#[test]
fn a_body_without_its_last_chunk_is_not_ended() {
    let (_, _, ended) = decode_all(&mut Framing::Chunked(Chunk::Size), &[b"5\r\nhello\r\n"]).unwrap();
    assert!(!ended);
}

#[test]
fn malformed_chunks_are_refused() {
    for wire in [
        &b"x\r\n"[..],
        b"\r\n",
        b"-1\r\n",
        b"+1\r\na",
        b"5\nhello",
        b"1\r\nab\r\n",
        // At once, with the first byte that is wrong.
        b"1\r\nab",
        b"1\r\na\n",
        b"1\r\na\rb",
        b"0x1\r\na",
        b"1_0\r\n",
        b"1000000000000000\r\n",
        b"0\r\n bad\r\n\r\n",
    ] {
        assert!(decode_all(&mut Framing::Chunked(Chunk::Size), &[wire]).is_err(), "{}", wire.escape_ascii());
    }
    for (length, refused) in [(LINE_MAX - 1, false), (LINE_MAX, true)] {
        let endless = [&b"1;"[..], &vec![b'x'; length - 2]].concat();
        let decoded = decode_all(&mut Framing::Chunked(Chunk::Size), &[&endless]);
        assert_eq!(decoded.is_err(), refused, "{length}");
    }
    let mut longest = Framing::Chunked(Chunk::Size);
    assert!(decode_all(&mut longest, &[b"0fffffffffffffF\r\n"]).is_ok());
    assert_eq!(longest, Framing::Chunked(Chunk::Data(0x00ff_ffff_ffff_ffff)));
}

#[test]
fn trailers_are_bounded_by_their_size_and_not_by_their_number() {
    for (count, refused) in [(200, false), (5000, false), (12_000, true)] {
        let wire = ["0\r\n", &"a: bc\r\n".repeat(count), "\r\n"].concat();
        let decoded = decode_all(&mut Framing::Chunked(Chunk::Size), &[wire.as_bytes()]);
        assert_eq!(decoded.is_err(), refused, "{count}");
    }
}

#[test]
fn trailers_may_be_so_large_and_no_larger() {
    for (over, refused) in [(0, false), (1, true)] {
        let half = format!("a: {}", "b".repeat(65_536 + over - 3));
        let whole = format!("a: {}\r\n\r\n", "b".repeat(65_536 + over - 7));
        for (trailers, ends) in [(half, false), (whole, true)] {
            let mut framing = Framing::Chunked(Chunk::Trailers);
            let decoded = decode_all(&mut framing, &[trailers.as_bytes()]);
            assert_eq!(decoded.map(|(_, _, ended)| ended).ok(), (!refused).then_some(ends), "{over} {ends}");
        }
    }
}

proptest! {
    #[test]
    fn any_split_of_a_chunked_body_gives_the_same_bytes(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        with_trailers in any::<bool>(),
    ) {
        let mut wire = Vec::new();
        for chunk in &chunks {
            wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            wire.extend_from_slice(chunk);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(if with_trailers { b"0\r\na: b\r\n\r\n" } else { b"0\r\n\r\n" });
        let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(wire.len())).collect();
        places.extend([0, wire.len()]);
        places.sort_unstable();
        let pieces: Vec<_> = places.windows(2).map(|pair| &wire[pair[0]..pair[1]]).collect();
        let (data, trailers, ended) = decode_all(&mut Framing::Chunked(Chunk::Size), &pieces).unwrap();
        prop_assert_eq!(data, chunks.concat());
        prop_assert_eq!(trailers.is_some(), with_trailers);
        prop_assert!(ended);
    }
}
