//! The client's direction: heads and bodies of requests.

use super::body::Body;
use super::chunked::Chunked;
use super::field::{Announced, Fields, position};
use super::head::{Look, Room, look};
use super::{Front, State};
use httparse::{Request, Status};
use std::ops::Range;

/// What of a request decides how its answer is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// `HEAD`: the answer has no body, whatever it says.
    Head,
    /// `CONNECT`: after an answer of 2xx the bytes are another protocol.
    Connect,
    /// Any other method.
    Other,
}

/// What the head of a request says. Ranges count from the buffer's front.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that the head says or not")]
pub struct RequestHead {
    /// What of it decides how the answer is framed.
    pub kind: RequestKind,
    /// Where the target (`/path?query`) stands.
    pub target: Range<usize>,
    /// Where the value of the first `User-Agent` stands.
    pub user_agent: Option<Range<usize>>,
    /// It asks for another protocol by `Upgrade` (ignored in HTTP/1.0, as the standard says).
    pub upgrade: bool,
    /// The client may wait for a 100 before it sends the body, which is not empty.
    pub expects_continue: bool,
    /// The request ends with its head.
    pub ends: bool,
    /// `Connection: close`, or HTTP/1.0 without `keep-alive`: nothing that follows will be answered.
    pub close: bool,
    /// It is of HTTP/1.0.
    pub http10: bool,
}

/// Follows the client's direction of a connection.
#[derive(Debug, Clone)]
pub struct RequestReader {
    state: State,
}

impl Default for RequestReader {
    fn default() -> Self {
        Self::new()
    }
}

impl RequestReader {
    /// A reader at a connection's first byte.
    pub const fn new() -> Self {
        Self { state: State::START }
    }

    /// Says what stands at the front of `buffer`, and counts it as taken. Behind a request that says `close` all is
    /// [`Front::Opaque`].
    pub fn front(&mut self, buffer: &[u8]) -> Front<RequestHead> {
        let State::Head { looked } = &mut self.state else { return self.state.pass(buffer) };
        if let Some(front) = blank(buffer) {
            return front;
        }
        match look(looked, buffer, parse) {
            Look::More => Front::More,
            Look::Whole(length, (head, body)) => {
                self.state = State::after_head(body, head.close);
                Front::Head { length, head }
            }
            Look::Opaque => {
                self.give_up();
                Front::Opaque
            }
        }
    }

    /// Whether it stands between two messages. (The caller's buffer may hold the beginning of the next.)
    pub const fn between_messages(&self) -> bool {
        matches!(self.state, State::Head { .. })
    }

    /// From now on everything is [`Front::Opaque`]: for when something outside of these bytes leaves open what they are,
    /// such as a final answer to a request that expects a 100 and whose body has not begun.
    pub const fn give_up(&mut self) {
        self.state = State::Opaque;
    }
}

/// Empty lines before a request: the standard has servers skip them. A CR alone may be the half of one.
fn blank(buffer: &[u8]) -> Option<Front<RequestHead>> {
    let length = buffer.chunks_exact(2).take_while(|line| line == b"\r\n").count() * 2;
    match length {
        0 if buffer == b"\r" => Some(Front::More),
        0 => None,
        length => Some(Front::Blank { length }),
    }
}

type Parsed = (RequestHead, Body);

fn parse<'a>(buffer: &'a [u8], room: &mut Room<'a>) -> httparse::Result<(usize, Option<Parsed>)> {
    let mut request = Request::new(&mut []);
    let Status::Complete(length) = request.parse_with_uninit_headers(buffer, room)? else {
        return Ok(Status::Partial);
    };
    Ok(Status::Complete((length, understand(&buffer[..length], &request))))
}

/// `None` where programs may disagree on where the request ends.
fn understand(head: &[u8], request: &Request<'_, '_>) -> Option<Parsed> {
    let http10 = request.version == Some(0);
    let fields = Fields::read(head, request.headers, http10)?;
    let kind = kind(request.method?)?;
    let body = match fields.announced {
        Announced::Nothing => Body::Length(0),
        Announced::Length(length) => Body::Length(length),
        Announced::Chunked => Body::Chunked(Chunked::new()),
    };
    // Some programs read a body of CONNECT, others take it for the tunnel's bytes.
    if kind == RequestKind::Connect && !body.is_empty() {
        return None;
    }
    let expects_continue = match fields.expect {
        Some(value) if value.eq_ignore_ascii_case(b"100-continue") => !http10 && !body.is_empty(),
        // Any other expectation makes some programs wait for a 100 and others not.
        Some(_) => return None,
        None => false,
    };
    let head = RequestHead {
        kind,
        target: position(head, request.path?.as_bytes()),
        user_agent: fields.user_agent.map(|value| position(head, value)),
        upgrade: fields.upgrade.is_some() && !http10,
        expects_continue,
        ends: body.is_empty(),
        close: fields.close,
        http10,
    };
    Some((head, body))
}

/// Methods are case-sensitive, but not everyone keeps to it: `head` is refused.
fn kind(method: &str) -> Option<RequestKind> {
    match method {
        "HEAD" => Some(RequestKind::Head),
        "CONNECT" => Some(RequestKind::Connect),
        other if other.eq_ignore_ascii_case("HEAD") || other.eq_ignore_ascii_case("CONNECT") => None,
        _ => Some(RequestKind::Other),
    }
}
