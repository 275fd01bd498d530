//! The answer to one dump, put together from its datagrams.

use rustix::io::Errno;

use super::failure::Failure;
use super::inet;
use super::message::{self, DONE, ERROR, INTERRUPTED, OVERRUN, SOCKET};
use crate::snapshot::Sockets;

/// What came so far.
#[derive(Debug)]
pub(super) struct Answer {
    sequence: u32,
    pub(super) interrupted: bool,
    pub(super) sockets: Sockets,
}

/// Whether more is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Over,
}

impl Answer {
    /// The answer to the request of that number.
    pub(super) fn to(sequence: u32) -> Self {
        Self { sequence, interrupted: false, sockets: Sockets::default() }
    }

    /// Takes a datagram in.
    pub(super) fn take(&mut self, mut datagram: &[u8]) -> Result<Progress, Failure> {
        while !datagram.is_empty() {
            let message =
                message::next(&mut datagram).ok_or(Failure::Malformed("a message longer than what came"))?;
            if message.sequence != self.sequence {
                continue;
            }
            self.interrupted |= message.flags & INTERRUPTED != 0;
            match message.kind {
                SOCKET => self.sockets.add(inet::parse(message.payload)?),
                DONE | ERROR => return refusal(message.payload).map(|()| Progress::Over),
                OVERRUN => return Err(Failure::Malformed("sockets were lost on the way")),
                _ => {}
            }
        }
        Ok(Progress::More)
    }
}

/// An end carries a number: 0, or an error as its negative.
fn refusal(payload: &[u8]) -> Result<(), Failure> {
    let code = message::number(payload, 0).unwrap_or(0).cast_signed();
    if code < 0 { Err(Errno::from_raw_os_error(-code).into()) } else { Ok(()) }
}
