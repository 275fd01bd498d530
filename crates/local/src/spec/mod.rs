//! The spec file: what one service runs and how it is upgraded.
//!
//! ```text
//! text ─tree─▶ every node with its place ─shape─▶ keys and kinds as the schema has them ─validate─▶ Spec
//! ```
//! The schema that `segue schema` prints is the one that the text is held to: there is no second list of keys.

mod command;
pub mod duration;
pub mod size;
mod types;

pub use types::{Check, Command, Limits, LogLimits, Ready, Spec, Stop, Strategy, Tls, User};
