//! How large and how long the demo is.

use std::time::Duration;

/// The same for all recipes of a run.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Instances that serve; one more may run during an upgrade, never two.
    pub(crate) replicas: usize,
    /// How long an instance takes to start.
    pub(crate) start_delay: Duration,
    /// The fixed sleep of the recipe that has one.
    pub(crate) sleep: Duration,
    /// How often the load balancer of the first three recipes looks, and how many failures it takes to believe it.
    pub(crate) check_interval: Duration,
    pub(crate) checks_to_leave: u32,
    /// Load before the upgrade and after it.
    pub(crate) before: Duration,
    pub(crate) after: Duration,
    /// How long a streamed answer lasts: longer than the fixed sleep.
    pub(crate) stream: Duration,
    /// Requests per second, about; the long ones come on top.
    pub(crate) rate: f64,
}

impl Settings {
    /// What `segue demo` runs.
    pub(crate) fn full() -> Self {
        Self {
            replicas: 3,
            start_delay: Duration::from_millis(500),
            sleep: Duration::from_secs(5),
            check_interval: Duration::from_secs(1),
            checks_to_leave: 2,
            before: Duration::from_millis(1500),
            after: Duration::from_secs(1),
            stream: Duration::from_secs(7),
            rate: 1000.0,
        }
    }

    /// The same four upgrades in a third of the time and under less load, for continuous integration.
    pub(crate) fn quick() -> Self {
        Self {
            replicas: 2,
            start_delay: Duration::from_millis(200),
            sleep: Duration::from_secs(2),
            check_interval: Duration::from_millis(400),
            before: Duration::from_secs(1),
            stream: Duration::from_millis(2500),
            rate: 200.0,
            ..Self::full()
        }
    }

    /// The same under this share of the load.
    pub(crate) fn with_share(&self, share: f64) -> Self {
        Self { rate: self.rate * share, ..self.clone() }
    }
}
