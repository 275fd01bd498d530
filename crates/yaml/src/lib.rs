//! YAML and JSON texts: read with the place of every value, changed so that every other byte stays, and undone exactly.
//!
//! [`parse`] yields a [`Stream`] of documents. [`edit`] turns it into a new text by replacing ranges of bytes, and reads
//! the result again: what differs must be what was meant, else nothing is changed and the [`Refusal`] says why. Each edit
//! yields an [`Undo`], which serialises; [`undo`] takes edits back, also after others have edited the text. What is wrong in
//! a text is a [`Diagnostic`]. Why the bytes are spliced by our own code stands in `docs/decisions/0006-yaml-is-edited-by-splices.md`.
//!
//! ```text
//!  read ──▶ stream ──▶ cut ──▶ splice ──▶ undo ──▶ edit
//!  bytes    documents  one of  one edit   what     many edits,
//!  with     and their  them    made       takes    all or none
//!  places   values     alone              it back
//! ```
//! Below them: `pointer`, `value`, `lines`, `diagnostic`.

mod cut;
mod diagnostic;
mod edit;
mod lines;
mod pointer;
mod read;
mod splice;
mod stream;
#[cfg(test)]
mod tests;
mod undo;
mod value;

pub use cut::Items;
pub use diagnostic::{Diagnostic, Diagnostics, Refusal, Severity, SourceFile, TextError, render_all};
pub use edit::{Edited, edit};
pub use pointer::{Pointer, Step};
pub use read::parts;
pub use splice::{Edit, Position};
pub use stream::{Document, Duplicate, Place, Stream, parse};
pub use undo::{Skipped, Undo, Undone, undo};
