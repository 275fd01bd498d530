//! From bytes to trees: the parser's events, joined with the places that the parser does not tell.

mod between;
mod build;
mod find;
mod helm;
mod resolve;
mod shadow;
mod tree;

pub(super) use build::documents;
pub(super) use find::Found;
pub(super) use resolve::is_text_to_all;
pub(super) use tree::{Entry, Kind, Node, NodeId, Tree};
