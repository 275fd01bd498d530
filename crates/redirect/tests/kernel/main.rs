//! Against the kernel: in network namespaces that each test makes for itself. They take root, `ip`, `nft` and `unshare`.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod beside;
mod leads;
mod namespace;
mod served;
