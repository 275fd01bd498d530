//! Whatever slices a stream of frames comes in, the same is found in it; and no bytes make a reader fail.

use crate::frame;
use proptest::prelude::*;
use segue_wire::http2::{FrameHeader, FrameReader, Front2, PREFACE, Streams};

/// What a reader finds in slices of `bytes` that end at `cuts`, with payloads put together; how many bytes it left and
/// whether it gave up; how many streams are open then.
fn follow(mut reader: FrameReader, bytes: &[u8], cuts: &[usize]) -> (Vec<Front2>, usize, bool, usize) {
    let (mut found, mut start, mut streams) = (Vec::new(), 0, Streams::new());
    for end in cuts.iter().copied().chain([bytes.len()]) {
        loop {
            let front = reader.front(&bytes[start..end]);
            streams.client_sent(&front);
            streams.server_sent(&front);
            let taken = match front {
                Front2::More => break,
                Front2::Invalid => return (found, bytes.len() - start, true, streams.open()),
                Front2::Preface => PREFACE.len(),
                Front2::Frame(_) => FrameHeader::LENGTH,
                Front2::Payload { length, .. } => length,
            };
            assert!(taken > 0, "a reader must come nearer to the end");
            start += taken;
            match (found.last_mut(), front) {
                (
                    Some(Front2::Payload { length, ends: over @ false }),
                    Front2::Payload { length: more, ends },
                ) => {
                    *length += more;
                    *over = ends;
                }
                (_, front) => found.push(front),
            }
        }
    }
    (found, bytes.len() - start, false, streams.open())
}

fn frames() -> impl Strategy<Value = Vec<u8>> {
    let known = (
        0_u8..12,
        prop::sample::select(vec![0_u8, 1, 4, 5, 8, 0xc]),
        0_u32..6,
        prop::sample::select(vec![0, 4, 5, 8, 9, 300]),
    )
        .prop_map(|(kind, flags, stream, length)| frame(kind, flags, stream, &vec![0; length]));
    let plain = (prop::sample::select(vec![0_u8, 1, 3, 5, 8]), 4_u8..6, 0_u32..3)
        .prop_map(|(kind, flags, stream)| frame(kind, flags, stream * 2 + 1, &[0, 0, 0, 2]));
    let any = prop_oneof![6 => plain, 2 => known, 1 => prop::collection::vec(any::<u8>(), 0..12)];
    prop::collection::vec(any, 0..8).prop_map(|frames| frames.concat())
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn any_frames_are_read_the_same_in_any_slices(
        frames in frames(),
        begins in any::<bool>(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        for (reader, preface) in [(FrameReader::client(), &PREFACE[..]), (FrameReader::server(), b"")] {
            let settings = if begins { frame(4, 0, 0, &[0; 6]) } else { Vec::new() };
            let bytes = [preface, &settings, &frames].concat();
            let mut cuts: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
            cuts.sort_unstable();
            let whole = follow(reader.clone(), &bytes, &[]);
            prop_assert_eq!(&follow(reader.clone(), &bytes, &cuts), &whole);
            prop_assert_eq!(&follow(reader, &bytes, &(0..bytes.len()).collect::<Vec<_>>()), &whole);
        }
    }
}
