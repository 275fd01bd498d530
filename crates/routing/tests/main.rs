//! Routers and a pod's life together: the laws hold whatever a router does.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod laws;
mod registry;
mod world;
