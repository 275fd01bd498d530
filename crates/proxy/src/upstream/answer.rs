//! The head of an instance's answer.

use std::mem::MaybeUninit;

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::body::{Chunk, Framing};

/// Larger heads are no answer.
const HEAD_MAX: usize = u16::MAX as usize;

/// Fields that need no room on the heap: most heads have fewer.
const FIELDS: usize = 100;

/// What the head of an answer says, beside its headers.
#[derive(Debug)]
pub(crate) struct AnswerHead {
    pub(crate) status: StatusCode,
    pub(super) framing: Framing,
    /// Whether the connection may carry another request after this answer.
    pub(super) keep: bool,
    /// `Keep-Alive: timeout`, in milliseconds.
    pub(super) keep_alive: Option<u64>,
}

/// Where a whole head and its fields lie. Offsets instead of references: the bytes are about to change hands without
/// being copied.
struct Found {
    used: usize,
    status: StatusCode,
    minor: u8,
    count: usize,
}

impl Found {
    /// Puts where each field's name and value begin and end into `places`, which has as much room as `fields`.
    fn look<'input>(
        input: &'input [u8],
        fields: &mut [MaybeUninit<httparse::Header<'input>>],
        places: &mut [[usize; 4]],
    ) -> httparse::Result<Found> {
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let parsed = config.parse_response_with_uninit_headers(&mut response, input, fields)?;
        let httparse::Status::Complete(used) = parsed else { return Ok(httparse::Status::Partial) };
        let offset = |part: &[u8]| part.as_ptr().addr() - input.as_ptr().addr();
        for (place, field) in places.iter_mut().zip(response.headers.iter()) {
            let (name, value) = (offset(field.name.as_bytes()), offset(field.value));
            *place = [name, name + field.name.len(), value, value + field.value.len()];
        }
        let status = response.code.and_then(|code| StatusCode::from_u16(code).ok());
        Ok(httparse::Status::Complete(Found {
            used,
            status: status.ok_or(httparse::Error::Status)?,
            minor: response.version.unwrap_or(0),
            count: response.headers.len(),
        }))
    }
}

/// The bytes are not the head of an HTTP/1 answer, or an ambiguous one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what the instance sent is not an HTTP/1 answer")]
pub(super) struct BadHead;

/// What the headers of the connection say; these are not passed on.
#[derive(Debug, Default)]
struct Hop {
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    timeout: Option<u64>,
    /// Other headers that `Connection` names.
    named: Vec<HeaderName>,
}

impl AnswerHead {
    /// Takes a head out of `input` if it is there in full. `headers` is emptied first; what concerns only this
    /// connection is left out of it.
    pub(super) fn parse(
        input: &mut BytesMut,
        headers: &mut HeaderMap,
        to_head_request: bool,
    ) -> Result<Option<AnswerHead>, BadHead> {
        let (mut few, mut many) = ([[0; 4]; FIELDS], Vec::new());
        let found = match Found::look(input, &mut [const { MaybeUninit::uninit() }; FIELDS], &mut few) {
            Err(httparse::Error::TooManyHeaders) => {
                let lines = input[..].split(|byte| *byte == b'\n').count();
                many.resize(lines, [0; 4]);
                Found::look(input, &mut vec![MaybeUninit::uninit(); lines], &mut many)
            }
            found => found,
        };
        let Found { used, status, minor, count } = match found {
            Ok(httparse::Status::Complete(found)) if found.used <= HEAD_MAX => found,
            Ok(httparse::Status::Partial) if input.len() <= HEAD_MAX => return Ok(None),
            _ => return Err(BadHead),
        };
        let places = if many.is_empty() { &few[..] } else { &many };
        headers.clear();
        headers.reserve(count);
        let bytes = input.split_to(used).freeze();
        let mut hop = Hop::default();
        for &[name, name_end, value, value_end] in &places[..count] {
            let (name, value) = (&bytes[name..name_end], value..value_end);
            if hop.take(name, &bytes[value.clone()], status)? {
                continue;
            }
            let name = HeaderName::from_bytes(name).map_err(|_| BadHead)?;
            let value = if value.is_empty() {
                HeaderValue::from_static("")
            } else {
                HeaderValue::from_maybe_shared(bytes.slice(value)).map_err(|_| BadHead)?
            };
            headers.append(name, value);
        }
        for name in &hop.named {
            headers.remove(name);
        }
        let framing = hop.framing(status, minor, to_head_request)?;
        let keep = framing != Framing::UntilClose && !hop.close && (minor == 1 || hop.keep_alive);
        Ok(Some(AnswerHead { status, framing, keep, keep_alive: hop.timeout }))
    }
}

impl Hop {
    /// Reads a header that frames the message or concerns the connection; true if it is not to be passed on.
    fn take(&mut self, name: &[u8], value: &[u8], status: StatusCode) -> Result<bool, BadHead> {
        let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
        match name.len() {
            7 if is(b"upgrade") => return Ok(status != StatusCode::SWITCHING_PROTOCOLS),
            10 if is(b"connection") => self.connection(value),
            10 if is(b"keep-alive") => {
                self.timeout = std::str::from_utf8(value).ok().and_then(timeout);
            }
            14 if is(b"content-length") => {
                // Even an equal second one: both would be passed on, and not every reader takes the same one.
                if self.length.replace(content_length(value)?).is_some() {
                    return Err(BadHead);
                }
                return Ok(false);
            }
            16 if is(b"proxy-connection") => {}
            17 if is(b"transfer-encoding") => {
                if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(BadHead);
                }
                self.chunked = true;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn connection(&mut self, value: &[u8]) {
        for word in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if word.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if word.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else if !word.eq_ignore_ascii_case(b"upgrade") && !word.eq_ignore_ascii_case(b"content-length")
            {
                self.named.extend(HeaderName::from_bytes(word));
            }
        }
    }

    /// RFC 9112 section 6.3. What leaves doubt is refused: another reader might see another end.
    fn framing(&self, status: StatusCode, minor: u8, to_head_request: bool) -> Result<Framing, BadHead> {
        if self.chunked && (minor == 0 || self.length.is_some()) {
            return Err(BadHead);
        }
        let bodyless = to_head_request
            || status.is_informational()
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED;
        Ok(match self.length {
            _ if bodyless => Framing::Done,
            Some(0) => Framing::Done,
            Some(length) => Framing::Length(length),
            None if self.chunked => Framing::Chunked(Chunk::Size),
            None => Framing::UntilClose,
        })
    }
}

fn content_length(digits: &[u8]) -> Result<u64, BadHead> {
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(BadHead);
    }
    Ok(digits.iter().fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

fn timeout(keep_alive: &str) -> Option<u64> {
    let seconds = keep_alive
        .split(',')
        .filter_map(|part| part.split_once('='))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case("timeout"))?
        .1;
    seconds.trim().parse::<u64>().ok().map(|seconds| seconds.saturating_mul(1000))
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
