//! The server's direction: heads and bodies of answers.

use super::body::Body;
use super::chunked::Chunked;
use super::field::{Announced, Fields};
use super::head::{Look, Room, look};
use super::{Front, RequestKind, State};
use httparse::{ParserConfig, Response, Status};

/// The protocol that follows an answer which ends HTTP/1 on the connection, both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// 101 with `Upgrade: websocket`.
    WebSocket,
    /// 101 with `Upgrade: h2c`: HTTP/2, whose stream 1 is the request that asked for it.
    H2c,
    /// A tunnel, or another protocol.
    Other,
}

/// What the head of an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that the head says or not")]
pub struct AnswerHead {
    /// The status, 100 to 999.
    pub status: u16,
    /// 1xx but not 101: it has no body, and the answer proper is still to come.
    pub interim: bool,
    /// What follows is another protocol. The reader says [`Front::Opaque`] from here on.
    pub switches: Option<Switch>,
    /// The answer ends with its head. Not so for an interim one.
    pub ends: bool,
    /// The body goes on until the connection ends.
    pub until_close: bool,
    /// The server closes after this answer: it says so, or is of HTTP/1.0 without `keep-alive`, or `until_close`.
    pub close: bool,
}

/// Follows the server's direction of a connection.
#[derive(Debug, Clone)]
pub struct AnswerReader {
    state: State,
}

impl Default for AnswerReader {
    fn default() -> Self {
        Self::new()
    }
}

impl AnswerReader {
    /// A reader at a connection's first byte.
    pub const fn new() -> Self {
        Self { state: State::START }
    }

    /// Says what stands at the front of `buffer`, and counts it as taken. `request` is the oldest request without a final
    /// answer; `None` is for an answer that nobody asked for, such as a 408 before a close.
    /// Behind an answer that says `close` all is [`Front::Opaque`].
    pub fn front(&mut self, buffer: &[u8], request: Option<RequestKind>) -> Front<AnswerHead> {
        let State::Head { looked } = &mut self.state else { return self.state.pass(buffer) };
        match look(looked, buffer, |buffer, room| parse(buffer, room, request)) {
            Look::More => Front::More,
            Look::Whole(length, (head, body)) => {
                self.state = match head.switches {
                    Some(_) => State::Opaque,
                    None => State::after_head(body, head.close),
                };
                Front::Head { length, head }
            }
            Look::Opaque => {
                self.give_up();
                Front::Opaque
            }
        }
    }

    /// Whether it stands between two messages, also behind an interim one. (The caller's buffer may hold the beginning
    /// of the next.)
    pub const fn between_messages(&self) -> bool {
        matches!(self.state, State::Head { .. })
    }

    /// From now on everything is [`Front::Opaque`].
    pub const fn give_up(&mut self) {
        self.state = State::Opaque;
    }
}

type Parsed = (AnswerHead, Body);

fn parse<'a>(
    buffer: &'a [u8],
    room: &mut Room<'a>,
    request: Option<RequestKind>,
) -> httparse::Result<(usize, Option<Parsed>)> {
    // Empty lines before an answer are skipped by some clients and refused by others.
    if buffer.first() == Some(&b'\r') {
        return Err(httparse::Error::NewLine);
    }
    let mut answer = Response::new(&mut []);
    let Status::Complete(length) =
        ParserConfig::default().parse_response_with_uninit_headers(&mut answer, buffer, room)?
    else {
        return Ok(Status::Partial);
    };
    Ok(Status::Complete((length, understand(&buffer[..length], &answer, request))))
}

/// `None` where programs may disagree on where the answer ends.
fn understand(head: &[u8], answer: &Response<'_, '_>, request: Option<RequestKind>) -> Option<Parsed> {
    let status = answer.code?;
    let fields = Fields::read(head, answer.headers, answer.version == Some(0))?;
    let tunnel = request == Some(RequestKind::Connect) && (200..300).contains(&status);
    let switches = match (status, fields.upgrade) {
        (101, Some(protocol)) if protocol.eq_ignore_ascii_case(b"websocket") => Some(Switch::WebSocket),
        (101, Some(protocol)) if protocol.eq_ignore_ascii_case(b"h2c") => Some(Switch::H2c),
        (101, _) => Some(Switch::Other),
        _ if tunnel => Some(Switch::Other),
        _ => None,
    };
    let bodiless = match status {
        // What these announce, some clients read and others do not.
        100..200 | 204 if !matches!(fields.announced, Announced::Nothing | Announced::Length(0)) => {
            return None;
        }
        100..200 | 204 | 304 => true,
        200.. => tunnel || request == Some(RequestKind::Head),
        _ => return None,
    };
    let body = match fields.announced {
        _ if bodiless => Body::Length(0),
        Announced::Nothing => Body::UntilClose,
        Announced::Length(length) => Body::Length(length),
        Announced::Chunked => Body::Chunked(Chunked::new()),
    };
    let interim = status < 200 && switches.is_none();
    let until_close = matches!(body, Body::UntilClose);
    let head = AnswerHead {
        status,
        interim,
        switches,
        ends: body.is_empty() && !interim,
        until_close,
        close: (fields.close || until_close) && !interim,
    };
    Some((head, body))
}
