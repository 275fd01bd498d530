//! The spec file: what one service runs and how it is upgraded.
//!
//! ```text
//! text ─tree─▶ every node with its place ─shape─▶ keys and kinds as the schema has them ─validate─▶ Spec
//! ```
//! The schema that `segue schema` prints is the one that the text is held to: there is no second list of keys.

mod at;
mod command;
mod decode;
mod env_file;
mod load;
mod raw;
mod schema;
mod shape;
pub mod size;
mod suggest;
mod surroundings;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod types;
mod user;
mod validate;

pub use load::Loaded;
pub use schema::schema;
pub use types::{Check, Command, Limits, Ready, Spec, Stop, Strategy, Tls};
