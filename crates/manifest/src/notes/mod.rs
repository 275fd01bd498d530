//! What is said to whoever reads the output: notes, each with its rule's name, its place, and what it asks of the reader.
//!
//! ```text
//!  origin ──▶ note ──▶ group
//!  rule ───────┘
//! ```

mod group;
mod note;
mod origin;
mod rule;

pub use group::{Group, grouped, in_order};
pub use note::{Note, Words};
pub use origin::{Origin, Spot};
pub use rule::{Rule, Urgency};

#[cfg(test)]
mod tests;
