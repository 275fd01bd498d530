//! What the command does when it is run, seen from outside.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod command;
mod inject;
mod inject_flags;
mod inject_json;
mod inject_said;
mod input;
mod probe;
mod probe_flags;
mod recorder;
mod sample;
mod terminal;
