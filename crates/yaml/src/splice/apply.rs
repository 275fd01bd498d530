//! One edit made: the first splice counts whose result, read again, says what was meant and can be taken back.

use super::edit::Edit;
use super::lower::{Lowered, lower};
use super::replace::{Splice, checked};
use crate::diagnostic::Refusal;
use crate::stream::Stream;

/// An edit that a splice has made.
pub(crate) struct Made<'m> {
    pub(crate) lowered: &'m Lowered,
    pub(crate) splice: &'m Splice,
    pub(crate) document: usize,
    pub(crate) before: &'m Stream,
    pub(crate) after: &'m Stream,
}

/// Makes one edit. `back` says how it is taken back; a place where it cannot be is none to make the edit.
pub(crate) fn apply<T>(
    stream: &Stream,
    document: usize,
    edit: &Edit,
    back: impl Fn(&Made<'_>) -> Option<T>,
) -> Result<(Stream, T), Refusal> {
    let lowered = lower(stream, document, edit)?;
    let before = stream.documents()[document].json();
    let refuse = |message: String| stream.refusal(document, lowered.place.clone(), message);
    let expected = lowered.change.applied_to(before);
    let expected = expected.ok_or_else(|| refuse(format!("{} cannot be edited", lowered.at)))?;
    let mut reason = String::from("its style is not one that can be edited");
    for splice in &lowered.splices {
        match checked(stream, document, splice, &expected) {
            Ok(after) => {
                let made = Made { lowered: &lowered, splice, document, before: stream, after: &after };
                if let Some(back) = back(&made) {
                    return Ok((after, back));
                }
            }
            Err(found) => reason = found,
        }
    }
    Err(refuse(format!("{} cannot be edited without changing anything else: {reason}", lowered.at)))
}
