//! The rules against the laws: by cases, in random worlds, and in every small world.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]
#![allow(unreachable_pub, reason = "the modules of a test are its own")]

mod cases;
mod controlled;
mod drains;
mod exhaustive;
mod laws;
mod life;
mod paths;
mod pods;
mod rollouts;
mod scenario;
mod small;
mod world;
