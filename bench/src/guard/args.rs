//! What to measure of the guard.

use serde::Serialize;

use super::front::Front;

/// What to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Request {
    /// GET.
    Get,
    /// POST of as many bytes as are answered.
    Post,
}

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rounds of each; the median counts
    #[arg(long, default_value_t = 5)]
    pub(super) rounds: usize,
    /// Seconds of load in each round
    #[arg(long, default_value_t = 5)]
    pub(super) seconds: u64,
    /// Requests per second
    #[arg(long, default_value_t = 2000.0)]
    pub(super) rate: f64,
    /// Kept client connections, taken in turn
    #[arg(long, default_value_t = 64)]
    pub(super) connections: usize,
    /// Client connections at rest over which memory is measured; 0: not at all
    #[arg(long, default_value_t = 10_000)]
    pub(super) idle: usize,
    /// Starts of the agent over which the time to be ready is measured; 0: not at all
    #[arg(long, default_value_t = 20)]
    pub(super) starts: usize,
    /// What to send
    #[arg(long, value_delimiter = ',', default_value = "get,post")]
    pub(super) requests: Vec<Request>,
    /// Only these in front; `splice` is HAProxy in TCP mode, the cost of one more process on the way
    #[arg(long, value_delimiter = ',', default_value = "nothing,guard,envoy")]
    pub(super) only: Vec<Front>,
    /// Measure right here: others' sockets are seen by the agent too
    #[arg(long)]
    pub(super) here: bool,
    /// Machine-readable result on stdout
    #[arg(short, value_parser = ["text", "json"], default_value = "text")]
    pub(super) output: String,
}
