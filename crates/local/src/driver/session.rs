//! Whose `up` this is, and since when.

use jiff::Timestamp;
use segue_core::Time;

use crate::history::Who;

/// One `up`, from its start to its end.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) who: Who,
    pub(super) since: Timestamp,
    pub(super) began: Time,
}
