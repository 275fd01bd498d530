//! The agent from outside: the binary as sidecar and as hook, in folders of the test's own, on loopback.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod documented;
mod drains;
mod flooded;
mod hooks;
mod redirected;
mod replaced;
mod starts;
mod support;
