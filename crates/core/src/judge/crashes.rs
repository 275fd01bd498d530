//! Who ended by itself, how often, and how long the next start is held back for that.

use super::joins::Join;
use crate::{Time, Version, Wait, Why};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The wait before the first restart; it doubles with each crash in a row.
const BACK_OFF_FIRST: Duration = Duration::from_millis(250);
/// The longest wait before a restart.
const BACK_OFF_MOST: Duration = Duration::from_secs(30);
/// Serving for this long makes earlier crashes forgotten.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// The crashes of every version.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Crashes(BTreeMap<Version, Counted>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Counted {
    in_a_row: u32,
    since_began: u32,
    last: Time,
}

impl Crashes {
    pub(super) fn count(&mut self, version: &Version, now: Time) {
        let crashes = self.0.entry(version.clone()).or_default();
        crashes.in_a_row += 1;
        crashes.since_began += 1;
        crashes.last = now;
    }

    /// Another rollout begins: the counts do too.
    pub(super) fn turn(&mut self) {
        for crashes in self.0.values_mut() {
            *crashes = Counted { since_began: 0, in_a_row: 0, ..*crashes };
        }
    }

    /// An instance that has served for long makes those before it forgotten.
    pub(super) fn outlived_by(&mut self, version: &Version, join: &Join, now: Time) {
        let stable = join.serving.is_some_and(|since| now.since(since) >= STABLE_AFTER);
        if let Some(crashes) = self.0.get_mut(version)
            && stable
            && join.first_seen >= crashes.last
        {
            crashes.in_a_row = 0;
        }
    }

    /// How many instances of a version ended by themselves since the rollout began.
    pub(super) fn since_began(&self, version: &Version) -> u32 {
        self.0.get(version).map_or(0, |crashes| crashes.since_began)
    }

    /// The wait before another instance of a version may be started, if it crashed.
    pub(super) fn back_off(&self, version: &Version, now: Time) -> Option<Wait> {
        let crashes = self.0.get(version).filter(|crashes| crashes.in_a_row > 0)?;
        let doubled = BACK_OFF_FIRST.saturating_mul(1 << (crashes.in_a_row - 1).min(16));
        let until = crashes.last + doubled.min(BACK_OFF_MOST);
        let why = Why::BackOff { crashes: crashes.in_a_row };
        (until > now).then_some(Wait { why, since: crashes.last, until: Some(until) })
    }
}
