//! A body on its way: how much of a buffer belongs to it.

use super::chunked::Chunked;
use super::taken::Taken;

/// What is still to come of a body.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// This many bytes.
    Length(u64),
    /// Chunks.
    Chunked(Chunked),
    /// Everything until the connection's end.
    UntilClose,
}

impl Body {
    /// Whether nothing at all is to come.
    pub(super) const fn is_empty(&self) -> bool {
        matches!(self, Self::Length(0))
    }

    /// Takes what belongs to the body from the front of `buffer`; `None` if its first byte can't belong to a body that is
    /// understood.
    pub(super) fn take(&mut self, buffer: &[u8]) -> Option<Taken> {
        match self {
            Self::Length(left) => {
                let taken = (*left).min(buffer.len() as u64);
                *left -= taken;
                Some(Taken { length: usize::try_from(taken).unwrap_or(buffer.len()), ends: *left == 0 })
            }
            Self::Chunked(chunked) => chunked.take(buffer),
            Self::UntilClose => Some(Taken { length: buffer.len(), ends: false }),
        }
    }
}
