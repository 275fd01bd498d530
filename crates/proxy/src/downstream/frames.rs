//! What an HTTP/2 client sends, frame by frame, for two things that hyper does not tell: that a head has begun, and
//! that a client makes work without asking for anything.
//!
//! Frames beside requests and their bodies (PRIORITY, WINDOW_UPDATE, PING, SETTINGS, empty DATA, unknown ones) cost an
//! allowance. It grows with time, with what the client asks and sends, and with what it is given: whoever takes an
//! answer says so often.

use super::session::Session;
use crate::clock;

/// The largest allowance, and what a connection begins with.
const MOST: u64 = 2000;

/// What it grows by in a second.
const A_SECOND: u64 = 100;

/// What a request or a part of a body earns.
const A_REQUEST: u64 = 4;

const HEAD: usize = 9;
const PREFACE: usize = 24;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// See the module.
#[derive(Debug)]
pub(super) struct Frames {
    /// Bytes of the preface, or of the frame under way, that are still to come and need no look.
    skip: usize,
    head: [u8; HEAD],
    got: usize,
    /// A head of a request has begun; true for its last frame.
    in_headers: Option<bool>,
    allowance: u64,
    refilled: u64,
}

/// The client makes work without asking for anything.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a flood of frames that ask for nothing")]
pub(super) struct Flood;

impl Frames {
    pub(super) fn new() -> Frames {
        Frames {
            skip: PREFACE,
            head: [0; HEAD],
            got: 0,
            in_headers: None,
            allowance: MOST,
            refilled: clock::coarse(),
        }
    }

    /// Whether a request's head, or the head of any frame, has begun and not ended.
    pub(super) fn in_head(&self) -> bool {
        self.in_headers.is_some() || self.got > 0
    }

    /// These came.
    pub(super) fn follow(&mut self, mut bytes: &[u8], session: &Session) -> Result<(), Flood> {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            if self.skip > 0 {
                return Ok(());
            }
            if self.in_headers == Some(true) {
                self.in_headers = None;
            }
            let here = (HEAD - self.got).min(bytes.len());
            self.head[self.got..self.got + here].copy_from_slice(&bytes[..here]);
            self.got += here;
            bytes = &bytes[here..];
            if self.got < HEAD {
                return Ok(());
            }
            self.got = 0;
            self.begin(session)?;
        }
    }

    fn begin(&mut self, session: &Session) -> Result<(), Flood> {
        let [high, middle, low, kind, flags, ..] = self.head;
        self.skip = u32::from_be_bytes([0, high, middle, low]) as usize;
        match kind {
            HEADERS => {
                self.in_headers = Some(flags & END_HEADERS != 0);
                self.earn(A_REQUEST);
                Ok(())
            }
            CONTINUATION => {
                self.in_headers = Some(flags & END_HEADERS != 0);
                if self.skip > 0 { Ok(()) } else { self.pay(session) }
            }
            DATA if self.skip > 0 => {
                self.earn(A_REQUEST);
                Ok(())
            }
            DATA if flags & END_STREAM != 0 => Ok(()),
            _ => self.pay(session),
        }
    }

    fn earn(&mut self, earned: u64) {
        self.allowance = self.allowance.saturating_add(earned).min(MOST);
    }

    fn pay(&mut self, session: &Session) -> Result<(), Flood> {
        if self.allowance == 0 {
            let now = clock::coarse();
            self.earn(session.take_earned());
            self.earn(earned_in(now.saturating_sub(self.refilled)));
            self.refilled = now;
        }
        self.allowance = self.allowance.checked_sub(1).ok_or(Flood)?;
        Ok(())
    }
}

/// What so many milliseconds bring.
fn earned_in(milliseconds: u64) -> u64 {
    milliseconds * A_SECOND / 1000
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
