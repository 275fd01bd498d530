//! How long the head of a request may take: the guard holds it back until it is whole, so the application can't time it
//! out.
//!
//! A head may take as long as the longest request, and 5 s at least. In a drain, one of which nothing comes holds nobody
//! up for longer than an idle connection does.

use std::pin::Pin;
use std::time::Duration;

use segue_core::Time;
use tokio::time::Sleep;

use crate::Settings;

/// How long a head may take at least, and how long nothing may come of it in a drain: two packets in a row that are lost
/// on the way are sent again within 3 s, and one within 1 s.
const AT_LEAST: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(1));

/// A head that has begun.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) began: Time,
    /// How much of it there is, and since when.
    pub(super) length: usize,
    pub(super) grew: Time,
    /// Until when the timer runs.
    pub(super) until: Time,
    pub(super) timer: Pin<Box<Sleep>>,
}

impl Head {
    /// When it is waited for no longer.
    pub(super) fn deadline(&self, settings: &Settings, announced: Option<Time>) -> Time {
        let (whole, silent) = AT_LEAST;
        let whole = self.began + settings.longest_request.max(whole);
        let silent = settings.linger.max(silent);
        announced.map_or(whole, |announced| whole.min(self.grew.max(announced) + silent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::support::settings;

    #[tokio::test]
    async fn a_head_has_its_time_and_in_a_drain_only_while_something_comes() {
        let seconds = |seconds: u64| Time::from_millis(seconds * 1000);
        let deadline = |longest: u64, linger: u64, grew: u64, announced: Option<u64>| {
            let mut settings = settings(1);
            settings.longest_request = Duration::from_secs(longest);
            settings.linger = Duration::from_secs(linger);
            let timer = Box::pin(clock::sleep(Duration::ZERO));
            let head = Head { began: seconds(100), length: 1, grew: seconds(grew), until: seconds(0), timer };
            head.deadline(&settings, announced.map(seconds))
        };
        for (longest, linger, grew, announced, expected) in [
            (60, 5, 100, None, 160),
            (60, 5, 150, None, 160),
            (2, 5, 100, None, 105),
            (60, 5, 100, Some(110), 115),
            (60, 5, 112, Some(110), 117),
            (60, 0, 112, Some(110), 113),
            (60, 5, 158, Some(110), 160),
            (60, 5, 100, Some(90), 105),
        ] {
            let found = deadline(longest, linger, grew, announced);
            assert_eq!(found, seconds(expected), "{longest} {linger} {grew} {announced:?}");
        }
    }
}
