//! Tests of what a client's byte stream tells of its connection.

use super::*;
use crate::clock;
use crate::downstream::notes::Notes;
use crate::downstream::session::Budget;
use std::task::Waker;
use tokio::io::AsyncWriteExt as _;

/// A client that says this once.
struct Client {
    says: &'static [u8],
    /// Whether it takes what it is told.
    takes: bool,
    told: Vec<u8>,
}

impl Client {
    fn saying(says: &'static [u8]) -> Client {
        Client { says, takes: true, told: Vec::new() }
    }
}

impl AsyncRead for Client {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let said = std::mem::take(&mut self.says);
        buffer.put_slice(said);
        if said.is_empty() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl AsyncWrite for Client {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.takes {
            return Poll::Pending;
        }
        self.told.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn intake() -> Intake {
    Intake::new(1000, 100, Arc::default())
}

/// A connection of this client that has been in this phase since 0.
fn in_phase(phase: Phase, client: Client, reads: Reads) -> Tracked<Client> {
    clock::tick();
    Tracked::new(client, reads, Arc::new(Operation::since_then(phase, 0)), Arc::default())
}

fn read(tracked: &mut Tracked<Client>) -> Poll<Vec<u8>> {
    let mut room = [0; 1000];
    let mut buffer = ReadBuf::new(&mut room);
    let mut context = Context::from_waker(Waker::noop());
    Pin::new(tracked).poll_read(&mut context, &mut buffer).map(|read| {
        read.unwrap();
        buffer.filled().to_vec()
    })
}

#[test]
fn a_head_begins_with_its_first_byte_and_an_empty_line_begins_none() {
    for (before, said, after) in [
        (Phase::Idle, "", Phase::Idle),
        (Phase::Idle, "GET / HT", Phase::Head),
        (Phase::Parked, "GET / HT", Phase::Head),
        (Phase::Idle, "GET / HTTP/1.1\r\n\r\n", Phase::Head),
        (Phase::Idle, "\r\n", Phase::Idle),
        (Phase::Head, "\r\n", Phase::Idle),
        (Phase::Head, "GET / HT", Phase::Head),
        (Phase::Answer, "GET / HT", Phase::Answer),
    ] {
        let mut tracked = in_phase(before, Client::saying(said.as_bytes()), Reads::Http1(intake()));
        assert_eq!(read(&mut tracked).is_pending(), !said.ends_with("\r\n\r\n"));
        assert_eq!(tracked.operation.phase(), after, "{before:?} {said:?}");
    }
}

#[test]
fn a_part_of_a_body_is_progress() {
    for (phase, said, progress) in [
        (Phase::ClientBody, "GET / HTTP/1.1\r\n\r\n", true),
        (Phase::ClientBody, "", false),
        (Phase::Answer, "GET / HTTP/1.1\r\n\r\n", false),
    ] {
        let mut tracked = in_phase(phase, Client::saying(said.as_bytes()), Reads::Http1(intake()));
        let _ = read(&mut tracked);
        assert_eq!((tracked.operation.phase(), tracked.operation.since() > 0), (phase, progress), "{said:?}");
    }
}

#[test]
fn what_follows_an_answer_is_another_protocol_or_a_head_or_nothing() {
    for (phase, upgraded, came, after) in [
        (Phase::Flush, false, "", Phase::Idle),
        (Phase::Flush, false, "GET", Phase::Head),
        (Phase::Flush, true, "", Phase::HandedOver),
        (Phase::Flush, true, "early", Phase::HandedOver),
        (Phase::Client, false, "GET", Phase::Client),
    ] {
        let notes = Arc::new(Notes::default());
        let mut intake = Intake::new(1000, 100, notes.clone());
        intake.put_back(&Bytes::from(came));
        if upgraded {
            notes.upgrade();
        }
        let mut tracked = in_phase(phase, Client::saying(b""), Reads::Http1(intake));
        let flushed = Pin::new(&mut tracked).poll_flush(&mut Context::from_waker(Waker::noop()));
        assert!(flushed.is_ready());
        assert_eq!(tracked.operation.phase(), after, "{upgraded} {came:?}");
    }
}

#[tokio::test]
async fn only_an_error_answer_that_no_request_asked_for_is_amended() {
    for (phase, amended) in
        [(Phase::Idle, true), (Phase::Parked, true), (Phase::Head, true), (Phase::Client, false)]
    {
        for pieces in [1, 2] {
            let mut tracked = in_phase(phase, Client::saying(b""), Reads::Http1(intake()));
            let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
            let slices = [IoSlice::new(b""), IoSlice::new(answer)];
            let written = tracked.write_vectored(&slices[2 - pieces..]).await.unwrap();
            tracked.flush().await.unwrap();
            let reason = b"segue-reason: bad-request\r\n";
            let told = &tracked.inner.told;
            assert_eq!(told.windows(reason.len()).any(|part| part == reason), amended, "{phase:?}");
            assert_eq!(written, answer.len(), "{phase:?}");
        }
    }
}

#[test]
fn a_client_that_takes_nothing_is_noted_and_one_of_http_2_makes_no_progress_by_taking() {
    for (phase, takes, progress) in
        [(Phase::Client, true, true), (Phase::Client, false, false), (Phase::Http2Idle, true, false)]
    {
        let client = Client { takes, ..Client::saying(b"") };
        let mut tracked = in_phase(phase, client, Reads::Http1(intake()));
        let written = Pin::new(&mut tracked).poll_write(&mut Context::from_waker(Waker::noop()), b"x");
        assert_eq!(written.is_ready(), takes);
        let operation = &tracked.operation;
        assert_eq!((operation.blocked_since() == 0, operation.since() > 0), (takes, progress), "{phase:?}");
    }
}

#[test]
fn what_was_read_to_find_out_the_protocol_comes_first_and_a_head_of_http_2_is_noted() {
    let operation = Arc::new(Operation::new(Phase::Http2Idle));
    let session = Arc::new(Session::new(operation, Arc::new(Budget::new(1))));
    let prefix = Bytes::from_static(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let reads = Reads::Http2 { prefix: prefix.clone(), frames: Frames::new(), session };
    // The head of a request that has one byte, of which nothing is here.
    let mut tracked = in_phase(Phase::Http2Idle, Client::saying(&[0, 0, 1, 1, 4, 0, 0, 0, 1]), reads);
    assert_eq!(read(&mut tracked), Poll::Ready(prefix.to_vec()));
    assert_eq!(tracked.operation.head_since(), 0);
    assert_eq!(read(&mut tracked), Poll::Ready(vec![0, 0, 1, 1, 4, 0, 0, 0, 1]));
    assert!(tracked.operation.head_since() > 0);
    tracked.inner.says = b"x";
    assert_eq!(read(&mut tracked), Poll::Ready(vec![b'x']));
    assert_eq!((tracked.operation.head_since(), tracked.operation.phase()), (0, Phase::Http2Idle));
}

#[test]
fn pieces_are_offered_only_to_a_stream_that_takes_several_at_once() {
    let one = in_phase(Phase::Idle, Client::saying(b""), Reads::Http1(intake()));
    assert!(!one.is_write_vectored());
    let several =
        Tracked::new(tokio::io::duplex(1).0, Reads::Http1(intake()), one.operation.clone(), Arc::default());
    assert!(several.is_write_vectored());
}

#[tokio::test]
async fn a_client_that_takes_bytes_makes_progress_and_ends_idle() {
    let now = clock::tick();
    let operation = Arc::new(Operation::since_then(Phase::Flush, 0));
    let mut tracked = Tracked::new(
        tokio::io::sink(),
        Reads::Http1(Intake::new(1000, 100, Arc::default())),
        operation.clone(),
        Arc::default(),
    );
    operation.blocked();
    assert_eq!(tracked.write(b"x").await.unwrap(), 1);
    assert_eq!((operation.since() >= now, operation.blocked_since()), (true, 0));
    tracked.flush().await.unwrap();
    assert_eq!(operation.phase(), Phase::Idle);
}

#[test]
fn an_error_answer_gets_its_reason_behind_the_status_line() {
    let (amended, reason) = amend(b"HTTP/1.1 431 Large\r\ncontent-length: 0\r\n\r\n").unwrap();
    assert_eq!(reason, Reason::HeaderTooLarge);
    assert_eq!(
        &amended[..],
        b"HTTP/1.1 431 Large\r\nsegue-reason: header-too-large\r\ncontent-length: 0\r\n\r\n"
    );
    assert!(amend(b"HTTP/1.1 200 OK\r\n\r\n").is_none());
    assert!(amend(b"garbage").is_none());
}
