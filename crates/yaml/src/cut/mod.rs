//! Parts of a stream that are read by themselves, so that a change of one costs no reading of the others.

mod document;
mod items;

pub(crate) use document::in_stream;
pub use items::Items;
