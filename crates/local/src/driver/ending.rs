//! How the whole service is taken down: first the clients are let go, then the instances end, then it is noted.

use std::time::Duration;

use jiff::Timestamp;
use segue_core::Time;

use super::ended::{cut_on, millis};
use super::fleet::Fleet;
use super::records::Records;
use crate::clock;
use crate::history::{Cut, Ended, Entry, What, Who};
use crate::state::nothing_of;

/// How long a keeper may take to end what its instance left behind.
const KEEPERS: Duration = Duration::from_secs(30);

/// How far `down` is.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) by: Who,
    at: Timestamp,
    began: Time,
    /// Whether the proxy has let its last client go.
    pub(super) front_drained: bool,
    /// What the proxy cut.
    pub(super) cut: u64,
    forced: u32,
    /// What was cut because somebody did not want to wait.
    cut_by_force: Vec<Cut>,
}

// === impl Ending ===

impl Ending {
    pub(super) fn new(by: Who, now: Time) -> Self {
        Self {
            by,
            at: clock::wall(),
            began: now,
            front_drained: false,
            cut: 0,
            forced: 0,
            cut_by_force: Vec::new(),
        }
    }

    /// Somebody does not want to wait any longer; answers whether for the second time.
    pub(super) fn force(&mut self) -> bool {
        self.forced += 1;
        self.forced > 1
    }

    /// What that cut.
    pub(super) fn cut_by_force(&mut self, cut: Vec<Cut>) {
        merge(&mut self.cut_by_force, cut);
    }

    /// The proxy has let its last client go, after it cut so many requests: the instances may end.
    pub(super) fn front_drained(&mut self, cut: u64, records: &mut Records, now: Time) {
        self.front_drained = true;
        self.cut = cut;
        if let Some(work) = &mut records.state.work {
            let goal = nothing_of(work.rollout.goal());
            work.rollout = work.rollout.clone().turn(goal, None, now);
        }
    }

    /// Nothing runs any more: waits for the keepers, which end what instances left behind, and notes the end; answers how
    /// many requests it cut.
    pub(super) async fn finish(self, records: &mut Records, fleet: &mut Fleet, now: Time) -> u64 {
        let Some(work) = records.state.work.take() else { return 0 };
        let mut cut_on = cut_on(work.rollout.drained());
        merge(&mut cut_on, self.cut_by_force);
        let version = records.state.label(&work.current);
        records.keepers_end(now + KEEPERS).await;
        fleet.clear();
        records.remove_old_folders(fleet);
        records.state.instances.clear();
        records.persist();
        if self.cut > 0 {
            cut_on.push(Cut { instance: "proxy".to_owned(), requests: self.cut });
        }
        let cut = cut_on.iter().map(|cut| cut.requests).sum();
        records.append(&Entry {
            at: self.at,
            what: What::Down,
            by: self.by,
            from: Some(version),
            to: None,
            revision: None,
            ended: Ended::Reached,
            why: None,
            cut,
            cut_on,
            took_ms: millis(clock::now().since(self.began)),
        });
        tracing::info!(cut, "{} is down", records.name());
        cut
    }
}

/// What is cut takes no new requests. So of two counts on one instance the larger one has all, and the other some of them again.
fn merge(all: &mut Vec<Cut>, more: Vec<Cut>) {
    for cut in more {
        match all.iter_mut().find(|known| known.instance == cut.instance) {
            Some(known) => known.requests = known.requests.max(cut.requests),
            None => all.push(cut),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_on_an_instance_is_counted_once() {
        let cut = |instance: &str, requests| Cut { instance: instance.to_owned(), requests };
        let mut all = vec![cut("web-1", 3)];
        merge(&mut all, vec![cut("web-1", 2), cut("web-2", 1), cut("web-2", 4)]);
        assert_eq!(all, [cut("web-1", 3), cut("web-2", 4)]);
    }
}
