//! What a run showed, as numbers that can be kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::agents::LastPicture;
use super::client::Client;
use super::ledger::Ledger;
use super::setup::Setup;

/// The result of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What was deployed.
    pub setup: Setup,
    /// Every client's ledger.
    pub ledgers: Vec<Ledger>,
    /// Every pod that went.
    pub removals: Vec<Removal>,
    /// How long every pod took from its creation until it was ready, in seconds.
    pub starts: Vec<f64>,
    /// Every rollout.
    pub rollouts: Vec<Rollout>,
    /// How often the scraper was answered.
    pub scraped: u64,
    /// How long there was load, in seconds.
    pub seconds: f64,
}

/// A pod's way out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Removal {
    /// Its name.
    pub pod: String,
    /// When it was deleted, in seconds since 1970.
    pub deleted: f64,
    /// From then until it was gone, in seconds.
    pub seconds: f64,
    /// What its agent said last; `None` for recipes without one.
    pub agent: Option<LastPicture>,
}

/// One `kubectl rollout restart`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// Until `kubectl rollout status` said that it was done, in seconds.
    pub done: f64,
    /// Until the last old pod was gone, in seconds.
    pub gone: f64,
}

/// All ledgers of one kind of client together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Total {
    /// Requests.
    pub requests: u64,
    /// Of those: dropped.
    pub dropped: u64,
    /// Drops by kind.
    pub drops: BTreeMap<String, u64>,
}

impl Outcome {
    /// Why the run shows nothing, where a probe says so of itself.
    pub fn invalid(&self) -> Option<String> {
        self.ledgers.iter().find_map(|ledger| {
            let why = ledger.invalid.as_ref()?;
            Some(format!("{} from {}: {why}", ledger.client.name(), ledger.place))
        })
    }

    /// One kind of client.
    pub fn client(&self, client: Client) -> Total {
        self.total(|ledger| ledger.client == client)
    }

    /// All clients.
    pub fn all(&self) -> Total {
        self.total(|_| true)
    }

    /// Requests per second, all clients together.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    pub fn rate(&self) -> f64 {
        self.all().requests as f64 / self.seconds
    }

    /// One of the guards' counters, of all pods that went; `None` without a guard.
    pub fn counter(&self, name: &str) -> Option<u64> {
        self.removals.iter().map(|removal| removal.agent.as_ref()?.count(name)).sum()
    }

    /// How the drains ended, and how many did so.
    pub fn reasons(&self) -> BTreeMap<&str, usize> {
        let mut reasons = BTreeMap::new();
        for agent in self.removals.iter().filter_map(|removal| removal.agent.as_ref()) {
            *reasons.entry(agent.reason.as_str()).or_default() += 1;
        }
        reasons
    }

    fn total(&self, which: impl Fn(&Ledger) -> bool) -> Total {
        let mut total = Total::default();
        for ledger in self.ledgers.iter().filter(|ledger| which(ledger)) {
            total.requests += ledger.requests;
            total.dropped += ledger.dropped;
            for (kind, count) in &ledger.drops {
                *total.drops.entry(kind.clone()).or_default() += count;
            }
        }
        total
    }
}
