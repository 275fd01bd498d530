//! From bytes to trees: the parser's events, joined with the places that the parser does not tell.
//!
//! ```text
//!  documents ──▶ the text as it is, else normalised, else divided into parts of JSON
//!      └──▶ builder: the parser's events + trivia ──▶ tree ──▶ find: where a pointer leads
//!                └── scalar, resolve: what a text says           broken, helm: why it cannot be read
//! ```

mod broken;
mod builder;
mod documents;
mod find;
mod helm;
mod json;
mod normalise;
mod part;
mod refused;
mod resolve;
mod scalar;
mod tree;
mod trivia;

pub(crate) use documents::documents;
pub(crate) use find::Found;
pub(crate) use json::is_json;
pub use json::parts;
pub(crate) use resolve::is_text_to_all;
pub(crate) use tree::{Entry, Kind, Node, NodeId, Tree};
