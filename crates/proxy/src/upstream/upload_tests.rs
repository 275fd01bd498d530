//! Tests of what leaves for an instance, however little it takes at a time.

use super::*;
use http::HeaderMap;

/// What leaves when the instance takes so many bytes at a time.
fn leaves(upload: &mut Upload, at_a_time: usize) -> String {
    let mut left = Vec::new();
    while upload.queued() {
        let queue = [&upload.head[upload.head_sent..], &upload.data, upload.tail].concat();
        let taken = at_a_time.min(queue.len());
        left.extend_from_slice(&queue[..taken]);
        upload.advance(taken);
    }
    assert_eq!(upload.written(), left.len() as u64);
    String::from_utf8(left).unwrap()
}

fn upload(framing: UploadFraming) -> Upload {
    Upload::new(b"head ".to_vec(), None, framing, None)
}

#[test]
fn a_part_of_a_body_is_framed_and_leaves_in_any_pieces() {
    let (chunked, length) = (UploadFraming::Chunked, UploadFraming::Length);
    let long = "x".repeat(26);
    for (framing, data, last, framed) in [
        (chunked, "hello", false, "head 5\r\nhello\r\n"),
        (chunked, "hello", true, "head 5\r\nhello\r\n0\r\n\r\n"),
        (chunked, &long, false, &format!("head 1a\r\n{long}\r\n")),
        (chunked, "", true, "head 0\r\n\r\n"),
        (chunked, "", false, "head "),
        (length, "hello", false, "head hello"),
        (length, "hello", true, "head hello"),
        (length, "", true, "head "),
    ] {
        for at_a_time in 1..=framed.len() {
            let mut upload = upload(framing);
            upload.queue(Bytes::copy_from_slice(data.as_bytes()), last);
            assert!(upload.unsent() && !upload.finished());
            assert_eq!(leaves(&mut upload, at_a_time), framed, "{at_a_time} at a time");
            assert!(!upload.unsent() && upload.finished());
        }
    }
}

#[test]
fn a_body_of_chunks_ends_with_those_trailers_that_may_be_some() {
    let trailers = || {
        let fields = [("x-sum", "5"), ("content-length", "9")];
        HeaderMap::from_iter(fields.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())))
    };
    for (framing, trailers, framed) in [
        (UploadFraming::Chunked, None, "head 0\r\n\r\n"),
        (UploadFraming::Chunked, Some(trailers()), "head 0\r\nx-sum: 5\r\n\r\n"),
        (UploadFraming::Length, None, "head "),
        (UploadFraming::Length, Some(trailers()), "head "),
    ] {
        let mut upload = upload(framing);
        upload.end(trailers);
        assert_eq!(leaves(&mut upload, 7), framed);
    }
}

#[test]
fn of_a_request_that_is_given_up_nothing_more_leaves() {
    let mut upload = upload(UploadFraming::Chunked);
    upload.queue(Bytes::from_static(b"hello"), true);
    upload.advance(7);
    assert_eq!((upload.finished(), upload.waits_for_client()), (false, false));
    upload.give_up();
    assert_eq!((upload.finished(), upload.written(), leaves_nothing(&upload)), (true, 7, true));
}

fn leaves_nothing(upload: &Upload) -> bool {
    upload.head.is_empty() && upload.data.is_empty() && upload.tail.is_empty()
}
