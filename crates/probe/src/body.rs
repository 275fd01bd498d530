//! What is uploaded, and the check of what comes back.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::clock;
use crate::load::Expect;

/// Into how many pieces a slow upload is cut.
const PIECES: u32 = 20;

/// A request's body of a known size: at once, or in pieces over a time.
pub(crate) struct Upload {
    head: Bytes,
    rest: Bytes,
    pace: Option<Pace>,
}

struct Pace {
    piece: usize,
    interval: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Upload {
    pub(crate) fn empty() -> Self {
        Self { head: Bytes::new(), rest: Bytes::new(), pace: None }
    }

    /// `payload` at once, or spread over `think`.
    pub(crate) fn new(payload: &Payload, think: Duration) -> Self {
        let size = payload.size();
        let pace = (!think.is_zero() && size > 0).then(|| {
            let interval = think / PIECES;
            let piece = size.div_ceil(PIECES as usize);
            Pace { piece, interval, sleep: Box::pin(clock::sleep(interval)) }
        });
        Self { head: payload.head.clone(), rest: payload.rest.clone(), pace }
    }

    fn take(&mut self, most: usize) -> Option<Bytes> {
        let from = if self.head.is_empty() { &mut self.rest } else { &mut self.head };
        (!from.is_empty()).then(|| from.split_to(most.min(from.len())))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let mut most = usize::MAX;
        if let Some(pace) = &mut this.pace
            && !(this.head.is_empty() && this.rest.is_empty())
        {
            std::task::ready!(pace.sleep.as_mut().poll(context));
            let next = pace.sleep.deadline() + pace.interval;
            pace.sleep.as_mut().reset(next);
            most = pace.piece;
        }
        Poll::Ready(this.take(most).map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.head.is_empty() && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact((self.head.len() + self.rest.len()) as u64)
    }
}

/// The bytes of one request's body: its number (so that answers can't be mixed up unseen), then a fixed pattern.
#[derive(Debug, Clone, Default)]
pub(crate) struct Payload {
    head: Bytes,
    rest: Bytes,
}

impl Payload {
    /// The part that all requests of a shape share.
    pub(crate) fn pattern(size: usize) -> Bytes {
        b"segue 0123456789 abcdefghijklmnopqrstuvwxyz\n".iter().copied().cycle().take(size).collect()
    }

    pub(crate) fn new(pattern: &Bytes, number: u64) -> Self {
        if pattern.is_empty() {
            return Self::default();
        }
        let digits = format!("{number:016x}");
        let head = digits.as_bytes();
        let from = head.len().min(pattern.len());
        // Of a body shorter than the number, the last digits.
        Self { head: Bytes::copy_from_slice(&head[head.len() - from..]), rest: pattern.slice(from..) }
    }

    pub(crate) fn size(&self) -> usize {
        self.head.len() + self.rest.len()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [&self.head[..], &self.rest[..]].concat()
    }
}

/// Follows an answer's body and says in the end whether it was the right one.
pub(crate) enum Check<'a> {
    Any,
    Echo { head: &'a [u8], rest: &'a [u8], right: bool },
    Contains { text: &'a [u8], tail: Vec<u8>, found: bool },
}

impl<'a> Check<'a> {
    pub(crate) fn new(expect: &'a Expect, payload: &'a Payload) -> Self {
        match expect {
            Expect::Length => Self::Any,
            Expect::Echo => Self::Echo { head: &payload.head, rest: &payload.rest, right: true },
            Expect::Contains(text) => {
                Self::Contains { text: text.as_bytes(), tail: Vec::new(), found: text.is_empty() }
            }
        }
    }

    pub(crate) fn see(&mut self, mut bytes: &[u8]) {
        match self {
            Self::Any => {}
            Self::Echo { head, rest, right } => {
                for wanted in [head, rest] {
                    let length = wanted.len().min(bytes.len());
                    *right &= wanted[..length] == bytes[..length];
                    *wanted = &wanted[length..];
                    bytes = &bytes[length..];
                }
                *right &= bytes.is_empty();
            }
            Self::Contains { text, tail, found } => {
                if !*found {
                    tail.extend_from_slice(bytes);
                    *found = tail.windows(text.len()).any(|window| window == *text);
                    tail.drain(..tail.len().saturating_sub(text.len()));
                }
            }
        }
    }

    pub(crate) fn passed(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Echo { head, rest, right } => *right && head.is_empty() && rest.is_empty(),
            Self::Contains { found, .. } => *found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_echo_passes_in_any_slices_and_not_with_one_byte_changed(
            size in 1_usize..200, number: u64, cuts in prop::collection::vec(0_usize..50, 0..10),
            wrong in any::<prop::sample::Index>(),
        ) {
            let payload = Payload::new(&Payload::pattern(size), number);
            let mut bytes = payload.bytes();
            prop_assert_eq!(bytes.len(), size);
            let passes = |bytes: &[u8]| {
                let mut check = Check::new(&Expect::Echo, &payload);
                let mut bytes = bytes;
                for cut in &cuts {
                    let (now, later) = bytes.split_at((*cut).min(bytes.len()));
                    check.see(now);
                    bytes = later;
                }
                check.see(bytes);
                check.passed()
            };
            prop_assert!(passes(&bytes));
            prop_assert!(!passes(&bytes[..size - 1]));
            let wrong = wrong.index(size);
            bytes[wrong] ^= 1;
            prop_assert!(!passes(&bytes));
            bytes[wrong] ^= 1;
            bytes.push(0);
            prop_assert!(!passes(&bytes));
        }

        #[test]
        fn a_text_is_found_across_any_slices(before in "[a-c]{0,20}", cut in 0_usize..30) {
            let expect = Expect::Contains("needle".into());
            let payload = Payload::default();
            let body = format!("{before}needle{before}");
            let cut = cut.min(body.len());
            let mut check = Check::new(&expect, &payload);
            check.see(&body.as_bytes()[..cut]);
            check.see(&body.as_bytes()[cut..]);
            prop_assert!(check.passed());
            let mut check = Check::new(&expect, &payload);
            check.see(before.as_bytes());
            prop_assert!(!check.passed());
        }
    }
}
