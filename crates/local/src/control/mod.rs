//! The control socket: how other commands speak with `segue up`. Private to its owner.

pub mod client;
pub mod protocol;
pub mod server;

#[cfg(test)]
mod tests;
