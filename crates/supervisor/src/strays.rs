//! What an instance left in the background is ended, for whoever finds that it is not wanted.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::process::Signal;

use crate::clock;
use crate::instance::Instance;
use crate::keeper::background;
use crate::process::Handle;

/// How long they have between SIGTERM and SIGKILL.
const GRACE_MS: u64 = 2000;
/// Once there is none for so long, none comes.
const QUIET_MS: u64 = 2000;
/// What is still there after that can't be ended.
const LAST_MS: u64 = 30_000;
/// How often they are looked for.
const LOOK: Duration = Duration::from_millis(50);

/// How one is to be signalled now that was first asked then.
fn due(asked_ms: Option<u64>, now_ms: u64) -> Option<Signal> {
    match asked_ms {
        None => Some(Signal::TERM),
        Some(asked_ms) => (now_ms.saturating_sub(asked_ms) >= GRACE_MS).then_some(Signal::KILL),
    }
}

/// Ends what has left its process group, and what leaves it yet: a daemon forks more than once. Each is asked by SIGTERM
/// first, and looked at again before it is signalled.
pub async fn end(instance: &Instance) {
    let mut asked: BTreeMap<i32, u64> = BTreeMap::new();
    let last = clock::boottime_ms() + LAST_MS;
    let mut quiet = clock::boottime_ms() + QUIET_MS;
    while clock::boottime_ms() < quiet.min(last) {
        for stray in background::strays(instance.launch(), instance.main()).unwrap_or_default() {
            let now = clock::boottime_ms();
            quiet = now + QUIET_MS;
            let Some(signal) = due(asked.get(&stray.pid).copied(), now) else { continue };
            asked.entry(stray.pid).or_insert(now);
            let signalled =
                Handle::open(stray).and_then(|handle| handle.map_or(Ok(()), |it| it.signal(signal)));
            let id = instance.id();
            match signalled {
                Ok(()) => tracing::info!(pid = stray.pid, "{id}: what it left is ended"),
                Err(error) => tracing::warn!(pid = stray.pid, %error, "{id}: what it left cannot be ended"),
            }
        }
        clock::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_asked_to_end_first_and_made_to_only_after_the_grace() {
        let first = 1000;
        assert_eq!(due(None, first), Some(Signal::TERM));
        let after = |ms| due(Some(first), first + ms);
        assert_eq!(
            [after(0), after(1999), after(2000), after(9000)].map(|due| due == Some(Signal::KILL)),
            [false, false, true, true]
        );
        assert_eq!((after(0), after(1999)), (None, None));
    }
}
