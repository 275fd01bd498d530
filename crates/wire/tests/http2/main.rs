//! HTTP/2 framing: single cases, every split, and a real h2 client and server whose bytes are looked at on their way.

#![expect(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod frames;
mod peers;
mod splits;
mod streams;
mod tap;

use proptest::prelude::ProptestConfig;

/// `CASES=100000 cargo test -p segue-wire` looks longer.
fn config() -> ProptestConfig {
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// One frame's bytes.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let [s0, s1, s2, s3] = stream.to_be_bytes();
    [&[length[1], length[2], length[3], kind, flags, s0, s1, s2, s3], payload].concat()
}
