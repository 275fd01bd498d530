//! Whatever slices a stream comes in, the same is found in it; and no stream makes a reader fail.

use crate::events::{Event, answers, requests, shape};
use crate::messages::{PIECES, answer, damage, harm, request};
use proptest::prelude::*;
use segue_wire::http1::RequestKind;

/// Places to cut a stream, in order.
fn cuts(length: usize, places: &[prop::sample::Index]) -> Vec<usize> {
    let mut cuts: Vec<usize> = places.iter().map(|place| place.index(length + 1)).collect();
    cuts.sort_unstable();
    cuts
}

fn places() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..40)
}

/// Pieces of HTTP/1 in any order.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..5),
    ];
    let start = prop::sample::select(vec!["", "POST / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n", "GET /"]);
    (start, prop::collection::vec(piece, 0..20))
        .prop_map(|(start, pieces)| [start.as_bytes(), &pieces.concat()].concat())
}

/// What is the same however a stream is cut, in one slice, in some, and in single bytes.
fn same(bytes: &[u8], places: &[prop::sample::Index], kinds: &[RequestKind]) -> Result<(), TestCaseError> {
    for cuts in [cuts(bytes.len(), places), (0..bytes.len()).collect()] {
        prop_assert_eq!(requests(bytes, &cuts), requests(bytes, &[]));
        prop_assert_eq!(answers(bytes, &cuts, kinds), answers(bytes, &[], kinds));
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::config())]

    #[test]
    fn plain_requests_are_found_in_any_slices(messages in prop::collection::vec(request(), 1..5), places in places()) {
        let bytes: Vec<u8> = messages.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let events = requests(&bytes, &cuts(bytes.len(), &places));
        let (found, rest) = shape(&events, |head| head.ends);
        let blanks: usize = events.iter().map(|event| if let Event::Blank(length) = event { *length } else { 0 }).sum();
        prop_assert_eq!((found.len(), rest), (messages.len(), None));
        prop_assert_eq!(found.iter().sum::<usize>() + blanks, bytes.len());
        let trimmed: Vec<usize> = messages.iter().map(|(_, bytes)| bytes.trim_ascii_start().len()).collect();
        prop_assert_eq!(found, trimmed);
    }

    #[test]
    fn plain_answers_are_found_in_any_slices(messages in prop::collection::vec(answer(), 1..5), places in places()) {
        let bytes: Vec<u8> = messages.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let kinds: Vec<RequestKind> = messages.iter().map(|(kind, _)| *kind).collect();
        let events = answers(&bytes, &cuts(bytes.len(), &places), &kinds);
        let lengths: Vec<usize> = messages.iter().map(|(_, bytes)| bytes.len()).collect();
        prop_assert_eq!(shape(&events, |head| head.ends), (lengths, None));
    }

    #[test]
    fn damaged_streams_read_the_same_in_any_slices(
        asked in prop::collection::vec(request(), 1..3),
        answered in prop::collection::vec(answer(), 1..3),
        damage in damage(),
        places in places(),
    ) {
        for messages in [asked, answered] {
            let mut bytes: Vec<u8> = messages.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
            harm(&mut bytes, &damage);
            let kinds: Vec<RequestKind> = messages.iter().map(|(kind, _)| *kind).collect();
            same(&bytes, &places, &kinds)?;
        }
    }

    #[test]
    fn any_bytes_are_read_to_their_end_or_left_alone(
        bytes in prop_oneof![soup(), prop::collection::vec(any::<u8>(), 0..60)],
        places in places(),
        kinds in prop::collection::vec(prop::sample::select(vec![RequestKind::Other, RequestKind::Head, RequestKind::Connect]), 0..3),
    ) {
        same(&bytes, &places, &kinds)?;
    }
}
