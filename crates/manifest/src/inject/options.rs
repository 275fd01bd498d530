//! What only the user can say, with the defaults of what was not said.

use std::time::Duration;

use crate::paths::Overrides;

/// What only the user can say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags of a command line")]
pub struct Options {
    /// Put the guard in front of the application's ports.
    pub guard: bool,
    /// Let the pods' own network lead to the guard what comes for the application (implies the guard).
    pub redirect: bool,
    /// The agent's image.
    pub agent_image: String,
    /// Bounds that replace defaults.
    pub bounds: Overrides,
    /// How long one request takes at most.
    pub longest_request: Duration,
    /// How long the application takes from its stop signal to its end.
    pub stop_time: Duration,
    /// Without the guard: how long a connection may be silent before it counts as idle.
    pub idle_after: Duration,
    /// How many connections the guard carries at most; it sizes the memory request.
    pub max_connections: u32,
    /// Leave the strategy, and say what that costs.
    pub keep_strategy: bool,
    /// Keep hooks that only sleep.
    pub keep_sleep: bool,
    /// Also send Services with a numeric targetPort to the guard: once every pod has it.
    pub second_step: bool,
    /// The cluster's version, where it is known.
    pub kubernetes: Option<(u32, u32)>,
}

impl Options {
    /// The image that is injected if no other is named: what `cargo xtask image` makes.
    pub const AGENT_IMAGE: &'static str = "segue-agent:dev";
    /// 30 s: Kubernetes' own grace period. No longer request outlives a rollout today, unless the grace was raised.
    pub const LONGEST_REQUEST: Duration = Duration::from_secs(30);
    /// 10 s, as `docker stop` grants.
    pub const STOP_TIME: Duration = Duration::from_secs(10);
    /// 5 s: what Node and uvicorn keep an idle connection for.
    pub const IDLE_AFTER: Duration = Duration::from_secs(5);
    /// 2,000 connections for each pod.
    pub const MAX_CONNECTIONS: u32 = 2000;
}

impl Default for Options {
    fn default() -> Self {
        Self {
            guard: false,
            redirect: false,
            agent_image: Self::AGENT_IMAGE.to_owned(),
            bounds: Overrides::default(),
            longest_request: Self::LONGEST_REQUEST,
            stop_time: Self::STOP_TIME,
            idle_after: Self::IDLE_AFTER,
            max_connections: Self::MAX_CONNECTIONS,
            keep_strategy: false,
            keep_sleep: false,
            second_step: false,
            kubernetes: None,
        }
    }
}
