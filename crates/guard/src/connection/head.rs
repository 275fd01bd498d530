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
