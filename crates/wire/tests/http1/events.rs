//! What a reader says of a stream, put down so that it does not depend on how the stream was cut.

use segue_wire::http1::{AnswerHead, AnswerReader, Front, RequestHead, RequestKind, RequestReader};

/// Something that a reader said, with as many bytes as it said it of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event<H> {
    Blank(usize),
    Head(usize, H),
    /// A body's bytes, put together; whether the message ended.
    Body(usize, bool),
    /// The bytes that were left when a reader gave up.
    Opaque(usize),
    /// The bytes that were left when a reader wanted more.
    Left(usize),
}

/// Follows the requests in `bytes`, which come in slices that end at `cuts`.
pub(crate) fn requests(bytes: &[u8], cuts: &[usize]) -> Vec<Event<RequestHead>> {
    let mut reader = RequestReader::new();
    follow(bytes, cuts, |buffer| reader.front(buffer))
}

/// Follows the answers in `bytes`, to requests of these kinds.
pub(crate) fn answers(bytes: &[u8], cuts: &[usize], kinds: &[RequestKind]) -> Vec<Event<AnswerHead>> {
    let mut reader = AnswerReader::new();
    let mut kinds = kinds.iter().copied().peekable();
    follow(bytes, cuts, |buffer| {
        let front = reader.front(buffer, kinds.peek().copied());
        if let Front::Body { ends: true, .. } | Front::Head { head: AnswerHead { ends: true, .. }, .. } =
            front
        {
            kinds.next();
        }
        front
    })
}

fn follow<H>(bytes: &[u8], cuts: &[usize], mut front: impl FnMut(&[u8]) -> Front<H>) -> Vec<Event<H>> {
    let mut events: Vec<Event<H>> = Vec::new();
    let mut start = 0;
    for end in cuts.iter().copied().chain([bytes.len()]) {
        loop {
            let (taken, event) = match front(&bytes[start..end]) {
                Front::More => break,
                Front::Opaque => {
                    events.push(Event::Opaque(bytes.len() - start));
                    return events;
                }
                Front::Blank { length } => (length, Event::Blank(length)),
                Front::Head { length, head } => (length, Event::Head(length, head)),
                Front::Body { length, ends } => (length, Event::Body(length, ends)),
            };
            assert!(taken > 0, "a reader must come nearer to the end");
            start += taken;
            match (events.last_mut(), event) {
                (Some(Event::Blank(length)), Event::Blank(more)) => *length += more,
                (Some(Event::Body(length, over @ false)), Event::Body(more, ends)) => {
                    *length += more;
                    *over = ends;
                }
                (_, event) => events.push(event),
            }
        }
    }
    events.push(Event::Left(bytes.len() - start));
    events
}

/// The lengths of whole messages, and what was behind them: a message that is not over counts as left.
pub(crate) fn shape<H>(events: &[Event<H>], ends: impl Fn(&H) -> bool) -> (Vec<usize>, Option<Event<()>>) {
    let mut messages = Vec::new();
    let mut message = 0;
    let mut rest = None;
    for event in events {
        match event {
            Event::Head(length, head) => {
                message += length;
                if ends(head) {
                    messages.push(std::mem::take(&mut message));
                }
            }
            Event::Body(length, over) => {
                message += length;
                if *over {
                    messages.push(std::mem::take(&mut message));
                }
            }
            Event::Opaque(left) => rest = Some(Event::Opaque(*left)),
            Event::Left(left) if message + left > 0 => rest = Some(Event::Left(message + left)),
            Event::Blank(_) | Event::Left(_) => {}
        }
    }
    (messages, rest)
}
