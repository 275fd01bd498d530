//! Tests of what one HTTP/2 connection leaves untaken, and all together.

use super::*;
use crate::clock;
use crate::registry::Registry;
use std::sync::atomic::AtomicU32;
use std::task::Wake;

#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Woken>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn session(budget: &Arc<Budget>) -> Arc<Session> {
    Arc::new(Session::new(Arc::new(Operation::new(Phase::Http2Idle)), budget.clone()))
}

fn stream(session: &Arc<Session>) -> Stream {
    let registry = Arc::new(Registry::default());
    session.begin(registry.register(Arc::new(Operation::new(Phase::Connect))))
}

#[test]
fn a_connection_is_idle_between_requests_and_leaves_after_the_last_one() {
    let session = session(&Arc::new(Budget::new(1)));
    let (one, other) = (stream(&session), stream(&session));
    drop(one);
    assert_eq!(session.operation.phase(), Phase::Http2);
    drop(other);
    assert_eq!(session.operation.phase(), Phase::Http2Idle);
    let last = stream(&session);
    session.leave();
    assert_eq!(session.operation.phase(), Phase::Http2);
    drop(last);
    assert_eq!(session.operation.phase(), Phase::Http2Leaving);
}

#[test]
fn past_its_own_limit_a_connection_has_little_room_for_each_request() {
    let session = session(&Arc::new(Budget::new(usize::MAX)));
    let (one, other) = (stream(&session), stream(&session));
    assert_eq!(one.room(), Some(Room::Much));
    let held = one.hold(Bytes::from(vec![0; ONE_CONNECTION]));
    assert_eq!((one.room(), other.room()), (None, Some(Room::Little)));
    other.keeps(0, 5);
    assert_eq!(other.room(), Some(Room::Little), "only a read makes a piece of these");
    let piece = other.hold(Bytes::from_static(b"a piece"));
    assert_eq!(other.room(), None);
    drop(piece);
    assert_eq!(other.room(), Some(Room::Little));
    let woken = Arc::new(Woken::default());
    let waker = woken.clone().into();
    let context = Context::from_waker(&waker);
    assert!(one.poll_room(&context).is_pending() && one.poll_room(&context).is_pending());
    drop(held);
    assert_eq!((one.room(), woken.0.load(Ordering::Relaxed)), (Some(Room::Much), 1));
}

#[test]
fn past_the_limit_of_all_each_connection_has_little_room() {
    let budget = Arc::new(Budget::new(10));
    let (one, other) = (stream(&session(&budget)), stream(&session(&budget)));
    other.keeps(0, 5);
    let held = one.hold(Bytes::from_static(b"0123456789"));
    assert_eq!((one.room(), other.room()), (None, Some(Room::Little)));
    drop(held);
    assert_eq!((one.room(), other.room()), (Some(Room::Much), Some(Room::Much)));
}

#[test]
fn what_is_counted_is_bytes_and_something_for_each_piece() {
    let budget = Arc::new(Budget::new(2 * A_PIECE + 100));
    let (one, other) = (stream(&session(&budget)), stream(&session(&budget)));
    let pieces = [one.hold(Bytes::new()), one.hold(Bytes::from(vec![0; 99]))];
    assert_eq!(other.room(), Some(Room::Much));
    one.keeps(0, 1);
    assert_eq!((one.room(), other.room()), (None, Some(Room::Little)));
    one.keeps(1, 0);
    assert_eq!(other.room(), Some(Room::Much));
    drop(pieces);
    assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    let session = session(&Arc::new(Budget::new(usize::MAX)));
    let (one, other) = (stream(&session), stream(&session));
    one.keeps(0, 1_048_575);
    assert_eq!(other.room(), Some(Room::Much));
    one.keeps(1_048_575, 1_048_576);
    assert_eq!(other.room(), Some(Room::Little));
    assert_eq!([Room::Much, Room::Little].map(Room::limit), [usize::MAX, 8192]);
}

#[test]
fn a_client_earns_with_each_piece_and_with_every_256_bytes_of_it() {
    let session = session(&Arc::new(Budget::new(usize::MAX)));
    let stream = stream(&session);
    for (bytes, earned) in [(0, 16), (255, 16), (256, 17), (2560, 26)] {
        drop(stream.hold(Bytes::from(vec![0; bytes])));
        assert_eq!((session.take_earned(), session.take_earned()), (earned, 0), "{bytes}");
    }
}

#[test]
fn a_piece_that_is_taken_is_progress_of_its_connection() {
    clock::tick();
    for take in [|held: &mut Held| held.advance(1), |held: &mut Held| drop(held.copy_to_bytes(1))] {
        let operation = Arc::new(Operation::since_then(Phase::Http2, 0));
        let session = Arc::new(Session::new(operation.clone(), Arc::new(Budget::new(1))));
        // The beginning of the first request would be progress, too.
        session.streams.store(1, Ordering::Relaxed);
        let mut held = stream(&session).hold(Bytes::from_static(b"two"));
        assert_eq!(operation.since(), 0);
        take(&mut held);
        assert!(operation.since() > 0);
        assert_eq!((held.chunk(), held.remaining()), (&b"wo"[..], 2));
    }
}
