//! Taking edits back, also after others have edited the text.
//!
//! ```text
//!  an edit just made ──made──▶ kept (an Undo; serialises) ──back──▶ bytes, where ours are untouched
//!                                                                  └──▶ values, found again by locate and known by digest
//! ```

mod back;
mod bytes;
mod digest;
mod kept;
mod locate;
mod made;
mod values;

pub use back::{Skipped, Undone, undo};
pub(crate) use back::{all, rehearse};
pub use kept::Undo;
