//! One edit made: brought down to one range of bytes that is replaced, and read again before it counts.
//!
//! ```text
//!  Edit ──lower──▶ a Change of the value + splices, the best one first ──replace──▶ the text read again
//!                  set, insert, remove, in the style of the neighbours             does it say the changed value?
//! ```

mod apply;
mod edit;
mod insert;
mod lower;
mod remove;
mod render;
mod replace;
mod set;
mod style;

pub(crate) use apply::{Made, apply};
pub use edit::{Edit, Position};
pub(crate) use replace::{Splice, checked};
