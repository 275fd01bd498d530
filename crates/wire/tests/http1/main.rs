//! HTTP/1 framing: single cases, every split, shapes of request smuggling, and hyper as an oracle.

#![expect(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod answers;
mod close;
mod events;
mod messages;
mod oracle;
mod requests;
mod smuggling;
mod splits;

use proptest::prelude::ProptestConfig;

/// `CASES=100000 cargo test -p segue-wire` looks longer.
fn config() -> ProptestConfig {
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(512);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}
