//! The sweep: a few times a second, whatever waits for too long is ended.
//!
//! It is the only timer of the data path. What it decides is written into the [`Operation`]s.

use std::sync::Arc;
use std::time::Duration;

use crate::clock;
use crate::config::Limits;
use crate::operation::{Operation, Phase};
use crate::shared::Shared;
use crate::verdict::Verdict;

/// After the drain began, an idle client connection is left open this long: a request that is already on its way
/// is still answered, with `Connection: close`.
const IDLE_GRACE_MS: u64 = 100;

/// A client connection that was idle this long gives up its buffers. Those who ask often keep them.
const PARK_AFTER_MS: u64 = 250;

/// Sweeps until the runtime ends.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        sweep(&shared, clock::tick());
        shared.swept.notify_waiters();
        clock::sleep(clock::TICK).await;
    }
}

fn sweep(shared: &Shared, now: u64) {
    shared.pool.sweep(now);
    let (limits, draining_since) = (&shared.config.limits, shared.draining_since());
    let grace = clock::millis(shared.config.websocket_grace);
    shared.registry.each(|operation| {
        operation.enforce_cut();
        if operation.phase() == Phase::Room {
            operation.wake();
        }
        let since = operation.since();
        match decide(operation, limits, draining_since, grace, now) {
            Fate::GoOn => {}
            Fate::Judge(verdict) => operation.judge(verdict, since),
            Fate::End => operation.abort(),
        }
    });
}

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    GoOn,
    Judge(Verdict),
    End,
}

fn decide(operation: &Operation, limits: &Limits, draining_since: Option<u64>, grace: u64, now: u64) -> Fate {
    let waited = now.saturating_sub(operation.since());
    let over = |limit: Duration| waited > clock::millis(limit);
    let blocked_since = operation.blocked_since();
    if blocked_since > 0 && now.saturating_sub(blocked_since) > clock::millis(limits.body) {
        return Fate::End;
    }
    if operation.head_since() > 0 && now.saturating_sub(operation.head_since()) > clock::millis(limits.head) {
        return Fate::End;
    }
    if operation.verdict() == Verdict::Cut {
        return Fate::GoOn;
    }
    match operation.phase() {
        Phase::Idle | Phase::Parked => {
            let grace_over = |since: u64| now.saturating_sub(since) > IDLE_GRACE_MS;
            let drained = draining_since.is_some_and(|since| grace_over(since.max(operation.since())));
            if drained || over(limits.idle) {
                Fate::Judge(Verdict::GoAway)
            } else if operation.phase() == Phase::Idle && waited > PARK_AFTER_MS {
                Fate::Judge(Verdict::Park)
            } else {
                Fate::GoOn
            }
        }
        // An HTTP/2 client that was told to go takes about one round trip.
        Phase::Head | Phase::Http2Leaving if over(limits.head) => Fate::End,
        Phase::ClientBody if over(limits.body) => Fate::Judge(Verdict::BodyTimeout),
        Phase::Answer if limits.answer.is_some_and(over) => Fate::Judge(Verdict::AnswerTimeout),
        // HTTP/2: its client reads other streams, but not this one.
        Phase::Client | Phase::Flush if over(limits.body) => Fate::End,
        // GOAWAY: a request that is on its way is still answered.
        Phase::Http2Idle if over(limits.idle) => Fate::Judge(Verdict::GoAway),
        Phase::Upgraded => {
            let leaving = [operation.withdrawn_since(), draining_since].into_iter().flatten().min();
            let due = leaving.is_some_and(|since| now.saturating_sub(since) >= grace);
            if due { Fate::Judge(Verdict::GoAway) } else { Fate::GoOn }
        }
        _ => Fate::GoOn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(phase: Phase, waited: u64, draining_since: Option<u64>) -> Fate {
        let limits = Limits {
            answer: Some(Duration::from_secs(3)),
            body: Duration::from_secs(2),
            head: Duration::from_secs(1),
            idle: Duration::from_secs(4),
            ..Limits::default()
        };
        let operation = Operation::since_then(phase, 10_000);
        let now = operation.since() + waited;
        decide(&operation, &limits, draining_since.map(|ago| now - ago), 500, now)
    }

    #[test]
    fn each_phase_has_its_own_limit() {
        for (phase, limit, fate_after) in [
            (Phase::Idle, PARK_AFTER_MS, Fate::Judge(Verdict::Park)),
            (Phase::Parked, 4000, Fate::Judge(Verdict::GoAway)),
            (Phase::Http2Idle, 4000, Fate::Judge(Verdict::GoAway)),
            (Phase::Head, 1000, Fate::End),
            (Phase::Http2Leaving, 1000, Fate::End),
            (Phase::ClientBody, 2000, Fate::Judge(Verdict::BodyTimeout)),
            (Phase::Answer, 3000, Fate::Judge(Verdict::AnswerTimeout)),
            (Phase::Client, 2000, Fate::End),
            (Phase::Flush, 2000, Fate::End),
        ] {
            assert_eq!(fate(phase, limit, None), Fate::GoOn, "{phase:?}");
            assert_eq!(fate(phase, limit + 1, None), fate_after, "{phase:?}");
        }
        for phase in
            [Phase::AnswerBody, Phase::Connect, Phase::Upgraded, Phase::HandedOver, Phase::Http2, Phase::Room]
        {
            assert_eq!(fate(phase, 1_000_000, None), Fate::GoOn, "{phase:?} has no limit of its own");
        }
    }

    #[test]
    fn a_drain_closes_idle_connections_and_lets_the_busy_finish() {
        assert_eq!(fate(Phase::Idle, 3000, Some(IDLE_GRACE_MS + 1)), Fate::Judge(Verdict::GoAway));
        assert_eq!(fate(Phase::Parked, 3000, Some(IDLE_GRACE_MS)), Fate::GoOn);
        assert_eq!(fate(Phase::Idle, 0, Some(3000)), Fate::GoOn, "it has just finished a request");
        assert_eq!(fate(Phase::Answer, 2000, Some(3000)), Fate::GoOn);
        assert_eq!(fate(Phase::Upgraded, 9000, Some(499)), Fate::GoOn);
        assert_eq!(fate(Phase::Upgraded, 9000, Some(500)), Fate::Judge(Verdict::GoAway));
    }

    #[test]
    fn a_head_of_http_2_has_its_limit_beside_other_requests() {
        clock::tick();
        let operation = Operation::new(Phase::Http2);
        operation.in_head(true);
        let (limits, since) = (Limits::default(), operation.head_since());
        let limit = clock::millis(limits.head);
        assert_eq!(decide(&operation, &limits, None, 0, since + limit), Fate::GoOn);
        assert_eq!(decide(&operation, &limits, None, 0, since + limit + 1), Fate::End);
        operation.in_head(false);
        assert_eq!(decide(&operation, &limits, None, 0, since + limit + 1), Fate::GoOn);
    }

    #[test]
    fn a_client_that_takes_no_bytes_is_ended_whatever_it_waits_for() {
        clock::tick();
        let operation = Operation::new(Phase::AnswerBody);
        operation.blocked();
        let limits = Limits { body: Duration::from_secs(2), ..Limits::default() };
        let since = operation.blocked_since();
        assert_eq!(decide(&operation, &limits, None, 0, since + 2000), Fate::GoOn);
        assert_eq!(decide(&operation, &limits, None, 0, since + 2001), Fate::End);
        operation.unblocked();
        assert_eq!(decide(&operation, &limits, None, 0, since + 2001), Fate::GoOn);
    }
}
