//! From bytes to trees: the parser's events, joined with the places that the parser does not tell.

mod between;
mod build;
mod documents;
mod find;
mod helm;
mod resolve;
mod sequence;
mod shadow;
mod tree;

pub(super) use documents::documents;
pub(super) use find::Found;
pub(super) use resolve::is_text_to_all;
pub(crate) use sequence::parts;
pub(super) use tree::{Entry, Kind, Node, NodeId, Tree};
