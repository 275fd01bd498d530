//! A manifest's text: read with the place of every value, changed so that every other byte stays, and undone exactly.
//!
//! [`parse`] yields a [`Stream`] of documents. [`edit`] turns it into a new text by replacing ranges of bytes, and reads
//! the result again: what differs must be what was meant, else nothing is changed and the [`Refusal`] says why. Each edit
//! yields an [`Undo`], which serialises; [`undo`] takes edits back, also after others have edited the text.
//! Why the bytes are spliced by our own code stands in `docs/decisions/0006-yaml-is-edited-by-splices.md`.

mod complaint;
mod edit;
mod item;
mod part;
mod pointer;
mod read;
mod render;
mod stream;
mod style;
#[cfg(test)]
mod tests;
mod undo;
mod value;

pub use complaint::{Complaint, Refusal, Severity, TextError};
pub use edit::{Edit, Edited, Position, edit};
pub(crate) use item::{Items, item_on};
pub(crate) use part::{cut_out, put_back};
pub use pointer::{Pointer, Step};
pub(crate) use read::parts;
pub use stream::{Document, Duplicate, Place, Stream, parse};
pub use undo::{Skipped, Undo, Undone, undo};
