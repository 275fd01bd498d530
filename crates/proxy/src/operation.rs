//! What is under way, where a sweep can see it: one [`Operation`] per HTTP/1 connection (used again by each of its
//! requests), per HTTP/2 request and per upgraded connection.
//!
//! Timeouts and cuts need no timer per request: a request writes down what it waits for and since when, and the
//! sweep, a few times a second, ends what waits for too long. First softly (a verdict that the request reads when
//! it is woken, so that it can still answer), then, if it cannot hear that because it is blocked on its client, by
//! ending its task.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Waker};

use parking_lot::Mutex;
use tokio::task::AbortHandle;

use crate::clock;
use crate::instance::Instance;
use crate::verdict::{VERDICTS, Verdict};

/// What an operation waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// The client's first or next request, with nothing held ready for it.
    Parked,
    /// The client's next request, with hyper's buffers held ready.
    Idle,
    /// The rest of a request's head (or of a TLS handshake).
    Head,
    /// A connection to an instance.
    Connect,
    /// The client's body.
    ClientBody,
    /// The instance's answer.
    Answer,
    /// The rest of the instance's answer.
    AnswerBody,
    /// The client to take what the instance sent.
    Client,
    /// The last bytes of an answer to leave for the client.
    Flush,
    /// Nothing: an upgraded connection.
    Upgraded,
    /// Nothing: the client connection below an upgraded one, which is an operation of its own.
    HandedOver,
    /// Nothing: an HTTP/2 connection, whose requests are operations of their own.
    Http2,
    /// The first or next request of an HTTP/2 connection.
    Http2Idle,
    /// The end of an HTTP/2 connection that has no request and was told to go.
    Http2Leaving,
    /// Other answers of the same HTTP/2 client to be taken: it has left too much of them.
    Room,
}

impl Phase {
    /// Whether it is that of an HTTP/2 connection.
    pub(crate) fn is_http2(self) -> bool {
        matches!(self, Phase::Http2 | Phase::Http2Idle | Phase::Http2Leaving)
    }
}

const PHASES: [Phase; 15] = [
    Phase::Parked,
    Phase::Idle,
    Phase::Head,
    Phase::Connect,
    Phase::ClientBody,
    Phase::Answer,
    Phase::AnswerBody,
    Phase::Client,
    Phase::Flush,
    Phase::Upgraded,
    Phase::HandedOver,
    Phase::Http2,
    Phase::Http2Idle,
    Phase::Http2Leaving,
    Phase::Room,
];

/// One thing under way.
#[derive(Debug)]
pub(crate) struct Operation {
    phase: AtomicU8,
    since: AtomicU64,
    verdict: AtomicU8,
    /// Since when the client's socket takes no more bytes, 0 if it does.
    blocked_since: AtomicU64,
    /// Since when an HTTP/2 client has been sending a head, 0 if it has not.
    head_since: AtomicU64,
    /// The key of the instance whose request this is, 0 for none.
    instance: AtomicU64,
    /// What [`Operation::since`] was when the verdict was found. Should it have moved on, the verdict came too late:
    /// it is about a wait that is over.
    judged_since: AtomicU64,
    /// Which instance was cut when the verdict is [`Verdict::Cut`]; 0 if it is about this operation, wherever it is.
    cut_of: AtomicU64,
    /// Whether the sweep has seen the cut once: at the second time the task is ended.
    warned: AtomicBool,
    /// The task never changes, so its waker is kept once.
    waker: OnceLock<Waker>,
    task: Mutex<Option<AbortHandle>>,
    /// The instance of an upgraded connection.
    tunnel_of: OnceLock<Arc<Instance>>,
}

impl Operation {
    pub(crate) fn new(phase: Phase) -> Operation {
        Operation::since_then(phase, clock::coarse())
    }

    pub(crate) fn since_then(phase: Phase, since: u64) -> Operation {
        Operation {
            phase: AtomicU8::new(phase as u8),
            since: AtomicU64::new(since),
            verdict: AtomicU8::new(0),
            blocked_since: AtomicU64::new(0),
            head_since: AtomicU64::new(0),
            instance: AtomicU64::new(0),
            judged_since: AtomicU64::new(0),
            cut_of: AtomicU64::new(0),
            warned: AtomicBool::new(false),
            waker: OnceLock::new(),
            task: Mutex::default(),
            tunnel_of: OnceLock::new(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Acquire))]
    }

    pub(crate) fn since(&self) -> u64 {
        self.since.load(Ordering::Relaxed)
    }

    /// Something new is waited for, or the same thing made progress.
    pub(crate) fn enter(&self, phase: Phase) {
        self.since.store(clock::coarse(), Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// What is waited for made progress.
    pub(crate) fn progressed(&self) {
        self.since.store(clock::coarse(), Ordering::Relaxed);
    }

    /// As [`Operation::enter`], but waiting on for the same thing is no progress.
    pub(crate) fn wait_for(&self, phase: Phase) {
        if self.phase.load(Ordering::Relaxed) != phase as u8 {
            self.enter(phase);
        }
    }

    /// Idle still, but with nothing held ready.
    pub(crate) fn park(&self) {
        self.forgive();
        self.phase.store(Phase::Parked as u8, Ordering::Release);
    }

    /// Whether the client's next request has not begun.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.phase(), Phase::Idle | Phase::Parked)
    }

    pub(crate) fn begin(&self) {
        self.forgive();
        self.enter(Phase::Connect);
    }

    pub(crate) fn on_instance(&self, key: u64) {
        self.instance.store(key, Ordering::Release);
    }

    pub(crate) fn instance(&self) -> u64 {
        self.instance.load(Ordering::Acquire)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match VERDICTS[usize::from(self.verdict.load(Ordering::Acquire))] {
            // It was about an instance that this operation has left since.
            Verdict::Cut if ![0, self.instance()].contains(&self.cut_of.load(Ordering::Acquire)) => {
                Verdict::None
            }
            Verdict::Cut => Verdict::Cut,
            _ if self.judged_since.load(Ordering::Acquire) != self.since() => Verdict::None,
            verdict => verdict,
        }
    }

    /// Takes a verdict back.
    pub(crate) fn forgive(&self) {
        self.warned.store(false, Ordering::Relaxed);
        self.verdict.store(Verdict::None as u8, Ordering::Relaxed);
    }

    /// Judges this operation to be cut as long as it is on that instance (0: wherever).
    pub(crate) fn cut(&self, instance: u64) {
        self.cut_of.store(instance, Ordering::Release);
        self.pass(Verdict::Cut);
    }

    /// Ends the task if its cut was seen here before.
    pub(crate) fn enforce_cut(&self) {
        if self.verdict() == Verdict::Cut && self.warned.swap(true, Ordering::Relaxed) {
            self.abort();
        }
    }

    /// The verdict, leaving this task to be woken when it changes.
    pub(crate) fn poll_verdict(&self, context: &Context<'_>) -> Verdict {
        let waker = self.waker.get_or_init(|| context.waker().clone());
        debug_assert!(waker.will_wake(context.waker()), "an operation stays with its task");
        self.verdict()
    }

    /// Judges what has been waited for since then.
    pub(crate) fn judge(&self, verdict: Verdict, since: u64) {
        self.judged_since.store(since, Ordering::Release);
        self.pass(verdict);
    }

    fn pass(&self, verdict: Verdict) {
        self.verdict.store(verdict as u8, Ordering::Release);
        self.wake();
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    pub(crate) fn carried_by(&self, task: AbortHandle) {
        *self.task.lock() = Some(task);
    }

    pub(crate) fn is_tunnel_of(&self, instance: &Arc<Instance>) {
        let _ = self.tunnel_of.set(instance.clone());
    }

    /// Since when the instance of this upgraded connection takes no more requests.
    pub(crate) fn withdrawn_since(&self) -> Option<u64> {
        let since = self.tunnel_of.get()?.withdrawn_at.load(Ordering::Relaxed);
        Some(since).filter(|since| *since > 0)
    }

    /// Ends the task that carries this operation.
    pub(crate) fn abort(&self) {
        if let Some(task) = &*self.task.lock() {
            task.abort();
        }
    }

    /// The client's socket took no bytes.
    pub(crate) fn blocked(&self) {
        if self.blocked_since.load(Ordering::Relaxed) == 0 {
            self.blocked_since.store(clock::coarse().max(1), Ordering::Relaxed);
        }
    }

    /// The client's socket took bytes.
    pub(crate) fn unblocked(&self) {
        if self.blocked_since.load(Ordering::Relaxed) != 0 {
            self.blocked_since.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn blocked_since(&self) -> u64 {
        self.blocked_since.load(Ordering::Relaxed)
    }

    /// Whether an HTTP/2 client is sending a head.
    pub(crate) fn in_head(&self, in_head: bool) {
        if !in_head {
            self.head_since.store(0, Ordering::Relaxed);
        } else if self.head_since() == 0 {
            self.head_since.store(clock::coarse().max(1), Ordering::Relaxed);
        }
    }

    pub(crate) fn head_since(&self) -> u64 {
        self.head_since.load(Ordering::Relaxed)
    }

    /// Whether it is a client connection that could be closed for another one.
    pub(crate) fn may_make_room(&self) -> bool {
        matches!(self.phase(), Phase::Parked | Phase::Idle | Phase::Http2Idle)
            && self.verdict() != Verdict::GoAway
            && self.head_since() == 0
    }

    /// Whether a request is under way.
    pub(crate) fn is_busy(&self) -> bool {
        !self.phase().is_http2()
            && !matches!(self.phase(), Phase::Parked | Phase::Idle | Phase::Head | Phase::HandedOver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_that_comes_after_the_wait_is_over_does_not_count() {
        let operation = Operation::since_then(Phase::Idle, 7);
        operation.judge(Verdict::Park, 7);
        assert_eq!(operation.verdict(), Verdict::Park);
        // The sweep looked at the idle connection; by the time it spoke, the next request had begun.
        let operation = Operation::since_then(Phase::Idle, 0);
        clock::tick();
        operation.begin();
        operation.judge(Verdict::BodyTimeout, 0);
        assert_eq!((operation.phase(), operation.verdict()), (Phase::Connect, Verdict::None));
    }

    #[test]
    fn a_phase_says_whether_a_request_is_under_way_and_whether_its_client_could_go() {
        let mut seen = (Vec::new(), Vec::new());
        for phase in PHASES {
            let operation = Operation::new(phase);
            assert_eq!(operation.phase(), phase);
            if operation.is_busy() {
                seen.0.push(phase);
            }
            if operation.may_make_room() {
                seen.1.push(phase);
                operation.judge(Verdict::Park, operation.since());
                assert!(operation.may_make_room());
                operation.judge(Verdict::GoAway, operation.since());
                assert!(!operation.may_make_room(), "it was told already");
            }
        }
        let busy = [
            Phase::Connect,
            Phase::ClientBody,
            Phase::Answer,
            Phase::AnswerBody,
            Phase::Client,
            Phase::Flush,
            Phase::Upgraded,
            Phase::Room,
        ];
        assert_eq!(seen, (busy.to_vec(), vec![Phase::Parked, Phase::Idle, Phase::Http2Idle]));
    }

    #[test]
    fn waiting_on_for_the_same_is_no_progress_and_parking_is_none() {
        clock::tick();
        let operation = Operation::since_then(Phase::Answer, 0);
        operation.wait_for(Phase::Answer);
        assert_eq!((operation.phase(), operation.since()), (Phase::Answer, 0));
        operation.wait_for(Phase::ClientBody);
        assert_eq!((operation.phase(), operation.since() > 0), (Phase::ClientBody, true));
        let operation = Operation::since_then(Phase::Idle, 0);
        operation.judge(Verdict::Park, 0);
        operation.park();
        assert_eq!(
            (operation.phase(), operation.since(), operation.verdict()),
            (Phase::Parked, 0, Verdict::None)
        );
    }

    #[tokio::test]
    async fn a_cut_task_is_ended_if_it_has_not_ended_by_the_second_look() {
        let operation = Operation::new(Phase::Answer);
        let task = tokio::spawn(std::future::pending::<()>());
        operation.carried_by(task.abort_handle());
        operation.enforce_cut();
        operation.enforce_cut();
        tokio::task::yield_now().await;
        assert!(!task.is_finished(), "it was not cut");
        operation.cut(0);
        operation.enforce_cut();
        tokio::task::yield_now().await;
        assert!(!task.is_finished(), "it may still answer");
        operation.enforce_cut();
        assert!(task.await.unwrap_err().is_cancelled());
    }

    #[test]
    fn what_lasts_is_counted_from_its_beginning() {
        clock::tick();
        let operation = Operation::new(Phase::Client);
        operation.blocked_since.store(1, Ordering::Relaxed);
        operation.blocked();
        operation.in_head(true);
        operation.head_since.store(1, Ordering::Relaxed);
        operation.in_head(true);
        assert_eq!((operation.blocked_since(), operation.head_since()), (1, 1));
        operation.unblocked();
        operation.in_head(false);
        assert_eq!((operation.blocked_since(), operation.head_since()), (0, 0));
    }

    #[test]
    fn a_cut_follows_the_instance_and_not_the_connection() {
        let operation = Operation::new(Phase::Answer);
        operation.on_instance(3);
        operation.cut(3);
        assert_eq!(operation.verdict(), Verdict::Cut);
        operation.begin();
        operation.on_instance(4);
        operation.cut(3);
        assert_eq!(operation.verdict(), Verdict::None, "it has left that instance");
        operation.cut(0);
        assert_eq!(operation.verdict(), Verdict::Cut, "this means it wherever it is");
    }
}
