use super::*;
use crate::downstream::head::FIELDS;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::task::Waker;

/// Gives each piece once, then nothing more.
struct Pieces(VecDeque<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut piece) = self.0.pop_front() else { return Poll::Pending };
        let rest = piece.split_off(piece.len().min(buffer.remaining()));
        buffer.put_slice(&piece);
        if !rest.is_empty() {
            self.0.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

/// What each read gives, until one would wait.
fn reads(intake: &mut Intake, pieces: &[&[u8]], room: usize) -> Vec<String> {
    let mut stream = Pieces(pieces.iter().map(|piece| piece.to_vec()).collect());
    let mut context = Context::from_waker(Waker::noop());
    let mut reads = Vec::new();
    loop {
        let mut room = vec![0; room];
        let mut buffer = ReadBuf::new(&mut room);
        if intake.poll_read(&mut stream, &mut context, &mut buffer).is_pending() {
            return reads;
        }
        reads.push(String::from_utf8(buffer.filled().to_vec()).unwrap());
    }
}

fn intake() -> Intake {
    Intake::new(1000, FIELDS, Arc::default())
}

#[test]
fn a_head_goes_on_once_it_is_whole_and_one_request_at_a_time() {
    let get = "GET / HTTP/1.1\r\n\r\n";
    let post = "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc";
    let both = [get, post].concat();
    assert_eq!(reads(&mut intake(), &[both.as_bytes()], 500), [get, post]);
    let mut intake = intake();
    assert_eq!(reads(&mut intake, &[&both.as_bytes()[..30]], 500), [get]);
    assert!(intake.has_begun());
    assert_eq!(reads(&mut intake, &[&both.as_bytes()[30..]], 500), [post]);
    assert!(!intake.has_begun());
}

#[test]
fn empty_lines_begin_nothing() {
    let mut intake = intake();
    assert!(reads(&mut intake, &[b"\r\n", b"\r", b"\n"], 500).is_empty());
    assert!(!intake.has_begun());
    assert_eq!(reads(&mut intake, &[b"GET / HTTP/1.1\n\n"], 500), ["GET / HTTP/1.1\n\n"]);
}

#[test]
fn what_is_no_head_or_too_large_goes_on_to_be_refused() {
    assert_eq!(reads(&mut intake(), &[b"\x16\x03\x01"], 500), ["\x16\x03\x01"]);
    let large = ["GET / HTTP/1.1\r\na: ", &"x".repeat(1000)].concat();
    assert_eq!(reads(&mut intake(), &[large.as_bytes()], 5000), [large]);
}

#[test]
fn more_fields_than_hyper_has_room_for_are_told_first() {
    let mut intake = intake();
    let head = ["GET / HTTP/1.1\r\n", &"a: b\r\n".repeat(120), "\r\n"].concat();
    assert!(reads(&mut intake, &[head.as_bytes()], 5000).is_empty());
    assert_eq!(intake.notes.take_wanted_fields(), Some(120));
    intake.has_room_for(120);
    assert_eq!(reads(&mut intake, &[], 5000), [head]);
}

#[test]
fn behind_what_cannot_be_followed_no_request_is_expected() {
    let mut intake = intake();
    let odd = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n";
    assert_eq!(reads(&mut intake, &[odd.as_bytes()], 500).concat(), odd);
    assert!(intake.notes.ends_after_this());
}

#[test]
fn what_came_before_an_upgrade_belongs_to_the_new_protocol() {
    let mut intake = intake();
    let asking = "GET / HTTP/1.1\r\nupgrade: raw\r\n\r\n";
    assert_eq!(reads(&mut intake, &[[asking, "ear"].concat().as_bytes(), b"ly"], 500), [asking]);
    intake.notes.upgrade();
    assert_eq!(reads(&mut intake, &[], 500), ["early"]);
    assert_eq!(reads(&mut intake, &[b"\r\n"], 500), ["\r\n"]);
}

proptest! {
    #[test]
    fn any_split_and_any_room_give_the_same_requests(
        splits in prop::collection::vec(0usize..400, 0..12),
        room in 1usize..300,
    ) {
        let requests = [
            "GET / HTTP/1.1\r\na: b\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 20\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nt: u\r\n\r\n",
            "GET /last HTTP/1.0\r\n\r\n",
        ];
        let all = requests.concat();
        let mut splits: Vec<_> = splits.into_iter().map(|at| at.min(all.len())).collect();
        splits.extend([0, all.len()]);
        splits.sort_unstable();
        let pieces: Vec<_> = splits.windows(2)
            .map(|pair| &all.as_bytes()[pair[0]..pair[1]])
            .filter(|piece| !piece.is_empty())
            .collect();
        let mut intake = intake();
        let reads = reads(&mut intake, &pieces, room);
        prop_assert_eq!(reads.concat(), all);
        // No read crosses from one request into the next.
        let mut ends: Vec<_> = requests.iter().map(|request| request.len()).collect();
        for read in reads {
            let left = ends.first_mut().unwrap();
            prop_assert!(read.len() <= *left);
            *left -= read.len();
            if *left == 0 {
                ends.remove(0);
            }
        }
        prop_assert!(!intake.has_begun());
    }
}

#[test]
fn a_long_head_in_pieces_goes_on_once_its_empty_line_is_here_wherever_that_is_split() {
    let start = ["GET / HTTP/1.1\r\na: ", &"x".repeat(10_000)].concat();
    for end in ["\r\n\r\n", "\n\n", "\r\n\n", "\n\r\n"] {
        for split in 1..end.len() {
            let (before, last) = end.split_at(split);
            let mut intake = Intake::new(20_000, FIELDS, Arc::default());
            let pieces =
                [&start.as_bytes()[..5000], &start.as_bytes()[5000..9000], &start.as_bytes()[9000..]];
            assert!(reads(&mut intake, &[&pieces[..], &[before.as_bytes()]].concat(), 30_000).is_empty());
            let head = [&start, end].concat();
            let rest = [last, "GET "].concat();
            assert_eq!(reads(&mut intake, &[rest.as_bytes()], 30_000), [head], "{before:?} {last:?}");
        }
    }
}

#[test]
fn an_empty_line_is_two_line_ends_with_nothing_but_a_return_between_them() {
    for (bytes, has) in [
        ("\n\n", true),
        ("\n\r\n", true),
        ("a: b\r\n\r\nc", true),
        ("a\n\nb", true),
        ("", false),
        ("\n", false),
        ("\r\n", false),
        ("\n\r", false),
        ("\n\r\r\n", false),
        ("a\nb\n", false),
        ("a\r\nb\r\n", false),
        ("xxxx", false),
    ] {
        assert_eq!(has_empty_line(bytes.as_bytes()), has, "{bytes:?}");
    }
}

/// A longer one is looked at only once its empty line is here, or it is too long: each look takes its whole length.
#[test]
fn a_piece_of_a_head_that_is_no_http_is_noticed_at_once_up_to_4_kib() {
    for (length, at_once) in [(30, true), (4096, true), (4097, false), (9000, false)] {
        let mut intake = Intake::new(10_000, FIELDS, Arc::default());
        let start = "GET / HTTP/1.1\r\na: ";
        let odd = "\0\r\n";
        let filled = "x".repeat(length - start.len() - odd.len());
        let all = [start, &filled, odd].concat();
        let (one, other) = all.as_bytes().split_at(length - odd.len());
        assert!(reads(&mut intake, &[one], 30_000).is_empty());
        assert_eq!(reads(&mut intake, &[other], 30_000).concat() == all, at_once, "{length}");
        assert_eq!(intake.notes.ends_after_this(), at_once, "{length}");
        if !at_once {
            let rest = reads(&mut intake, &[b"\r\n"], 30_000).concat();
            assert!(rest == [&all, "\r\n"].concat(), "{length}");
        }
    }
}

#[test]
fn half_a_head_is_waited_for_up_to_the_limit() {
    for limit in [1000, 10_000] {
        for (short_of, goes_on) in [(1, false), (0, true)] {
            let mut intake = Intake::new(limit, FIELDS, Arc::default());
            let start = "GET / HTTP/1.1\r\na: ";
            let half = [start, &"x".repeat(limit - short_of - start.len())].concat();
            let (one, other) = half.as_bytes().split_at(900);
            assert_eq!(reads(&mut intake, &[one, other], 30_000).concat() == half, goes_on, "{limit}");
            assert_eq!(intake.notes.ends_after_this(), goes_on);
        }
    }
}

#[test]
fn as_many_fields_as_hyper_has_room_for_go_on_at_once() {
    let mut intake = intake();
    let head = ["GET / HTTP/1.1\r\n", &"a: b\r\n".repeat(FIELDS), "\r\n"].concat();
    assert_eq!(reads(&mut intake, &[head.as_bytes()], 5000), [head]);
    let head = ["GET / HTTP/1.1\r\n", &"a: b\r\n".repeat(FIELDS + 1), "\r\n"].concat();
    assert!(reads(&mut intake, &[head.as_bytes()], 5000).is_empty());
    assert_eq!(intake.notes.take_wanted_fields(), Some(FIELDS + 1));
}
