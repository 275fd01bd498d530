//! What a sweep finds about what is under way.

/// What the sweep decided about an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Verdict {
    /// Go on.
    None,
    /// An idle client connection is to give up what is held ready for it.
    Park,
    /// The client sent nothing of its body for too long.
    BodyTimeout,
    /// The instance did not begin its answer in time.
    AnswerTimeout,
    /// The deadline of a drain is over.
    Cut,
    /// An idle or upgraded connection is to end politely.
    GoAway,
}

pub(crate) const VERDICTS: [Verdict; 6] = [
    Verdict::None,
    Verdict::Park,
    Verdict::BodyTimeout,
    Verdict::AnswerTimeout,
    Verdict::Cut,
    Verdict::GoAway,
];
