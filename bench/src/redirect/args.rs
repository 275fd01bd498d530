//! What to measure of the redirect.

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rounds of each; the median counts
    #[arg(long, default_value_t = 7)]
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
    /// Client connections at rest of which the kernel's entries are counted
    #[arg(long, default_value_t = 10_000)]
    pub(super) idle: usize,
    /// Measure right here, in the namespace of the clients
    #[arg(long, hide = true)]
    pub(super) here: bool,
    /// Machine-readable result on stdout
    #[arg(short, value_parser = ["text", "json"], default_value = "text")]
    pub(super) output: String,
}
