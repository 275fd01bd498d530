//! The payload of a close frame: why the sender goes.

use super::{Error, Opcode, encode};

/// The close codes that Segue speaks of.
pub mod code {
    /// What was to be done is done.
    pub const NORMAL: u16 = 1000;
    /// The endpoint goes away: a server that stops, or a page that is left.
    pub const GOING_AWAY: u16 = 1001;
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// The server restarts; the client may come back.
    pub const SERVICE_RESTART: u16 = 1012;
}

/// What a close frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// One of [`code`], or another that may be sent.
    pub code: u16,
    /// For people; may be empty.
    pub reason: String,
}

impl Close {
    /// The longest reason: a control frame's 125 bytes less the code.
    pub const MAX_REASON: usize = 123;

    /// Reads a close frame's (unmasked) payload; `None` for the empty one, which is allowed.
    pub fn parse(payload: &[u8]) -> Result<Option<Self>, Error> {
        let Some((code, reason)) = payload.split_first_chunk::<2>() else {
            return if payload.is_empty() { Ok(None) } else { Err(Error::CloseLength) };
        };
        let code = u16::from_be_bytes(*code);
        if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
            return Err(Error::CloseCode(code));
        }
        let reason = std::str::from_utf8(reason).map_err(|_| Error::NotUtf8)?.to_owned();
        Ok(Some(Self { code, reason }))
    }

    /// Writes a whole close frame to the end of `out`, masked if there is a key. A reason that is too long is cut.
    pub fn encode(&self, key: Option<[u8; 4]>, out: &mut Vec<u8>) {
        let mut payload = Vec::with_capacity(125);
        payload.extend_from_slice(&self.code.to_be_bytes());
        payload.extend_from_slice(
            self.reason
                .as_bytes()
                .get(..self.reason.floor_char_boundary(Self::MAX_REASON))
                .unwrap_or_default(),
        );
        encode(Opcode::Close, &payload, key, out);
    }
}
